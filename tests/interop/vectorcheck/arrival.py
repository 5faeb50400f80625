# SPDX-License-Identifier: Apache-2.0
"""A packet as it comes in, and what its receiver knows then."""
from __future__ import annotations

from .case import Malformed, Mismatch, Node
from .exchange import Exchange, Keymat, Pair, draw_base
from .groups import NotInGroup
from .hip import suite_of
from .identity import BadIdentity, Identity
from .suites import SUITE_HASH
from .wire import PACKETS, Broken, Packet, Param, decrypted, diffie_hellman, host_id, params_of, parsed, words


class Arrival:
    """`state` is that of the receiver's association with its peer, where it is known; before_it: what comes just before it, how often."""

    def __init__(self, x: Exchange, n: Node, at: str, after: int, state: str | None):
        if at not in x.parties:
            raise Malformed(f"{at} is nobody's name")
        if after >= len(x.history):
            raise Mismatch("expect.after", f"at most {len(x.history) - 1}", after)
        self.x, self.n, self.at, self.state = x, n, at, state
        self.before_it: list[tuple[int, Node]] = []
        self.me = x.parties[at]
        self.wire = n.hex("wire")
        self.seen = x.packets[:after]
        self.pairs, self.sas, self.keymats = x.history[after]
        self.packet: Packet | None = None
        self.broken: Broken | None = None
        try:
            self.packet = parsed(self.wire)
        except Broken as b:
            self.broken = b
        self.kind = PACKETS.get(self.wire[2] & 0x7f, "OTHER") if len(self.wire) > 2 else "OTHER"

    @property
    def p(self) -> Packet:
        if self.packet is None:
            raise Mismatch(self.n.at("wire"), "a packet that can be taken apart", str(self.broken))
        return self.packet

    @property
    def peer(self) -> str:
        """Whose HIT the sender's is; "" for nobody's."""
        return self.x.who(self.wire[8:24])

    @property
    def pair(self) -> Pair | None:
        return self.pairs.get(frozenset((self.peer, self.at))) if self.peer and self.peer != self.at else None

    def before(self, kind: str, sender: str) -> list[Packet]:
        """Packets of that type that `sender` sent up to now."""
        return [parsed(n.hex("wire")) for n in self.seen if n.text("type") == kind and self.x.who(n.hex("wire")[8:24]) == sender]

    def words(self, name: str, skip: int = 0) -> list[int]:
        return words(self.p.value(name) or b"", skip)

    # -- keys, as the receiver finds them

    def keymat(self) -> Keymat | None:
        """Of the association; for an I2 the one that it would make. None where it makes none."""
        if self.kind != "I2":
            return self.pair.hip if self.pair else None
        try:
            return self._i2_keymat()
        except (Mismatch, NotInGroup, Broken):
            return None

    def _i2_keymat(self) -> Keymat | None:
        pair, n = self.pair, SUITE_HASH[self.me.identity.suite].length
        r1s = [r for r in self.before("R1", self.at) if r.receiver == self.p.sender] or ([pair.r1] if pair else [])
        solution, ciphers, suites = self.p.value("SOLUTION"), self.words("HIP_CIPHER"), self.words("ESP_TRANSFORM", 2)
        if not r1s or not solution or len(solution) != 4 + 2 * n or not ciphers or not suites:
            return None
        group, public = diffie_hellman(self.p.value("DIFFIE_HELLMAN"))
        peer = self.peer or "X"
        k = Keymat("bad", peer, self.at, group, {peer: public, self.at: diffie_hellman(r1s[-1].value("DIFFIE_HELLMAN"))[1]},
                   salt=solution[4:])
        self.x.make(k, SUITE_HASH[self.me.identity.suite], {peer: self.p.sender, self.at: self.me.hit})
        if not k.known:
            return None
        draw_base(k, ciphers[0], SUITE_HASH[self.me.identity.suite], suites[0])
        return k

    def rhash(self):
        """Of the Responder's HIT."""
        if self.kind == "I2":
            return SUITE_HASH[self.me.identity.suite]
        return self.pair.rhash if self.pair else SUITE_HASH.get(suite_of(self.wire[8:24]))

    def side(self) -> str:
        return "gl" if self.p.sender > self.me.hit else "lg"

    def mac_right(self) -> bool | None:
        q = self.p.get("HIP_MAC") or self.p.get("HIP_MAC_2")
        k = self.keymat()
        if q is None or k is None:
            return None
        tail = self.pair.r1.get("HOST_ID").tlv if q.name == "HIP_MAC_2" and self.pair else b""
        return self.rhash().mac(k.key(f"hip_{self.side()}_mac"), self.p.before(q.at, tail)) == q.value

    def inside(self) -> list[Param] | None:
        """The parameters in ENCRYPTED; None when it does not open."""
        value, k = self.p.value("ENCRYPTED"), self.keymat()
        if value is None or k is None:
            return None
        cipher = self.words("HIP_CIPHER")[0] if self.kind == "I2" else self.pair.cipher
        try:
            return params_of(decrypted(cipher, k.key(f"hip_{self.side()}_enc"), value)[2])
        except (Broken, ValueError, IndexError):
            return None

    def host_id_value(self) -> bytes | None:
        inner = self.inside() or []
        return self.p.value("HOST_ID") or next((q.value for q in inner if q.name == "HOST_ID"), None)

    def identity(self) -> Identity | None:
        """Whose signature it should be: of the HOST_ID in the packet, else of who the association is with."""
        value = self.host_id_value() if self.kind in ("R1", "I2") else None
        if value is not None:
            try:
                h = host_id(value)
                return Identity(h.alg, h.identity)
            except (Broken, BadIdentity):
                return None
        return self.x.parties[self.peer].identity if self.peer else None

    def signature_right(self) -> bool | None:
        q, who = self.p.get("HIP_SIGNATURE") or self.p.get("HIP_SIGNATURE_2"), self.identity()
        if q is None or who is None:
            return None
        return int.from_bytes(q.value[:2], "big") == who.alg and who.verify(q.value[2:], self.p.signed(q))
