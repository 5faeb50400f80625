#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 90
"""hipfad by itself beside a real primary: configuration, keys and files, its own name in the zone, what it gives up, how it ends and begins again."""
import json
import os
import pathlib
import signal
import socket
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, main_topology, sh, wait_for  # noqa: E402


class Hipfad:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_fa()
        self.binary, self.conf = daemons.binary("hipfad"), self.op.conf("fa")

    def cli(self, *args):
        return sh(self.binary, "--config", self.conf, *args, check=False)

    def ask(self, line):
        """Octets to the control socket as they are; the answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.op.socket("fa"))
            s.sendall(line)
            return s.recv(1 << 20)

    def check_config(self):
        check(self.cli("--check-config").returncode == 0, "a good configuration is refused")
        good = open(self.conf).read()
        try:
            for text, said in ((good.replace("ttl: 60s", "ttl: 1h"), "ttl"), (good + "nonsense: 1\n", "nonsense"),
                               (good.replace("type: ecdsa-p256", "type: rsa-512"), "rsa-2048"), ("addresses: [", "")):
                daemons.private(self.conf, text)
                r = self.cli("--check-config")
                check(r.returncode == 1 and f"{self.conf}:" in r.stderr and said in r.stderr and "expected" in r.stderr, f"{r.returncode}: {r.stderr}")
                line = r.stderr.split(f"{self.conf}:", 1)[1].split(":")[0]
                check(line.isdigit(), f"no line number: {r.stderr}")
        finally:
            daemons.private(self.conf, good)

    def files(self):
        d = os.path.dirname(self.conf)
        for name in (f"identity-{self.op.fa_identity}.der", "bindings.sqlite", "subscribers.sqlite", "ctl.sock"):
            mode = stat.S_IMODE(os.stat(f"{d}/{name}").st_mode)
            check(mode & 0o077 == 0, f"{name} has mode {mode:o}")

    def rights(self):
        pid = self.lab.procs["hipfad"].pid
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
        check(int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0, f"capabilities are left: {status['CapEff']}")
        check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", "no seccomp filter")
        return f"no capabilities, {status['Seccomp_filters']} filter"

    def own_name(self):
        wait_for("A of the own name", lambda: ADDR["fa"][0] in self.op.dig(daemons.FA_NAME, "A"), 15)
        wait_for("AAAA of the own name", lambda: ADDR["fa"][1] in self.op.dig(daemons.FA_NAME, "AAAA"), 15)
        self.op.stop_dns()
        self.op._stop("hipfad")
        self.op.start_fa()  # the primary is down: that must not keep it from serving
        self.op.start_dns()

    def subscribers(self):
        r = self.cli("subscriber", "add", "--imsi", "001010000000077", "--given", "Aino", "--surname", "Esimerkki", "--msisdn", "+358409999999")
        check(r.returncode == 0, r.stderr)
        ident = r.stdout.strip()
        shown = json.loads(self.cli("subscriber", "show", ident, "--json").stdout)
        check(shown["imsi"] == "001010000000077" and shown["msisdn"] == ["358409999999"] and shown["names"] == [], shown)
        check(shown["publish_name"] is False, "published without having been asked to")
        check(any(s["id"] == ident for s in json.loads(self.cli("subscriber", "list", "--json").stdout)["subscribers"]), "not listed")
        for bad in (["--imsi", "001010000000077"], ["--imsi", "x"], ["--imsi", "001010000000078", "--msisdn", "358409999999"], ["--given", "A"],
                    ["--imsi", "001010000000079", "--status", "maybe"]):
            check(self.cli("subscriber", "add", *bad).returncode != 0, f"taken: {bad}")
        check(self.cli("subscriber", "del", "001010000000077").returncode == 0, "not deleted")
        check(self.cli("subscriber", "show", ident).returncode == 1, "still there")

    def control(self):
        for line in (b"\n", b"{}\n", b"[]\n", b"nonsense\n", b'{"cmd":1}\n', b'{"cmd":"no such"}\n', b'{"cmd":"revoke"}\n',
                     b'{"cmd":"revoke","hit":"x"}\n', b'{"cmd":"revoke","name":"a","hit":"2001:22::1"}\n', b"\xff\xfe\n", b"{" * 10000 + b"\n"):
            try:
                answer = self.ask(line)
            except (TimeoutError, ConnectionError):
                answer = b""
            check(b'"ok":true' not in answer, f"{line[:40]} was answered {answer[:80]}")
        check(json.loads(self.ask(b'{"cmd":"status"}\n'))["daemon"] == "hipfad", "no status any more")

    @staticmethod
    def dropped(status):
        return sum(status["drops"].values()) + status["fa"]["dropped_dispatch"]

    def noise(self):
        """Packets of protocol 139 that are nothing, from a neighbour."""
        script = ("import socket,os\n"
                  "for fam, to in ((socket.AF_INET, '%s'), (socket.AF_INET6, '%s')):\n"
                  "    s = socket.socket(fam, socket.SOCK_RAW, 139)\n"
                  "    for n in list(range(0, 80)) + [1000, 1400]:\n"
                  "        try: s.sendto(os.urandom(n), (to, 0))\n"
                  "        except OSError: pass\n" % ADDR["fa"])
        before = self.op.ctl("fa", "status")
        self.lab.run("cn", "/usr/bin/python3", "-c", script)
        time.sleep(0.5)
        s = self.op.ctl("fa", "status")
        came = s["v4"]["in"] + s["v6"]["in"] - before["v4"]["in"] - before["v6"]["in"]
        dropped = self.dropped(s) - self.dropped(before)
        check(came > 150 and dropped == came, f"{came} packets came, {dropped} have a drop reason: {s['drops']}")
        check(s["fa"]["associations"] == 0, "an association from noise")
        return f"{came} packets, each with one drop reason"

    def noise_udp(self):
        """Datagrams on the UDP port that are nothing: HIP by their marker, ESP of no flow, keepalives."""
        script = ("import socket,os\n"
                  "for fam, to in ((socket.AF_INET, '%s'), (socket.AF_INET6, '%s')):\n"
                  "    s = socket.socket(fam, socket.SOCK_DGRAM)\n"
                  "    for n in list(range(0, 80)) + [1000, 1400]: s.sendto(bytes(4) + os.urandom(n), (to, 10500))\n"
                  "    for n in (4, 5, 100): s.sendto(bytes([1]) + os.urandom(n), (to, 10500))\n"
                  "    for n in (0, 1, 3): s.sendto(bytes([255]) * n, (to, 10500))\n" % ADDR["fa"])
        before = self.op.ctl("fa", "status")
        self.lab.run("cn", "/usr/bin/python3", "-c", script)
        time.sleep(0.5)
        s = self.op.ctl("fa", "status")
        new = {k: s["udp"][k] - before["udp"][k] for k in ("keepalives", "esp_unknown")}
        dropped = self.dropped(s) - self.dropped(before)
        check(dropped == 164 and new == {"keepalives": 6, "esp_unknown": 6}, f"{dropped} of 164 HIP packets have a drop reason; {new}")
        check(s["fa"]["associations"] == 0 and s["udp"]["v4"]["out"] + s["udp"]["v6"]["out"] == 0, "noise was answered")

    def many_workers(self):
        """More workers than processors: each packet is one worker's, the answers are sums, and the end is the end of all."""
        good = open(self.conf).read()
        self.op._stop("hipfad")
        try:
            daemons.private(self.conf, good + "workers: 5\n")
            self.op.start_fa()
            s = self.op.ctl("fa", "status")
            check(s["workers"] == 5, f"{s['workers']} workers")
            threads = len(os.listdir(f"/proc/{self.lab.procs['hipfad'].pid}/task"))
            check(threads >= 5, f"{threads} threads")
            self.noise()
            self.noise_udp()
            check(self.op.ctl("fa", "registrations")["registrations"] == [] and self.op.ctl("fa", "relay")["clients"] == [], "registrations of nobody")
        finally:
            if self.lab.alive("hipfad"):
                self.op._stop("hipfad")
            daemons.private(self.conf, good)
            self.op.start_fa()
        return f"{threads} threads"

    def one_only(self):
        r = sh("ip", "netns", "exec", self.lab.ns("fa"), self.binary, "--config", self.conf, check=False, timeout=10)
        check(r.returncode == 1 and "another daemon" in r.stderr, f"{r.returncode}: {r.stderr}")
        check(self.op.ctl("fa", "status")["daemon"] == "hipfad", "the first one suffered")

    def loose_secret(self):
        self.op._stop("hipfad")
        try:
            for path in (self.op.tsig_file, self.op.radius_secret, os.path.join(os.path.dirname(self.conf), f"identity-{self.op.fa_identity}.der")):
                os.chmod(path, 0o644)
                r = sh("ip", "netns", "exec", self.lab.ns("fa"), self.binary, "--config", self.conf, check=False, timeout=10)
                os.chmod(path, 0o600)
                check(r.returncode == 1 and path in r.stderr, f"{path}: {r.returncode} {r.stderr}")
        finally:
            self.op.start_fa()

    def again(self):
        hit = self.op.ctl("fa", "status")["hit"]
        check(hit == self.op.fa_hit, "the HIT of `hipfad identity` is another")
        since = time.monotonic()
        code = self.lab.stop("hipfad", signal.SIGTERM)
        took = time.monotonic() - since
        check(code == 0 and took < 5, f"ended with {code} after {took:.1f} s: {self.lab.log_text('hipfad')[-2000:]}")
        check(not os.path.exists(self.op.socket("fa")), "the control socket is left behind")
        self.op.start_fa()
        check(self.op.ctl("fa", "status")["hit"] == hit, "another HIT after a restart")
        return f"SIGTERM to the end: {1000 * took:.0f} ms"


def body(cases):
    h = Hipfad(cases)
    h.set_up()
    for title, work in (("--check-config names file, line and what was expected", h.check_config), ("files are its owner's only", h.files),
                        ("rights given up", h.rights), ("own A and AAAA in the zone; starts without a primary", h.own_name),
                        ("subscriber add, list, show, del", h.subscribers), ("nonsense on the control socket", h.control),
                        ("noise of protocol 139", h.noise), ("noise in UDP", h.noise_udp), ("five workers", h.many_workers), ("a second one is refused", h.one_only),
                        ("secrets that others may read are refused", h.loose_secret), ("SIGTERM, and up again with the same HIT", h.again)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("hipfad", "hd-", body)
