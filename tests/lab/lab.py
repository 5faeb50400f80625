# SPDX-License-Identifier: Apache-2.0
"""A laboratory of network namespaces for hipfa: hosts, links, processes, captures, and nothing left behind.

A Lab owns what it makes: namespaces (all names carry the lab's prefix), /etc/netns/<ns>/ folders, processes, and one folder
under /run/hipfa-lab/. Everything is written to state.json there as it is made, so that a later process (`demo --stop`) or a
signal handler can take it all down. Only processes that this lab started, or that run inside its own namespaces, are ended.
"""

import ctypes
import ipaddress
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

RUN = "/run/hipfa-lab"


class LabError(Exception):
    """Something the lab needs did not happen; the text says what and where to look."""


def sh(*argv, check=True, timeout=30, **kw):
    """Run a command without a shell; return the completed process, or raise LabError with its stderr."""
    p = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout, **kw)
    if check and p.returncode != 0:
        raise LabError(f"{' '.join(map(str, argv))}: exit {p.returncode}: {p.stderr.strip() or p.stdout.strip()}")
    return p


def wait_for(what, cond, timeout=10.0, every=0.05):
    """Wait until cond() is true (its value is returned); LabError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        v = cond()
        if v:
            return v
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(every)


def default_signals():
    """For a child before it runs: what a background job of a non-interactive shell has ignored is not ignored in it."""
    for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_DFL)


class Lab:
    def __init__(self, name, prefix=""):
        self.name, self.prefix = name, prefix
        self.dir = os.path.join(RUN, name)
        self.namespaces, self.pids, self.etc = [], {}, []
        self.procs = {}
        self.taken = {}

    # ---- state on disk -------------------------------------------------------------------------------------------

    def _save(self):
        tmp = os.path.join(self.dir, "state.json.new")
        with open(tmp, "w") as f:
            json.dump({"prefix": self.prefix, "namespaces": self.namespaces, "pids": self.pids, "etc": self.etc}, f)
        os.replace(tmp, os.path.join(self.dir, "state.json"))

    @classmethod
    def load(cls, name):
        """The lab that an earlier process left running, or None."""
        path = os.path.join(RUN, name, "state.json")
        if not os.path.exists(path):
            return None
        with open(path) as f:
            s = json.load(f)
        lab = cls(name, s["prefix"])
        lab.namespaces, lab.pids, lab.etc = s["namespaces"], s["pids"], s["etc"]
        return lab

    def create(self):
        if os.path.exists(self.dir):
            raise LabError(f"{self.dir} exists: a lab of this name is up, or died; end it with --stop")
        os.makedirs(self.dir, mode=0o755)
        self._save()

    # ---- namespaces and links ------------------------------------------------------------------------------------

    def ns(self, host):
        return self.prefix + host

    def add_host(self, host, forward=False):
        ns = self.ns(host)
        if os.path.exists(f"/run/netns/{ns}"):
            raise LabError(f"a network namespace {ns} exists that this lab did not make")
        self.namespaces.append(ns)
        self._save()
        sh("ip", "netns", "add", ns)
        self.ip(host, "link", "set", "lo", "up")
        for key, value in (("net.ipv6.conf.all.accept_dad", "0"), ("net.ipv6.conf.default.accept_dad", "0"),
                           ("net.ipv6.conf.default.accept_ra", "0"), ("net.ipv4.ip_forward", int(forward)),
                           ("net.ipv6.conf.all.forwarding", int(forward))):
            sh("ip", "netns", "exec", ns, "sysctl", "-qw", f"{key}={value}")

    def ip(self, host, *args, check=True):
        return sh("ip", "-n", self.ns(host), *args, check=check)

    def link(self, a, ifa, addrs_a, b, ifb, addrs_b):
        """A veth pair between two hosts, with their addresses, up."""
        sh("ip", "link", "add", ifa, "netns", self.ns(a), "type", "veth", "peer", "name", ifb, "netns", self.ns(b))
        for host, dev, addrs in ((a, ifa, addrs_a), (b, ifb, addrs_b)):
            for addr in addrs:
                self.add_addr(host, dev, addr)
            self.ip(host, "link", "set", dev, "up")

    def add_addr(self, host, dev, addr):
        extra = ["nodad"] if ":" in addr else []
        self.ip(host, "addr", "add", addr, "dev", dev, *extra)

    def route(self, host, dest, via, *more):
        v6 = ["-6"] if ":" in via else []
        sh("ip", "-n", self.ns(host), *v6, "route", "replace", dest, "via", via, *more)

    def etc_file(self, host, name, text):
        """A file that `ip netns exec` lays over /etc/<name> for this host."""
        d = f"/etc/netns/{self.ns(host)}"
        if d not in self.etc:
            self.etc.append(d)
            self._save()
        os.makedirs(d, exist_ok=True)
        with open(os.path.join(d, name), "w") as f:
            f.write(text)

    # ---- processes -----------------------------------------------------------------------------------------------

    def path(self, *parts):
        p = os.path.join(self.dir, *parts)
        os.makedirs(os.path.dirname(p), exist_ok=True)
        return p

    def run(self, host, *argv, check=True, timeout=30, **kw):
        return sh("ip", "netns", "exec", self.ns(host), *argv, check=check, timeout=timeout, **kw)

    def start(self, host, label, *argv, **kw):
        """Start a process in a host; its output goes to <dir>/log/<label>. Returns the Popen."""
        log = open(self.path("log", label), "ab")
        p = subprocess.Popen(["ip", "netns", "exec", self.ns(host), *map(str, argv)], stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, start_new_session=True, preexec_fn=default_signals, **kw)
        log.close()
        self.procs[label] = p
        self.pids[label] = p.pid
        self._save()
        return p

    def adopt(self, label, pid):
        """A pid that a script of ours started by itself (a DNS server with a pid file)."""
        self.pids[label] = pid
        self._save()

    def alive(self, label):
        p = self.procs.get(label)
        return p is not None and p.poll() is None

    def stop(self, label, sig=signal.SIGTERM, timeout=10.0):
        """End one process and return its exit status (None when it was not ours to wait for)."""
        pid = self.pids.pop(label, None)
        p = self.procs.pop(label, None)
        if pid is None:
            return None
        _end([pid], sig, timeout, p)
        self._save()
        return p.returncode if p else None

    def log_text(self, label):
        try:
            with open(os.path.join(self.dir, "log", label), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def capture(self, host, dev, label, what=""):
        """tcpdump on an interface into <dir>/pcap/<label>.pcap; ready when it says so."""
        out = self.path("pcap", f"{label}.pcap")
        self.start(host, f"tcpdump-{label}", "tcpdump", "-i", dev, "-n", "-U", "-s", "0", "--immediate-mode", "-Z", "root",
                   "-w", out, *what.split())
        wait_for(f"tcpdump on {label}", lambda: "listening on" in self.log_text(f"tcpdump-{label}"))
        return out

    # ---- the end -------------------------------------------------------------------------------------------------

    def destroy(self):
        """Take everything down; safe to call twice and after a half-made create()."""
        ours = [p for p in self.pids.values() if _in_lab(p, self.namespaces)]
        inside = []
        for ns in self.namespaces:
            r = sh("ip", "netns", "pids", ns, check=False)
            inside += [int(x) for x in r.stdout.split()] if r.returncode == 0 else []
        _end(sorted(set(ours + inside)), signal.SIGTERM, 5.0)
        for p in self.procs.values():
            try:
                p.wait(timeout=5)
            except subprocess.TimeoutExpired:
                pass
        for ns in self.namespaces:
            sh("ip", "netns", "del", ns, check=False)
        for d in self.etc:
            shutil.rmtree(d, ignore_errors=True)
        if os.path.isdir("/etc/netns") and not os.listdir("/etc/netns"):
            os.rmdir("/etc/netns")
        shutil.rmtree(self.dir, ignore_errors=True)
        if os.path.isdir(RUN) and not os.listdir(RUN):
            os.rmdir(RUN)
        self.namespaces, self.pids, self.etc, self.procs = [], {}, [], {}


def _in_lab(pid, namespaces):
    """Is this pid still a process in one of these namespaces? (A recycled pid is not.)"""
    try:
        mine = os.stat(f"/proc/{pid}/ns/net").st_ino
        return any(os.path.exists(f"/run/netns/{n}") and os.stat(f"/run/netns/{n}").st_ino == mine for n in namespaces)
    except OSError:
        return False


def _gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def _end(pids, sig, timeout, popen=None):
    for pid in pids:
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass
    end = time.monotonic() + timeout
    left = list(pids)
    while left and time.monotonic() < end:
        if popen:
            popen.poll()
        left = [p for p in left if not _gone(p)]
        if left:
            time.sleep(0.02)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if popen:
        popen.wait()


def socket_in(lab, host, *args):
    """A socket of this process that stands in a host of the lab (it stays there; the process does not)."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{lab.ns(host)}", os.O_RDONLY)
    newnet = 0x40000000
    try:
        if libc.setns(there, newnet) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {host}")
        try:
            return socket.socket(*args)
        finally:
            if libc.setns(home, newnet) != 0:
                os._exit(70)  # nothing this process does from here on would be where it believes to be
    finally:
        os.close(there)
        os.close(home)


# ---- captures -----------------------------------------------------------------------------------------------------

def packets(path):
    """(time, src, dst, protocol, payload) of every IP packet in a little-endian Ethernet pcap of tcpdump's, fragments left out."""
    try:
        data = open(path, "rb").read()
    except FileNotFoundError:
        return
    if len(data) < 24:
        return
    magic = struct.unpack("<I", data[:4])[0]
    nano = magic == 0xA1B23C4D
    pos = 24
    while pos + 16 <= len(data):
        sec, frac, cap, _ = struct.unpack("<IIII", data[pos:pos + 16])
        frame = data[pos + 16:pos + 16 + cap]
        pos += 16 + cap
        when = sec + frac / (1e9 if nano else 1e6)
        kind = frame[12:14]
        if kind == b"\x08\x00" and len(frame) >= 34:
            head = (frame[14] & 15) * 4
            yield (when, str(ipaddress.ip_address(frame[26:30])), str(ipaddress.ip_address(frame[30:34])), frame[23],
                   frame[14 + head:14 + int.from_bytes(frame[16:18], "big")])
        elif kind == b"\x86\xdd" and len(frame) >= 54:
            yield (when, str(ipaddress.ip_address(frame[22:38])), str(ipaddress.ip_address(frame[38:54])), frame[20],
                   frame[54:54 + int.from_bytes(frame[18:20], "big")])


# ---- the lab of the main job --------------------------------------------------------------------------------------

ADDR = {  # host: (IPv4, IPv6) where others reach it
    "home": ("192.0.2.2", "2001:db8:10::2"),
    "fa": ("192.0.2.18", "2001:db8:20::2"),
    "cn": ("192.0.2.34", "2001:db8:30::2"),
    "cn2": ("192.0.2.50", "2001:db8:40::2"),
}
ACCESS = {  # network: (address of mn, prefix length, router) for IPv4 and IPv6
    "umts": (("198.51.100.10", 25, "198.51.100.1"), ("2001:db8:51::10", 64, "2001:db8:51::1")),
    "wlan": (("198.51.100.140", 25, "198.51.100.129"), ("2001:db8:61::10", 64, "2001:db8:61::1")),
}
UPLINK = {"umts": ("203.0.113.2", "203.0.113.1", "2001:db8:50::2", "2001:db8:50::1"),
          "wlan": ("203.0.113.6", "203.0.113.5", "2001:db8:60::2", "2001:db8:60::1")}


def main_topology(lab, capture=None):
    """The seven hosts of the main job around a backbone router `net` (drawn in the README). mn's interfaces stay without addresses."""
    lab.add_host("net", forward=True)
    for host, (v4, v6) in ADDR.items():
        lab.add_host(host)
        gw4, gw6 = str(ipaddress.ip_address(v4) - 1), str(ipaddress.ip_address(v6) - 1)
        lab.link("net", host, [f"{gw4}/28", f"{gw6}/64"], host, "eth0", [f"{v4}/28", f"{v6}/64"])
        lab.route(host, "default", gw4)
        lab.route(host, "default", gw6)
    lab.add_host("mn")
    for access, (up4, gw4, up6, gw6) in UPLINK.items():
        lab.add_host(access, forward=True)
        lab.link("net", access, [f"{gw4}/30", f"{gw6}/64"], access, "eth0", [f"{up4}/30", f"{up6}/64"])
        lab.route(access, "default", gw4)
        lab.route(access, "default", gw6)
        (_, bits4, r4), (_, bits6, r6) = ACCESS[access]
        lab.link(access, "access", [f"{r4}/{bits4}", f"{r6}/{bits6}"], "mn", f"{access}0", [])
        lab.route("net", str(ipaddress.ip_network(f"{r4}/{bits4}", strict=False)), up4)
        lab.route("net", str(ipaddress.ip_network(f"{r6}/{bits6}", strict=False)), up6)
    if capture is not None:
        for host in ADDR:
            capture[host] = lab.capture("net", host, host)
        for access in ACCESS:
            capture[access] = lab.capture(access, "access", access)


def attach(lab, access, table=ACCESS, metric=None):
    """mn gets addresses and routes at an access network, as a phone's modem or a DHCP client would give them. Returns the wall-clock time.
    metric: of the default route, which then stands beside that of the other access network instead of taking its place."""
    given = [a for a in table[access] if a]
    lab.ip("mn", "link", "set", f"{access}0", "up")
    for addr, bits, _ in given:
        lab.add_addr("mn", f"{access}0", f"{addr}/{bits}")
    when = time.time()
    for _, _, router in given:
        lab.route("mn", "default", router, *(["dev", f"{access}0", "metric", metric] if metric else []))
    return when


def detach(lab, access):
    """The access network is gone: its addresses vanish and the routes with them."""
    lab.ip("mn", "addr", "flush", "dev", f"{access}0", "scope", "global")


if __name__ == "__main__":
    sys.exit("a library: see demo.py and tests/e2e")
