#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""Nobody relays through us who is not registered, and nobody reflects or amplifies by us: attempts with packets made by hand.

mn is a client of both relays, behind a masquerade. The attackers are cn2, with a public address and any source address it likes, and somebody in mn's own
network who sends from mn's registered address. For each attempt: what left the Forwarding Agent is counted by nftables in `fa`, octet for octet;
the refusals have a reason that `hipctl` shows.
"""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import attack  # noqa: E402
import boxes  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, attach, wait_for  # noqa: E402

FA, HOME, CN2 = ADDR["fa"][0], ADDR["home"][0], ADDR["cn2"][0]
QUOTA_KBIT = 1000
R1_RATE = 100  # a second and source prefix: limits.r1_per_second
I1_RATE = 10  # the same, relayed to clients
VICTIM = "203.0.113.200"  # nobody is there; the backbone has no route to it
NOWHERE = ("127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "240.0.0.1", HOME)


class Abuse:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    def set_up(self):
        self.boxes = boxes.nat_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.relay = f"forbidden: [\"192.0.2.0/28\"], client_kbit: {QUOTA_KBIT}"
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.start_fa()
        attach(self.lab, "umts", boxes.PRIVATE)
        self.op.start_host("mn", sim=self.sub)
        self.hit = self.op.wait_bound("mn", self.fqdn)["hit"]
        self.public = self.boxes["umts"].public
        self.op.wait_registered_at(self.hit, [self.public])
        self.lab.route("fa", f"{VICTIM}/32", str(ADDR["fa"][0].rsplit(".", 1)[0]) + ".17")
        boxes.count_esp(self.lab)
        self.watch = attack.Watch(self.lab, "fa", [VICTIM, CN2, self.public, HOME, *NOWHERE[:-1]])
        self.stranger, self.insider = attack.Attacker(self.lab, "cn2"), attack.Attacker(self.lab, "mn")

    def reasons(self):
        """Refusals of the relays by reason, as `hipctl relay` shows them, and packets that the engine dropped."""
        relay = {k: v["hip"] + v["esp"] for k, v in self.op.ctl("fa", "relay")["not_relayed"].items()}
        return relay | {f"{k} (own)": v for k, v in self.op.ctl("fa", "status")["drops"].items()}

    def attempt(self, work, settle=0.5):
        """(what left and came by address, refusals by reason that grew) while work() ran."""
        before, why = self.watch.counts(), self.reasons()
        work()
        time.sleep(settle)
        after, now = self.watch.counts(), self.reasons()
        moved = {a: {d: (after[a][d][0] - before[a][d][0], after[a][d][1] - before[a][d][1]) for d in ("in", "out")} for a in after}
        return moved, {k: v - why.get(k, 0) for k, v in now.items() if v > why.get(k, 0)}

    def refused(self, why, at_least, *names):
        got = sum(v for k, v in why.items() if k.upper() in names)
        check(got >= at_least, f"{at_least} refusals expected as {' or '.join(names)}; grown: {why}")
        return ", ".join(f"{v} {k}" for k, v in why.items() if v)

    def relayed_to(self, sender, where, port=10500):
        """A packet that parses, and that its sender wants to have passed on."""
        return attack.hip(attack.I1, sender, attack.random_hit(), attack.param(attack.DH_GROUP_LIST, b"\7\10"), attack.relay_to(where, port))

    # ---- cases -----------------------------------------------------------------------------------------------------

    def unregistered_hit(self):
        """I1s for a HIT that is not registered: no octet in answer."""
        def work():
            for _ in range(50):
                self.stranger.hip_udp(CN2, 10500, FA, attack.i1(attack.random_hit(), attack.random_hit()))
                self.stranger.hip_raw(CN2, FA, attack.i1(attack.random_hit(), attack.random_hit()))
        moved, why = self.attempt(work)
        check(moved[CN2]["in"][0] >= 100, f"only {moved[CN2]['in'][0]} packets came")
        check(moved[CN2]["out"] == (0, 0), f"answered with {moved[CN2]['out']}")
        return self.refused(why, 100, "NOT_REGISTERED")

    def stranger_relays(self):
        """RELAY_TO of somebody who is not registered, under its own HIT and under mn's."""
        def work():
            for sender in [attack.random_hit()] * 20 + [self.hit] * 20:
                self.stranger.hip_udp(CN2, 10500, FA, self.relayed_to(sender, VICTIM))
        moved, why = self.attempt(work)
        check(moved[VICTIM]["out"] == moved[CN2]["out"] == (0, 0), f"{moved}")
        return self.refused(why, 40, "NOT_OUR_CLIENT")

    def spoofed_client(self):
        """RELAY_TO under mn's HIT and address, but not from its port."""
        def work():
            for port in range(20000, 20040):
                self.stranger.hip_udp(self.public, port, FA, self.relayed_to(self.hit, VICTIM))
        moved, why = self.attempt(work)
        check(moved[VICTIM]["out"] == (0, 0), f"{moved}")
        return self.refused(why, 40, "NOT_OUR_CLIENT")

    def forbidden(self):
        """From mn's own registered address and port: to the operator's networks and to what is nobody's."""
        inside = boxes.PRIVATE["umts"][0][0]

        def work():
            for where in NOWHERE:
                for _ in range(5):
                    self.insider.hip_udp(inside, 10500, FA, self.relayed_to(self.hit, where))
            self.insider.hip_udp(inside, 10500, FA, self.relayed_to(self.hit, VICTIM, 0))
        moved, why = self.attempt(work)
        sent = {a: m["out"] for a, m in moved.items() if m["out"][0] and a not in (self.public, CN2)}
        check(not sent, f"relayed to {sent}")
        return self.refused(why, 5 * len(NOWHERE), "FORBIDDEN_DESTINATION")

    def allowed(self):
        """The same packet to an ordinary address does go: what the cases before saw was the refusal and not a mistake in the packet."""
        inside = boxes.PRIVATE["umts"][0][0]
        moved, why = self.attempt(lambda: self.insider.hip_udp(inside, 10500, FA, self.relayed_to(self.hit, VICTIM)))
        check(moved[VICTIM]["out"][0] == 1, f"{moved[VICTIM]} {why}")

    def esp_of_strangers(self):
        """ESP that nobody gave permission for: to port 10500 and to ports that may be relayed ones."""
        def work():
            for i in range(100):
                self.stranger.esp(CN2, 10500, FA, 0x10000 + i)
            for port in range(49152, 49352):
                self.stranger.esp(CN2, 10500, FA, 0x20000, dport=port)
            for i in range(100):
                self.insider.esp(boxes.PRIVATE["umts"][0][0], 10500, FA, 0x30000 + i)
        moved, why = self.attempt(work)
        check(moved[VICTIM]["out"] == (0, 0) and moved[self.public]["out"][1] < 2000, f"{moved}")
        return self.refused(why, 200, "NO_PERMISSION", "NOT_REGISTERED")

    def reflect(self, receiver, count):
        """I1s from an address that is somebody else's: (octets of an I1, of one answer; I1s that came, octets to the victim, octets to mn, reasons, seconds).
        Packets are counted by octets: what leaves in one run (UDP_SEGMENT) is one packet to nftables."""
        self.attempt(lambda: self.stranger.hip_udp(VICTIM, 10500, FA, attack.i1(attack.random_hit(), receiver)), 1)
        one, _ = self.attempt(lambda: self.stranger.hip_udp(VICTIM, 10500, FA, attack.i1(attack.random_hit(), receiver)), 1)
        time.sleep(2)  # what may go in a second is there again

        def work():
            for _ in range(count):
                self.stranger.hip_udp(VICTIM, 10500, FA, attack.i1(attack.random_hit(), receiver))
        t = time.monotonic()
        moved, why = self.attempt(work, 2)
        check(moved[VICTIM]["in"][0] >= count * 0.9, f"only {moved[VICTIM]['in'][0]} I1s came")
        return one[VICTIM]["in"][1], one[VICTIM]["out"][1], one[self.public]["out"][1], moved, why, time.monotonic() - t

    def reflected_r1(self):
        """I1s to the FA itself: one R1 for one I1, and R1s are limited by source prefix."""
        i1, r1, _, moved, why, took = self.reflect(self.op.fa_hit, 2000)
        (n_in, o_in), (_, o_out) = moved[VICTIM]["in"], moved[VICTIM]["out"]
        n_out = o_out / r1
        check(0 < r1 <= 600, f"the answer to one I1 has {r1} octets")
        check(0 < n_out <= R1_RATE * (took + 1), f"{n_in} I1s in {took:.1f} s brought {n_out:.0f} R1s, {R1_RATE} a second are allowed")
        return f"I1 {i1} octets, R1 {r1}; {n_in} I1s brought {n_out:.0f} R1s: {o_out / o_in:.2f} times the octets; {why}"

    def reflected_by_client(self):
        """I1s for mn: what is relayed to mn, and what mn's R1s come to through the relay, is bounded."""
        i1, r1, relayed, moved, why, took = self.reflect(self.hit, 2000)
        (n_in, o_in), (_, o_out) = moved[VICTIM]["in"], moved[VICTIM]["out"]
        to_mn = moved[self.public]["out"][1] / relayed
        check(0 < r1 <= 600, f"the answer to one I1 has {r1} octets")
        check(to_mn <= I1_RATE * (took + 1) and o_out / r1 <= to_mn + 3, f"{n_in} I1s: {to_mn:.0f} relayed to mn, {o_out / r1:.0f} R1s to the victim")
        check(o_out <= o_in, f"{o_in} octets brought {o_out}")
        return (f"I1 {i1} octets, with RELAY_FROM and RELAY_HMAC {relayed}, R1 {r1}; {n_in} I1s: {to_mn:.0f} relayed, {o_out / r1:.0f} R1s: "
                f"{o_out / o_in:.2f} times the octets; {why}")

    def still_serves(self):
        """After all that, cn, who means it, reaches mn."""
        self.op.start_host("cn")
        r = self.lab.run("cn", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        check(r.returncode == 0, r.stdout + r.stderr)
        return r.stdout.splitlines()[-2]

    def permitted_peer_only(self):
        """mn and cn are relayed, behind a symmetric NAT each: ESP to mn's relayed port from elsewhere than the permitted peer, or with another SPI, does not
        reach mn; nor does ESP with mn's own SPI to port 10500 from elsewhere than mn."""
        for name in ("umts", "nat2"):
            self.boxes[name].become("symmetric")
            self.boxes[name].restart()
        for host in ("mn", "cn"):
            if self.lab.alive(f"hiphostd-{host}"):
                self.op.stop_host(host)
            self.op.start_host(host, sim=self.sub if host == "mn" else None)
        self.op.wait_bound("mn", self.fqdn)
        wait_for("cn reaches mn", lambda: self.lab.run("cn", "ping", "-6", "-c", "1", "-W", "1", self.fqdn, check=False).returncode == 0, 30)
        wait_for("relayed", lambda: (self.op.peer("cn", self.hit) or {}).get("path") == "relayed", 20)
        self.client = next(c for c in self.op.ctl("fa", "relay")["clients"] if c["hit"] == self.hit)
        flow = self.client["permissions"][0]
        (address, port), (peer, peer_port) = (flow[k].rsplit(":", 1) for k in ("relayed", "peer"))
        self.watch = attack.Watch(self.lab, "fa", [self.public, peer])

        def work():
            for i in range(50):
                self.stranger.esp(CN2, 10500, FA, flow["spi_in"], dport=int(port))  # the right port and SPI, from a stranger
                self.stranger.esp(peer, int(peer_port) + 1 + i, FA, flow["spi_in"], dport=int(port))  # the peer's address, another port
                self.stranger.esp(peer, int(peer_port), FA, flow["spi_in"] ^ 1, dport=int(port))  # the peer itself, another SPI
                self.stranger.esp(CN2, 10500, FA, flow["spi_out"])  # mn's SPI, from a stranger
        moved, why = self.attempt(work)
        sent = moved[self.public]["out"][1] + moved[peer]["out"][1]
        check(sent < 50 * 128, f"{sent} octets were passed on")  # keepalives and the like are fewer
        return self.refused(why, 200, "NO_PERMISSION")

    def quota(self):
        """cn sends mn more than mn's quota: what leaves the FA is bounded by it, the rest is refused as OVER_QUOTA and in mn's own account."""
        seconds = 4
        self.lab.start("cn", "flood", "ping", "-6", "-n", "-q", "-i", "0.002", "-s", "1200", self.fqdn)
        time.sleep(2)  # the bucket's first second is gone
        before = boxes.esp_counts(self.lab)
        refused = self.reasons().get("OVER_QUOTA", 0)
        time.sleep(seconds)
        after = boxes.esp_counts(self.lab)
        self.lab.stop("flood", signal.SIGINT)
        into, out = (8 * (after[k][1] - before[k][1]) / seconds / 1000 for k in ("esp_udp_in", "esp_udp_out"))
        check(into > 1.5 * QUOTA_KBIT, f"the flood had {into:.0f} kbit/s only")
        check(0.5 * QUOTA_KBIT < out < 1.2 * QUOTA_KBIT, f"{QUOTA_KBIT} kbit/s are allowed, {out:.0f} left, {into:.0f} came")
        mine = next(c for c in self.op.ctl("fa", "relay")["clients"] if c["hit"] == self.hit)["refusals"]["over_quota"]
        check(self.reasons().get("OVER_QUOTA", 0) > refused and mine > 0, f"not counted: {mine}, {self.reasons()}")
        return f"quota {QUOTA_KBIT} kbit/s: {into:.0f} kbit/s came, {out:.0f} left; OVER_QUOTA {mine} in mn's account"

    def shown(self):
        """hipctl's table for people names the reasons."""
        text = self.lab.run("fa", daemons.binary("hipctl"), "--socket", self.op.socket("fa"), "relay").stdout
        for reason in ("NOT_OUR_CLIENT", "FORBIDDEN_DESTINATION", "NO_PERMISSION", "OVER_QUOTA"):
            check(reason in text, f"{reason} is not in\n{text}")

    def end(self):
        self.op.stop_all()
        for label in self.op.labels():
            text = self.lab.log_text(label)
            check("runtime error" not in text and "Sanitizer" not in text, f"{label}: {text[-3000:]}")


def body(cases):
    a = Abuse(cases)
    a.set_up()
    for title, work in (("I1s for nobody", a.unregistered_hit), ("RELAY_TO of strangers", a.stranger_relays), ("RELAY_TO from another port than mn's", a.spoofed_client),
                        ("RELAY_TO where nothing may go", a.forbidden), ("RELAY_TO where it may", a.allowed), ("ESP without permission", a.esp_of_strangers),
                        ("R1s reflected", a.reflected_r1), ("I1s and R1s reflected by a client", a.reflected_by_client),
                        ("cn reaches mn after all that", a.still_serves), ("ESP from others than the permitted peer", a.permitted_peer_only),
                        ("more than the quota", a.quota), ("reasons in hipctl", a.shown), ("the end", a.end)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("relay_abuse", "ra-", body)
