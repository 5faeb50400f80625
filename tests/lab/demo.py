#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job of hipfa, end to end: a mobile host with only a SIM gets a name and is reached by it while it moves.

The lab (every box a network namespace, every line a veth link; addresses in tests/lab/lab.py):

              home                     fa                 cn        cn2
      Knot or BIND, hipakad         hipfad            hiphostd   hiphostd
               |                       |                  |         |
               +-----------+-----------+--------+---------+---------+
                                       |  net   |   (backbone router)
                           +-----------+--------+------------+
                           |                                 |
                         umts                              wlan      access networks: own prefixes,
                           |                                 |       IPv4 and IPv6
                    umts0  +--------------- mn --------------+  wlan0
                                        hiphostd
                                         (USIM)

Each step prints a line of evidence; the closing table says step, result, time, packets. Exit status 0 only if every step held.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import secrets
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import daemons  # noqa: E402
from demo_aaa import KINDS  # noqa: E402
import evidence  # noqa: E402
from lab import ADDR, ACCESS, Lab, LabError, attach, detach, main_topology, sh, wait_for  # noqa: E402

NAME = "demo"
COLOR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOR else text


class Failed(Exception):
    pass


class Demo:
    def __init__(self, a):
        self.a = a
        self.lab = Lab(NAME)
        self.rows = []
        self.caps = {}
        self.op = daemons.Operator(self.lab, dns=a.dns)
        self.op.sim_kind = a.sim
        self.op.key_logs = bool(a.pcap)
        self.sub = daemons.Subscriber(imsi=a.imsi, k=a.k, opc=a.opc, given=a.given, surname=a.surname, msisdn=a.msisdn)
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    # ---- telling ---------------------------------------------------------------------------------------------------

    def step(self, number, title, work):
        """Run one step; work() returns (evidence, packets or None)."""
        print(paint("1", f"{number:>4}  {title}"), flush=True)
        t = time.monotonic()
        try:
            said, packets = work()
            result = "ok"
        except (Failed, LabError) as e:
            said, packets, result = str(e), None, "FAILED"
        secs = time.monotonic() - t
        for line in said.splitlines():
            print(f"      {line if result == 'ok' else paint('31', line)}", flush=True)
        self.rows.append({"step": number, "title": title, "result": result, "seconds": round(secs, 3), "packets": packets,
                          "evidence": said})
        if result != "ok":
            raise Failed(f"step {number} ({title})")

    def table(self):
        print()
        print(f"{'step':>4}  {'what':<52} {'result':<7} {'seconds':>8} {'packets':>8}")
        for r in self.rows:
            packets = "-" if r["packets"] is None else r["packets"]
            print(f"{r['step']:>4}  {r['title'][:52]:<52} {r['result']:<7} {r['seconds']:>8.2f} {packets:>8}")

    # ---- the steps -------------------------------------------------------------------------------------------------

    def build_lab(self):
        self.lab.create()
        main_topology(self.lab, self.caps)
        if self.a.hlr:
            self.op.use_hlr(self.sub.plmn)
        if self.a.aaa:
            self.op.ways = KINDS[self.a.aaa]
            self.op.realms[self.sub.realm] = self.sub.plmn
        if self.a.aaa == "radsec":
            self.caps["home-lo"] = self.lab.capture("home", "lo", "home-lo", "udp port 1812")
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.start_fa()
        for host in ("mn", "cn", "cn2"):
            self.op.start_host(host, sim=self.sub if host == "mn" else None)
        said = [f"{len(self.lab.namespaces)} namespaces; {self.op.dns_version()} serves {daemons.ZONE}, signed; "
                "hipakad in home, hipfad in fa, hiphostd in mn, cn, cn2",
                f"FA {self.op.fa_hit}"]
        if self.a.aaa:
            said.append(self.op.ways.says)
        return "\n".join(said), None

    def connectivity(self):
        self.t_attach = attach(self.lab, "umts")
        (a4, *_), (a6, *_) = ACCESS["umts"]
        r = self.lab.run("mn", "ping", "-c1", "-W2", ADDR["fa"][0])
        return f"mn has {a4} and {a6} at umts; {r.stdout.splitlines()[-1]}", None

    def bound(self):
        """Wait for the binding, then say each step of it from what was seen on the wire and what the daemons say."""
        self.host_status = self.op.wait_bound("mn", self.fqdn)
        self.bind = evidence.Binding(self.caps["umts"], self.caps["fa"], [ACCESS["umts"][0][0], ACCESS["umts"][1][0]],
                                     ADDR["fa"], self.t_attach, self.radius_link())

    def radius_link(self):
        """Where RADIUS is to be seen in clear: hipfad's link, or between the proxies."""
        return self.caps.get("home-lo", self.caps["fa"])

    def initiate(self):
        self.bound()
        b = self.bind
        if 201 not in b.reg_info:
            raise Failed(f"R1 offers {b.reg_info}, not SIM_BINDING")
        return (f"I1 {b.ms('I1')} ms after the address came; R1 offers {evidence.reg_names(b.reg_info)}, puzzle K={b.puzzle_k}"), b.count

    def relayed(self):
        r = self.bind.radius
        if not (r["Access-Request"] >= 2 and r["Access-Challenge"] >= 1 and r["Access-Accept"] == 1):
            raise Failed(f"RADIUS packets seen: {r}")
        said = f"EAP-AKA' in HIP ENCRYPTED between mn and fa, in RADIUS between fa and home: " + ", ".join(f"{n} {k}" for k, n in r.items() if n)
        if self.a.aaa == "radsec":
            said += f"; between the two in TLS: {evidence.in_tls(self.caps['fa'])}"
        return said + self.op.vectors_from(), sum(r.values())

    def keys(self):
        carried = self.bind.accepted
        want = {"MS-MPPE-Send-Key", "MS-MPPE-Recv-Key"} | (set() if self.a.aaa == "hostapd" else {"Chargeable-User-Identity", "3GPP-IMSI"})
        if not want <= set(carried):
            raise Failed(f"the Access-Accept carries {carried}")
        return f"Access-Accept carries {', '.join(carried)}; no key before it ({self.bind.mppe_early} in Access-Challenges)", None

    def key_pair(self):
        hi = self.host_status["hi"]
        return f"mn's HI: algorithm {int(hi[:4], 16)}, {len(hi) // 2 - 2} octets, {hi[4:28]}...; HIT {self.host_status['hit']}", None

    def sent(self):
        b = self.bind
        return f"UPDATE with SEQ and ENCRYPTED of {b.encrypted_len} octets {b.ms('UPDATE')} ms after the address came; {b.round_trips} round trips in all", None

    def verified(self):
        b = self.op.binding(self.fqdn)
        if b["hit"] != self.host_status["hit"]:
            raise Failed(f"the FA holds {b['hit']}, mn is {self.host_status['hit']}")
        return f"FA's binding: {b['fqdn']} -> {b['hit']}, state {b['state']}", None

    def collected(self):
        s = self.op.collected(self.fqdn)
        return s, None

    def configured(self):
        rr = self.op.dig(self.fqdn, "HIP")
        hit = evidence.hip_rr(rr)
        if hit["hit"] != self.host_status["hit"]:
            raise Failed(f"the zone has {rr!r}")
        if hit["hit"] != hit["computed"]:
            raise Failed("the HIT in the zone is not the hash of the key beside it")
        fa4, fa6 = self.op.dig(daemons.FA_NAME, "A").strip(), self.op.dig(daemons.FA_NAME, "AAAA").strip()
        if (fa4, fa6) != ADDR["fa"]:
            raise Failed(f"the FA's own name has {fa4} {fa6}")
        return (f"{self.fqdn} HIP {hit['algorithm']} {hit['hit']} ({hit['key_octets']} octets of key, which hash to it) {hit['rvs']}\n"
                f"{daemons.FA_NAME} A {fa4} AAAA {fa6}; booked: {self.op.booked(self.fqdn)}"), None

    def answered(self):
        s = self.host_status
        if s["fqdn"].rstrip(".") != self.fqdn:
            raise Failed(f"mn says its name is {s['fqdn']}")
        return f"mn: name {s['fqdn']}, FA {s['fa']}, binding lives {s['binding_seconds']} s", None

    def sealed(self):
        level, size, leaks = self.op.sealed("mn", [self.fqdn.encode(), self.sub.imsi.encode()])
        if leaks:
            raise Failed(f"the sealed store shows {leaks}")
        return f"sealed store: level {level}, {size} octets, neither name nor IMSI in it", None

    def lookup_and_ping(self):
        r = self.lab.run("cn", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        if r.returncode != 0:
            raise Failed(f"ping: {r.stdout}{r.stderr}")
        peer = self.op.peer("cn", self.host_status["hit"])
        path = evidence.Connect(self.caps["fa"], self.caps["cn"], self.caps["umts"], ADDR["cn"], ADDR["fa"])
        if not path.relayed:
            raise Failed("no I1 with FROM and RVS_HMAC left the FA")
        return (f"ping -6 {self.fqdn}: {r.stdout.splitlines()[-2]}\n"
                f"lookup: {peer['dnssec']}; I1 relayed by the FA with FROM and RVS_HMAC, R1 directly from {path.r1_from}; ESP both ways"), path.esp

    def curl(self):
        self.blob = os.urandom(3 << 20)
        self.op.serve("mn", self.blob)
        t = time.monotonic()
        got = self.op.fetch("cn", self.fqdn)
        secs = time.monotonic() - t
        if got != hashlib.sha256(self.blob).hexdigest():
            raise Failed("the download's checksum is wrong")
        return f"curl http://{self.fqdn}/: {len(self.blob)} octets, {len(self.blob) * 8 / secs / 1e6:.0f} Mbit/s, sha256 right", None

    def moves(self):
        """While a ping and a long download run: umts -> wlan -> umts."""
        ping = self.lab.start("cn", "long-ping", "ping", "-6", "-n", "-i", "0.05", self.fqdn)
        curl = self.op.start_slow_fetch("cn", self.fqdn)
        time.sleep(1.5)
        said, before = [], "umts"
        for access in ("wlan", "umts"):
            detach(self.lab, before)
            when = attach(self.lab, access)
            new = [ACCESS[access][0][0], ACCESS[access][1][0]]
            self.op.wait_peer_at("cn", self.host_status["hit"], new)
            first = wait_for("ESP at the new address", lambda: evidence.first_esp(self.caps[access], new, when), 10)
            time.sleep(1.5)
            self.op.wait_registered_at(self.host_status["hit"], new)
            echo = {who: evidence.verified_by_echo(self.caps[access], new, ADDR[who], when) for who in ("fa", "cn")}
            said.append(f"{before} -> {access}: first ESP packet at the new address {1000 * (first - when):.0f} ms after it came; "
                        f"LOCATOR_SET verified by echo: FA after {echo['fa']:.0f} ms, cn after {echo['cn']:.0f} ms")
            before = access
        code = curl.wait(timeout=120)
        self.lab.stop("long-ping", signal.SIGINT)
        sent, received, lost = evidence.ping_summary(self.lab.log_text("long-ping"))
        sha, connections = self.op.slow_fetch_result("cn")
        if code != 0 or sha != hashlib.sha256(self.blob).hexdigest() or connections != 1:
            raise Failed(f"the download: curl exit {code}, checksum {'right' if sha == hashlib.sha256(self.blob).hexdigest() else 'wrong'}, "
                         f"{connections} connections; ping lost {lost} of {sent}")
        said.append(f"ping every 50 ms through both moves: {sent} sent, {received} received, {lost} lost; download complete over one "
                    "TCP connection, sha256 right")
        return "\n".join(said), sent

    def late_comer(self):
        detach(self.lab, "umts")
        attach(self.lab, "wlan")
        self.op.wait_peer_at("cn", self.host_status["hit"], [ACCESS["wlan"][0][0], ACCESS["wlan"][1][0]])
        self.op.wait_registered_at(self.host_status["hit"], [ACCESS["wlan"][0][0], ACCESS["wlan"][1][0]])
        r = self.lab.run("cn2", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        if r.returncode != 0:
            raise Failed(f"ping from cn2: {r.stdout}{r.stderr}")
        path = evidence.Connect(self.caps["fa"], self.caps["cn2"], self.caps["wlan"], ADDR["cn2"], ADDR["fa"])
        if not path.relayed:
            raise Failed("no I1 of cn2 with FROM and RVS_HMAC left the FA")
        return f"cn2, connecting now for the first time, is relayed to wlan: {r.stdout.splitlines()[-2]}; R1 from {path.r1_from}", path.esp

    def registered_at(self):
        return [x[0] for x in ACCESS["wlan"]]

    def restart(self):
        before = evidence.radius_count(self.radius_link())
        self.op.stop_all()
        self.op.start_as()
        self.op.start_fa()
        for host in ("mn", "cn", "cn2"):
            self.op.start_host(host, sim=self.sub if host == "mn" else None)
        s = self.op.wait_bound("mn", self.fqdn)
        self.op.wait_registered_at(s["hit"], self.registered_at())
        after = evidence.radius_count(self.radius_link())
        if s["hit"] != self.host_status["hit"] or after != before:
            raise Failed(f"HIT {s['hit']}, {after - before} RADIUS packets after the restart")
        r = self.lab.run("cn", "ping", "-6", "-c", "2", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        if r.returncode != 0:
            raise Failed(f"ping after the restart: {r.stdout}{r.stderr}")
        return f"mn is back as {s['fqdn']} by a plain registration; RADIUS packets since: {after - before}; {r.stdout.splitlines()[-2]}", None

    def other_sim(self):
        other = daemons.Subscriber(imsi=str(int(self.sub.imsi) + 1).zfill(15), k=secrets.token_hex(16), opc=secrets.token_hex(16),
                                   given="Second", surname="Card", msisdn=str(int(self.sub.msisdn) + 1))
        self.op.add_subscriber(other)
        self.op.stop_host("mn")
        self.op.start_host("mn", sim=other)
        fqdn = f"{other.label}.{daemons.ZONE}"
        s = self.op.wait_bound("mn", fqdn)
        if s["hit"] == self.host_status["hit"]:
            raise Failed("the other SIM uses the first one's HI")
        self.op.stop_host("mn")
        self.op.start_host("mn", sim=self.sub)
        again = self.op.wait_bound("mn", self.fqdn)
        if again["hit"] != self.host_status["hit"]:
            raise Failed("the first SIM did not find its own again")
        return (f"another SIM in the same device sees an empty store, gets its own HI {s['hit']} and name {s['fqdn']};\n"
                f"the first SIM in again: {again['fqdn']}, {again['hit']}"), None

    # ---- all of it -------------------------------------------------------------------------------------------------

    def steps(self):
        return (("0", "the lab", self.build_lab),
                ("1", "mn gets IP connectivity at umts", self.connectivity),
                ("2", "mn initiates: base exchange with the FA", self.initiate),
                ("3", "the FA relays AKA between mn and the AS", self.relayed),
                ("4", "the AS hands the session keys to the FA", self.keys),
                ("5", "mn's key pair", self.key_pair),
                ("6", "mn sends key, name and MAC under those keys", self.sent),
                ("7", "the FA verifies", self.verified),
                ("8", "the FA collects subscriber data", self.collected),
                ("9", "the FA decides, writes the DNS, books", self.configured),
                ("10", "the FA answers", self.answered),
                ("11", "mn seals it under its SIM", self.sealed),
                ("12", "cn looks the name up and pings it", self.lookup_and_ping),
                ("13", "cn fetches from a web server in mn", self.curl),
                ("14", "mn moves to wlan and back under load", self.moves),
                ("15", "cn2 connects after a move", self.late_comer),
                ("16", "all daemons restarted: no AKA again", self.restart),
                ("17", "another SIM in the same device", self.other_sim))

    def run(self):
        for row in self.steps():
            self.step(*row)

    def more(self):
        """What else --json says."""
        return {}

    def write_out(self, ok):
        if self.a.json:
            with open(self.a.json, "w") as f:
                json.dump({"ok": ok, "dns": self.a.dns, "name": self.fqdn, "steps": self.rows, **self.more()}, f, indent=1)
                f.write("\n")
        if self.a.pcap and self.caps:
            os.makedirs(self.a.pcap, exist_ok=True)
            for label, path in self.caps.items():
                if os.path.exists(path):
                    with open(path, "rb") as src, open(os.path.join(self.a.pcap, label + ".pcap"), "wb") as dst:
                        dst.write(src.read())
            self.op.write_hosts(os.path.join(self.a.pcap, "hosts.json"), self.sub)
            self.op.write_keys(os.path.join(self.a.pcap, "keys"))

    def how_to_look_around(self):
        hipctl = daemons.binary("hipctl")
        print("\nThe lab is up. Look around:")
        for line in (f"ip netns exec cn ping -6 -c3 {self.fqdn}",
                     f"ip netns exec mn {hipctl} --socket {self.op.socket('mn')} status",
                     f"ip netns exec fa {hipctl} --socket {self.op.socket('fa')} bindings",
                     f"ip netns exec cn {hipctl} --socket {self.op.socket('cn')} peers",
                     f"ip netns exec cn dig @{ADDR['home'][0]} {self.fqdn} HIP",
                     "./demo --stop"):
            print("   ", line)


def stop():
    lab = Lab.load(NAME)
    if not lab:
        print("no lab is up")
        return 0
    lab.destroy()
    print("the lab is down")
    return 0


def parse(argv):
    ap = argparse.ArgumentParser(prog="./demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dns", choices=("knot", "bind"), default="knot", help="the DNS primary (default: knot)")
    ap.add_argument("--sim", choices=("soft", "pcsc"), default="soft", help="mn's card: software, or in a reader behind pcscd (default: soft)")
    ap.add_argument("--hlr", choices=("osmo-hlr",), help="who has the SIM's key: osmo-hlr beside hipakad (default: hipakad itself)")
    ap.add_argument("--zero-touch", action="store_true", help="instead: a SIM that only an HLR knows, in a host that is told of no FA")
    ap.add_argument("--aaa", choices=tuple(KINDS), help="who authenticates: hostapd with hipakad as its AuC, or hipakad behind RADIUS in TLS, radsecproxy and FreeRADIUS "
                    "(default: hipakad over UDP)")
    ap.add_argument("--nat", action="store_true", help="the same behind NATs, through the data relay, and with a login at wlan")
    ap.add_argument("--move", metavar="N", type=int, default=0, help="instead: N moves under a download, and a table of handover times")
    ap.add_argument("--json", metavar="FILE", help="the closing table for programs")
    ap.add_argument("--pcap", metavar="DIR", help="a capture of each link, hosts.json with the public keys, and keys: the key logs of all daemons (hipvec verify --keys)")
    ap.add_argument("--keep", action="store_true", help="leave the lab running and say how to look around")
    ap.add_argument("--stop", action="store_true", help="end a lab that --keep left")
    d = daemons.DEMO_SUBSCRIBER
    ap.add_argument("--imsi", default=d.imsi)
    ap.add_argument("--k", default=d.k, help="32 hexadecimal digits")
    ap.add_argument("--opc", default=d.opc, help="32 hexadecimal digits")
    ap.add_argument("--given", default=d.given)
    ap.add_argument("--surname", default=d.surname)
    ap.add_argument("--msisdn", default=d.msisdn)
    a = ap.parse_args(argv)
    for key, want in (("imsi", r"\d{14,15}"), ("k", r"[0-9a-fA-F]{32}"), ("opc", r"[0-9a-fA-F]{32}"), ("msisdn", r"\d{5,15}")):
        if not re.fullmatch(want, getattr(a, key)):
            ap.error(f"--{key}: expected {want}")
    if a.move and a.nat:
        ap.error("--nat or --move, not both")
    if a.zero_touch and (a.move or a.nat or a.hlr or a.aaa):
        ap.error("--zero-touch: not with --hlr, --aaa, --nat or --move")
    if (a.hlr or a.aaa) and (a.move or a.nat):
        ap.error("--hlr and --aaa: not with --nat or --move")
    if a.move and not 2 <= a.move <= 1000:
        ap.error("--move: expected 2 to 1000")
    return a


def kind_of(a):
    if a.move:
        from demo_move import MoveDemo
        return MoveDemo
    if a.zero_touch:
        from demo_zero import ZeroTouchDemo
        return ZeroTouchDemo
    if a.nat:
        from demo_nat import NatDemo
        return NatDemo
    return Demo


def main(argv=None):
    a = parse(argv)
    if a.stop:
        return stop()
    if os.geteuid() != 0:
        print("demo: needs root (network namespaces, TUN)", file=sys.stderr)
        return 2
    demo = kind_of(a)(a)
    ok = made = False

    def interrupted(signum, frame):
        raise KeyboardInterrupt

    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a background job of a script starts with it ignored
        signal.signal(s, interrupted)
    try:
        if os.path.exists(demo.lab.dir):
            raise LabError("a lab is up already: ./demo --stop ends it")
        made = True
        demo.run()
        ok = True
    except (Failed, LabError) as e:
        print(paint("31", f"\nfailed: {e}"), file=sys.stderr)
        for label in demo.op.labels():
            tail = demo.lab.log_text(label).splitlines()[-12:]
            print(f"--- {label}\n" + "\n".join(tail), file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
    finally:
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, signal.SIG_IGN)  # the clean-up runs to its end
        if made:
            demo.table()
            demo.write_out(ok)
            if ok and a.keep:
                demo.how_to_look_around()
            else:
                demo.lab.destroy()
    if ok:
        print(f"\nevery step held; {demo.fqdn} was reached by name wherever it was")
    return 0 if ok else 1


if __name__ == "__main__":
    import demo  # by its name, as the other demos know it

    sys.exit(demo.main())
