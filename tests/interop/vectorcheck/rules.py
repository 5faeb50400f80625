# SPDX-License-Identifier: Apache-2.0
"""What one packet of a good exchange owes to those before it: choices out of offers, echoes, acknowledgements, addresses of a rendezvous."""
from __future__ import annotations

import ipaddress

from .case import Node, agree
from .exchange import Exchange
from .suites import SUITE_OF_ALG
from .wire import Packet, diffie_hellman, peer_permission, transport_address


def mapped(address: str) -> bytes:
    """An address as FROM and VIA_RVS carry it: IPv4 in IPv6 (RFC 8004 s4.2)."""
    a = ipaddress.ip_address(address)
    return bytes(10) + b"\xff\xff" + a.packed if a.version == 4 else a.packed


class Rules:
    """Packets seen so far, by who sent them to whom."""

    def __init__(self, x: Exchange):
        self.x = x
        self.seen: list[tuple[str, str, Packet, str]] = []  # sender, receiver, packet, where it came from

    def last(self, sender: str, receiver: str, kind: str) -> Packet | None:
        return next((p for s, r, p, _ in reversed(self.seen) if (s, r, p.kind) == (sender, receiver, kind)), None)

    def all(self, sender: str, receiver: str, name: str) -> list[bytes]:
        return [q.value for s, r, p, _ in self.seen if (s, r) == (sender, receiver) for q in p.all(name)]

    def check(self, n: Node, p: Packet, sender: str, receiver: str) -> None:
        where = n.at("wire") + ": "
        if p.kind == "R1":
            self.r1(where, p, sender, receiver)
        self.echo(where, p, sender, receiver)
        if p.kind == "UPDATE":
            self.update(where, p, sender, receiver)
        self.rendezvous(where, n, p, sender, receiver)
        self.seen.append((sender, receiver, p, n.text("src")))

    def r1(self, where: str, p: Packet, sender: str, receiver: str) -> None:
        i1 = self.last(receiver, sender, "I1")
        agree(where + "an I1 before this R1", True, i1 is not None)
        asked = i1.value("DH_GROUP_LIST")
        first = next((g for g in p.value("DH_GROUP_LIST") if g in asked), p.value("DH_GROUP_LIST")[0])
        agree(where + "the group is R's first one that I offered (RFC 7401 s5.2.6)", first, diffie_hellman(p.value("DIFFIE_HELLMAN"))[0])
        suites = [v >> 4 for v in p.value("HIT_SUITE_LIST")]
        agree(where + "low nibbles of HIT_SUITE_LIST (RFC 7401 s5.2.10)", 0, sum(v & 0x0f for v in p.value("HIT_SUITE_LIST")))
        for who in (sender, receiver):
            agree(where + f"HIT_SUITE_LIST has the suite of {who}", True, SUITE_OF_ALG[self.x.parties[who].identity.alg] in suites)

    def echo(self, where: str, p: Packet, sender: str, receiver: str) -> None:
        """RFC 7401 s5.2.20 to s5.2.23: responses copy requests; R1's and CLOSE's are answered in I2 and CLOSE_ACK."""
        for kind in ("SIGNED", "UNSIGNED"):
            for value in (q.value for q in p.all(f"ECHO_RESPONSE_{kind}")):
                agree(where + f"an ECHO_REQUEST_{kind} with these contents", True, value in self.all(receiver, sender, f"ECHO_REQUEST_{kind}"))
        answered = {"I2": "R1", "CLOSE_ACK": "CLOSE"}.get(p.kind)
        asking = self.last(receiver, sender, answered) if answered else None
        if asking and asking.get("ECHO_REQUEST_SIGNED"):
            agree(where + f"ECHO_REQUEST_SIGNED of {answered} answered", asking.value("ECHO_REQUEST_SIGNED"), p.value("ECHO_RESPONSE_SIGNED"))

    def update(self, where: str, p: Packet, sender: str, receiver: str) -> None:
        """RFC 7401 s6.11, s6.12: Update IDs count up by one, acknowledgements name IDs that came."""
        seq, ack = p.value("SEQ"), p.value("ACK")
        mine = [int.from_bytes(v, "big") for v in self.all(sender, receiver, "SEQ")]
        if seq is not None:
            following = (mine[-1] + 1) % 2**32 if mine else 0
            agree(where + "Update ID is the next one, or one sent again", True, int.from_bytes(seq, "big") in (*mine, following))
        if p.get("PEER_PERMISSION"):
            given = [transport_address(v) for v in self.all(receiver, sender, "RELAYED_ADDRESS")]
            agree(where + "PEER_PERMISSION is for an address that it was given (RFC 9028 s4.12.1)", True,
                  peer_permission(p.value("PEER_PERMISSION")).relayed in given)
        theirs = self.all(receiver, sender, "SEQ")
        for at in range(0, len(ack or b""), 4):
            agree(where + "ACK names an Update ID that came", True, ack[at:at + 4] in theirs)

    def rendezvous(self, where: str, n: Node, p: Packet, sender: str, receiver: str) -> None:
        """RFC 8004 s3.3, s4.3.3: FROM is where the packet came from, VIA_RVS the server's address."""
        if p.get("FROM") and n.text("from") == "RVS":
            came = [src for s, r, q, src in self.seen if (s, r, q.kind) == (sender, receiver, p.kind)]
            agree(where + "FROM", mapped(came[-1]) if came else b"", p.value("FROM"))
            agree(where + "an RVS_HMAC with FROM", True, p.get("RVS_HMAC") is not None)
        relayed = self.last(receiver, sender, "I1")
        if p.kind == "R1" and relayed and relayed.get("FROM") and "RVS" in self.x.parties:
            agree(where + "VIA_RVS", mapped(self.x.parties["RVS"].addr), p.value("VIA_RVS"))
