# SPDX-License-Identifier: Apache-2.0
"""Packets that must do no harm: is the fault really there that the vector names, and nothing before it in the order in which a receiver looks?

What only a state machine can say is not judged, and listed.
"""
from __future__ import annotations

import ipaddress

from .arrival import Arrival
from .capacity import FULL, check_limits, judge_capacity
from .case import Case, Malformed, Mismatch, Node, agree
from .data_relay import REFUSALS, judge_esp, judge_permission
from .esp import DUMMY, Refused, open_esp
from .exchange import Exchange
from .faults import FAULTS, checksum_right
from .suites import TRANSFORMS

# Faults of the octets, which a receiver finds before it looks at the checksum.
OF_FORM = {"TRUNCATED", "OVERSIZED", "BAD_HEADER", "BAD_VERSION", "BAD_CHECKSUM", "UNKNOWN_PACKET", "BAD_HIT", "PARAM_ORDER", "PARAM_LENGTH",
           "PARAM_COUNT", "PARAM_NOT_ALLOWED", "PARAM_MISSING", "PARAM_MALFORMED", "UNKNOWN_CRITICAL"}
# Faults that count only in a packet whose HIP_MAC and signature are right (RFC 7401 s6.12, s6.14, s6.15).
BEHIND_MAC = {"BAD_SIGNATURE", "BAD_ECHO", "BAD_ACK", "BAD_ESP_INFO", "BAD_LOCATOR"}
BEHIND_SIGNATURE = {"BAD_ACK", "BAD_ESP_INFO", "BAD_LOCATOR"}
# Packets in which a fault can be at all.
ONLY = {
    "BAD_CIPHER": "R1 I2", "BAD_TRANSPORT": "R1 I2", "BAD_HI": "R1 I2 UPDATE", "HI_MISMATCH": "R1 I2 UPDATE", "BAD_PUZZLE": "I2",
    "BAD_NAT_MODE": "R1 I2 R2 UPDATE NOTIFY CLOSE CLOSE_ACK", "LOST_RACE": "I1 I2", "BAD_HIP_MAC": "I2 UPDATE NOTIFY CLOSE CLOSE_ACK",
    "BAD_HIP_MAC_2": "R2", "PUZZLE_TOO_HARD": "R1", "PUZZLE_REUSED": "I2", "STALE_R1_COUNTER": "R1 I2", "DH_DOWNGRADE": "R1",
    "BAD_DH": "R1 I2 UPDATE", "BAD_ECHO": "I2 UPDATE CLOSE_ACK", "DUPLICATE": "R1 I2 UPDATE", "OUT_OF_WINDOW": "UPDATE", "BAD_ACK": "UPDATE",
    "BAD_ESP_INFO": "I2 R2 UPDATE", "BAD_LOCATOR": "R1 I2 R2 UPDATE", "NO_ASSOCIATION": "R1 R2 UPDATE NOTIFY CLOSE CLOSE_ACK",
    "BAD_SIGNATURE": "R1 I2 R2 UPDATE NOTIFY CLOSE CLOSE_ACK", "BAD_RVS_HMAC": "I1 UPDATE", "RELAYED_OPPORTUNISTIC": "I1",
}


# Not faults in an exchange that goes well: what was sent twice, what crosses, and what hangs on states.
NO_FAULT_OF_ITS_OWN = {"DUPLICATE", "PUZZLE_REUSED", "LOST_RACE", "WRONG_STATE", "NO_ASSOCIATION"}
CHECKED = {"BAD_HIP_MAC", "BAD_HIP_MAC_2", "BAD_SIGNATURE", "BAD_CHECKSUM"}  # by their own means


def without_fault(x: Exchange, n: Node, state: str | None) -> None:
    """A packet of a good exchange, which comes next, has none of the faults."""
    b = Arrival(x, n, n.text("to"), len(x.history) - 1, state)
    if b.at == "RVS" and n.has("udp") and b.p.receiver != b.me.hit:  # a control relay passes on what it cannot look into
        return
    for reason, judge in FAULTS.items():
        if reason in NO_FAULT_OF_ITS_OWN | CHECKED or (reason in ONLY and b.kind not in ONLY[reason].split()):
            continue
        if reason == "RVS_NOT_TRUSTED" and "RVS" not in x.parties:
            continue  # a transcript may leave the server out
        if judge(b):
            raise Mismatch(n.at("wire") + ": faults", "none", reason)


def check_esp_fault(b: Arrival) -> None:
    """An ESP packet: what is wrong with it is judged by EspTest's rules, where an SA has its SPI."""
    spi = int.from_bytes(b.wire[:4], "big")
    sa = next((s for s in reversed(b.sas) if s.at == b.at and s.spi == spi), None)
    if sa is None:
        return
    side = b.x.side(sa.sender, sa.keys)
    try:
        o = open_esp(TRANSFORMS[sa.suite], sa.keys.key(f"esp_{side}_enc"), sa.keys.key(f"esp_{side}_auth"), b.wire, bytes(4))
    except Refused:
        return
    seqs = {n.hex("wire")[4:8] for n in b.seen if n.text("type") == "ESP" and n.hex("wire")[:4] == b.wire[:4]}
    replayed = b.wire[4:8] in seqs or b.wire[4:8] == bytes(4)  # none has number 0 (RFC 4303 s3.3.3)
    agree("bad: an ESP packet that opens was seen before", True, replayed or o.next_header == DUMMY)


def judge_bad(c: Case, x: Exchange) -> None:
    e, limits = c.node("expect"), c.maybe("limits")
    b = Arrival(x, c.node("bad"), e.text("at"), e.int("after", len(x.packets)), e.text("state") if e.has("state") else None)
    b.before_it = [(n.int("times"), n.node("packet")) for n in c.nodes("before")]
    for _, n in b.before_it:
        agree(n.at("to") + ": where the bad packet comes", b.at, n.text("to"))
    reason, relay = e.text("drop", ""), b.me.config is not None and b.me.config.has("relayed_port")
    check_expect(b, e)
    check_limits(limits, reason)
    if b.n.text("type") == "ESP":
        judge_esp(b, limits, e) if relay else check_esp_fault(b)
        return
    if reason == "TAKEN" or not reason:
        return
    if reason in FULL:
        judge_capacity(b, limits, reason, ONLY)
    elif relay and b.packet and b.p.get("PEER_PERMISSION") and reason in REFUSALS:
        judge_permission(b, b.p, limits, e)
    else:
        judge_fault(c, b, reason)
    check_order(b, reason)


def judge_fault(c: Case, b: Arrival, reason: str) -> None:
    """The packet has it."""
    judge = FAULTS.get(reason)
    if reason in ONLY and b.kind not in ONLY[reason].split():
        raise Mismatch("expect.drop", reason, f"not in {b.kind}")
    there = judge(b) if judge else None
    if there is None:
        c.marks.notes.add(f"only a state machine can judge {reason} in {b.kind}")
    elif not there:
        raise Mismatch("expect.drop", reason, "the packet has no such fault")


def check_expect(b: Arrival, e: Node) -> None:
    b.n.same("type", "ESP" if b.n.text("type") == "ESP" else b.kind)
    agree("bad.to: where it arrives", b.at, b.n.text("to"))
    action = e.text("action")
    agree("expect.notify_type is given", action == "notify", e.has("notify_type"))
    for field in ("acknowledged", "relayed"):
        if e.has(field) and not (b.me.config and b.me.config.has("relayed_port")):
            raise Mismatch(e.at(field), "nothing: the receiver is no data relay", e.raw(field))
    if action == "notify":
        agree("expect.notify_type of an error or ours (RFC 7401 s5.2.19)", True, 0 < e.int("notify_type") < 16384)
    for field in ("src", "dst"):
        try:
            ipaddress.ip_address(b.n.text(field))
        except ValueError as e:
            raise Malformed(f"bad.{field}: {e}") from None


def check_order(b: Arrival, reason: str) -> None:
    """What a receiver looks at before must be right, or it would drop the packet for that."""
    if reason in OF_FORM or b.packet is None:
        return
    agree("bad: checksum is right, since the fault is " + reason, True, checksum_right(b))
    if reason in BEHIND_MAC and b.kind in ("I2", "R2", "UPDATE", "CLOSE", "CLOSE_ACK"):
        agree("bad: MAC is right, since the fault is " + reason, True, b.mac_right() is not False)
    if reason in BEHIND_SIGNATURE:
        agree("bad: signature is right, since the fault is " + reason, True, b.signature_right() is not False)
