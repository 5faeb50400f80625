#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240 --sample 5
# check: full 900
"""hipfad killed (SIGKILL) at its n-th write for every n of a binding, started again, and looked at.

strace attaches to the idle daemon and lets the kernel kill it when it enters the n-th call of one kind: what it writes to its files
(pwrite64, fdatasync, ftruncate, write) and to the network (sendmmsg, sendto, sendmsg). One blocking thread (UV_THREADPOOL_SIZE=1) makes the
order of the calls the same each time. A first run without a kill counts them.

After each kill, once the daemon is up again and has settled what was open:
  - what the host was told is bound is bound, without a new AKA run (no binding lost);
  - every HIP record in the zone belongs to a binding, with the same HIT (no name that no binding knows);
  - every binding that says bound has its record in the zone;
  - the host then gets the name it wanted, not a second choice.
The same for a daemon killed when the host has just been told, killed again while it settles what was open, and killed in a revocation (the name
is there with its binding, or gone with it).

    kill9.py [--sample N]     N kills of each kind, spread evenly, instead of all
"""
import argparse
import collections
import ipaddress
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import LabError, attach, main_topology, wait_for  # noqa: E402

CALLS = ("pwrite64", "fdatasync", "ftruncate", "write", "sendmmsg", "sendto", "sendmsg")
REALM = "wlan.mnc001.mcc001.3gppnetwork.org"


class Driver:
    """Makes a host bind itself, and tells what the host believes. (The one place that knows hiphostd.)"""

    def __init__(self, op):
        self.op = op

    def start(self, sub):
        self.op.start_host("mn", sim=sub)

    def stop(self):
        if self.op.lab.alive("hiphostd-mn"):
            self.op.stop_host("mn")

    def forget(self):
        """The host loses what it stored: its next binding begins from nothing."""
        self.stop()
        for state in pathlib.Path(self.op.conf("mn")).parent.glob("state*"):
            shutil.rmtree(state)

    def status(self):
        return self.op.ctl("mn", "status", check=False) or {}

    def runs(self):
        return (self.status().get("binding") or {}).get("runs")

    def believes_bound(self):
        b = self.status().get("binding") or {}
        return b.get("fqdn", "").rstrip(".") if b.get("state") == "bound" else None


class Kill9:
    def __init__(self, cases, sample):
        self.c, self.lab, self.sample = cases, cases.lab, sample
        self.op = daemons.Operator(self.lab)
        self.driver = Driver(self.op)
        self.serial = 100

    def set_up(self):
        os.environ["UV_THREADPOOL_SIZE"] = "1"
        main_topology(self.lab)
        self.op.realms[REALM] = "00101"
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.start_fa()
        attach(self.lab, "umts")

    def subscriber(self):
        self.serial += 1
        n = self.serial
        sub = daemons.Subscriber(imsi=f"00101{n:010d}", k=secrets.token_hex(16), opc=secrets.token_hex(16), given=f"Kill{n}", surname="Nine",
                                 msisdn=f"35850{n:07d}")
        self.op.add_subscriber(sub)
        return sub

    def start_fa(self):
        self.op.start_fa()
        wait_for("hipfad has settled what was open", lambda: self.op.ctl("fa", "status")["settled"], 30)

    def fa_pid(self):
        """The daemon itself: `ip netns exec` became it."""
        return self.lab.procs["hipfad"].pid

    def strace(self, *what):
        out = self.lab.path("trace", "strace")
        if os.path.exists(out):
            os.unlink(out)
        p = self.lab.start("fa", "strace", "strace", "-f", "-o", out, "-p", str(self.fa_pid()), *what)
        wait_for("strace attached", lambda: "attached" in self.lab.log_text("strace").rsplit("\n--", 1)[-1] or p.poll() is not None, 5)
        time.sleep(0.2)
        return out

    def end_strace(self):
        if self.lab.alive("strace"):
            self.lab.stop("strace", signal.SIGINT)
        self.lab.procs.pop("strace", None)
        self.lab.pids.pop("strace", None)
        log = self.lab.path("log", "strace")
        if os.path.exists(log):
            os.unlink(log)

    # ---- what the zone and the store say ----------------------------------------------------------------------------------

    def zone_hip(self):
        """name: HIT of every HIP record in the zone, from the primary itself."""
        out = self.lab.run("home", "knotc", "-c", f"{self.op.dns_dir}/knot.conf", "zone-read", daemons.ZONE).stdout
        found = {}
        for line in out.splitlines():
            m = re.match(r"\[[^\]]*\]\s+(\S+)\.\s+\d+\s+(?:HIP|TYPE55)\s+(.*)", line)
            if m:
                rest = re.sub(r"^\\#\s*\d+\s*", "", m.group(2)).replace(" ", "").lower()
                found[m.group(1)] = ":".join(rest[8:40][i:i + 4] for i in range(0, 32, 4))
        return found

    def consistent(self):
        zone = {n: str(ipaddress.ip_address(h)) for n, h in self.zone_hip().items()}
        rows = [b for b in self.op.bindings() if b["state"] != "revoked"]
        known = {b["fqdn"].rstrip("."): b for b in rows}
        for name, hit in zone.items():
            check(name in known, f"the zone has {name}, no binding knows it; bindings: {sorted(known)}")
            check(str(ipaddress.ip_address(known[name]["hit"])) == hit, f"{name}: the zone has {hit}, the store {known[name]['hit']}")
        for name, b in known.items():
            check(b["state"] == "bound", f"{name} is still {b['state']}, though the DNS is up")
            check(name in zone, f"{name} is bound in the store, the zone does not have it")
        return known

    # ---- the cases -----------------------------------------------------------------------------------------------------

    def count(self):
        """How often each call is made in a binding."""
        self.driver.forget()
        sub = self.subscriber()
        out = self.strace("-e", "trace=" + ",".join(CALLS))
        self.driver.start(sub)
        wait_for("bound", lambda: self.driver.believes_bound() == f"{sub.label}.{daemons.ZONE}", 30)
        time.sleep(0.5)
        self.end_strace()
        self.driver.stop()
        # strace counts for each thread by itself: so do we, and take the largest
        per = collections.Counter()
        for line in open(out, errors="replace"):
            m = re.match(r"(\d+)\s+(\w+)\(", line)
            if m and m.group(2) in CALLS:
                per[m.group(2), m.group(1)] += 1
        self.counts = {c: max((n for (call, _), n in per.items() if call == c), default=0) for c in CALLS}
        self.consistent()
        check(self.counts["pwrite64"] and self.counts["fdatasync"], f"no writes seen: {self.counts}")
        return ", ".join(f"{n} {c}" for c, n in self.counts.items() if n)

    def kill_at(self, call, n):
        """One kill. Returns what happened, or None when the binding was over before the n-th call."""
        self.driver.forget()
        sub = self.subscriber()
        fqdn = f"{sub.label}.{daemons.ZONE}"
        self.strace("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}")
        self.driver.start(sub)
        believed = None
        end = time.monotonic() + 20
        while self.lab.alive("hipfad") and not believed and time.monotonic() < end:
            believed = self.driver.believes_bound()
            time.sleep(0.02)
        end = time.monotonic() + 1
        while self.lab.alive("hipfad") and time.monotonic() < end:
            time.sleep(0.02)
        killed = not self.lab.alive("hipfad")
        believed = believed or self.driver.believes_bound()
        self.end_strace()
        if not killed:
            check(believed == fqdn, "neither killed nor bound")
            self.driver.stop()
            return None
        self.lab.stop("hipfad")
        self.driver.stop()
        self.start_fa()
        known = self.consistent()
        if believed:
            check(known.get(believed, {}).get("state") == "bound", f"the host was told {believed}; the store says {known.get(believed)}")
        state = known.get(fqdn, {}).get("state", "nothing")
        self.driver.start(sub)
        wait_for(f"bound as {fqdn} in the end; {self.driver.status().get('binding')}", lambda: self.driver.believes_bound() == fqdn, 30)
        self.consistent()
        self.driver.stop()
        return f"{'told' if believed else 'not told'}, after the restart: {state}"

    def told(self):
        """Killed the moment the host knows: nothing that was promised is lost, and no new AKA run is needed."""
        self.driver.forget()
        sub = self.subscriber()
        fqdn = f"{sub.label}.{daemons.ZONE}"
        self.driver.start(sub)
        wait_for("bound", lambda: self.driver.believes_bound() == fqdn, 30)
        runs = self.driver.runs()
        self.lab.stop("hipfad", signal.SIGKILL)
        before = self.asked()
        self.start_fa()
        check(self.consistent().get(fqdn, {}).get("state") == "bound", "the binding is lost")
        hit = self.driver.status()["hit"]
        wait_for("registered again", lambda: any(r["hit"] == hit for r in self.op.registrations()), 90)
        check(self.asked() == before and self.driver.runs() == runs, "the SIM was asked once more")
        self.driver.stop()
        return "registered again without AKA"

    def asked(self):
        """Challenges and verdicts that the authentication server gave."""
        return self.lab.log_text("hipakad").count("event=accept")

    def settling(self):
        """An intent is left open; then every start is killed one write later than the one before, until one lives."""
        self.driver.forget()
        sub = self.subscriber()
        fqdn = f"{sub.label}.{daemons.ZONE}"
        self.strace("-e", "trace=sendmsg", "-e", "inject=sendmsg:signal=KILL:when=1")
        self.driver.start(sub)
        wait_for("the first kill", lambda: not self.lab.alive("hipfad"), 20)
        self.end_strace()
        self.lab.stop("hipfad")
        self.driver.stop()
        kills = 0
        for call in ("pwrite64", "fdatasync", "sendmsg"):
            for n in range(1, 60):
                out = self.lab.path("trace", "settle")
                self.lab.start("fa", "hipfad", "strace", "-f", "-o", out, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}",
                               daemons.binary("hipfad"), "--config", self.op.conf("fa"))
                end = time.monotonic() + 2  # not asked how it is: its answers would be writes too
                while self.lab.alive("hipfad") and time.monotonic() < end:
                    time.sleep(0.02)
                lived = self.lab.alive("hipfad")
                if lived:  # strace would leave it behind
                    tracer = self.fa_pid()
                    os.kill(int(open(f"/proc/{tracer}/task/{tracer}/children").read().split()[0]), signal.SIGTERM)
                    self.lab.procs["hipfad"].wait(timeout=10)
                self.lab.stop("hipfad")
                if lived:
                    break
                kills += 1
            else:
                check(False, f"no start lived through {call}")
        self.start_fa()
        known = self.consistent()
        check(known.get(fqdn, {}).get("state") in (None, "bound"), f"left open: {known.get(fqdn)}")
        self.driver.start(sub)
        wait_for("bound in the end", lambda: self.driver.believes_bound() == fqdn, 30)
        self.consistent()
        self.driver.stop()
        return f"{kills} starts killed"

    def revoke(self, fqdn):
        """Asks hipfad to revoke and does not wait for more than the answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(self.op.socket("fa"))
                s.sendall(f'{{"cmd":"revoke","name":"{fqdn}"}}\n'.encode())
                s.recv(4096)
            except OSError:
                pass  # killed meanwhile

    def revocation(self):
        if not self.lab.alive("hipfad"):
            self.start_fa()
        kills, ended = 0, collections.Counter()
        for call in ("pwrite64", "fdatasync", "sendmsg"):
            for n in range(1, 60, 1 if not self.sample else 8):
                self.driver.forget()
                sub = self.subscriber()
                fqdn = f"{sub.label}.{daemons.ZONE}"
                self.driver.start(sub)
                wait_for("bound", lambda: self.driver.believes_bound() == fqdn, 30)
                self.driver.stop()
                time.sleep(0.2)
                self.strace("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}")
                self.revoke(fqdn)
                end = time.monotonic() + 2
                while self.lab.alive("hipfad") and time.monotonic() < end and fqdn in {b["fqdn"] for b in self.rows() if b["state"] != "revoked"}:
                    time.sleep(0.05)
                time.sleep(0.2)
                killed = not self.lab.alive("hipfad")
                self.end_strace()
                if not killed:
                    check(fqdn not in self.zone_hip(), f"{fqdn} is revoked and in the zone")
                    break
                self.lab.stop("hipfad")
                self.start_fa()
                known = self.consistent()
                check(known.get(fqdn, {}).get("state") in (None, "bound"), f"left open: {known.get(fqdn)}")
                ended["still bound" if fqdn in known else "gone"] += 1
                kills += 1
        check(kills > 5 or self.sample, f"only {kills} kills")
        return f"{kills} kills; " + ", ".join(f"{k} x {v}" for k, v in ended.items())

    def rows(self):
        return (self.op.ctl("fa", "bindings", check=False) or {}).get("bindings", [])

    def numbers(self, call):
        n = self.counts[call]
        if not self.sample or n <= self.sample:
            return range(1, n + 1)
        return sorted({1 + round(i * (n - 1) / (self.sample - 1)) for i in range(self.sample)}) if self.sample > 1 else [n]

    def every(self, call):
        seen, done = collections.Counter(), 0
        for n in self.numbers(call):
            try:
                said = self.kill_at(call, n)
            except (case.Check, LabError) as e:
                raise case.Check(f"{call} number {n}: {e}") from None
            if said is None:
                break
            seen[said] += 1
            done += 1
        check(done > 0, f"no kill at {call}")
        return f"{done} kills; " + "; ".join(f"{k} x {v}" for k, v in sorted(seen.items()))


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--sample", type=int, default=0)
    k = Kill9(cases, p.parse_args().sample)
    k.set_up()
    if not cases.case("calls of one binding", k.count):
        return
    for call in CALLS:
        if k.counts[call]:
            cases.case(f"killed at every {call}", k.every, call)
    cases.case("killed when the host has been told", k.told)
    cases.case("killed again and again while it settles", k.settling)
    cases.case("killed in a revocation", k.revocation)


if __name__ == "__main__":
    case.main("k9", "k9-", body)
