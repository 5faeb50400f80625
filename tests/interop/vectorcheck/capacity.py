# SPDX-License-Identifier: Apache-2.0
"""Good packets that come to a receiver which cannot take more: its limits stand in the test (`limits`), what brings it there in `before`."""
from __future__ import annotations

from collections.abc import Callable

from .arrival import Arrival
from .case import Mismatch, Node, agree
from .faults import FAULTS
from .hip import low_bits, puzzle_input
from .suites import SUITE_HASH
from .wire import parsed

# The limit that each reason is about.
LIMIT_OF = {"RATE_LIMITED": ("r1_per_s",), "ASSOC_FULL": ("associations",), "ACTIONS_FULL": ("actions",),
            "OVER_QUOTA": ("client_packet_s", "client_bit_s", "permissions_per_client"), "RELAY_BUSY": ("total_bit_s", "permissions")}


def check_limits(limits: Node | None, reason: str) -> None:
    """They are about this reason, and it is not given without."""
    named = list(limits.value) if limits else []
    wanted = LIMIT_OF.get(reason, ())
    if len(named) != bool(wanted) or not set(named) <= set(wanted):
        raise Mismatch("limits", " or ".join(wanted) or "none", ", ".join(named) or "none")


def rate(b: Arrival, limits: Node) -> bool:
    """RFC 7401 s6.7: more I1s of this source than in a second."""
    same = sum(times for times, n in b.before_it if n.text("type") == "I1" and n.text("src") == b.n.text("src"))
    return b.kind == "I1" and same >= limits.int("r1_per_s")


def table(b: Arrival, limits: Node) -> bool:
    """Associations with others, of which those are that begin with an I2 just before: its puzzle is solved for this Responder."""
    held = {who for pair, p in b.pairs.items() if b.at in pair and p.hip for who in pair} - {b.at, b.peer}
    for _, n in b.before_it:
        p = parsed(n.hex("wire"))
        agree("before: an I2 to the receiver", ("I2", b.me.hit), (p.kind, p.receiver))
        h, solution = SUITE_HASH[b.me.identity.suite], p.value("SOLUTION")
        i, j = solution[4:4 + h.length], solution[4 + h.length:]
        if not any(low_bits(h.hash(puzzle_input(i, p.sender, p.receiver, j)), solution[0])) and p.sender != b.p.sender:
            held.add(p.sender.hex())
    return b.kind == "I2" and len(held) >= limits.int("associations")


def actions(b: Arrival, limits: Node) -> bool:
    return limits.int("actions") == 0


FULL: dict[str, Callable[[Arrival, Node], bool]] = {"RATE_LIMITED": rate, "ASSOC_FULL": table, "ACTIONS_FULL": actions}
# Not faults of a packet that comes twice or at another time than in its exchange; and what is proven by other means.
NOT_ITS_OWN = {"DUPLICATE", "PUZZLE_REUSED", "LOST_RACE", "WRONG_STATE", "NO_ASSOCIATION", "BAD_HIP_MAC", "BAD_HIP_MAC_2", "BAD_SIGNATURE"}


def judge_capacity(b: Arrival, limits: Node, reason: str, only: dict[str, str]) -> None:
    """The receiver is at its limit, and nothing is wrong with the packet."""
    if not FULL[reason](b, limits):
        raise Mismatch("expect.drop", reason, "the receiver can take it")
    for name, judge in FAULTS.items():
        if name not in NOT_ITS_OWN and b.kind in only.get(name, b.kind).split() and judge(b):
            raise Mismatch("expect.drop", reason, f"the packet has a fault of its own: {name}")
    agree("bad: MAC is right", True, b.mac_right() is not False)
    agree("bad: signature is right", True, b.signature_right() is not False)
