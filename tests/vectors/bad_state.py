# SPDX-License-Identifier: Apache-2.0
"""Good packets that come to a receiver which cannot take more: its limits stand in the test, and what comes before to bring it there."""
from forge import CLOSE, I1, I2, NOTIFY, R1, R2, UPDATE


def rate(g, x):
    """RFC 7401 s6.7: R1s that a source gets are limited. The I1s before it are many times as many as in a second."""
    at = x.index(I1, "I") + 1
    p, many = x.packet(at - 1), {"like": at - 1, "limits": {"r1_per_s": 1}, "before": [(50, None)]}
    g.put("I1, and fifty before it, of one source", p, "R", at, "RATE_LIMITED", **many)
    g.put("I1, and fifty before it, of a source that never sends I2", p, "R", at, "RATE_LIMITED", src="192.0.2.200", **many)
    g.put("I1 in ESTABLISHED, and fifty before it", p, "R", x.index(UPDATE, "I"), "RATE_LIMITED", **many)


def table(g, x, other, notify=None):
    """The other one's I2 answers the same R1 (its draws are of the same seed): R has an association with it, and room for one."""
    at = x.index(I2, "I")
    assert other.party["R"]["hit"] == x.party["R"]["hit"] and other.party["I"]["hit"] != x.party["I"]["hit"]
    first = dict(other.packets[other.index(I2, "I")], **{"from": "X"})
    g.put(f"I2 to a Responder whose table of associations another Initiator has filled{', which says so' if notify else ''}", x.packet(at), "R", at,
          "ASSOC_FULL", limits={"associations": 1}, before=[(1, first)], instead=True, continues=False, notify=notify)


def list_full(g, x):
    """Dropped before anybody has looked at it: what it would make the receiver do could not be done."""
    for kind, name, sender in ((I1, "I1", "I"), (R1, "R1", "R"), (I2, "I2", "I"), (R2, "R2", "R"), (UPDATE, "UPDATE", "I"), (NOTIFY, "NOTIFY", "R"),
                               (CLOSE, "CLOSE", "I")):
        at = x.index(kind, sender)
        g.put(f"{name} to a host that has no room for what it should do", x.packet(at), "R" if sender == "I" else "I", at, "ACTIONS_FULL",
              limits={"actions": 0})


def server_full(g, x):
    at = next(i for i, p in enumerate(x.packets) if p["type"] == "I1" and p["from"] == "I" and p["to"] == "RVS")
    g.put("I1 to a rendezvous server that has no room for what it should do", x.packet(at), "RVS", at, "ACTIONS_FULL", limits={"actions": 0})


def make(base):
    g = base("--suite", "7/2/P-256/8", "--kind", "update,notify,close", "--seed", "bade01")
    rate(g, g.x)
    list_full(g, g.x)
    r = base("--suite", "7/2/P-256/8", "--kind", "rendezvous", "--seed", "bade02")
    server_full(r, r.x)
    out = [g, r]
    for tell in ([], ["--tell"]):
        args = ("--suite", "7/2/P-256/8", "--seed", "bade03", *tell)
        f = base(*args)
        table(f, f.x, base(*args, "--initiator", "Ed25519").x, 44 if tell else None)
        out.append(f)
    return out
