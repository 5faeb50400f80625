# SPDX-License-Identifier: Apache-2.0
"""A group of bad packets around one good exchange."""
from forge import NAMES, Exchange, Packet, checksum

WAY = ("type", "from", "to", "src", "dst", "udp", "wire")
SHARED = ("initiator", "responder", "rvs", "puzzle", "rvs_puzzle", "keymats", "script", "packets")


class Group:
    def __init__(self, group: dict):
        self.x = Exchange(group)
        self.tests = []

    def state(self, at: str, after: int) -> str:
        """Of the receiver's association when so many packets have arrived."""
        field = {"I": "state_i", "R": "state_r", "RVS": "state_rvs"}[at]
        if after:
            return self.x.packets[after - 1]["outcome"][field]
        return "I1-SENT" if at == "I" else "UNASSOCIATED"

    def raw(self, comment, wire, to, after, drop, *, like=None, state=None, notify=None, accept=False, instead=False,
            flags=(), src=None, dst=None, continues=True, kind=None, udp=None, sums=True, limits=None, before=(), acknowledged=False,
            relayed=None):
        """A packet as it is; its checksum is made right unless sums is False. like: the packet whose addresses it has. before: (how often, packet
        of the exchange or None: this one)"""
        old = self.x.packets[after if like is None else like]
        src, dst = src or old["src"], dst or old["dst"]
        udp = old.get("udp") if udp is None else udp
        if sums and not udp and len(wire) >= 40 and kind != "ESP":
            wire = wire[:4] + checksum(wire[:min(len(wire), 8 * wire[1] + 8)], src, dst) + wire[6:]
        kind = kind or NAMES.get(wire[2] & 0x7f if len(wire) > 2 else 0, "OTHER")
        bad = {"type": kind, "from": "X", "to": to, "src": src, "dst": dst}
        if udp:
            bad["udp"] = udp
        bad["wire"] = wire.hex()
        expect = {"at": to, "after": after, "action": "accept" if accept else "notify" if notify else "drop"}
        if instead:
            expect["instead"] = True
        if drop:
            expect["drop"] = drop
        if notify:
            expect["notify_type"] = notify
        if acknowledged:
            expect["acknowledged"] = True
        if relayed:
            expect["relayed"] = dict(zip(("src", "dst"), relayed))
        state = state or self.state(to, after)
        if not accept:
            expect["state"] = state
        if not continues:
            expect["continues"] = False
        test = {"tcId": 0, "comment": comment, "flags": list(flags) or [(drop or "esp").lower()], "result": "invalid"}
        if limits:
            test["limits"] = limits
        if before:
            test["before"] = [{"times": n, "packet": {k: v for k, v in (p or bad).items() if k in WAY}} for n, p in before]
        self.tests.append({**test, "bad": bad, "expect": expect})

    def put(self, comment, p: Packet, to, after, drop, **more):
        self.raw(comment, p.raw(), to, after, drop, **more)

    def finish(self) -> dict:
        g, t = self.x.group, self.x.test
        out = {k: g[k] for k in ("type", "source", "suite")}
        out.update({k: t[k] for k in SHARED if k in t})
        out["tests"] = self.tests
        return out
