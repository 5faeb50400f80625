#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""hipvec replay against hiphostd: either role, over IPv4, IPv6 and UDP; and against nobody.

        a  ---- a0 (10.62.1.0/24, fd62:1::/64) ---- b0  b
      hipvec                                          hiphostd
"""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import sh, wait_for  # noqa: E402

A4, A6, B4, B6 = "10.62.1.1", "fd62:1::1", "10.62.1.2", "fd62:1::2"


class Replay:
    def __init__(self, cases):
        self.lab = cases.lab
        self.hipvec = daemons.binary("hipvec")

    def vector(self, name, suite, kind, *more):
        """Each with a seed of its own: a peer does not take one solution of one puzzle twice."""
        path = self.lab.path("a", name)
        sh(self.hipvec, "gen", "--suite", suite, "--seed", name.encode().hex(), "--kind", kind, *more, "-o", path)
        with open(path) as f:
            return path, json.load(f)["testGroups"][0]["tests"][0]

    def set_up(self):
        for host in ("a", "b"):
            self.lab.add_host(host)
        self.lab.link("a", "a0", [f"{A4}/24", f"{A6}/64"], "b", "b0", [f"{B4}/24", f"{B6}/64"])
        _, t = self.vector("known.json", "8/2/2/8", "bex")
        raw = bytes.fromhex(t["responder"]["hit"])
        self.known = ":".join(raw[i:i + 2].hex() for i in range(0, 16, 2))
        d = self.lab.path("b", "x")[:-2]
        conf = daemons.private(f"{d}/hiphostd.yaml", f"state: {d}/state\nresolver: {{ listen: [] }}\ncontrol: {{ socket: {d}/ctl }}\n"
                               f"log: {{ level: debug }}\npeers: [ {{ hit: \"{self.known}\", addresses: [{A4}] }} ]\n")
        self.lab.start("b", "b", daemons.binary("hiphostd"), "--config", conf)
        self.hit = wait_for("hiphostd", lambda: self.status(), 15)["hit"]

    def status(self):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("b", "ctl"), "--json", "status", check=False)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def replay(self, *args, status=0):
        r = self.lab.run("a", self.hipvec, "replay", "--json", *args, check=False, timeout=60)
        check(r.returncode == status, f"{args}: {r.returncode} {r.stdout[-2000:]} {r.stderr[-2000:]}")
        return json.loads(r.stdout)

    def came(self, out):
        return [p["packet"] for p in out["packets"] if not p.get("sent") and not p.get("missing")]

    def initiator(self, title, to, kind, *more, hit=True, suite="8/2/2/8"):
        path, _ = self.vector(title + ".json", suite, kind, *(m for m in more if m == "--udp"))
        out = self.replay("--to", to, *more, *(("--hit", self.hit) if hit else ()), path)
        got = self.came(out)
        check(out["failed"] == 0 and got[:2] == ["R1", "R2"], str(out["packets"])[:2000])
        check(("UPDATE" in got) == ("update" in kind) and ("CLOSE_ACK" in got) == ("close" in kind), str(got))
        r1 = next(p for p in out["packets"] if p["packet"] == "R1")
        check({"PUZZLE", "HOST_ID", "HIP_SIGNATURE_2"} <= set(r1["the_peers_own"]), str(r1))
        return f"{' '.join(got)}: {out['passed']} checks"

    def raw4(self):
        return self.initiator("raw4", B4, "update,close")

    def raw6(self):
        return self.initiator("raw6", B6, "close", suite="7/4/1/13")

    def udp(self):
        return self.initiator("udp", B4, "update,close", "--udp")

    def opportunistic(self):
        return self.initiator("null", B4, "close", hit=False)

    def responder(self):
        """hiphostd asks for the vector's Responder, which answers with what is in the vector."""
        path, _ = self.vector("known.json", "8/2/2/8", "bex")
        ping = subprocess.Popen(["ip", "netns", "exec", self.lab.ns("b"), daemons.binary("hipctl"), "--socket", self.lab.path("b", "ctl"), "ping",
                                 "-c", "1", self.known], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            out = self.replay("--role", "responder", "--from", A4, "--wait", "5", path)
        finally:
            ping.kill()
            ping.wait()
        got = self.came(out)
        check(out["failed"] == 0 and got[:2] == ["I1", "I2"], str(out["packets"])[:2000])
        return f"{' '.join(got)}: {out['passed']} checks"

    def nobody(self):
        path, _ = self.vector("nobody.json", "8/2/2/8", "bex")
        out = self.replay("--to", "10.62.1.77", "--wait", "2", path, status=1)
        check([p["packet"] for p in out["packets"] if p.get("missing")] == ["R1", "R2"], str(out["packets"]))


def body(cases):
    t = Replay(cases)
    if not cases.case("the lab", t.set_up):
        return
    for title, work in (("initiator, IP protocol 139 over IPv4: base exchange, UPDATE, CLOSE", t.raw4),
                        ("initiator, IP protocol 139 over IPv6, RSA", t.raw6), ("initiator, UDP", t.udp),
                        ("initiator that knows no HIT", t.opportunistic), ("responder: hiphostd initiates", t.responder),
                        ("nobody answers: R1 and R2 are missing", t.nobody)):
        cases.case(title, work)


if __name__ == "__main__":
    sys.exit(case.Cases("replay", "rp-").run(body))
