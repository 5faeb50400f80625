#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
"""Two hosts without SIM, DNS and rendezvous server: peers from the configuration, data, moves, failures.

        a  ---- a0 (10.61.1.0/24, fd61:1::/64) ----+
           ---- a1 (10.61.3.0/24, fd61:3::/64) ----+---- r ---- b0 (10.61.2.0/24, fd61:2::/64) ----  b
"""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import packets, sh, wait_for  # noqa: E402

NET = {"a0": 1, "b0": 2, "a1": 3}
NOBODY = "2001:22:dead:beef:1:2:3:4"


def ip4(dev, host=2):
    return f"10.61.{NET[dev]}.{host}"


def ip6(dev, host=2):
    return f"fd61:{NET[dev]}::{host}"


class TwoHosts:
    def __init__(self, cases):
        self.lab = cases.lab
        self.hit = {}

    # ---- the lab ---------------------------------------------------------------------------------------------------

    def attach(self, host, dev):
        self.lab.add_addr(host, dev, f"{ip4(dev)}/24")
        self.lab.add_addr(host, dev, f"{ip6(dev)}/64")
        self.lab.ip(host, "route", "replace", "default", "via", ip4(dev, 1), "metric", str(100 + NET[dev]))
        self.lab.ip(host, "-6", "route", "replace", "default", "via", ip6(dev, 1), "metric", str(100 + NET[dev]))

    def detach(self, host, dev):
        self.lab.ip(host, "addr", "flush", "dev", dev, "scope", "global")

    def config(self, host, extra=""):
        d = self.lab.path(host, "x")[:-2]
        return daemons.private(f"{d}/hiphostd.yaml", f"state: {d}/state\nresolver: {{ listen: [] }}\ncontrol: {{ socket: {d}/ctl }}\n"
                               f"log: {{ level: debug }}\n{extra}")

    def ctl(self, host, *args, check_it=True):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path(host, "ctl"), "--json", *args, check=False)
        if r.returncode != 0:
            check(not check_it, f"hipctl {args} in {host}: {r.returncode} {r.stderr}")
            return None
        return json.loads(r.stdout)

    def start(self, host, extra=""):
        self.lab.start(host, host, daemons.binary("hiphostd"), "--config", self.config(host, extra))
        st = wait_for(f"hiphostd in {host}", lambda: self.ctl(host, "status", check_it=False), 15)
        self.hit[host] = st["hit"]
        return st

    def stop(self, host):
        code = self.lab.stop(host)
        check(code == 0, f"hiphostd of {host} ended with {code}:\n{self.lab.log_text(host)[-3000:]}")

    def set_up(self):
        for host in ("a", "b", "r"):
            self.lab.add_host(host, forward=host == "r")
        for dev in NET:
            self.lab.link("r", f"r{dev}", [f"{ip4(dev, 1)}/24", f"{ip6(dev, 1)}/64"], dev[0], dev, [])
        self.attach("a", "a0")
        self.attach("b", "b0")
        self.pcap = self.lab.capture("r", "rb0", "r")
        self.start("b")
        self.peers = f"peers: [ {{ hit: \"{self.hit['b']}\", addresses: [{ip4('b0')}] }} ]\ninterfaces: [a0, a1]\n"
        self.start("a", self.peers)

    def ping(self, *args, to=None, timeout=60):
        return self.lab.run("a", "ping", "-6", "-n", *args, to or self.hit["b"], check=False, timeout=timeout)

    # ---- cases -----------------------------------------------------------------------------------------------------

    def addresses(self):
        for host in ("a", "b"):
            there = self.lab.ip(host, "-6", "addr", "show", "dev", "hip0").stdout
            check(f" {self.hit[host]}/128 " in there, there)
            check("2001:20::/28 dev hip0" in self.lab.ip(host, "-6", "route").stdout, "no route for HITs")
        return f"a is {self.hit['a']}, b is {self.hit['b']}"

    def first_ping(self):
        r = self.ping("-c", "5", "-i", "0.2", "-W", "3")
        check(r.returncode == 0 and " 0% packet loss" in r.stdout, r.stdout + r.stderr)
        return r.stdout.splitlines()[-1]

    def big_packets(self):
        r = self.ping("-c", "2", "-i", "0.2", "-W", "3", "-M", "do", "-s", "1352")
        check(r.returncode == 0, r.stdout + r.stderr)
        r = self.ping("-c", "1", "-W", "1", "-M", "do", "-s", "1353")
        check(r.returncode != 0, "1401 octets went through an MTU of 1400")

    def wire(self):
        """Nothing but HIP and ESP between the hosts, and no frame above 1500."""
        self.lab.run("a", "ping", "-6", "-n", "-c", "3", "-i", "0.2", "-p", "c0ffee1234c0ffee1234c0ffee1234", self.hit["b"])
        seen = [(proto, data) for _, src, _, proto, data in packets(self.pcap) if src in (ip4("a0"), ip4("b0"))]
        kinds = {p for p, _ in seen}
        check(kinds == {139, 50}, f"protocols {kinds}")
        check(not any(b"\xc0\xff\xee\x12\x34\xc0\xff\xee" in d for _, d in seen), "a ping's payload in clear")
        return f"{sum(p == 50 for p, _ in seen)} ESP, {sum(p == 139 for p, _ in seen)} HIP packets"

    def download(self):
        self.blob = os.urandom(40 << 20)
        self.sum = hashlib.sha256(self.blob).hexdigest()
        with open(self.lab.path("b", "www", "blob"), "wb") as f:
            f.write(self.blob)
        self.lab.start("b", "web", "/usr/bin/python3", "-m", "http.server", "80", "--bind", self.hit["b"], "--directory", self.lab.path("b", "www"))
        wait_for("the web server", lambda: self.lab.run("b", "ss", "-ltnH", "sport = :80").stdout.strip(), 10)
        t = time.monotonic()
        self.fetch("got")
        return f"{len(self.blob) * 8 / (time.monotonic() - t) / 1e6:.0f} Mbit/s, checksum right"

    def fetch(self, name, *args):
        out = self.lab.path("a", name)
        r = self.lab.run("a", "curl", "-sS", "--max-time", "100", *args, "-o", out, "-w", "%{num_connects}", f"http://[{self.hit['b']}]/blob",
                         check=False, timeout=110)
        check(r.returncode == 0, f"curl: {r.stderr}")
        check(sh("sha256sum", out).stdout.split()[0] == self.sum, "the checksum is wrong")
        return r.stdout

    def peer_of_b(self):
        return next((p for p in self.ctl("b", "peers")["peers"] if p["hit"] == self.hit["a"]), {})

    def moves(self):
        """a0's addresses go, a1's come, under a download and a ping; then back."""
        out = self.lab.path("a", "moved")
        curl = self.lab.start("a", "curl", "curl", "-sS", "--limit-rate", "6M", "--max-time", "100", "-o", out, "-w", "%{num_connects}",
                              f"http://[{self.hit['b']}]/blob")
        self.lab.start("a", "ping", "ping", "-6", "-n", "-i", "0.05", self.hit["b"])
        time.sleep(1.5)
        said = []
        for old, new in (("a0", "a1"), ("a1", "a0")):
            self.detach("a", old)
            t = time.monotonic()
            self.attach("a", new)
            wait_for(f"b sends to {new}", lambda: self.peer_of_b().get("address") in (ip4(new), ip6(new)), 10, 0.01)
            said.append(f"{old} to {new} {1000 * (time.monotonic() - t):.0f} ms")
            time.sleep(1.5)
        check(curl.wait(timeout=110) == 0, f"curl: {self.lab.log_text('curl')}")
        self.lab.stop("ping", signal.SIGINT)
        check(sh("sha256sum", out).stdout.split()[0] == self.sum, "the checksum is wrong")
        check(self.lab.log_text("curl").strip() == "1", f"connections: {self.lab.log_text('curl')}")
        m = re.search(r"(\d+) packets transmitted, (\d+) received", self.lab.log_text("ping"))
        lost = int(m[1]) - int(m[2])
        check(lost <= 40, f"{lost} pings lost of {m[1]}")
        return f"{', '.join(said)} until b sends there; {lost} of {m[1]} pings lost; one TCP connection, checksum right"

    def preferred(self):
        """Both accesses are there: hipctl move, and nothing is lost."""
        self.attach("a", "a1")
        self.lab.start("a", "ping2", "ping", "-6", "-n", "-i", "0.05", self.hit["b"])
        time.sleep(0.5)
        for dev, args in (("a1", ("move", "a1")), ("a0", ("move",))):
            self.ctl("a", *args)
            wait_for(f"b sends to {dev}", lambda: self.peer_of_b().get("address") in (ip4(dev), ip6(dev)), 10)
        time.sleep(0.5)
        self.lab.stop("ping2", signal.SIGINT)
        m = re.search(r"(\d+) packets transmitted, (\d+) received", self.lab.log_text("ping2"))
        check(int(m[1]) - int(m[2]) <= 1, f"lost: {m[0]}")
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("a", "ctl"), "move", "nothing0", check=False)
        check(r.returncode == 1 and 'no interface "nothing0"' in r.stderr, r.stderr)
        self.detach("a", "a1")
        return m[0]

    def carrier(self):
        """The cable is pulled: the address stays, but nothing can leave by it; and then it is plugged in again."""
        self.attach("a", "a1")
        self.lab.start("a", "ping3", "ping", "-6", "-n", "-i", "0.05", self.hit["b"])
        time.sleep(0.5)
        self.lab.ip("r", "link", "set", "ra0", "down")
        wait_for("b sends to a1", lambda: self.peer_of_b().get("address") in (ip4("a1"), ip6("a1")), 10, 0.02)
        self.lab.ip("r", "link", "set", "ra0", "up")
        self.lab.run("r", "ip", "-6", "addr", "replace", f"{ip6('a0', 1)}/64", "dev", "ra0", "nodad")
        wait_for("b sends to a0", lambda: self.peer_of_b().get("address") in (ip4("a0"), ip6("a0")), 10, 0.02)
        time.sleep(0.5)
        self.lab.stop("ping3", signal.SIGINT)
        m = re.search(r"(\d+) packets transmitted, (\d+) received", self.lab.log_text("ping3"))
        check(int(m[1]) - int(m[2]) <= 20, f"lost: {m[0]}")
        self.detach("a", "a1")
        return m[0]

    def notices(self):
        """What systemd hears (Type=notify), and that nobody may look into the process."""
        self.stop("a")
        path = self.lab.path("a", "notify")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(10)
        env = {**os.environ, "NOTIFY_SOCKET": path, "JOURNAL_STREAM": "8:1"}
        self.lab.start("a", "a", daemons.binary("hiphostd"), "--config", self.config("a", self.peers), env=env)
        check(b"READY=1" in s.recv(200), "no READY=1")
        pid = int(sh("ip", "netns", "pids", self.lab.ns("a")).stdout.split()[0])
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        check(re.search(r"Max core file size +0 +0", limits), limits)
        caps = re.search(r"CapEff:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]
        check(int(caps, 16) == 1 << 12, f"capabilities {caps}")
        check("Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text(), "no seccomp filter")
        self.stop("a")
        check(b"STOPPING=1" in s.recv(200), "no STOPPING=1")
        check("<5>level=notice cat=host" in self.lab.log_text("a"), "no priority for journald")
        self.start("a", self.peers)

    def nobody(self):
        """A HIT that nothing is known of: the application hears it at once."""
        t = time.monotonic()
        r = self.ping("-c", "1", "-W", "20", to=NOBODY)
        check(r.returncode != 0 and "Address unreachable" in r.stdout, r.stdout + r.stderr)
        check(time.monotonic() - t < 5, "it took too long")
        r = self.lab.run("a", "curl", "-sS", "--max-time", "20", f"http://[{NOBODY}]/", check=False)
        check(r.returncode == 7, f"curl: {r.returncode} {r.stderr}")

    def gone_and_back(self):
        """b ends; a finds out when it next speaks to it, and again when b is back."""
        self.lab.stop("web")
        self.stop("b")
        check("hip0" not in self.lab.ip("b", "link").stdout, "hip0 stays behind")
        t = time.monotonic()
        r = self.ping("-c", "1", "-W", "40")
        check(r.returncode != 0 and "Address unreachable" in r.stdout, r.stdout + r.stderr)
        took = time.monotonic() - t
        old = self.hit["b"]
        self.start("b")
        check(self.hit["b"] == old, "b has another HIT after a restart")
        wait_for("a reaches b again", lambda: self.ping("-c", "1", "-W", "2").returncode == 0, 30, 0.5)
        return f"unreachable after {took:.1f} s"

    def unreachables(self):
        """ICMP protocol unreachable from b's kernel about HIP."""
        return sum(proto == 1 and src == ip4("b0") and data[:2] == b"\x03\x02" and data[17:18] == b"\x8b"
                   for _, src, _, proto, data in packets(self.pcap))

    def no_protocol(self):
        """RFC 7401 s6.6.2: that b's kernel, without its daemon, knows no protocol 139 does not end the wait for its R1."""
        self.stop("b")
        before = self.unreachables()
        ping = self.lab.start("a", "ping139", "ping", "-6", "-n", "-c", "1", "-W", "20", self.hit["b"])
        wait_for("b's kernel refuses an I1", lambda: self.unreachables() > before, 10, 0.1)
        self.start("b")
        check(ping.wait(timeout=30) == 0, self.lab.log_text("ping139"))
        return f"{self.unreachables() - before} refused"

    def crashed(self):
        """b is killed and comes back with its key but no association: what a sends is not understood until a notices the silence."""
        self.lab.stop("b", signal.SIGKILL)
        self.start("b")
        r = self.lab.run("b", "ping", "-6", "-n", "-c", "1", "-W", "1", self.hit["a"], check=False)
        t = time.monotonic()
        wait_for("a and b again", lambda: self.ping("-c", "1", "-W", "1").returncode == 0, 100, 0.2)
        return f"b to a at once: {'yes' if r.returncode == 0 else 'no'}; a to b after {time.monotonic() - t:.1f} s"

    def over_ipv6(self):
        self.stop("a")
        self.start("a", self.peers.replace(ip4("b0"), f"\"{ip6('b0')}\""))
        r = self.ping("-c", "3", "-i", "0.2", "-W", "3", "-M", "do", "-s", "1352")
        check(r.returncode == 0, r.stdout + r.stderr)
        check(self.peer_of_b().get("address") == ip6("a0"), f"{self.peer_of_b()}")
        return r.stdout.splitlines()[-1]

    def tables(self):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("a", "ctl"), "peers")
        check(r.stdout.startswith("HIT ") and self.hit["b"] in r.stdout and "\033" not in r.stdout, r.stdout)
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("a", "ctl"), "status")
        check(self.hit["a"] in r.stdout, r.stdout)
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("a", "nothing"), "status", check=False)
        check(r.returncode == 3 and "no daemon" in r.stderr, f"{r.returncode} {r.stderr}")

    def refused_key(self):
        self.stop("a")
        key = self.lab.path("a", "state", "identity.der")
        os.chmod(key, 0o640)
        r = self.lab.run("a", daemons.binary("hiphostd"), "--config", self.lab.path("a", "hiphostd.yaml"), check=False)
        check(r.returncode == 1 and "chmod 600" in r.stderr, f"{r.returncode} {r.stderr}")
        os.chmod(key, 0o600)

    def refused_config(self):
        p = self.config("a", "peers: [ { hit: \"2001:db8::1\", addresses: [192.0.2.1] } ]\n")
        r = sh(daemons.binary("hiphostd"), "--config", p, "--check-config", check=False)
        check(r.returncode == 1 and r.stderr.startswith(f"{p}:5: expected hit to be a host identity tag"), r.stderr)

    def end(self):
        self.stop("b")
        for host in ("a", "b"):
            check("runtime error" not in self.lab.log_text(host) and "Sanitizer" not in self.lab.log_text(host),
                  self.lab.log_text(host)[-3000:])


def body(cases):
    t = TwoHosts(cases)
    if not cases.case("two hosts up", t.set_up):
        return
    for title, work in (("each TUN has its HIT and the route", t.addresses), ("ping", t.first_ping), ("packets of the MTU", t.big_packets),
                        ("only HIP and ESP on the wire", t.wire), ("a download", t.download), ("moves under a download", t.moves),
                        ("hipctl move between two accesses", t.preferred), ("carrier lost", t.carrier), ("nobody has that HIT", t.nobody), ("tables", t.tables),
                        ("the peer ends and comes back", t.gone_and_back), ("ICMP says that there is no HIP", t.no_protocol), ("the peer crashes and comes back", t.crashed),
                        ("systemd, limits, capabilities", t.notices),
                        ("over IPv6", t.over_ipv6), ("a key that others may read", t.refused_key),
                        ("a configuration with a wrong HIT", t.refused_config), ("the end", t.end)):
        cases.case(title, work)


if __name__ == "__main__":
    sys.exit(case.Cases("two_hosts", "h2-").run(body))
