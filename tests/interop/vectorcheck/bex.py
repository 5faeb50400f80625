# SPDX-License-Identifier: Apache-2.0
"""Whole exchanges: HipBexTest. Every value is made again from the packets, the parties' private keys and what the RFCs say."""
from __future__ import annotations

from .bad import judge_bad, without_fault
from .case import Case, Malformed, Mismatch, Node, agree, kind
from .esp import HEAD, Refused, inner_checksum_ok, open_esp
from .exchange import Exchange, Keymat, Pair
from .hip import low_bits, ones_sum, pseudo_header, puzzle_input, suite_of
from .rules import Rules
from .suites import ALG_NAMES, EDDSA, TRANSFORMS
from .wire import Broken, Packet, Param, check_form, decrypted, host_id, is_hit, params_of, parsed, transport_address, words

STATES = {"UNASSOCIATED", "I1-SENT", "I2-SENT", "R2-SENT", "ESTABLISHED", "CLOSING", "CLOSED", "E-FAILED"}
# The state of who took a packet (RFC 7401 s4.4.4); an R1's puzzle is solved before the I2 is sent
TAKEN = {"R1": {"I1-SENT", "I2-SENT"}, "I2": {"R2-SENT"}, "R2": {"ESTABLISHED"}, "CLOSE": {"CLOSED"}, "CLOSE_ACK": {"UNASSOCIATED"},
         "UPDATE": {"ESTABLISHED", "CLOSING", "CLOSED"}, "ESP": {"ESTABLISHED", "CLOSING", "CLOSED"}}
# ... and of who sent it, unless it went on since
SENT = {"I1": {"I1-SENT"}, "I2": {"I2-SENT"}, "R2": {"R2-SENT", "ESTABLISHED"}, "CLOSE": {"CLOSING"}, "CLOSE_ACK": {"CLOSED"}}
BY_ITSELF = {"UNASSOCIATED": {"I1-SENT"}, "ESTABLISHED": {"CLOSING"}}  # without a packet: its owner wants it
STATE_OF = {"I": ("state_i", {"I", "R"}), "R": ("state_r", {"I", "R"}), "RVS": ("state_rvs", {"RVS", "R"})}
UDP_PORT = 10500
COUNTED = 256  # of the values before #J so many are tried


# ---- one packet --------------------------------------------------------------------------------------------------------

def check_way(x: Exchange, n: Node, p: Packet) -> tuple[str, str]:
    """From whom to whom by the HITs, and whether addresses and ports say the same."""
    came, to = n.text("from"), n.text("to")
    sender, receiver = x.who(p.sender), x.who(p.receiver)
    relayed = came == "RVS" and p.kind in ("I1", "UPDATE") and p.get("FROM") is not None
    relayed |= came == "RVS" and n.has("udp") and (p.get("RELAY_FROM") or p.get("RELAY_TO")) is not None  # RFC 9028 s4.5
    if not relayed:
        agree(n.at("from") + ": whose HIT the sender's is", came, sender)
    if p.receiver == bytes(16) and p.kind in ("I1", "NOTIFY"):
        receiver = to
    agree(n.at("wire") + ": HITs in 2001:20::/28", True, is_hit(p.sender) and (is_hit(p.receiver) or receiver == to))
    if not (to == "RVS" and (p.kind in ("I1", "UPDATE") or n.has("udp"))):
        agree(n.at("to") + ": whose HIT the receiver's is", to, receiver)
    return sender, receiver


def check_addresses(x: Exchange, n: Node) -> None:
    for field, who in (("src", n.text("from")), ("dst", n.text("to"))):
        known = x.addresses.get(who)
        if not known:
            n.waive(field)
        elif n.text(field) not in known:
            raise Mismatch(n.at(field), " or ".join(sorted(known)), n.text(field))
    udp = n.maybe("udp")
    if udp:
        agree(n.at("udp") + ": the port of HIP on one side at least (RFC 9028 s5.1)", True, UDP_PORT in (udp.int("sport"), udp.int("dport")))
        for field, who in (("sport", n.text("from")), ("dport", n.text("to"))):
            agree(udp.at(field) + f": {who}'s port", x.ports.setdefault(who, udp.int(field)), udp.int(field))


def check_checksum(n: Node, p: Packet) -> None:
    if n.has("udp"):
        agree(n.at("wire") + ": checksum in UDP (RFC 9028 s5.1)", b"\0\0", p.wire[4:6])
        agree(n.at("checksum_input") + " is given", False, n.has("checksum_input"))
        return
    covered = pseudo_header(n.text("src"), n.text("dst"), len(p.wire)) + p.wire[:4] + b"\0\0" + p.wire[6:]
    n.same("checksum_input", covered)
    agree(n.at("wire") + ": checksum", (0xffff ^ ones_sum(covered)).to_bytes(2, "big"), p.wire[4:6])


def check_params(n: Node, p: Packet) -> None:
    if not n.has("params"):
        return
    given = n.nodes("params")
    agree(n.at("params") + ": how many", len(given), len(p.params))
    for g, q in zip(given, p.params):
        g.same("type", q.kind)
        g.same("name", q.name)
        g.same("value", q.value)


def check_mac(x: Exchange, n: Node, field: str, q: Param, p: Packet, pair: Pair, sender: str, tail: bytes = b"") -> None:
    name, m = f"hip_{x.side(sender, pair.hip)}_mac", n.maybe(field)
    key = pair.hip.key_or_told(name, m, "key")
    if key is None:
        x.not_checked(q.name)
    elif m is None:
        raise Mismatch(n.at(field), f"{q.name} of the packet", "nothing")
    if m is None:
        return
    covered = p.before(q.at, tail)
    for what, made in (("param", q.name), ("keymat", pair.hip.name), ("key_name", name), ("input", covered), ("value", q.value)):
        m.same(what, made)
    if key is not None:
        m.same("key", key)
        agree(m.at("value") + ": HMAC of the input", pair.rhash.mac(key, covered), q.value)


def check_macs(x: Exchange, n: Node, p: Packet, sender: str, receiver: str) -> None:
    pair, registration = x.pair(sender, receiver), x.pair("RVS", receiver)
    q = p.get("HIP_MAC") or p.get("HIP_MAC_2")
    if q is None:
        agree(n.at("mac") + " is given", False, n.has("mac"))
    elif not pair or not pair.hip:
        raise Mismatch(n.at("mac"), "keys of a base exchange", "none yet")
    else:
        tail = pair.r1.get("HOST_ID").tlv if q.name == "HIP_MAC_2" else b""  # RFC 7401 s6.4.1: as it was in R1
        check_mac(x, n, "mac", q, p, pair, sender, tail)
    for name, field in (("RVS_HMAC", "rvs_mac"), ("RELAY_HMAC", "relay_mac")):  # RFC 8004 s4.2.1, RFC 9028 s5.9
        q = p.get(name)
        if q is None:
            agree(n.at(field) + " is given", False, n.has(field))
        elif registration and registration.hip:
            check_mac(x, n, field, q, p, registration, "RVS")
        elif "RVS" in x.parties:
            raise Mismatch(n.at(field), "a registration at the server", "none")
        else:
            x.not_checked(name)


def check_signature(x: Exchange, n: Node, p: Packet, sender: str) -> None:
    q = p.get("HIP_SIGNATURE") or p.get("HIP_SIGNATURE_2")
    agree(n.at("sig") + " is given", q is not None, n.has("sig"))
    if not q:
        return
    s, party = n.node("sig"), x.parties[sender]
    s.same("param", q.name)
    s.same("key", sender)
    alg, value = int.from_bytes(q.value[:2], "big"), q.value[2:]
    s.same("alg", alg)
    agree(s.at("alg") + ": of the host identity", party.identity.alg, alg)
    s.same("hash", party.identity.hash_name())
    covered = p.signed(q)
    s.same("input", covered)
    s.same("value", value)
    agree(s.at("value") + " verifies", True, party.identity.verify(value, covered))
    check_sig_draw(x, s, party, value)


def check_sig_draw(x: Exchange, s: Node, party, value: bytes) -> None:
    """The salt or nonce in the signature is one that was drawn."""
    if not party.draws or party.identity.alg == EDDSA:
        return
    if ALG_NAMES[party.identity.alg] == "RSA":
        party.drawn("rsa_pss_salt", party.identity.pss_salt(value), s.at("value") + ": its salt")
    elif not any(party.identity.nonce_fits(value, draw) for draw in party.draws.get("sig_nonce", [])):
        raise Mismatch(s.at("value") + ": its nonce", f"a draw sig_nonce of {party.who}", value)


def check_encrypted(x: Exchange, n: Node, p: Packet, sender: str, receiver: str) -> list[Param]:
    """The parameters inside."""
    value, pair = p.value("ENCRYPTED"), x.pair(sender, receiver)
    if value is None:
        agree(n.at("encrypted") + " is given", False, n.has("encrypted"))
        return []
    e, name = n.maybe("encrypted"), f"hip_{x.side(sender, pair.hip)}_enc"
    key = pair.hip.key_or_told(name, e, "key")
    if key is None:
        x.not_checked("ENCRYPTED")
        return []
    if e is None:
        raise Mismatch(n.at("encrypted"), "what is inside", "nothing")
    e.same("keymat", pair.hip.name)
    e.same("key_name", name)
    e.same("key", key)
    try:
        iv, padded, plain = decrypted(pair.cipher, key, value)
        inner = params_of(plain)
    except Broken as b:
        raise Mismatch(e.at("plain"), "parameters", str(b)) from b
    e.same("iv", iv)
    e.same("padded", padded)
    e.same("plain", plain)
    e.same("ciphertext", value[4 + len(iv):])
    if iv:
        x.parties[sender].drawn("enc_iv", iv, e.at("iv"))
    return inner


def check_host_id(x: Exchange, n: Node, value: bytes, sender: str, packet: str) -> None:
    """HOST_ID is what the party has; its domain identifier may be missing in R1."""
    party, h = x.parties[sender], host_id(value)
    agree(n.at("wire") + ": HOST_ID's host identity", (party.identity.alg, party.identity.field), (h.alg, h.identity))
    if packet == "I2" or h.di:
        agree(n.at("wire") + ": HOST_ID as initiator, responder or rvs has it", party.host_id, value)


def check_counted(x: Exchange, pair: Pair, p: Packet) -> None:
    """#J is the first solution when one counts up from what was drawn."""
    size = 1 << (8 * pair.rhash.length)
    j, k = int.from_bytes(pair.j, "big"), pair.solution[0]
    away = [(j - int.from_bytes(d, "big")) % size for d in x.parties[pair.a].draws.get("solution_j", []) if len(d) == pair.rhash.length]
    if not away or min(away) > 1 << 24:
        raise Mismatch("SOLUTION's #J", f"a draw solution_j of {pair.a}, counted up", pair.j)
    for tried in range(j - min(min(away), COUNTED), j):
        octets = (tried % size).to_bytes(pair.rhash.length, "big")
        if not any(low_bits(pair.rhash.hash(puzzle_input(pair.i, p.sender, p.receiver, octets)), k)):
            raise Mismatch("SOLUTION's #J: the first solution counted up from the draw", octets, pair.j)


def check_puzzle_draws(x: Exchange, p: Packet, sender: str) -> None:
    if p.kind == "I2" and x.parties[sender].draws:
        check_counted(x, x.pair(sender, x.who(p.receiver)), p)
    info = p.value("ESP_INFO")
    if info and any(info[8:12]) and info[4:8] != info[8:12]:
        x.parties[sender].drawn("spi", info[8:12], "ESP_INFO's NEW SPI")


def check_hip(x: Exchange, rules: Rules, n: Node) -> None:
    p = parsed(n.hex("wire"))
    check_form(p)
    n.same("type", p.kind)
    sender, receiver = check_way(x, n, p)
    check_addresses(x, n)
    check_params(n, p)
    check_checksum(n, p)
    x.learn(p, sender, receiver)
    inner = check_encrypted(x, n, p, sender, receiver)
    check_macs(x, n, p, sender, receiver)
    check_signature(x, n, p, sender)
    own_id = p.value("HOST_ID") or next((q.value for q in inner if q.name == "HOST_ID"), None)
    if p.kind == "R1" or (p.kind == "I2" and (inner or not p.get("ENCRYPTED"))):
        agree(n.at("wire") + ": a HOST_ID", True, own_id is not None)
    if own_id is not None:
        check_host_id(x, n, own_id, sender, p.kind)
    check_configured(x, p, sender)
    check_puzzle_draws(x, p, sender)
    if p.kind == "I2":
        check_solution(x, n, p, sender, receiver)
    rules.check(n, p, sender, receiver)
    check_outcome(x, n, p, sender, receiver)


def check_solution(x: Exchange, n: Node, p: Packet, sender: str, receiver: str) -> None:
    pair = x.pair(sender, receiver)
    digest = pair.rhash.hash(puzzle_input(pair.i, p.sender, p.receiver, pair.j))
    agree(n.at("wire") + ": the puzzle's lowest bits (RFC 7401 s6.3)", bytes((pair.solution[0] + 7) // 8), low_bits(digest, pair.solution[0]))


def check_configured(x: Exchange, p: Packet, sender: str) -> None:
    """Lists are what the party was configured with."""
    config = x.parties[sender].config
    if not config:
        return
    if p.kind == "I1" and "FROM" not in {q.name for q in p.params}:
        config.same("dh_groups", list(p.value("DH_GROUP_LIST")))
    if p.kind == "R1":
        config.same("dh_groups", list(p.value("DH_GROUP_LIST")))
        config.same("ciphers", words(p.value("HIP_CIPHER")))
        config.same("esp_suites", words(p.value("ESP_TRANSFORM"), 2))
        config.same("puzzle_k", p.value("PUZZLE")[0])
        if p.get("NAT_TRAVERSAL_MODE"):
            config.same("nat_modes", words(p.value("NAT_TRAVERSAL_MODE"), 2))
        if p.get("R1_COUNTER") and sender not in x.counted:  # of its first R1
            x.counted.add(sender)
            config.same("r1_counter", int.from_bytes(p.value("R1_COUNTER")[4:], "big") - 1)
        offer = config.maybe("offer")
        if offer:
            agree(offer.path + ": REG_INFO", bytes([offer.int("min"), offer.int("max"), *offer.list("types")]), p.value("REG_INFO"))
    if p.kind == "R2" and p.get("RELAYED_ADDRESS"):
        config.same("relayed_port", transport_address(p.value("RELAYED_ADDRESS"))[1])
    if p.kind == "I2":
        for field, name, skip in (("ciphers", "HIP_CIPHER", 0), ("esp_suites", "ESP_TRANSFORM", 2), ("nat_modes", "NAT_TRAVERSAL_MODE", 2)):
            if config.has(field) and p.get(name):
                agree(config.at(field) + ": the choice is of it", True, words(p.value(name), skip)[0] in config.list(field))
        request = config.maybe("request")
        if request and p.get("REG_REQUEST"):
            agree(request.path + ": REG_REQUEST", bytes([request.int("lifetime"), *request.list("types")]), p.value("REG_REQUEST"))


def check_outcome(x: Exchange, n: Node, p: Packet | None, sender: str, receiver: str) -> None:
    """Was the packet taken, and the states afterwards. p is None: ESP."""
    o = n.maybe("outcome")
    if not o:
        return
    kind_, to, taken = p.kind if p else "ESP", n.text("to"), o.text("drop") == "TAKEN"
    if not taken:
        check_dropped(x, o, p, sender, to)
    for who, (name, pair) in STATE_OF.items():
        if not o.has(name):
            continue
        state, was = o.text(name), x.states.get(who, "UNASSOCIATED")
        allowed = {was} | BY_ITSELF.get(was, set())
        if {sender, receiver} == pair and who == to and taken:
            early = p is not None and p.get("CANDIDATE_PRIORITY") is not None  # a check that is faster than R2 (RFC 9028 s4.6)
            allowed = TAKEN.get(kind_, allowed) | (allowed if early else set())
        elif {sender, receiver} == pair and who == sender:
            allowed = allowed | SENT.get(kind_, STATES)
        if state not in allowed:
            raise Mismatch(o.at(name) + f": {who} after {kind_} (RFC 7401 s4.4.4)", " or ".join(sorted(allowed)), state)
        x.states[who] = state


def check_dropped(x: Exchange, o: Node, p: Packet | None, sender: str, to: str) -> None:
    """In a good exchange: only a crossing I1 or I2 may be dropped, by whom the HITs say (RFC 7401 s6.7.3, s6.9 step 6), or what was sent twice."""
    reason = o.text("drop")
    if reason == "LOST_RACE" and p and p.kind in ("I1", "I2"):
        agree(o.at("drop") + ": the greater HIT answers", True, x.parties[sender].hit > x.parties[to].hit)
    elif reason not in ("DUPLICATE", "WRONG_STATE", "STALE_R1_COUNTER", "PUZZLE_REUSED"):
        raise Mismatch(o.at("drop"), "TAKEN", reason)


# ---- ESP ---------------------------------------------------------------------------------------------------------------

def check_esp(x: Exchange, n: Node) -> None:
    wire = n.hex("wire")
    n.same("type", "ESP")
    check_addresses(x, n)
    spi = int.from_bytes(wire[:4], "big")
    sa = next((s for s in reversed(x.sas) if s.at == n.text("to") and s.spi == spi), None)
    if sa is None:
        raise Mismatch(n.at("wire") + ": SPI", f"one of {n.text('to')}'s inbound SAs", wire[:4])
    agree(n.at("from"), n.text("from"), sa.sender)
    t, side = TRANSFORMS[sa.suite], x.side(sa.sender, sa.keys)
    e = n.maybe("esp")
    enc, auth = (sa.keys.key_or_told(f"esp_{side}_{what}", e, f"{what}_key") for what in ("enc", "auth"))
    if enc is None or auth is None:
        x.not_checked("ESP")
        return
    if e is None:
        raise Mismatch(n.at("esp"), "what is inside", "nothing")
    for name, value in (("keymat", sa.keys.name), ("suite", sa.suite), ("enc_name", f"esp_{side}_enc"), ("enc_key", enc),
                        ("auth_name", f"esp_{side}_auth"), ("auth_key", auth), ("spi", spi)):
        e.same(name, value)
    seq = e.int("seq")
    agree(e.at("seq") + ": lower half", (seq & 0xffffffff).to_bytes(4, "big"), wire[4:8])
    try:
        o = open_esp(t, enc, auth, wire, (seq >> 32).to_bytes(4, "big"))
    except Refused as r:
        raise Mismatch(n.at("wire") + ": opened", "a payload", str(r)) from r
    for name, made in (("iv", o.iv), ("next_header", o.next_header), ("payload", o.payload), ("padded", o.text), ("icv", o.icv)):
        e.same(name, made)
    e.same("nonce", o.nonce)
    e.same("aad", o.aad)
    e.same("icv_input", o.icv_input)
    hits = x.parties[sa.sender].hit, x.parties[sa.at].hit
    agree(e.at("payload") + ": checksum inside, over the HITs", True, inner_checksum_ok(*hits, o.next_header, o.payload) is not False)
    if t.mode == "cbc":
        x.parties[sa.sender].drawn("esp_iv", wire[HEAD:HEAD + t.iv], e.at("iv"))
    check_outcome(x, n, None, sa.sender, sa.at)


# ---- the whole ---------------------------------------------------------------------------------------------------------

def check_keymats(x: Exchange, c: Node) -> None:
    if not c.has("keymats") and not any(k.known for k in x.keymats):
        return
    given = c.nodes("keymats")
    agree("keymats: their names", [k.name for k in x.keymats], [n.text("name") for n in given])
    for n, k in zip(given, x.keymats):
        n.same("between", [k.a, k.b])
        n.same("keymat_index", k.index)
        if k.of:
            agree(n.at("of") + " is given", True, n.has("of"))
            n.same("of", k.of.name)
        else:
            n.same("dh_group", k.group)
            for field, who in (("i", k.a), ("r", k.b)):
                n.same(f"dh_public_{field}", k.public[who])
                n.same(f"dh_private_{field}", k.private[who])
            n.same("salt", k.salt)
            if not k.known:
                continue
            n.same("kij", k.kij)
            n.same("info", k.info)
            n.same("prk", k.prk)
            used = max(o + size for m in x.keymats if m.root() is k for _, o, size in m.order)
            n.same("keymat", k.stream(used))
        check_key_list(n, k)


def check_key_list(n: Node, k: Keymat) -> None:
    keys = n.nodes("keys")
    agree(n.at("keys") + ": their order (RFC 7401 s6.5, RFC 7402 s7)", [name for name, _, _ in k.order], [v.text("name") for v in keys])
    for v, (name, offset, _) in zip(keys, k.order):
        v.same("offset", offset)
        v.same("value", k.key(name))


def check_puzzle(x: Exchange, c: Node, field: str, pair: Pair | None) -> None:
    if not c.has(field):
        return
    z = c.node(field)
    if pair is None or not pair.solution:
        raise Mismatch(field, "a solution in an I2", "none")
    z.same("between", [pair.a, pair.b])
    z.same("k", pair.solution[0])
    z.same("lifetime", pair.puzzle[1])
    z.same("opaque", pair.solution[2:4])
    z.same("i", pair.i)
    z.same("j", pair.j)
    covered = puzzle_input(pair.i, x.parties[pair.a].hit, x.parties[pair.b].hit, pair.j)
    z.same("hash_input", covered)
    z.same("hash", pair.rhash.hash(covered))


def check_suite(x: Exchange, c: Node) -> None:
    s, pair = c.node("suite"), x.pair("I", "R")
    s.same("dh_group", pair.hip.group)
    s.same("hip_cipher", pair.cipher)
    s.same("hit_suite", suite_of(x.parties[pair.b].hit))
    s.same("rhash", pair.rhash.name)
    s.same("esp_suite", pair.esp_suite)
    s.same("hi_alg", ALG_NAMES[x.parties[pair.b].identity.alg])
    s.same("transport_format", words(pair.i2.value("TRANSPORT_FORMAT_LIST"))[0])


def check_base_dh(x: Exchange) -> None:
    """dh_private and dh_public of a party: those of its base exchange between I and R."""
    base = next((k for k in x.keymats if k.name == "base"), None)
    for who, party in x.parties.items():
        if base and who in base.public:
            party.node.same("dh_public", base.public[who])
            party.node.same("dh_private", base.private[who])


def check_exchange(c: Node) -> Exchange:
    x = Exchange(c)
    rules = Rules(x)
    if c.has("seed"):
        for party in x.parties.values():
            party.check_seed(c.hex("seed"))
    x.snapshot()
    for n in x.packets:
        try:
            if n.text("type") == "ESP":
                check_esp(x, n)
            else:
                state = x.states.get(n.text("to"))
                check_hip(x, rules, n)
                taken = not n.has("outcome") or n.node("outcome").text("drop") == "TAKEN"
                if taken and all(k.known for k in x.keymats):
                    without_fault(x, n, state)
        except Broken as b:
            raise Mismatch(n.at("wire"), "a packet as RFC 7401 s5 has it", str(b)) from b
        x.snapshot()
    pair = x.pair("I", "R")
    if pair is None or not pair.hip or not x.packets:
        raise Malformed("no base exchange between I and R")
    check_keymats(x, c)
    check_base_dh(x)
    check_puzzle(x, c, "puzzle", pair)
    check_puzzle(x, c, "rvs_puzzle", x.pair("R", "RVS"))
    check_suite(x, c)
    waive_configuration(x, c)
    check_flags(x, c)
    return x


def waive_configuration(x: Exchange, c: Node) -> None:
    """What only a replay needs: the script, and how a party would make R1s that it never sent."""
    for i, step in enumerate(c.list("script") if c.has("script") else []):
        c.waive(*(f"script[{i}].{name}" for name in step))
    senders = {x.who(n.hex("wire")[8:24]) for n in x.packets if n.text("type") == "R1"}
    requesters = {x.who(n.hex("wire")[8:24]) for n in x.packets if n.text("type") == "I2" and Packet(n.hex("wire")).get("REG_REQUEST")}
    for who, party in x.parties.items():
        if party.config:
            party.config.waive("tell")  # which NOTIFYs it sends about what it drops
        if party.config and who not in senders:
            party.config.waive("puzzle_k", "r1_counter", "nat_modes", "offer.min", "offer.max", "offer.types")
        if party.config and who not in requesters:
            party.config.waive("request.lifetime", "request.types")


def check_flags(x: Exchange, c: Node) -> None:
    """What a test's flags promise is in its packets."""
    kinds = [n.text("type") for n in x.packets]
    tests = {
        "close": "CLOSE" in kinds and "CLOSE_ACK" in kinds,
        "notify": "NOTIFY" in kinds,
        "update": "UPDATE" in kinds,
        "esp": "ESP" in kinds,
        "udp": any(n.has("udp") for n in x.packets),
        "rekey": any("rekey" in k.name and k.of for k in x.keymats),
        "rekey_dh": any("rekey" in k.name and not k.of for k in x.keymats),
        "rendezvous": "RVS" in x.parties,
        "data-relay": any(parsed(n.hex("wire")).get("PEER_PERMISSION") for n in x.packets if n.text("type") != "ESP"),
    }
    for flag in c.list("flags") if c.has("flags") else []:
        agree(f"flags: {flag}", True, tests.get(flag, True))


@kind("HipBexTest", judges=True)
def bex_test(c: Case) -> None:
    if not c.has("bad"):
        check_exchange(c)
        c.verdict(True)
        return
    if "exchange" not in c.shared or not shared_by_group(c):
        apart = ("bad", "expect", "limits", "before", "flags", "tests", "type", "suite")
        whole = {name: value for name, value in {**c.group, **c.value}.items() if name not in apart}
        exchange = Case(dict(whole, result="valid"), c.group)
        c.shared["exchange"] = check_exchange(exchange)
        c.marks.notes.update(f"nothing looks at {p}" for p in exchange.unread())
    judge_bad(c, c.shared["exchange"])
    c.verdict(False)


def shared_by_group(c: Case) -> bool:
    return not {"packets", "initiator", "responder", "keymats"} & set(c.value)
