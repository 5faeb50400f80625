# SPDX-License-Identifier: Apache-2.0
"""DNS updates and validated look-ups against a real primary; dns_knot.py and dns_bind.py run it.

Everything happens in a network namespace of its own: the server at SERVER, a proxy at PROXY that can lie, an address without a server at DEAD and one
that never answers at SILENT. dns_probe (built beside this file) runs hipfad's DNS adapter and the resolver as they are in the daemons.
"""
import base64
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build"))
ZONE, FA, KEY = "operator.example", "fa1.operator.example", "fa1-key.operator.example"
SERVER, SERVER6, PROXY, DEAD, SILENT = "192.0.2.53", "2001:db8:53::53", "192.0.2.54", "192.0.2.55", "192.0.2.56"
HIT1, HIT2 = "200100227D47CB4685711C8C3131E771", "2001002209F525857D96E2EE55E9DEE2"
ECDSA1 = "cz5pFRr9lrrCWqDz4SWbmtGmYJCoaBfeiQTjrPYYilTtYE4xafUwdtwaBIHefc0OVbYdVkegQ3K7kaS6TKnuFg=="
ECDSA2 = "kkpF8ZSpV8ksJ3t2rFe7VOQ995CUBCEk9gSyUKT38KsbV41iu6z/meT041UXfCR7vYCH7vDDQOHA3R7WD3zSrw=="
RSA3072 = base64.b64encode(b"\3\1\0\1" + bytes(range(256)) + bytes(range(128))).decode()
RR1, RR2, RR3 = f"( 3 {HIT1} {ECDSA1} {FA}. )", f"( 3 {HIT2} {ECDSA2} {FA}. )", f"( 2 {HIT2} {RSA3072} {FA}. )"
HIP = 55


class Proxy:
    """Forwards UDP and TCP port 53 to the server; `reply(octets, is_tcp)` may change an answer, hold it back (None), or sleep."""

    def __init__(self):
        self.requests = self.over_tcp = 0
        self.reply = lambda octets, tcp: octets
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((PROXY, 53))
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((PROXY, 53))
        self.tcp.listen(8)
        for loop in (self._udp, self._tcp):
            threading.Thread(target=loop, daemon=True).start()

    def lie(self, reply):
        self.requests = self.over_tcp = 0
        self.reply = reply

    def honest(self):
        self.lie(lambda octets, tcp: octets)

    def _udp(self):
        while True:
            request, peer = self.udp.recvfrom(65535)
            self.requests += 1
            threading.Thread(target=self._forward, args=(request, peer, self.reply), daemon=True).start()

    def _forward(self, request, peer, reply):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((SERVER, 53))
            s.settimeout(5)
            try:
                s.send(request)
                answer = reply(s.recv(65535), False)
            except OSError:
                return
            if answer is not None:
                self.udp.sendto(answer, peer)

    def _tcp(self):
        while True:
            c, _ = self.tcp.accept()
            self.over_tcp += 1
            threading.Thread(target=self._carry, args=(c, self.reply), daemon=True).start()

    def _carry(self, c, reply):
        def message(s):
            head = self._exactly(s, 2)
            return self._exactly(s, struct.unpack(">H", head)[0])
        with c, socket.create_connection((SERVER, 53), 5) as s:
            try:
                while True:
                    request = message(c)
                    s.sendall(struct.pack(">H", len(request)) + request)
                    answer = reply(message(s), True)
                    if answer is None:
                        return
                    c.sendall(struct.pack(">H", len(answer)) + answer)
            except OSError:
                return

    @staticmethod
    def _exactly(s, n):
        out = b""
        while len(out) < n:
            part = s.recv(n - len(out))
            if not part:
                raise OSError("closed")
            out += part
        return out


class Case:
    def __init__(self, server):
        self.server = server
        self.passed = self.failed = 0
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"dns-{server}-"))
        self.ns = f"dns-{server}-{os.getpid()}"
        self.made = False

    # ---- the place ----

    def up(self):
        subprocess.run(["ip", "netns", "add", self.ns], check=True)
        self.made = True
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._enter(f"/run/netns/{self.ns}")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for a in (SERVER, PROXY, DEAD, SILENT):
            subprocess.run(["ip", "addr", "add", a + "/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "addr", "add", SERVER6 + "/128", "dev", "lo", "nodad"], check=True)
        self.start()
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind((SILENT, 53))
        self.proxy = Proxy()

    @staticmethod
    def _enter(path):
        fd = path if isinstance(path, int) else os.open(path, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def _lab(self, what):
        script = ROOT / "tests" / "lab" / f"{self.server}.sh"
        p = subprocess.run(["bash", "-c", f'. "$0"; {self.server}_{what} "$@"', str(script), str(self.dir / "server"),
                            *([SERVER, SERVER6, ZONE, KEY, self.secret, FA] if what == "start" else [])])
        if p.returncode != 0:
            log = self.dir / "server" / "log"
            raise RuntimeError(f"{self.server}_{what}: " + (log.read_text()[-2000:] if log.exists() else "no log"))

    def start(self):
        self._lab("start")

    def stop(self):
        self._lab("stop")

    def down(self):
        if self.made:
            try:
                self.stop()
            finally:
                self._enter(self.home)
                subprocess.run(["ip", "netns", "del", self.ns], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- tools ----

    def probe(self, *args, servers=(SERVER,), secret=None, key=KEY, tries=3, first=1000, anchor=None, upstream=None):
        argv = [BUILD / "tests" / "interop" / "dns_probe", "-z", ZONE, "-k", key, "-S", secret or self.secret, "-n", tries, "-f", first]
        for s in servers:
            argv += ["-s", s]
        if anchor:
            argv += ["-A", anchor]
        if upstream:
            argv += ["-u", upstream]
        p = subprocess.run([str(a) for a in argv + list(args)], capture_output=True, text=True, timeout=60)
        self.said = p.stderr
        if p.returncode != 0:
            raise RuntimeError(f"dns_probe {args}: exit {p.returncode}: {p.stderr}")
        return json.loads(p.stdout)

    def write(self, name, last, want, **kw):
        return self.probe("write", f"{name}.{ZONE}", last, want, **kw)

    def dig(self, name, rtype, *more):
        p = subprocess.run(["dig", f"@{SERVER}", "+noall", "+answer", "+time=2", *more, name, rtype], capture_output=True, text=True)
        return [line.split(None, 4)[4] for line in p.stdout.splitlines() if line and not line.startswith(";")]

    def hip(self, name):
        """The HIP records that dig shows, without blanks' accidents."""
        return sorted("( " + " ".join(r.split()) + " )" for r in self.dig(f"{name}.{ZONE}", "HIP"))

    def lookup(self, name, rtype=HIP, **kw):
        kw.setdefault("anchor", self.dir / "server" / "anchor")
        return self.probe("resolve", f"{name}.{ZONE}", rtype, **kw)

    def check(self, what, held, seen=None):
        if held:
            self.passed += 1
            print(f"ok   {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {what}: {seen}\n{getattr(self, 'said', '')}", flush=True)

    # ---- updates ----

    def updates(self):
        r = self.write("joe", "-", RR1)
        self.check("a new name is added", r["err"] == "OK" and r["tries"] == 1 and self.hip("joe") == [RR1], r)
        self.check("dig NAME HIP shows the record", self.hip("joe") == [RR1], self.hip("joe"))
        r = self.write("joe", "-", RR2)
        self.check("a name in use is not overwritten", r["err"] == "EXISTS" and self.hip("joe") == [RR1], r)
        r = self.write("joe", "-", RR1)
        self.check("the same once more is done already", r["err"] == "OK" and r["proved"] == 1 and self.hip("joe") == [RR1], r)
        r = self.write("joe", RR1, RR2)
        self.check("an exact set is replaced", r["err"] == "OK" and self.hip("joe") == [RR2], r)
        r = self.write("joe", RR1, RR3)
        self.check("what is not ours any more is not replaced", r["err"] == "STATE" and self.hip("joe") == [RR2], r)
        r = self.probe("zone", f"joe.{ZONE}")
        self.check("the zone is asked what it holds", r["err"] == "OK" and r["says"] == "hip" and r["rdata"] == RR2, r)
        r = self.write("joe", RR1, "-")
        self.check("nor is it removed", r["err"] == "STATE" and self.hip("joe") == [RR2], r)
        r = self.write("joe", RR2, "-")
        self.check("an exact set is removed", r["err"] == "OK" and self.hip("joe") == [], r)
        r = self.probe("zone", f"joe.{ZONE}")
        self.check("and the zone says the name is free", r["err"] == "OK" and r["says"] == "free", r)
        r = self.probe("zone", f"ns1.{ZONE}")
        self.check("a name with other data is not free", r["err"] == "OK" and r["says"] == "other", r)
        r = self.write("ns1", "-", RR1)
        self.check("nor is it taken", r["err"] == "EXISTS" and self.hip("ns1") == [], r)
        r = self.write("six", "-", RR1, servers=(f"[{SERVER6}]",))
        self.check("the same over IPv6", r["err"] == "OK" and self.hip("six") == [RR1], r)

    def own_name(self):
        r = self.probe("own", FA, "192.0.2.1", "2001:db8::1")
        self.check("the FA's own addresses are written", r["err"] == "OK" and self.dig(FA, "A") == ["192.0.2.1"] and
                   self.dig(FA, "AAAA") == ["2001:db8::1"], r)
        r = self.probe("own", FA, "2001:db8::2", "192.0.2.1", "192.0.2.1")
        self.check("and changed", r["err"] == "OK" and self.dig(FA, "A") == ["192.0.2.1"] and self.dig(FA, "AAAA") == ["2001:db8::2"], r)
        r = self.probe("own", FA, "2001:db8::2", "192.0.2.1")
        self.check("and left alone when they are right", r["err"] == "OK" and r["tries"] == 2, r)
        r = self.probe("own", FA, "2001:db8::2")
        self.check("and taken away", r["err"] == "OK" and self.dig(FA, "A") == [], r)
        r = self.probe("own", f"other.{ZONE}", "192.0.2.1", tries=1)
        self.check("the server lets the key write no addresses elsewhere", r["err"] in ("REFUSED", "UNREACHABLE") and
                   self.dig(f"other.{ZONE}", "A") == [], r)

    def over_tcp(self):
        self.proxy.honest()
        r = self.write("long", "-", RR3, servers=(PROXY,))
        self.check("a long update goes over TCP", r["err"] == "OK" and self.proxy.over_tcp == 1 and self.hip("long") == [RR3], r)
        lines = [f"server {SERVER}", f"zone {ZONE}"] + [f"update add many.{ZONE} 60 HIP {rr[2:-2]}" for rr in (RR1, RR2, RR3)] + ["send"]
        subprocess.run(["nsupdate", "-y", f"hmac-sha256:{KEY}:{self.secret}"], input="\n".join(lines) + "\n", text=True, check=True)
        self.proxy.honest()
        r = self.probe("zone", f"many.{ZONE}", servers=(PROXY,))
        self.check("a truncated answer is asked for over TCP", r["err"] == "OK" and r["says"] == "hip" and r["rdata"] == "" and
                   self.proxy.requests == 1 and self.proxy.over_tcp == 1, r)

    def bad_keys(self):
        other = base64.b64encode(os.urandom(32)).decode()
        r = self.write("eve", "-", RR1, secret=other, tries=2, first=200)
        self.check("a wrong secret writes nothing", r["err"] == "UNREACHABLE" and r["ignored"] >= 1 and self.hip("eve") == [], r)
        self.check("  and the log says BADSIG", "BADSIG" in self.said or "error=16" in self.said)
        r = self.write("eve", "-", RR1, key="nobody.example", tries=1, first=200)
        self.check("an unknown key writes nothing", r["err"] == "UNREACHABLE" and self.hip("eve") == [], r)

    # ---- a network that loses and lies ----

    @staticmethod
    def survived(r, lost):
        """Done although the first answer was lost: by a further try, with or without the question."""
        return r["err"] == "OK" and lost and r["tries"] >= (3 if r["proved"] else 2)

    def losses(self):
        lost = []

        def lose_first(octets, tcp):
            lost.append(1)
            return None if len(lost) == 1 else octets
        self.proxy.lie(lose_first)
        r = self.write("lost", "-", RR1, servers=(PROXY,), first=300)
        # Mostly the retry's prerequisite fails and a question proves the update done (proved 1); a server that is busy takes both tries in
        # one go and says NOERROR to the second.
        self.check("a lost answer: the retry finds the update done", self.survived(r, lost) and self.hip("lost") == [RR1], r)
        lost.clear()
        self.proxy.lie(lose_first)
        r = self.write("lost", RR1, RR2, servers=(PROXY,), first=300)
        self.check("  the same with a change", self.survived(r, lost) and self.hip("lost") == [RR2], r)
        lost.clear()
        self.proxy.lie(lose_first)
        r = self.write("lost", RR2, "-", servers=(PROXY,), first=300)
        self.check("  and with a removal", self.survived(r, lost) and self.hip("lost") == [], r)

        def slow(octets, tcp):
            time.sleep(1.0)
            return octets
        self.proxy.lie(slow)
        r = self.write("slow", "-", RR1, servers=(PROXY,), first=400)
        self.check("a slow server is not a dead one", r["err"] == "OK" and 900 <= r["ms"] <= 4500 and self.hip("slow") == [RR1], r)
        r = self.write("down", "-", RR1, servers=(DEAD,))
        self.check("a dead port is noticed at once", r["err"] == "UNREACHABLE" and r["ms"] < 900, r)
        r = self.write("down", "-", RR1, servers=(DEAD, SERVER))
        self.check("  and the next server asked", r["err"] == "OK" and r["tries"] == 2 and self.hip("down") == [RR1], r)
        r = self.write("silent", "-", RR1, servers=(SILENT,), first=200)
        self.check("silence ends, unknown", r["err"] == "UNREACHABLE" and 1300 <= r["ms"] <= 4000 and r["tries"] == 3, r)
        r = self.write("silent", "-", RR1, servers=(SILENT, SERVER), first=100)
        self.check("  and the next server asked", r["err"] == "OK" and self.hip("silent") == [RR1], r)

    def lies(self):
        import dns.message
        import dns.tsig
        import dns.tsigkeyring
        wrong = dns.tsigkeyring.from_text({KEY: base64.b64encode(b"x" * 32).decode()})

        def without_tsig(octets, tcp):
            """Cuts the TSIG off: the last record of an answer that has nothing else in its additional section."""
            at = octets.find(b"\x07fa1-key\x08operator\x07example\0\0\xfa\0\xff")
            return octets[:10] + b"\0\0" + octets[12:at]

        def rcode(octets, tcp):
            return octets[:3] + bytes([octets[3] & 0xf0]) + octets[4:]

        def resigned(octets, tcp):
            m = dns.message.from_wire(without_tsig(octets, tcp))
            m.use_tsig(wrong)
            return m.to_wire()

        def at_once(octets, tcp):
            return octets[:2] + b"\xa8\0" + bytes(8)
        r = self.write("held", "-", RR1)
        for what, lie in (("without TSIG", without_tsig), ("with its RCODE changed", rcode), ("signed with another key", resigned),
                          ("made up", at_once)):
            self.proxy.lie(lie)
            r = self.write("held", "-", RR2, servers=(PROXY,), tries=3, first=200)
            # Knot holds an update back for a second now and then: one answer in time is enough
            self.check(f"an answer {what} is none", r["err"] == "UNREACHABLE" and r["ignored"] >= 1 and self.hip("held") == [RR1], r)
        self.proxy.honest()

    # ---- look-ups ----

    def security(self):
        anchor = self.dir / "server" / "anchor"
        self.write("dora", "-", RR1)
        r = self.lookup("dora")
        self.check("secure: a signed answer and the right anchor", r["err"] == "OK" and r["security"] == "secure" and r["judged"] == "OK" and
                   r["hip"] == 1 and 0 < r["ttl"] <= 60, r)
        r = self.lookup("dora", anchor="/dev/null")
        self.check("insecure: no anchor", r["err"] == "OK" and r["security"] == "insecure" and r["hip"] == 1, r)
        r = self.lookup("nobody")
        self.check("secure: there is no such name", r["err"] == "OK" and r["security"] == "secure" and r["nxdomain"], r)
        r = self.lookup("dora", 28)
        self.check("secure: the name has no such record", r["err"] == "OK" and r["security"] == "secure" and not r["nxdomain"] and not r["rdata"], r)
        text = anchor.read_text().split()
        key = bytearray(base64.b64decode("".join(text[7:])))
        key[5] ^= 1
        false = self.dir / "false-anchor"
        false.write_text(" ".join(text[:7]) + " " + base64.b64encode(key).decode() + "\n")
        r = self.lookup("dora", anchor=false)
        self.check("bogus: another anchor", r["err"] == "AUTH" and r["security"] == "bogus" and r["why"] and not r["rdata"], r)
        raw = bytes.fromhex(HIT1)

        def other_hit(octets, tcp):
            return octets.replace(raw, bytes([raw[0]]) + bytes(15))

        def unsigned(octets, tcp):
            """Without the RRSIGs, as a server that does not sign would answer."""
            import dns.message
            import dns.rdatatype
            m = dns.message.from_wire(octets)
            for s in (m.answer, m.authority, m.additional):
                s[:] = [x for x in s if x.rdtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]
            return m.to_wire()
        self.proxy.honest()
        r = self.lookup("dora", servers=(PROXY,))
        self.check("secure: through an honest proxy", r["security"] == "secure" and r["hip"] == 1, r)
        for what, lie in (("a HIT changed on the way", other_hit), ("signatures taken away", unsigned)):
            self.proxy.lie(lie)
            r = self.lookup("dora", servers=(PROXY,))
            self.check(f"bogus: {what}", r["err"] == "AUTH" and r["security"] == "bogus" and r["judged"] == "AUTH" and not r["rdata"], r)

        def deny(octets, tcp):
            return octets[:3] + bytes([octets[3] & 0xf0 | 3]) + octets[4:6] + bytes(6) + octets[12:12 + octets[12:].index(b"\0") + 5]
        self.proxy.lie(deny)
        r = self.lookup("dora", servers=(PROXY,))
        self.check("bogus: a name denied that is there", r["security"] == "bogus" and not r["nxdomain"], r)
        self.proxy.lie(other_hit)
        r = self.lookup("dora", servers=(PROXY,), anchor="/dev/null")
        self.check("without DNSSEC the lie would be believed", r["security"] == "insecure" and r["hip"] == 1, r)
        self.proxy.honest()
        r = self.lookup("long")
        self.check("secure: a long record", r["security"] == "secure" and r["hip"] == 1, r)
        r = self.probe("resolve", "www.elsewhere.example", 1, anchor=anchor)
        self.check("names that nobody is configured for are refused", r["err"] == "REFUSED", r)

    def restart(self):
        before = self.hip("dora")
        self.stop()
        r = self.write("later", "-", RR1, first=200)
        self.check("server down: the update is not done", r["err"] == "UNREACHABLE", r)
        r = self.lookup("dora")
        self.check("server down: the look-up fails and is not bogus", r["err"] in ("UNREACHABLE", "TIMEOUT") and r["security"] == "insecure", r)
        self.start()
        self.check("what was written outlives the server", self.hip("dora") == before == [RR1], self.hip("dora"))
        r = self.write("later", "-", RR1)
        self.check("server back: the update is done", r["err"] == "OK" and self.hip("later") == [RR1], r)
        r = self.lookup("later")
        self.check("server back: and secure", r["security"] == "secure" and r["hip"] == 1, r)

    def run(self):
        for part in (self.updates, self.own_name, self.over_tcp, self.bad_keys, self.losses, self.lies, self.security, self.restart):
            part()


def main(server):
    if os.geteuid() != 0:
        print("SKIP needs root for a network namespace")
        return 77
    for tool in (("knotd",) if server == "knot" else ("named",)) + ("dig", "nsupdate", "ip"):
        if not shutil.which(tool):
            print(f"SKIP {tool} is not installed")
            return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    case = Case(server)
    try:
        case.up()
        case.run()
    except Exception as e:  # a test that cannot go on has failed
        case.check("the test ran to its end", False, f"{type(e).__name__}: {e}")
    finally:
        case.down()
    print(f"{case.passed} passed, {case.failed} failed")
    return 1 if case.failed or not case.passed else 0
