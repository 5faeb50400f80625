#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""hipctl ping and explain: a host that is reached, one whose name there is not, and one whose Forwarding Agent is away."""
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import attach, main_topology, sh  # noqa: E402


class PingExplain:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.start_fa()
        self.op.start_host("mn", sim=self.sub)
        self.op.start_host("cn")
        attach(self.lab, "umts")
        self.status = self.op.wait_bound("mn", self.fqdn)

    def hipctl(self, host, *args, json_out=True):
        r = sh(daemons.binary("hipctl"), "--socket", self.op.socket(host), *(["--json"] if json_out else []), *args, check=False, timeout=60)
        return r.returncode, json.loads(r.stdout) if json_out and r.stdout.strip() else r.stdout, r.stderr

    def steps(self, answer):
        return {s["step"]: s["ok"] for s in answer["steps"]}

    def ping(self):
        code, out, why = self.hipctl("cn", "ping", self.fqdn, "-c", "3", "-i", "0.2")  # no association yet: it connects
        check(code == 0 and out["sent"] == out["answered"] == 3, f"{code} {out} {why}")
        check(0 < out["min_ms"] <= out["avg_ms"] <= out["max_ms"], str(out))
        check(out["direct"] and out["probes"][0]["path"] == "direct", str(out["probes"][0]))
        check(out["probes"][0]["hit"] == self.status["hit"], str(out["probes"][0]))
        return f"{out['min_ms']:.1f}/{out['avg_ms']:.1f}/{out['max_ms']:.1f} ms"

    def ping_text(self):
        code, out, why = self.hipctl("cn", "ping", "--until-direct", "-w", "20", self.status["hit"], json_out=False)
        check(code == 0 and "seq=1 time=" in out and "direct to" in out and "min/avg/max" in out, f"{code} {out} {why}")

    def explain(self):
        code, out, why = self.hipctl("cn", "explain", self.fqdn)
        check(code == 0 and out["reachable"] and out["stopped"] is None, f"{code} {out} {why}")
        s = self.steps(out)
        for step in ("DNS", "HIT", "rendezvous server", "I1", "R1", "I2, R2", "path", "probe"):
            check(s.get(step) is True, f"{step} in {out['steps']}")

    def no_name(self):
        code, out, why = self.hipctl("cn", "explain", f"nobody.{daemons.ZONE}")
        check(code == 1 and not out["reachable"] and out["stopped"] == "DNS", f"{code} {out} {why}")
        code, out, why = self.hipctl("cn", "ping", f"nobody.{daemons.ZONE}", "-c", "1")
        check(code == 1 and "no such name" in why, f"{code} {out} {why}")

    def fa_away(self):
        self.lab.stop("hipfad", signal.SIGKILL)
        self.op.start_host("cn2")  # nothing but the FA knows where mn is
        code, out, why = self.hipctl("cn2", "explain", self.fqdn)
        check(code == 1 and out["stopped"] == "R1", f"{code} {out} {why}")
        s = self.steps(out)
        check(s["DNS"] and s["rendezvous server"] and s["I1"], str(out["steps"]))
        code, out, why = self.hipctl("cn", "ping", self.fqdn, "-c", "1")  # who is associated does not need it
        check(code == 0, f"{code} {out} {why}")


def body(cases):
    p = PingExplain(cases)
    p.set_up()
    for title, work in (("ping by name connects and is answered", p.ping), ("ping by HIT, as text, until direct", p.ping_text),
                        ("explain: every step of a host that is reached", p.explain), ("explain: a name that there is not", p.no_name),
                        ("explain: the Forwarding Agent away", p.fa_away)):
        cases.case(title, work)


case.main("ping_explain", "pex-", body)
