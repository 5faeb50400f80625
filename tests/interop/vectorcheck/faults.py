# SPDX-License-Identifier: Apache-2.0
"""One function for each drop reason (docs/wire.md): has the packet that fault? None: only a state machine can say."""
from __future__ import annotations

import ipaddress
from collections.abc import Callable

from .arrival import Arrival
from .case import Malformed
from .groups import GROUPS, NotInGroup, check_public, public_length
from .hip import checksum, hit_of, low_bits, puzzle_input, suite_of
from .identity import BadIdentity, Identity
from .suites import CIPHER_KEY, SUITE_HASH, TRANSFORMS
from .wire import NAMES, NEEDS, Broken, Packet, Param, diffie_hellman, esp_info, host_id, is_hit, parsed, peer_permission, transport_address, words

FAULTS: dict[str, Callable[[Arrival], bool | None]] = {}

# Lengths of contents (RFC 7401 s5.2 and those that define the others): fixed ones, or a smallest one and a step.
EXACT = {"ESP_INFO": 12, "R1_COUNTER": 12, "SEQ": 4, "TRANSACTION_PACING": 4, "REG_FROM": 20, "RELAYED_ADDRESS": 20, "MAPPED_ADDRESS": 20,
         "PEER_PERMISSION": 48, "CANDIDATE_PRIORITY": 4, "NOMINATE": 4, "RELAY_FROM": 20, "RELAY_TO": 20, "FROM": 16, "BIND_MAC": 32}
STEPS = {"ACK": (4, 4), "HIP_CIPHER": (2, 2), "NAT_TRAVERSAL_MODE": (4, 2), "TRANSPORT_FORMAT_LIST": (2, 2), "ESP_TRANSFORM": (4, 2),
         "VIA_RVS": (16, 16), "DH_GROUP_LIST": (1, 1), "HIT_SUITE_LIST": (1, 1), "NOTIFICATION": (4, 1), "HOST_ID": (6, 1), "DIFFIE_HELLMAN": (3, 1),
         "HIP_SIGNATURE": (3, 1), "HIP_SIGNATURE_2": (3, 1), "ENCRYPTED": (4, 1), "REG_INFO": (2, 1), "REG_REQUEST": (1, 1), "REG_RESPONSE": (1, 1),
         "REG_FAILED": (1, 1), "CERT": (4, 1), "LOCATOR_SET": (0, 4)}
HASHED = {"PUZZLE": (4, 1), "SOLUTION": (4, 2), "HIP_MAC": (0, 1), "HIP_MAC_2": (0, 1), "RVS_HMAC": (0, 1), "RELAY_HMAC": (0, 1)}  # + n RHASH
REPEATABLE = {"CERT", "NOTIFICATION", "REG_REQUEST", "REG_RESPONSE", "REG_FAILED", "ECHO_RESPONSE_UNSIGNED", "ECHO_REQUEST_UNSIGNED", "FROM",
              "PAYLOAD_MIC"}
RELAY_UDP_HIP = 2  # RFC 9028 s4.1
# Critical parameters and where they may stand (RFC 7401 s5.2, s5.3); others may stand anywhere.
WHERE = {"R1_COUNTER": "R1 I2", "PUZZLE": "R1", "SOLUTION": "I2", "SEQ": "UPDATE", "ACK": "UPDATE", "DH_GROUP_LIST": "I1 R1",
         "DIFFIE_HELLMAN": "R1 I2 UPDATE", "HIP_CIPHER": "R1 I2", "HIT_SUITE_LIST": "R1", "TRANSPORT_FORMAT_LIST": "R1 I2", "ESP_TRANSFORM": "R1 I2",
         "ESP_INFO": "I2 R2 UPDATE", "HIP_MAC": "I2 UPDATE NOTIFY CLOSE CLOSE_ACK", "HIP_MAC_2": "R2", "HIP_SIGNATURE_2": "R1",
         "HIP_SIGNATURE": "I2 R2 UPDATE NOTIFY CLOSE CLOSE_ACK", "ENCRYPTED": "R1 I2 R2 UPDATE NOTIFY", "HOST_ID": "R1 I2 UPDATE NOTIFY",
         "ECHO_REQUEST_SIGNED": "R1 UPDATE CLOSE", "ECHO_RESPONSE_SIGNED": "I2 UPDATE CLOSE_ACK", "ECHO_REQUEST_UNSIGNED": "R1 R2 UPDATE",
         "ECHO_RESPONSE_UNSIGNED": "I2 UPDATE"}


def fault(*names: str) -> Callable:
    def note(judge: Callable[[Arrival], bool | None]) -> Callable[[Arrival], bool | None]:
        FAULTS.update({name: judge for name in names})
        return judge
    return note


# ---- the octets --------------------------------------------------------------------------------------------------------

@fault("TRUNCATED")
def truncated(b: Arrival) -> bool:
    return len(b.wire) < 40 or 8 * (b.wire[1] + 1) > len(b.wire)


@fault("OVERSIZED")
def oversized(b: Arrival) -> bool:
    if b.at == "RVS" and b.kind in ("I1", "UPDATE") and b.wire[24:40] != b.me.hit:  # FROM and RVS_HMAC come behind it (RFC 8004 s4.2)
        pair = b.pairs.get(frozenset(("RVS", b.x.who(b.wire[24:40]) or "")))
        mac = pair.rhash.length if pair else 0
        if len(b.wire) + 24 + 4 + mac > 2048:
            return True
    return len(b.wire) > 2048 or (len(b.wire) > 1 and 8 * (b.wire[1] + 1) < len(b.wire))


@fault("BAD_HEADER")
def bad_header(b: Arrival) -> bool:
    return b.wire[1] < 4 or b.wire[0] != 59 or bool(b.wire[2] & 0x80) or b.wire[3] & 1 == 0


@fault("BAD_VERSION")
def bad_version(b: Arrival) -> bool:
    return b.wire[3] >> 4 != 2


def checksum_right(b: Arrival) -> bool:
    if b.n.has("udp"):
        return b.wire[4:6] == b"\0\0"
    try:
        return checksum(b.n.text("src"), b.n.text("dst"), b.wire) == b.wire[4:6]
    except ValueError as e:
        raise Malformed(f"bad.src, bad.dst: {e}") from None


@fault("BAD_CHECKSUM")
def bad_checksum(b: Arrival) -> bool:
    return not checksum_right(b)


@fault("UNKNOWN_PACKET")
def unknown_packet(b: Arrival) -> bool:
    return b.kind == "OTHER"


@fault("BAD_HIT")
def bad_hit(b: Arrival) -> bool:
    sender, receiver = b.wire[8:24], b.wire[24:40]
    return not is_hit(sender) or not (is_hit(receiver) or (receiver == bytes(16) and b.kind in ("I1", "NOTIFY")))


def everywhere(b: Arrival) -> list[tuple[str, list[Param]]]:
    """Parameters of the packet and of its ENCRYPTED, and where they stand."""
    return [(b.kind, b.p.params), ("ENCRYPTED", (b.inside() if b.kind != "OTHER" else None) or [])]


@fault("PARAM_ORDER")
def param_order(b: Arrival) -> bool:
    return any(q.kind > r.kind for _, params in everywhere(b) for q, r in zip(params, params[1:]))


def length_wrong(b: Arrival, q: Param) -> bool:
    n = len(q.value)
    if q.name in EXACT:
        return n != EXACT[q.name]
    if q.name in STEPS:
        least, step = STEPS[q.name]
        return n < least or (n - least) % step != 0
    if q.name in HASHED:
        base, times = HASHED[q.name]
        rhash = b.rhash() if q.name != "RVS_HMAC" else None
        lengths = {base + times * h.length for h in ([rhash] if rhash else SUITE_HASH.values())}
        return n not in lengths
    return False


@fault("PARAM_LENGTH")
def param_length(b: Arrival) -> bool:
    if b.broken:
        return b.broken.rule == "PARAM_LENGTH"
    if any(length_wrong(b, q) for _, params in everywhere(b) for q in params):
        return True
    return b.p.get("ENCRYPTED") is not None and b.inside() is None


@fault("PARAM_COUNT")
def param_count(b: Arrival) -> bool:
    for _, params in everywhere(b):
        kinds = [q.kind for q in params]
        if len(kinds) > 32 or any(kinds.count(k) > (8 if NAMES.get(k) in REPEATABLE else 1) for k in kinds):
            return True
    ids = {"HIP_CIPHER": 0, "ESP_TRANSFORM": 2, "NAT_TRAVERSAL_MODE": 2}
    return any(len(b.words(name, skip)) > 6 for name, skip in ids.items())


@fault("PARAM_NOT_ALLOWED")
def param_not_allowed(b: Arrival) -> bool:
    if any(q.name in WHERE and b.kind not in WHERE[q.name].split() for q in b.p.params):
        return True
    inner = (b.inside() if b.kind != "OTHER" else None) or []
    outside = any(32768 <= q.kind <= 49151 for q in b.p.params)  # ours, which have a place in ENCRYPTED alone
    return outside or any(q.kind & 1 and q.name not in ("HOST_ID", "LOCATOR_SET") for q in inner) or \
        any(q.kind & 1 and q.kind in NAMES and q.name not in WHERE and q.name != "LOCATOR_SET" for q in b.p.params)


@fault("PARAM_MISSING")
def param_missing(b: Arrival) -> bool:
    r1 = offered(b) if b.kind == "I2" else None
    if r1 and r1.get("R1_COUNTER") and not b.p.get("R1_COUNTER"):  # RFC 7401 s5.2.3 MUST
        return True
    needs = NEEDS.get(b.kind, []) + (["ESP_TRANSFORM"] if b.kind in ("R1", "I2") else []) + (["ESP_INFO"] if b.kind in ("I2", "R2") else [])
    return any(not any(b.p.get(n) for n in (need if isinstance(need, tuple) else (need,))) for need in needs)


PARSED = {"HOST_ID": host_id, "DIFFIE_HELLMAN": diffie_hellman, "ESP_INFO": esp_info, "PEER_PERMISSION": peer_permission}


@fault("PARAM_MALFORMED")
def param_malformed(b: Arrival) -> bool:
    """Contents that do not parse."""
    for _, params in everywhere(b):
        for q in params:
            try:
                if length_wrong(b, q):
                    return True
                PARSED.get(q.name, len)(q.value)
                if q.name == "HIT_SUITE_LIST" and any(v & 0x0f for v in q.value):
                    return True
                if q.name in ("SEQ", "ACK", "PUZZLE") and not q.value:
                    return True
            except Broken:
                return True
    return False


@fault("UNKNOWN_CRITICAL")
def unknown_critical(b: Arrival) -> bool:
    return any(q.kind & 1 and (q.kind not in NAMES or NAMES[q.kind] in ("HIP_TRANSFORM", "ROUTE_DST", "ROUTE_VIA", "OVERLAY_TTL"))
               for _, params in everywhere(b) for q in params)


# ---- who it is for -----------------------------------------------------------------------------------------------------

@fault("NOT_OUR_HIT")
def not_our_hit(b: Arrival) -> bool:
    relayed = b.at == "RVS" and (b.kind in ("I1", "UPDATE") or b.n.has("udp")) and not not_registered(b)
    return b.wire[24:40] not in (b.me.hit, bytes(16)) and not relayed


@fault("NO_ASSOCIATION")
def no_association(b: Arrival) -> bool:
    """Nobody's HIT, or of somebody with whom there is nothing (yet, any more)."""
    return b.peer in ("", b.at) or b.state in (None, "UNASSOCIATED", "E-FAILED")


@fault("WRONG_STATE")
def wrong_state(b: Arrival) -> bool | None:
    """RFC 7401 s4.4.4: the states in which a type is looked at."""
    associated = {"I2-SENT", "R2-SENT", "ESTABLISHED", "CLOSING", "CLOSED"}
    fine = {"R1": {"I1-SENT", "I2-SENT", "CLOSING", "CLOSED"}, "R2": {"I2-SENT"}, "CLOSE_ACK": {"CLOSING", "CLOSED"},
            "UPDATE": {"R2-SENT", "ESTABLISHED"}, "NOTIFY": associated, "CLOSE": associated}
    return None if b.kind not in fine or b.state is None else b.state not in fine[b.kind]


@fault("OWN_HIT")
def own_hit(b: Arrival) -> bool:
    return b.wire[8:24] == b.me.hit


@fault("UNSUPPORTED_SUITE")
def unsupported_suite(b: Arrival) -> bool:
    if suite_of(b.wire[8:24]) not in SUITE_HASH:
        return True
    suites = b.p.value("HIT_SUITE_LIST")
    return suites is not None and b.me.identity.suite << 4 not in suites


# ---- base exchange -----------------------------------------------------------------------------------------------------

def offered(b: Arrival) -> Packet | None:
    """The R1 that an I2 answers."""
    r1s = [r for r in b.before("R1", b.at) if r.receiver == b.wire[8:24]]
    return r1s[-1] if r1s else b.pair.r1 if b.pair else None


@fault("BAD_PUZZLE")
def bad_puzzle(b: Arrival) -> bool:
    h, solution, r1 = SUITE_HASH[b.me.identity.suite], b.p.value("SOLUTION") or b"", offered(b)
    n = h.length
    if len(solution) != 4 + 2 * n:
        return True
    i, j, k = solution[4:4 + n], solution[4 + n:], solution[0]
    puzzles = {r.value("PUZZLE")[:1] + r.value("PUZZLE")[2:] for r in b.before("R1", b.at) + ([r1] if r1 else [])}
    if solution[:1] + solution[2:4 + n] not in puzzles:
        return True
    went = {n_.text("dst") for n_ in b.seen if n_.text("type") == "R1" and parsed(n_.hex("wire")).value("PUZZLE")[4:] == i}
    if went and b.n.text("src") not in went:
        return True  # #I is bound to the address that it went to (RFC 7401 appendix A)
    return any(low_bits(h.hash(puzzle_input(i, b.p.sender, b.p.receiver, j)), k))


@fault("PUZZLE_TOO_HARD")
def puzzle_too_hard(b: Arrival) -> bool:
    return b.p.value("PUZZLE")[0] >= 20


@fault("PUZZLE_REUSED")
def puzzle_reused(b: Arrival) -> bool:
    return any(p.value("SOLUTION") == b.p.value("SOLUTION") for n in b.seen for p in [parsed(n.hex("wire"))]
               if n.text("type") == "I2") if b.p.value("SOLUTION") else False


@fault("STALE_R1_COUNTER")
def stale_r1_counter(b: Arrival) -> bool:
    value = b.p.value("R1_COUNTER")
    if b.kind == "I2":  # not one that we gave out
        return value is not None and value[4:] not in [p.value("R1_COUNTER")[4:] for p in b.before("R1", b.at) if p.get("R1_COUNTER")]
    known = [p.value("R1_COUNTER") for p in b.before("R1", b.peer) if p.get("R1_COUNTER")]
    return value is not None and any(value[4:] < k[4:] for k in known)


@fault("HI_MISMATCH")
def hi_mismatch(b: Arrival) -> bool:
    value = b.host_id_value()
    if value is None:
        return False
    h = host_id(value)
    return h.alg not in (3, 5, 7, 9, 13) or hit_of(Identity(h.alg, h.identity).suite, h.identity) != b.p.sender


@fault("BAD_HI")
def bad_hi(b: Arrival) -> bool:
    value = b.host_id_value()
    if value is None:
        return False
    try:
        h = host_id(value)
        who = Identity(h.alg, h.identity)
    except (Broken, BadIdentity):
        return True
    return suite_of(b.p.sender) != who.suite or (h.alg == 5 and who.n.bit_length() < 1024)


@fault("BAD_DH")
def bad_dh(b: Arrival) -> bool:
    if b.p.get("DIFFIE_HELLMAN") is None:
        return False
    group, public = diffie_hellman(b.p.value("DIFFIE_HELLMAN"))
    if group not in GROUPS or len(public) != public_length(group):
        return True
    try:
        check_public(group, public)
    except NotInGroup:
        return True
    r1 = offered(b) if b.kind == "I2" else b.pair.r1 if b.kind == "UPDATE" and b.pair else None
    return (r1 is not None and diffie_hellman(r1.value("DIFFIE_HELLMAN"))[0] != group) or group not in own_groups(b)


def own_groups(b: Arrival) -> set[int]:
    config = b.me.config
    return set(config.list("dh_groups")) if config and config.has("dh_groups") else GROUPS


@fault("DH_DOWNGRADE")
def dh_downgrade(b: Arrival) -> bool:
    """RFC 7401 s6.8 step 7: R1's group is the first of its list that our I1 had."""
    i1s = b.before("I1", b.at)
    ours = set(i1s[-1].value("DH_GROUP_LIST")) if i1s else own_groups(b)
    first = next((g for g in b.p.value("DH_GROUP_LIST") if g in ours), None)
    return diffie_hellman(b.p.value("DIFFIE_HELLMAN"))[0] != first


def choice_wrong(b: Arrival, name: str, skip: int, known: set[int], field: str) -> bool:
    ids = b.words(name, skip)
    if b.kind == "I2":
        r1 = offered(b)
        return len(ids) != 1 or (r1 is not None and ids[0] not in words(r1.value(name), skip))
    config = b.me.config
    own = set(config.list(field)) if config and config.has(field) else known
    return not own & set(ids[:6])


@fault("BAD_CIPHER")
def bad_cipher(b: Arrival) -> bool:
    return choice_wrong(b, "HIP_CIPHER", 0, set(CIPHER_KEY), "ciphers")


@fault("BAD_TRANSPORT")
def bad_transport(b: Arrival) -> bool:
    return choice_wrong(b, "TRANSPORT_FORMAT_LIST", 0, {4095}, "formats") or choice_wrong(b, "ESP_TRANSFORM", 2, set(TRANSFORMS), "esp_suites")


@fault("BAD_HIP_MAC", "BAD_HIP_MAC_2")
def bad_mac(b: Arrival) -> bool | None:
    right = b.mac_right()
    return None if right is None else not right


@fault("BAD_SIGNATURE")
def bad_signature(b: Arrival) -> bool | None:
    right = b.signature_right()
    return None if right is None else not right


@fault("BAD_ENCRYPTED")
def bad_encrypted(b: Arrival) -> bool | None:
    if b.p.get("ENCRYPTED") is None:
        return b.kind == "I2" and b.p.get("HOST_ID") is None
    if b.keymat() is None:
        return None
    inner = b.inside()
    if inner is None or (b.kind == "I2" and not any(q.name == "HOST_ID" for q in inner)):
        return True
    return any(q.kind > r.kind for q, r in zip(inner, inner[1:])) or any(q.kind & 1 and q.name not in ("HOST_ID", "LOCATOR_SET") for q in inner)


@fault("BAD_ECHO")
def bad_echo(b: Arrival) -> bool:
    """A response that quotes no request of ours, or one that is missing."""
    requests = ("ECHO_REQUEST_SIGNED", "ECHO_REQUEST_UNSIGNED")
    asked = [q.value for kind in ("R1", "UPDATE", "CLOSE") for p in b.before(kind, b.at) for q in p.params if q.name in requests]
    answers = [q.value for q in b.p.params if q.name in ("ECHO_RESPONSE_SIGNED", "ECHO_RESPONSE_UNSIGNED")]
    return any(a not in asked for a in answers) or any(v not in answers for v in owed_echoes(b))


def owed_echoes(b: Arrival) -> list[bytes]:
    """ECHO_REQUEST_SIGNEDs that this packet must answer: of the R1, of the CLOSE, of the UPDATEs that it acknowledges."""
    if b.kind == "I2":
        asking = [offered(b)] if offered(b) else []
    elif b.kind == "CLOSE_ACK":
        asking = b.before("CLOSE", b.at)[-1:]
    else:
        ack = b.p.value("ACK") or b""
        acked = {ack[i:i + 4] for i in range(0, len(ack), 4)}
        asking = [p for p in b.before("UPDATE", b.at) if p.value("SEQ") in acked]
    return [p.value("ECHO_REQUEST_SIGNED") for p in asking if p.get("ECHO_REQUEST_SIGNED")]


@fault("LOST_RACE")
def lost_race(b: Arrival) -> bool:
    """RFC 7401 s6.7.3, s6.9 step 6: crossing exchanges are decided by the HITs, the greater one answers."""
    return b.p.sender > b.me.hit and b.state in (None, "I1-SENT", "I2-SENT")


# ---- update ------------------------------------------------------------------------------------------------------------

def update_ids(b: Arrival, sender: str) -> list[int]:
    return [int.from_bytes(p.value("SEQ"), "big") for p in b.before("UPDATE", sender) if p.get("SEQ")]


@fault("DUPLICATE")
def duplicate(b: Arrival) -> bool:
    if b.kind in ("R1", "I2"):
        return any(n.hex("wire") == b.wire for n in b.seen)
    seq = b.p.value("SEQ")
    return seq is not None and int.from_bytes(seq, "big") in update_ids(b, b.peer)


@fault("OUT_OF_WINDOW")
def out_of_window(b: Arrival) -> bool:
    """Not among the next Update IDs, nor one that was seen."""
    seq, ids = b.p.value("SEQ"), update_ids(b, b.peer)
    if seq is None:
        return False
    distance = (int.from_bytes(seq, "big") - (max(ids) if ids else -1)) % 2**32
    return int.from_bytes(seq, "big") not in ids and distance > 1


@fault("BAD_ACK")
def bad_ack(b: Arrival) -> bool:
    ack, ids = b.p.value("ACK"), update_ids(b, b.at)
    return ack is not None and any(int.from_bytes(ack[i:i + 4], "big") not in ids for i in range(0, len(ack), 4)) or \
        (ack is not None and b.p.get("SEQ") is None and acked(b, ack))


def acked(b: Arrival, ack: bytes) -> bool:
    """Acknowledged before."""
    return any(p.value("ACK") == ack for p in b.before("UPDATE", b.peer) if p.get("ACK"))


@fault("BAD_ESP_INFO")
def bad_esp_info(b: Arrival) -> bool | None:
    value = b.p.value("ESP_INFO")
    if value is None and b.kind in ("I2", "R2"):
        return True
    if value is None or b.pair is None:
        return None
    e = esp_info(value)
    if b.kind in ("I2", "R2"):
        return e.old_spi != 0 or e.new_spi < 256 or e.index != b.keymat().order[4][1]
    drawn = max(o + n for k in b.keymats for _, o, n in k.order if k.root() is b.pair.esp.root())
    spis = {s.spi for s in b.sas if s.at == b.peer}
    if e.old_spi == e.new_spi:  # gratuitous: a move (RFC 8046 s5.3)
        return e.old_spi not in spis
    new_values = b.p.get("DIFFIE_HELLMAN") is not None
    return e.old_spi not in spis or e.new_spi < 256 or (e.index != 0 if new_values else e.index < drawn)


@fault("BAD_LOCATOR")
def bad_locator(b: Arrival) -> bool | None:
    """RFC 8046 s4, s5.3: lengths, types, an SPI that is not the sender's, an address that nobody has; no ESP_INFO beside it."""
    value = b.p.value("LOCATOR_SET")
    if value is None:
        return None
    if b.kind == "UPDATE" and b.p.get("ESP_INFO") is None:
        return True
    at, spis = 0, {s.spi for s in b.sas if s.at == b.peer}
    while at < len(value):
        kind, length = value[at + 1:at + 2], 4 * int.from_bytes(value[at + 2:at + 3], "big")
        locator = value[at + 8:at + 8 + length]
        if at + 8 + length > len(value) or {b"\0": 16, b"\1": 20}.get(kind) != length:
            return True
        address = ipaddress.IPv6Address(locator[-16:])
        address = address.ipv4_mapped or address
        if address.is_multicast or address.is_unspecified or address.is_loopback:
            return True
        if kind == b"\1" and int.from_bytes(locator[:4], "big") not in spis | {esp_info(b.p.value("ESP_INFO")).new_spi}:
            return True
        at += 8 + length
    return False


# ---- rendezvous and relays ---------------------------------------------------------------------------------------------

@fault("BAD_RVS_HMAC")
def bad_rvs_hmac(b: Arrival) -> bool | None:
    q, pair = b.p.get("RVS_HMAC"), b.pairs.get(frozenset(("RVS", b.at)))
    if q is None:
        return b.p.get("FROM") is not None
    if pair is None or pair.hip is None:
        return None
    _, key = b.x.mac_key("RVS", pair.hip)
    return pair.rhash.mac(key, b.p.before(q.at)) != q.value


@fault("RVS_NOT_TRUSTED")
def rvs_not_trusted(b: Arrival) -> bool:
    pair = b.pairs.get(frozenset(("RVS", b.at)))
    return b.p.get("FROM") is not None and (pair is None or pair.hip is None or b.n.text("src") != b.x.parties["RVS"].addr)


@fault("NOT_REGISTERED")
def not_registered(b: Arrival) -> bool:
    if b.at != "RVS" or b.p.receiver == b.me.hit:
        return False
    registered = {b.x.parties[w].hit for pair in b.pairs for w in pair if "RVS" in pair}
    if b.p.get("RELAY_TO") is not None and b.p.sender in registered:  # of a client, to a peer of its (RFC 9028 s4.5)
        return False
    return b.p.receiver not in registered


@fault("RELAYED_OPPORTUNISTIC")
def relayed_opportunistic(b: Arrival) -> bool:
    return b.p.receiver == bytes(16) and (b.p.get("FROM") is not None or b.p.get("RELAY_FROM") is not None)


@fault("BAD_RELAY_HMAC")
def bad_relay_hmac(b: Arrival) -> bool | None:
    q, pair = b.p.get("RELAY_HMAC"), b.pairs.get(frozenset(("RVS", b.at)))
    if b.p.get("RELAY_FROM") is None:
        return False
    if pair is None or pair.hip is None:
        return None
    _, key = b.x.mac_key("RVS", pair.hip)
    return q is None or pair.rhash.mac(key, b.p.before(q.at)) != q.value


@fault("RELAY_NOT_TRUSTED")
def relay_not_trusted(b: Arrival) -> bool:
    pair = b.pairs.get(frozenset(("RVS", b.at)))
    return b.p.get("RELAY_FROM") is not None and (pair is None or pair.hip is None)


def granted(b: Arrival) -> set[int]:
    """Registration types that the server gave to its client (RFC 8003 s4)."""
    responses = [p.value("REG_RESPONSE") or b"" for kind in ("R2", "UPDATE") for p in b.before(kind, "RVS")]
    return {kind for r in responses for kind in r[1:] if r[0]}


@fault("RVS_HMAC_PROHIBITED")
def rvs_hmac_prohibited(b: Arrival) -> bool:
    """Of a control relay, which has RELAY_HMAC instead (RFC 9028 s7.8)."""
    return b.p.get("RVS_HMAC") is not None and RELAY_UDP_HIP in granted(b)


def relay_to(b: Arrival) -> tuple[str, int] | None:
    value = b.p.value("RELAY_TO") if b.at == "RVS" else None
    return transport_address(value) if value and len(value) == 20 else None


@fault("NOT_OUR_CLIENT")
def not_our_client(b: Arrival) -> bool:
    """RFC 9028 s4.5: a relay passes on what its clients send."""
    clients = {b.x.parties[w].hit for pair in b.pairs for w in pair if "RVS" in pair and w != "RVS"}
    return relay_to(b) is not None and b.p.sender not in clients


@fault("FORBIDDEN_DESTINATION")
def forbidden_destination(b: Arrival) -> bool:
    """Where nobody is that could have asked for it."""
    to = relay_to(b)
    if to is None:
        return False
    a = ipaddress.ip_address(to[0])
    return a.is_multicast or a.is_unspecified or a.is_loopback or a.is_link_local or to[1] == 0


@fault("CHECK_ASYMMETRIC")
def check_asymmetric(b: Arrival) -> bool:
    """RFC 9028 s4.6.2: the answer to a connectivity check comes from where that went."""
    if b.p.get("MAPPED_ADDRESS") is None or b.p.get("SEQ") is not None:
        return False
    went = {n.text("dst") for n in b.seen if n.text("from") == b.at and n.text("type") == "UPDATE" and
            parsed(n.hex("wire")).value("SEQ") == b.p.value("ACK")}
    return bool(went) and b.n.text("src") not in went


@fault("REFUSED")
def refused(b: Arrival) -> bool | None:
    """By the owner, who has decided on what the first R1 offered; others are not in packets."""
    first = b.before("R1", b.peer)[:1] if b.kind == "R1" else []
    return first[0].value("REG_INFO") != b.p.value("REG_INFO") if first else None


@fault("BAD_NAT_MODE")
def bad_nat_mode(b: Arrival) -> bool | None:
    if b.kind not in ("R1", "I2"):  # an association that began in UDP takes no packet without (RFC 9028 s4.5)
        return not b.n.has("udp") and any(n.has("udp") for n in b.seen)
    modes, config = b.words("NAT_TRAVERSAL_MODE", 2), b.me.config
    if b.kind == "R1":
        if config is None:
            return None
        return bool(modes) and not set(modes) & set(config.list("nat_modes") if config.has("nat_modes") else [])
    r1 = offered(b)
    asked = words(r1.value("NAT_TRAVERSAL_MODE") or b"", 2) if r1 else []
    return (len(modes) != 1 or modes[0] not in asked) if asked else bool(modes)
