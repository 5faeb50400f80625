#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second opinion on captured HIP packets: reads pcap and pcapng files itself and checks every HIP packet against RFC 7401, 8003, 8004 with
Python's hashlib and python3-cryptography. It shares no code with the C side.

    wirecheck.py [--imsi DIGITS] [--hi HEX|FILE]... [--hip-rr 'ALG HIT KEY [RVS...]']... FILE...

FILE: captures (*.pcap, *.pcapng) and hosts.json ({"hosts": {HIT: hex of Algorithm and Host Identity}, "imsi": DIGITS, "fa": [ADDRESS...]});
other files are passed over. Host identities are learnt from R1 and other HOST_IDs in clear, from hosts.json, --hi and --hip-rr (a HIP record
as dig prints it): the HOST_ID of an I2 is encrypted. A signature whose host identity is not known is skipped, and so is what needs session keys:
HIP_MAC is only measured. Exit status 1 when a check failed or there was nothing to check.
"""
import argparse
import base64
import hashlib
import ipaddress
import json
import os
import re
import struct
import sys

from wirecheck_hip import (HIP, I1, I2, NUMBER, PACKETS, R1, R2, UPDATE, Broken, Identity, Packet, check_checksum, check_critical, check_dh,
                           check_encrypted, check_header, check_lengths, check_mandatory, check_order, check_padding, hit_of, hit_text,
                           host_identity, rhash)
from wirecheck_pcap import BadCapture, Reassembly, frames, ip_of, network_layer

UDP, HIP_PORT, RADIUS_PORTS = 17, 10500, {1812, 1813}
SHOWN = 25  # failures printed in full
SIM_BINDING = 201


# ---- counting --------------------------------------------------------------------------------------------------------

class Score:
    ROWS = ["header", "checksum", "parameters fill the packet", "parameter order", "padding", "parameter lengths", "critical parameters known",
            "mandatory parameters", "host identity is encrypted in I2", "HIT from host identity", "puzzle solved", "Diffie-Hellman value",
            "choices out of the offers", "R1 counter echoed", "HIP_SIGNATURE_2", "HIP_SIGNATURE", "echo answered", "ACK of a SEQ",
            "relayed I1, direct R1", "IMSI nowhere", "binding in 3 round trips"]

    def __init__(self):
        self.rows = {name: [0, 0, 0] for name in self.ROWS}
        self.failures = []

    def run(self, row, title, fn):
        """fn returns None (passed) or a text why it was skipped, or raises Broken."""
        try:
            why = fn()
        except Broken as e:
            self.rows[row][1] += 1
            self.failures.append(f"{row}: {title}: {e}")
            return False
        except (IndexError, KeyError, ValueError, struct.error) as e:
            self.rows[row][1] += 1
            self.failures.append(f"{row}: {title}: does not parse ({e!r})")
            return False
        self.rows[row][2 if why else 0] += 1
        return not why

    def total(self, i):
        return sum(r[i] for r in self.rows.values())

    def show(self):
        width = max(len(n) for n in self.ROWS)
        print(f"{'check':{width}}  passed  failed  skipped")
        for name, (ok, bad, skipped) in self.rows.items():
            if ok or bad or skipped:
                print(f"{name:{width}}  {ok:6}  {bad:6}  {skipped:7}")
        for text in self.failures[:SHOWN]:
            print("FAIL", text)
        if len(self.failures) > SHOWN:
            print(f"... and {len(self.failures) - SHOWN} more failures")
        print(f"{self.total(0)} passed, {self.total(1)} failed, {self.total(2)} skipped")


# ---- checks of conversations -----------------------------------------------------------------------------------------

class Checker:
    def __init__(self, imsis, identities, fa):
        self.score, self.imsis, self.identities, self.fa = Score(), imsis, identities, fa
        self.packets, self.frames = [], []  # HIP packets; (capture, number, ip, octets) of all frames
        self.r1 = {}      # (HIT-R, HIT-I) -> R1s seen
        self.groups = {}  # (HIT-I, HIT-R) -> groups offered in I1
        self.echo = {}    # (asked by, asked of) -> contents
        self.seqs = {}    # (sender, receiver) -> Update IDs
        self.verified = {}

    # -- reading

    def read(self, path):
        reassembly, name, found = Reassembly(), os.path.basename(path), 0
        for n, when, link, frame, whole in frames(path):
            packet = network_layer(link, frame)
            ip = ip_of(packet, reassembly) if packet else None
            self.frames.append((name, n, ip, frame))
            if ip is None:
                continue
            octets, udp = ip.payload, False
            if ip.proto == UDP and HIP_PORT in (int.from_bytes(octets[0:2], "big"), int.from_bytes(octets[2:4], "big")):
                if octets[8:12] != bytes(4):
                    continue
                octets, udp = octets[12:int.from_bytes(octets[4:6], "big")], True
            elif ip.proto != HIP:
                continue
            if len(frame) < whole:
                raise BadCapture(f"frame {n} was cut when it was captured")
            found += 1
            if len(octets) < 40:
                self.score.run("header", f"{name} frame {n}", lambda k=len(octets): _fail(f"{k} octets"))
                continue
            self.packets.append(Packet(f"{name} frame {n}", when, ip, octets, udp))
        return found

    # -- each packet

    def check(self):
        self.packets.sort(key=lambda p: p.when)
        sound = [p for p in self.packets if self.form(p)]
        for p in sound:  # identities first: an I2 may be signed by a host whose R1 comes later
            if p.has("HOST_ID"):
                self.score.run("HIT from host identity", p.title(), lambda: self.learn(p))
        for p in sound:
            self.meaning(p)
        self.relayed(sound)
        self.imsi()
        self.bindings(sound)

    def form(self, p):
        s, t = self.score, p.title()
        if not s.run("header", t, lambda: check_header(p)):
            return False
        s.run("checksum", t, lambda: check_checksum(p))
        if not s.run("parameters fill the packet", t, p.split):
            return False
        s.run("parameter order", t, lambda: check_order(p))
        s.run("padding", t, lambda: check_padding(p))
        s.run("critical parameters known", t, lambda: check_critical(p))
        ok = s.run("parameter lengths", t, lambda: check_lengths(p))
        return s.run("mandatory parameters", t, lambda: check_mandatory(p)) and ok

    def learn(self, p):
        hi = host_identity(p)
        if hit_of(hi) != p.sender:
            raise Broken(f"the key hashes to {hit_text(hit_of(hi))}, the sender says {hit_text(p.sender)}")
        self.identities.setdefault(p.sender, hi)

    def meaning(self, p):
        s, t = self.score, p.title()
        if p.has("DIFFIE_HELLMAN"):
            s.run("Diffie-Hellman value", t, lambda: check_dh(p))
        if p.kind == I1:
            self.groups.setdefault((p.sender, p.receiver), []).append(list(p.value("DH_GROUP_LIST")))
        if p.kind == R1:
            self.r1.setdefault((p.sender, p.receiver), []).append(p)
            s.run("choices out of the offers", t, lambda: self.choice_r1(p))
            s.run("HIP_SIGNATURE_2", t, lambda: self.signature(p, "HIP_SIGNATURE_2"))
        if p.kind == I2:
            s.run("host identity is encrypted in I2", t, lambda: check_encrypted(p))
            s.run("puzzle solved", t, lambda: self.puzzle(p))
            s.run("choices out of the offers", t, lambda: self.choice_i2(p))
            s.run("R1 counter echoed", t, lambda: self.counter(p))
        if p.has("HIP_SIGNATURE"):
            s.run("HIP_SIGNATURE", t, lambda: self.signature(p, "HIP_SIGNATURE"))
        self.echoes(p)
        self.acks(p)

    def signature(self, p, name):
        hi = self.identities.get(p.sender)
        if hi is None:
            return f"no host identity for {hit_text(p.sender)}"
        key = (hi, p.covered(name), p.value(name))
        if key not in self.verified:
            try:
                Identity(hi).verify(p.value(name), p.covered(name))
                self.verified[key] = None
            except Broken as e:
                self.verified[key] = str(e)
        if self.verified[key]:
            raise Broken(self.verified[key])
        return None

    def r1s_for(self, p):
        """R1s that the sender of this I2 may have answered."""
        return [r for r in self.r1.get((p.receiver, p.sender), []) if r.when <= p.when]

    def puzzle(self, p):
        v, name = p.value("SOLUTION"), rhash(p.receiver)
        n = hashlib.new(name).digest_size
        if len(v) != 4 + 2 * n:
            raise Broken(f"SOLUTION of {len(v)} octets for {name}")
        k, opaque, i, j = v[0], v[2:4], v[4:4 + n], v[4 + n:]
        digest = int.from_bytes(hashlib.new(name, i + p.sender + p.receiver + j).digest(), "big")
        if k and digest & ((1 << k) - 1):
            raise Broken(f"the low {k} bits are not zero")
        if v[1]:
            raise Broken("Reserved is not zero")
        puzzles = [r.value("PUZZLE") for r in self.r1s_for(p)]
        if puzzles and not any(z[0] == k and z[2:4] == opaque and z[4:] == i for z in puzzles):
            raise Broken("no R1 set this puzzle")

    def choice_r1(self, p):
        group, own = p.value("DIFFIE_HELLMAN")[0], list(p.value("DH_GROUP_LIST"))
        offers = self.groups.get((p.receiver, p.sender), []) + self.groups.get((p.receiver, bytes(16)), [])
        if group not in own:
            raise Broken(f"group {group} is not in its own list")
        if offers and not any(group == next((g for g in own if g in o), group) for o in offers):
            raise Broken(f"group {group} is not the first of {own} that I1 offered")
        if p.words("TRANSPORT_FORMAT_LIST")[0] != NUMBER["ESP_TRANSFORM"]:
            raise Broken("transport format is not ESP")
        if p.sender[3] & 15 not in [x >> 4 for x in p.value("HIT_SUITE_LIST")] or any(x & 15 for x in p.value("HIT_SUITE_LIST")):
            raise Broken(f"HIT_SUITE_LIST {p.value('HIT_SUITE_LIST').hex()}")
        if 1 in p.words("HIP_CIPHER"):
            raise Broken("NULL-ENCRYPT offered")

    def choice_i2(self, p):
        for name, skip in (("HIP_CIPHER", 0), ("TRANSPORT_FORMAT_LIST", 0), ("ESP_TRANSFORM", 2)):
            chosen, r1s = p.words(name, skip), self.r1s_for(p)
            if len(chosen) != 1:
                raise Broken(f"{len(chosen)} values in {name}")
            if r1s and not any(chosen[0] in r.words(name, skip) for r in r1s):
                raise Broken(f"{name} {chosen[0]} was not offered")
        r1s = self.r1s_for(p)
        if r1s and p.value("DIFFIE_HELLMAN")[0] not in [r.value("DIFFIE_HELLMAN")[0] for r in r1s]:
            raise Broken("another Diffie-Hellman group than R1's")

    def counter(self, p):
        had = [r.value("R1_COUNTER") for r in self.r1s_for(p)]
        if not had:
            return "no R1 seen"
        if p.value("R1_COUNTER") not in had:
            raise Broken("R1_COUNTER is not that of an R1")
        return None

    def echoes(self, p):
        ask, answer = p.value("ECHO_REQUEST_SIGNED"), p.value("ECHO_RESPONSE_SIGNED")
        if ask is not None:
            self.echo.setdefault((p.sender, p.receiver), set()).add(ask)
        if answer is None:
            return
        asked = self.echo.get((p.receiver, p.sender), set())

        def look():
            if not asked:
                return "no request seen"
            return None if answer in asked else _fail("no request had these contents")
        self.score.run("echo answered", p.title(), look)

    def acks(self, p):
        seq, ack = p.value("SEQ"), p.value("ACK")
        if seq is not None:
            self.seqs.setdefault((p.sender, p.receiver), set()).add(seq)
        if ack is None:
            return
        sent = self.seqs.get((p.receiver, p.sender), set())

        def look():
            if not sent:
                return "no SEQ seen"
            missing = [ack[i:i + 4] for i in range(0, len(ack), 4) if ack[i:i + 4] not in sent]
            return _fail(f"Update ID {missing[0].hex()} was not sent") if missing else None
        self.score.run("ACK of a SEQ", p.title(), look)

    # -- rendezvous (RFC 8004)

    def relayed(self, packets):
        for p in packets:
            if p.kind != I1 or not (p.has("FROM") or p.has("RVS_HMAC")):
                continue
            self.score.run("relayed I1, direct R1", p.title(), lambda: self.one_relayed(p, packets))

    def one_relayed(self, p, packets):
        if not (p.has("FROM") and p.has("RVS_HMAC")):
            raise Broken("FROM and RVS_HMAC belong together")
        v = ipaddress.ip_address(p.value("FROM"))
        origin = v.ipv4_mapped or v
        if not any(q.kind == I1 and q.ip.src == origin and q.sender == p.sender and q.receiver == p.receiver and not q.has("FROM")
                   for q in packets):
            raise Broken(f"FROM says {origin}, from where no such I1 came")
        answers = [q for q in packets if q.kind == R1 and q.receiver == p.sender and q.sender == p.receiver and q.when >= p.when
                   and q.ip.dst == origin]
        if not answers:
            return "no R1 seen"
        if not any(q.has("VIA_RVS") for q in answers):
            raise Broken("R1 without VIA_RVS")
        return None

    # -- identities

    def imsi(self):
        """One check for each capture: every frame, and every datagram that came in fragments."""
        if not self.imsis:
            self.score.run("IMSI nowhere", "", lambda: "no IMSI given")
            return
        patterns = [(form, re.compile(pattern, re.S)) for imsi in self.imsis for form, pattern in forms_of(imsi)]
        hip_hosts = {p.ip.src for p in self.packets}
        for name in dict.fromkeys(name for name, *_ in self.frames):
            self.score.run("IMSI nowhere", name, lambda: self.imsi_in(name, patterns, hip_hosts))

    def imsi_in(self, capture, patterns, hip_hosts):
        for name, n, ip, frame in self.frames:
            if name != capture or is_radius_between_servers(ip, hip_hosts, self.fa):
                continue
            for form, pattern in patterns:
                if pattern.search(frame) or (ip is not None and pattern.search(ip.payload)):
                    raise Broken(f"frame {n}: the IMSI in {form}")

    # -- the binding

    def bindings(self, packets):
        """Base exchanges that asked for SIM_BINDING and got it: flights from I1 to the FA's UPDATE."""
        seen = 0
        done = set()
        for end in packets:
            if end.kind != UPDATE or SIM_BINDING not in end.types("REG_RESPONSE") or end.octets in done:
                continue
            done.add(end.octets)
            asked = [q for q in packets if q.kind == I2 and q.sender == end.receiver and q.receiver == end.sender and q.when <= end.when
                     and SIM_BINDING in q.types("REG_REQUEST")]
            if not asked:
                continue  # a further run on an association that was there
            seen += 1
            self.score.run("binding in 3 round trips", end.title(), lambda: self.round_trips(packets, asked[-1], end))
        if not seen:
            self.score.run("binding in 3 round trips", "", lambda: "no binding in these captures")

    def round_trips(self, packets, i2, end):
        mn, fa = end.receiver, end.sender
        link = end.where.split()[0]
        talk = [q for q in packets if q.where.split()[0] == link and q.when <= end.when and
                ((q.sender, q.receiver) in ((mn, fa), (fa, mn)) or (q.kind == I1 and q.sender == mn and q.receiver == bytes(16)))]
        starts = [i for i, q in enumerate(talk) if q.kind == I1 and q.when <= i2.when]
        if not starts:
            return "I1 was not captured"
        # The exchange that this I2 belongs to: I1s (several addresses, retransmissions) right before it.
        i2_at = next(i for i, q in enumerate(talk) if q.kind == I2 and q.when >= talk[starts[-1]].when)
        begin = starts[-1]
        while begin - 1 in range(len(talk)) and talk[begin - 1].kind in (I1, R1):
            begin -= 1
        flights, once = [], set()
        for q in talk[begin:]:
            key = q.kind if q.kind in (I1, R1, I2, R2) else q.octets[40:]
            if key in once or (q.kind in (I1, R1) and talk.index(q) > i2_at):
                continue
            once.add(key)
            if not flights or flights[-1][0] != q.sender:
                flights.append((q.sender, []))
            flights[-1][1].append(PACKETS[q.kind])
        said = " ".join(("> " if who == mn else "< ") + "+".join(names) for who, names in flights)
        if len(flights) != 6 or flights[0][0] != mn:
            raise Broken(f"{len(flights) / 2:g} round trips: {said}")


def _fail(text):
    raise Broken(text)


def forms_of(imsi):
    """The digits as text, and packed two to an octet: either nibble first, the first digit in either nibble (behind a type nibble, as 3GPP
    TS 24.008 does). What shares an octet with the first or last digit may be anything."""
    yield "ASCII", re.escape(imsi.encode())
    for lead in (0, 1):
        digits = [None] * lead + [int(d) for d in imsi]
        digits += [None] * (len(digits) % 2)
        for what, swap in (("BCD", False), ("telephony BCD", True)):
            pattern = b""
            for first, second in zip(digits[::2], digits[1::2]):
                high, low = (second, first) if swap else (first, second)
                octets = [h << 4 | n for h in ([high] if high is not None else range(16)) for n in ([low] if low is not None else range(16))]
                pattern += b"[" + b"".join(b"\\x%02x" % o for o in octets) + b"]"
            yield f"{what}{' behind a nibble' if lead else ''}", pattern


def is_radius_between_servers(ip, hip_hosts, fa):
    """RADIUS between the FA and a host that speaks no HIP: the authentication server, which knows the subscriber anyway."""
    if ip is None or ip.proto != UDP or len(ip.payload) < 8:
        return False
    if not RADIUS_PORTS & set(struct.unpack(">HH", ip.payload[:4])):
        return False
    ends = {ip.src, ip.dst}
    return bool(ends & fa) and not (ends - fa) & hip_hosts if fa else bool(ends - hip_hosts)


# ---- what is known beforehand ----------------------------------------------------------------------------------------

def put_identity(identities, text, hit=None):
    hi = bytes.fromhex(text.strip())
    made = hit_of(hi)
    if hit is not None and made != hit:
        raise Broken(f"the key given for {hit_text(hit)} hashes to {hit_text(made)}")
    identities[made] = hi


def parse_hit(text):
    return bytes.fromhex(text) if len(text) == 32 and ":" not in text else ipaddress.IPv6Address(text).packed


def put_record(identities, text):
    """A HIP record's RDATA as dig prints it, with or without NAME= in front: "( 2 HIT KEY RVS... )" (RFC 8005 s6)."""
    words = re.sub(r"^[\w.-]+=", "", text).replace("(", " ").replace(")", " ").split()
    alg, hit, key = int(words[0]), bytes.fromhex(words[1]), base64.b64decode(words[2])
    if alg == 3:
        hi = b"\x00\x07" + {64: b"\x00\x01", 96: b"\x00\x02"}[len(key)] + key
    else:
        hi = {1: b"\x00\x03", 2: b"\x00\x05"}[alg] + key
    put_identity(identities, hi.hex(), hit)


def read_hosts(path, score, identities):
    with open(path, encoding="utf-8") as f:
        d = json.load(f)
    hosts = d.get("hosts", d) if isinstance(d, dict) else {}
    for hit, text in hosts.items():
        if isinstance(text, str) and hit not in ("imsi",):
            score.run("HIT from host identity", f"{os.path.basename(path)} {hit}",
                      lambda: put_identity(identities, text, parse_hit(hit)))
    imsi = d.get("imsi") or []
    return [imsi] if isinstance(imsi, str) else list(imsi), [ipaddress.ip_address(a) for a in d.get("fa", [])]


def main(argv):
    ap = argparse.ArgumentParser(description="check every HIP packet of captures")
    ap.add_argument("files", nargs="+", metavar="FILE")
    ap.add_argument("--imsi", action="append", default=[], help="digits that must not be seen (default: hosts.json's)")
    ap.add_argument("--hi", action="append", default=[], metavar="HEX|FILE", help="Algorithm and Host Identity of a host")
    ap.add_argument("--hip-rr", action="append", default=[], metavar="RDATA", help="a HIP record as dig prints it")
    a = ap.parse_args(argv)
    c = Checker([], {}, set())
    captures, imsis = [], []
    for path in a.files:
        if os.path.basename(path) == "hosts.json":
            said, fa = read_hosts(path, c.score, c.identities)
            imsis += said
            c.fa |= set(fa)
        elif path.endswith((".pcap", ".pcapng")):
            captures.append(path)
    c.imsis = a.imsi or imsis
    for text in a.hi:
        if os.path.exists(text):
            with open(text, encoding="utf-8") as f:
                text = f.read()
        put_identity(c.identities, text)
    for text in a.hip_rr:
        put_record(c.identities, text)
    for path in captures:
        try:
            n = c.read(path)
        except (BadCapture, OSError, struct.error, IndexError) as e:
            c.score.failures.append(f"{path}: {e}")
            c.score.rows["header"][1] += 1
            continue
        print(f"{os.path.basename(path)}: {n} HIP packets")
    c.check()
    if not c.packets:
        c.score.failures.append("no HIP packet in these files")
        c.score.rows["header"][1] += 1
    c.score.show()
    return 1 if c.score.total(1) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Broken as e:
        sys.exit(f"wirecheck: {e}")
