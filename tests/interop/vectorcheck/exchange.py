# SPDX-License-Identifier: Apache-2.0
"""What the packets of an exchange teach, one after the other: pairs of hosts, KEYMAT, security associations (RFC 7401 s6, RFC 7402 s6)."""
from __future__ import annotations

import copy
from dataclasses import dataclass, field

from .case import Malformed, Mismatch, Node, agree
from .groups import NotInGroup, public_of, shared
from .hip import hit_of, orchid_hash, orchid_input, suite_of
from .identity import Identity, public_of_private
from .keys import sorted_hits
from .seed import dh_fits
from .seed import draw as draw_octets
from .seed import made_private
from .suites import ALG_NAMES, CIPHER_KEY, SUITE_HASH, TRANSFORMS, Rhash
from .wire import Broken, EspInfo, Packet, diffie_hellman, esp_info, host_id, words

DI_FQDN, DI_NAI = 1, 2  # RFC 7401 s5.2.9
WHO = {"I": "initiator", "R": "responder", "RVS": "rvs"}


# ---- parties -----------------------------------------------------------------------------------------------------------

class Party:
    """A host of the exchange: its identity is checked when it is read."""

    def __init__(self, who: str, n: Node):
        self.who, self.node = who, n
        self.hit = n.hex("hit", 16)
        self.host_id = n.hex("host_id")
        try:
            h = host_id(self.host_id)
        except Broken as e:
            raise Mismatch(n.at("host_id"), "a HOST_ID", str(e)) from e
        self.identity = Identity(h.alg, h.identity)
        n.same("hi_alg", ALG_NAMES[h.alg])
        n.same("host_identity", h.identity)
        n.same("orchid_input", orchid_input(h.identity))
        n.same("orchid_hash", orchid_hash(self.identity.suite, h.identity))
        n.same("hit", hit_of(self.identity.suite, h.identity))
        if n.has("hi_private"):
            agree(n.at("hi_private") + ": its public key", h.identity, public_of_private(h.alg, n.hex("hi_private")))
        self.addr = n.text("addr", "")
        self.draws: dict[str, list[bytes]] = {}
        for d in n.nodes("draws"):
            self.draws.setdefault(d.text("name"), []).append(d.hex("value"))
        self.config = n.maybe("config")
        if self.config:
            self.config.same("fqdn", h.di if h.di_type == DI_FQDN else b"")
            self.config.same("nai", h.di if h.di_type == DI_NAI else b"")

    def check_seed(self, seed: bytes) -> None:
        """Draws and private key are what the seed makes (test-vectors/README.md)."""
        for name, values in self.draws.items():
            for count, value in enumerate(values):
                agree(f"{self.node.at('draws')}: {name} number {count}, from the seed", value, draw_octets(seed, self.who, name, count, len(value)))
        if self.node.has("hi_private"):
            key = self.identity.alg, self.identity.field, self.node.hex("hi_private")
            made = any(made_private(seed, who, *key) for who in (self.who, *WHO))  # of another one: crossing exchanges are told by their HITs
            agree(self.node.at("hi_private") + " is made by the seed", True, made)

    def drawn(self, name: str, value: bytes, what: str) -> None:
        """A value on the wire is one of the draws, where they are given."""
        if self.draws and value not in self.draws.get(name, []):
            raise Mismatch(what, f"a draw {name} of {self.who}", value)


# ---- what is known of two hosts -------------------------------------------------------------------------------------------

@dataclass
class Keymat:
    name: str
    a: str  # Initiator
    b: str
    group: int = 0
    public: dict[str, bytes] = field(default_factory=dict)
    private: dict[str, bytes] = field(default_factory=dict)
    kij: bytes = b""
    salt: bytes = b""
    info: bytes = b""
    prk: bytes = b""
    index: int = 0
    of: Keymat | None = None  # the KEYMAT that a rekey without Diffie-Hellman goes on drawing from
    order: list[tuple[str, int, int]] = field(default_factory=list)  # name, offset, octets
    rhash: Rhash | None = None
    drawn: bytes = b""  # as much of it as was asked for
    given: dict[str, bytes] = field(default_factory=dict)  # keys that the file tells, where Kij is not known

    def root(self) -> Keymat:
        return self.of or self

    @property
    def known(self) -> bool:
        return bool(self.root().prk)

    def key(self, name: str) -> bytes:
        offset, n = next((o, n) for k, o, n in self.order if k == name)
        return self.root().stream(offset + n)[offset:]

    def key_or_told(self, name: str, n: Node | None, field_: str) -> bytes | None:
        """The key; where Kij is not known as the file has it, which must be the same in all its packets. None: nobody knows."""
        if self.known:
            return self.key(name)
        if n is not None and n.has(field_):
            length = next(size for k, _, size in self.order if k == name)
            agree(n.at(field_) + ": as elsewhere in the file", self.given.setdefault(name, n.hex(field_, length)), n.hex(field_))
        return self.given.get(name)

    def stream(self, length: int) -> bytes:
        """The first octets of KEYMAT."""
        if len(self.drawn) < length:
            self.drawn = self.rhash.expand(self.prk, self.info, length + 128)
        return self.drawn[:length]


@dataclass
class Half:
    """One side's part of a rekey: its ESP_INFO and new public value."""
    info: EspInfo
    public: bytes = b""


@dataclass
class Pair:
    a: str  # Initiator
    b: str
    rhash: Rhash
    r1: Packet
    puzzle: bytes
    group: int
    r1_public: bytes
    i2: Packet | None = None
    solution: bytes = b""
    cipher: int = 0
    esp_suite: int = 0
    hip: Keymat | None = None
    esp: Keymat | None = None
    spi: dict[str, int] = field(default_factory=dict)
    half: dict[str, Half] = field(default_factory=dict)
    rekeys: int = 0

    @property
    def i(self) -> bytes:
        return self.solution[4:4 + self.rhash.length]

    @property
    def j(self) -> bytes:
        return self.solution[4 + self.rhash.length:]

    def copy(self) -> Pair:
        out = copy.copy(self)
        out.spi, out.half = dict(self.spi), dict(self.half)
        return out


@dataclass
class Sa:
    at: str  # whose inbound SA
    sender: str
    spi: int
    keys: Keymat
    suite: int


def draw(k: Keymat, names: list[tuple[str, int]]) -> None:
    at = k.order[-1][1] + k.order[-1][2] if k.order else k.index
    for name, n in names:
        k.order.append((name, at, n))
        at += n


def draw_esp(k: Keymat, suite: int) -> None:
    """RFC 7402 s7"""
    t = TRANSFORMS[suite]
    draw(k, [("esp_gl_enc", t.enc), ("esp_gl_auth", t.auth), ("esp_lg_enc", t.enc), ("esp_lg_auth", t.auth)])


def draw_base(k: Keymat, cipher: int, rhash: Rhash, esp_suite: int) -> None:
    """RFC 7401 s6.5"""
    enc, mac = CIPHER_KEY.get(cipher, 0), rhash.length
    draw(k, [("hip_gl_enc", enc), ("hip_gl_mac", mac), ("hip_lg_enc", enc), ("hip_lg_mac", mac)])
    if esp_suite in TRANSFORMS:
        draw_esp(k, esp_suite)


class Exchange:
    """Packets in the order of their arrival. `history[n]`: pairs, SAs and KEYMATs after n packets."""

    def __init__(self, c: Node):
        self.c = c
        self.parties = {who: Party(who, c.node(name)) for who, name in WHO.items() if c.has(name)}
        if {"I", "R"} - set(self.parties):
            raise Malformed("initiator or responder is missing")
        self.pairs: dict[frozenset[str], Pair] = {}
        self.keymats: list[Keymat] = []
        self.sas: list[Sa] = []
        self.packets = c.nodes("packets")
        self.wires: list[bytes] = []
        self.history: list[tuple[dict, list[Sa], list[Keymat]]] = []
        self.states: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self.counted: set[str] = set()  # whose R1 counter was compared with its configuration
        moved = {step["addr"] for step in (c.list("script") if c.has("script") else []) if "addr" in step}
        self.addresses = {who: {p.addr} | moved if p.addr else set() for who, p in self.parties.items()}  # empty: not known

    def who(self, hit: bytes) -> str:
        return next((w for w, p in self.parties.items() if p.hit == hit), "")

    def pair(self, a: str, b: str) -> Pair | None:
        return self.pairs.get(frozenset((a, b)))

    def snapshot(self) -> None:
        self.history.append(({k: p.copy() for k, p in self.pairs.items()}, list(self.sas), list(self.keymats)))

    # -- keys

    def _candidates(self, who: str) -> list[bytes]:
        """Private values that the file gives and that may be of this party."""
        p = self.parties.get(who)
        if p is None:
            return []
        out = list(p.draws.get("dh_private", []))
        if p.node.has("dh_private"):
            out.append(p.node.hex("dh_private"))
        for n in self.c.nodes("keymats"):
            out += [n.hex(f) for f in ("dh_private_i", "dh_private_r") if n.has(f)]
        return out

    def _private(self, group: int, who: str, public: bytes) -> bytes:
        """The private half of a public value, if the file gives it."""
        for private in self._candidates(who):
            try:
                if public_of(group, private) == public:
                    return private
            except (ValueError, OverflowError):
                continue  # of another group
        return b""

    def _found(self, k: Keymat) -> list[bytes]:
        """Kij from each private half that is known; as the file has it where it gives none."""
        k.private = {who: self._private(k.group, who, public) for who, public in k.public.items()}
        found = []
        for who, other in ((k.a, k.b), (k.b, k.a)):
            if k.private[who]:
                try:
                    found.append(shared(k.group, k.private[who], k.public[other]))
                except NotInGroup as e:
                    raise Mismatch(f"{other}'s public value", f"one of group {k.group}", str(e)) from e
        if not found and any(self._candidates(who) for who in k.public):
            raise Mismatch(f"keymat {k.name}", "a private half that belongs to one of the public values", "none")
        told = next((n for n in self.c.nodes("keymats") if n.text("name") == k.name), None)
        if not found and told is not None:
            found = [told.hex("kij")] if told.has("kij") else []
            k.given = {v.text("name"): v.hex("value") for v in told.nodes("keys")}
        return found

    def make(self, k: Keymat, rhash: Rhash, hits: dict[str, bytes] | None = None) -> None:
        """Kij, which both sides must have alike, and HKDF (RFC 7401 s6.5). Without any of it the KEYMAT stays unknown."""
        found = self._found(k)
        for who, private in k.private.items():
            draws = self.parties[who].draws.get("dh_private", []) if who in self.parties else []
            if private and draws and not any(dh_fits(k.group, d, private) for d in draws):
                raise Mismatch(f"keymat {k.name}: {who}'s private value", "a draw dh_private", private)
        if not found:
            return
        agree(f"keymat {k.name}: Kij as both sides compute it", found[0], found[-1])
        k.kij = found[0]
        hits = hits or {who: self.parties[who].hit for who in (k.a, k.b)}
        k.info = sorted_hits(hits[k.a], hits[k.b])
        k.prk = rhash.extract(k.salt, k.kij)
        k.rhash = rhash

    def _name(self, a: str, b: str) -> str:
        what = "rvs" if "RVS" in (a, b) else "base"
        before = sum(k.name.split(" ")[0] == what and "rekey" not in k.name for k in self.keymats)
        return what if not before else f"{what} {before + 1}"

    # -- what a packet teaches

    def learn(self, p: Packet, sender: str, receiver: str) -> None:
        if p.kind == "R1":
            self._r1(p, sender, receiver)
        pair = self.pair(sender, receiver)
        if not pair:
            return
        if p.kind == "I2" and sender == pair.a:
            self._i2(p, pair)
        elif p.kind == "R2" and pair.hip:
            info = p.value("ESP_INFO")
            if info:
                e = esp_info(info)
                agree("R2: ESP_INFO's KEYMAT Index and OLD SPI (RFC 7402 s5.1.1)", (pair.hip.order[4][1], 0), (e.index, e.old_spi))
                pair.spi[pair.b] = e.new_spi
                for at, other in ((pair.a, pair.b), (pair.b, pair.a)):
                    self.sas.append(Sa(at, other, pair.spi[at], pair.hip, pair.esp_suite))
        elif p.kind == "UPDATE" and pair.esp and p.get("ESP_INFO"):
            self._rekey(p, pair, sender)

    def _r1(self, p: Packet, sender: str, receiver: str) -> None:
        group, public = diffie_hellman(p.value("DIFFIE_HELLMAN"))
        suite = suite_of(p.sender)
        if suite not in SUITE_HASH:
            raise Malformed(f"HIT suite {suite}")
        rhash, puzzle = SUITE_HASH[suite], p.value("PUZZLE")
        agree("length of PUZZLE (RFC 7401 s5.2.4)", 4 + rhash.length, len(puzzle))
        old = self.pair(sender, receiver)
        new = Pair(receiver, sender, rhash, p, puzzle, group, public)
        if old:  # keys of an association that is there go on until the new I2
            new.hip, new.esp, new.spi = old.hip, old.esp, old.spi
        self.pairs[frozenset((sender, receiver))] = new

    def _i2(self, p: Packet, pair: Pair) -> None:
        n = pair.rhash.length
        if pair.hip and pair.hip.public.get(pair.a) == diffie_hellman(p.value("DIFFIE_HELLMAN"))[1]:
            return  # once more, as a control relay passed it on
        pair.i2, pair.solution = p, p.value("SOLUTION")
        agree("length of SOLUTION (RFC 7401 s5.2.5)", 4 + 2 * n, len(pair.solution))
        agree("SOLUTION: K, Opaque and #I of the R1", pair.puzzle[:1] + pair.puzzle[2:4 + n],
              pair.solution[:1] + pair.solution[2:4 + n])
        group, public = diffie_hellman(p.value("DIFFIE_HELLMAN"))
        agree("I2: group of the R1", pair.group, group)
        ciphers, formats = words(p.value("HIP_CIPHER")), words(p.value("TRANSPORT_FORMAT_LIST"))
        agree("I2: one HIP_CIPHER, one transport format (RFC 7401 s5.3.3)", (1, 1), (len(ciphers), len(formats)))
        agree("I2: HIP_CIPHER is one that R1 offers", True, ciphers[0] in words(pair.r1.value("HIP_CIPHER")))
        agree("I2: transport format is one that R1 offers", True, formats[0] in words(pair.r1.value("TRANSPORT_FORMAT_LIST")))
        transforms = words(p.value("ESP_TRANSFORM"), 2)
        agree("I2: one ESP_TRANSFORM, which R1 offers (RFC 7402 s6.5)", True,
              len(transforms) == 1 and transforms[0] in words(pair.r1.value("ESP_TRANSFORM"), 2))
        if p.value("R1_COUNTER") or pair.r1.value("R1_COUNTER"):
            agree("I2: R1_COUNTER as in R1 (RFC 7401 s5.2.3)", pair.r1.value("R1_COUNTER"), p.value("R1_COUNTER"))
        pair.cipher, pair.esp_suite = ciphers[0], transforms[0]
        if pair.cipher not in CIPHER_KEY or pair.esp_suite not in TRANSFORMS:
            raise Malformed(f"cipher {pair.cipher} or transform {pair.esp_suite}")
        k = Keymat(self._name(pair.a, pair.b), pair.a, pair.b, group, {pair.a: public, pair.b: pair.r1_public}, salt=pair.i + pair.j)
        self.keymats.append(k)
        self.make(k, pair.rhash)
        draw_base(k, pair.cipher, pair.rhash, pair.esp_suite)
        at = k.order[4][1]
        pair.hip = pair.esp = k
        pair.rekeys, pair.half = 0, {}
        info = p.value("ESP_INFO")
        if info:
            e = esp_info(info)
            agree("I2: ESP_INFO's KEYMAT Index and OLD SPI (RFC 7402 s5.1.1)", (at, 0), (e.index, e.old_spi))
            pair.spi = {pair.a: e.new_spi}

    def _rekey(self, p: Packet, pair: Pair, sender: str) -> None:
        """RFC 7402 s6.8 to s6.10: when both halves are there the keys are drawn."""
        e = esp_info(p.value("ESP_INFO"))
        if e.old_spi == e.new_spi or not e.old_spi or not e.new_spi or e.new_spi == pair.spi.get(sender):
            return  # gratuitous (RFC 8046 s5.3), or said before
        dh = p.value("DIFFIE_HELLMAN")
        group, public = diffie_hellman(dh) if dh else (0, b"")
        if public:
            agree("rekey: group of the base exchange, KEYMAT Index 0 (RFC 7402 s6.8)", (pair.group, 0), (group, e.index))
        agree("rekey: OLD SPI", pair.spi.get(sender), e.old_spi)
        pair.half[sender] = Half(e, public)
        if len(pair.half) < 2:
            return
        one, two = pair.half[pair.a], pair.half[pair.b]
        was, pair.rekeys = pair.esp.root(), pair.rekeys + 1
        k = Keymat(f"{'rvs ' if 'RVS' in (pair.a, pair.b) else ''}rekey {pair.rekeys}", pair.a, pair.b)
        self.keymats.append(k)
        if one.public or two.public:
            k.group, k.salt = was.group, was.salt
            k.public = {pair.a: one.public or was.public[pair.a], pair.b: two.public or was.public[pair.b]}
            self.make(k, pair.rhash)
        else:
            k.of, k.index = was, max(one.info.index, two.info.index)
            agree("rekey: KEYMAT Index not below what was drawn (RFC 7402 s6.10)", True,
                  k.index >= max(o + n for m in self.keymats if m.root() is was for _, o, n in m.order))
        draw_esp(k, pair.esp_suite)
        pair.esp = k
        for at, other in ((pair.a, pair.b), (pair.b, pair.a)):
            pair.spi[at] = pair.half[at].info.new_spi
            self.sas.append(Sa(at, other, pair.spi[at], k, pair.esp_suite))
        pair.half = {}

    def side(self, sender: str, k: Keymat) -> str:
        """gl or lg: is the sender the host with the greater HIT?"""
        other = k.b if sender == k.a else k.a
        return "gl" if self.parties[sender].hit > self.parties[other].hit else "lg"

    def mac_key(self, sender: str, k: Keymat) -> tuple[str, bytes]:
        name = f"hip_{self.side(sender, k)}_mac"
        return name, k.key(name)

    def not_checked(self, what: str) -> None:
        self.c.marks.notes.add(f"no key, so not checked: {what}")
