#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wirecheck.py can fail: a small binding is made here with keys of its own, captured in several forms, and then spoilt octet by octet."""
import contextlib
import hashlib
import io
import ipaddress
import json
import os
import struct
import sys
import tempfile
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wirecheck  # noqa: E402

IMSI = "262019876543210"
MN, FA, AS = "198.51.100.10", "192.0.2.18", "192.0.2.2"
MN6, FA6 = "2001:db8:1::10", "2001:db8:20::2"


# ---- a maker of packets, written from the RFC and not from wirecheck -----------------------------------------------

def tlv(kind, value):
    out = struct.pack(">HH", kind, len(value)) + value
    return out + b"\0" * (-len(out) % 8)


class Host:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        n = self.key.public_key().public_numbers()
        self.hi = b"\0\7\0\1" + n.x.to_bytes(32, "big") + n.y.to_bytes(32, "big")
        digest = hashlib.sha384(bytes.fromhex("f0eff02fbff43d0fe7930c3c6e6174ea") + self.hi[2:]).digest()
        self.hit = bytes.fromhex("20010022") + digest[18:30]
        self.host_id = struct.pack(">HH", len(self.hi) - 2, 0) + self.hi
        dh = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
        self.dh = b"\7\0\x40" + dh.x.to_bytes(32, "big") + dh.y.to_bytes(32, "big")

    def sign(self, message):
        r, s = utils.decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA384())))
        return b"\0\7" + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def header(kind, length, sender, receiver):
    return bytes([59, length // 8 - 1, kind, 0x21]) + bytes(4) + sender + receiver


def with_checksum(packet, src, dst):
    src, dst = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    pseudo = src + dst + (struct.pack(">HH", 139, len(packet)) if len(src) == 4 else struct.pack(">II", len(packet), 139))
    data = pseudo + packet[:4] + b"\0\0" + packet[6:]
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return packet[:4] + struct.pack(">H", 0xffff - total) + packet[6:]


def make(kind, sender, receiver, params, src, dst, sign=61697, after=()):
    """params: [(type, contents)] in order. Signs when sign is not None; `after` stands behind the signature."""
    body = b"".join(tlv(*p) for p in params)
    if sign is not None:
        to_hit, signed = receiver, body
        if sign == 61633:
            to_hit = bytes(16)
            at = body.index(struct.pack(">HH", 257, 52))
            signed = body[:at + 6] + bytes(50) + body[at + 56:]
        message = header(kind, 40 + len(body), sender.hit, to_hit) + signed
        body += tlv(sign, sender.sign(message))
    body += b"".join(tlv(*p) for p in after)
    return with_checksum(header(kind, 40 + len(body), sender.hit, receiver) + body, src, dst)


def solve(i, hit_i, hit_r, k):
    n = 0
    while True:
        j = n.to_bytes(48, "big")
        if int.from_bytes(hashlib.sha384(i + hit_i + hit_r + j).digest(), "big") % (1 << k) == 0:
            return j
        n += 1


def binding(mn, fa, src=MN, dst=FA, extra=0):
    """(src, dst, packet) of a whole binding; `extra`: further round trips before its end."""
    i, mac, box = os.urandom(48), (61505, os.urandom(48)), (641, bytes(4) + os.urandom(64))
    lists = [(2049, b"\x0f\xff"), (4095, b"\0\0\0\x08")]
    r1 = make(2, fa, mn.hit, [(129, bytes(11) + b"\1"), (257, b"\x0a\x25\x12\x34" + i), (511, b"\7\x08"), (513, fa.dh), (579, b"\0\2\0\4"),
                              (705, fa.host_id), (715, b"\x10\x20"), (930, b"\1\xff\xc9\1")] + lists, dst, src, sign=61633)
    out = [(src, dst, make(1, mn, fa.hit, [(511, b"\x08\7")], src, dst, sign=None)), (dst, src, r1)]
    j = solve(i, mn.hit, fa.hit, 10)
    out.append((src, dst, make(3, mn, fa.hit, [(65, bytes(8) + b"\1\2\3\4"), (129, bytes(11) + b"\1"), (321, b"\x0a\0\x12\x34" + i + j),
                                               (513, mn.dh), (579, b"\0\2"), box, (932, b"\x78\xc9\1")] + lists + [mac], src, dst)))
    out.append((dst, src, make(4, fa, mn.hit, [(65, bytes(8) + b"\5\6\7\x08"), box, (936, b"\0\1"), (61569, mac[1])], dst, src)))
    for n in range(extra):
        seq = struct.pack(">I", n)
        out.append((src, dst, make(16, mn, fa.hit, [(385, seq), box, mac], src, dst)))
        out.append((dst, src, make(16, fa, mn.hit, [(385, seq), (449, seq), box, mac], dst, src)))
    seq = struct.pack(">I", extra)
    out.append((src, dst, make(16, mn, fa.hit, [(385, seq), box, (932, b"\x78\xc9\1"), mac], src, dst)))
    out.append((dst, src, make(16, fa, mn.hit, [(385, seq), (449, seq), box, (897, b"n" * 16), (934, b"\x78\xc9\1"), mac], dst, src)))
    out.append((src, dst, make(16, mn, fa.hit, [(449, seq), (961, b"n" * 16), mac], src, dst)))
    return out


# ---- captures ------------------------------------------------------------------------------------------------------

def ip_packet(src, dst, proto, payload):
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if s.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + s.packed + d.packed + payload
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, proto, 0) + s.packed + d.packed + payload


def fragments(packet):
    """An IPv4 packet in two fragments, the second one first; a small one whole."""
    if len(packet) <= 20 + 64:
        return [packet]
    head, body = packet[:20], packet[20:]
    a = head[:2] + struct.pack(">H", 20 + 64) + head[4:6] + b"\x20\x00" + head[8:] + body[:64]
    b = head[:2] + struct.pack(">H", 20 + len(body) - 64) + head[4:6] + b"\x00\x08" + head[8:] + body[64:]
    return [b, a]


def ether(packet, vlan=False):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
    return b"\2" * 12 + (b"\x81\0\0\5" if vlan else b"") + kind + packet


def pcap(frames, end="<", link=1, nano=False):
    out = struct.pack(end + "IHHIIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for n, f in enumerate(frames):
        out += struct.pack(end + "IIII", 1000, n, len(f), len(f)) + f
    return out


def pcapng(frames, end="<"):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack(end + "II", kind, 12 + len(body)) + body + struct.pack(end + "I", 12 + len(body))
    out = block(0x0a0d0d0a, struct.pack(end + "IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack(end + "HHI", 1, 0, 0))
    for n, f in enumerate(frames):
        out += block(6, struct.pack(end + "IIIII", 0, 0, n, len(f), len(f)) + f)
    return out


def run(*args):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = wirecheck.main(list(args))
    return status, out.getvalue()


class Wirecheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mn, cls.fa = Host(), Host()
        cls.talk = binding(cls.mn, cls.fa)

    def setUp(self):
        tmp = tempfile.TemporaryDirectory(prefix="wirecheck-")
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name
        self.hosts = self.write("hosts.json", json.dumps({
            "hosts": {str(ipaddress.ip_address(h.hit)): h.hi.hex() for h in (self.mn, self.fa)}, "imsi": IMSI, "fa": [FA, FA6]}).encode())

    def write(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def frames(self, talk):
        return [ether(ip_packet(src, dst, 139, p)) for src, dst, p in talk]

    def capture(self, talk, more=()):
        return self.write("umts.pcap", pcap(self.frames(talk) + [ether(p) for p in more]))

    def passes(self, *files):
        status, out = run(*files)
        self.assertEqual(status, 0, out)
        self.assertRegex(out.splitlines()[-1], r"^\d+ passed, 0 failed, \d+ skipped$")
        return out

    def fails(self, what, *files):
        status, out = run(*files)
        self.assertEqual(status, 1, f"{what} was not seen\n{out}")
        return out

    def test_good(self):
        out = self.passes(self.capture(self.talk), self.hosts)
        self.assertIn("umts.pcap: 7 HIP packets", out)
        self.assertRegex(out, r"HIP_SIGNATURE +5 +0 +0")
        self.assertRegex(out, r"puzzle solved +1 +0 +0")
        self.assertRegex(out, r"binding in 3 round trips +1 +0 +0")

    def test_forms_of_captures(self):
        frames = self.frames(self.talk)
        raw = [f[14:] for f in frames]
        v6 = self.frames(binding(self.mn, self.fa, MN6, FA6))
        cut_up = [ether(f) for p in raw for f in fragments(p)]
        for name, data in {"big.pcap": pcap(frames, ">"), "nano.pcap": pcap(frames, nano=True), "raw.pcap": pcap(raw, link=101),
                           "a.pcapng": pcapng(frames), "b.pcapng": pcapng(frames, ">"), "v6.pcap": pcap(v6),
                           "vlan.pcap": pcap([ether(f, vlan=True) for f in raw]), "fragments.pcap": pcap(cut_up)}.items():
            with self.subTest(name):
                path = self.write(name, data)
                out = self.passes(path, self.hosts)
                self.assertIn("7 HIP packets", out)
                self.assertRegex(out, r"binding in 3 round trips +1 +0 +0")

    def test_udp(self):
        inside = [(s, d, p[:4] + b"\0\0" + p[6:]) for s, d, p in self.talk]

        def frames(talk):
            return [ether(ip_packet(s, d, 17, struct.pack(">HHHH", 50000, 10500, 12 + len(p), 0) + bytes(4) + p)) for s, d, p in talk]
        self.passes(self.write("udp.pcap", pcap(frames(inside))), self.hosts)
        self.fails("a checksum in UDP", self.write("udp.pcap", pcap(frames(self.talk))), self.hosts)

    def test_other_files(self):
        note = self.write("notes.txt", b"not a capture")
        empty = self.write("empty.pcap", pcap([]))
        self.passes(note, empty, self.capture(self.talk), self.hosts)
        self.fails("nothing to check", note, empty)
        self.fails("a broken file", self.capture(self.talk), self.write("x.pcap", b"garbage"), self.hosts)
        self.fails("a file cut short", self.write("c.pcap", pcap(self.frames(self.talk))[:-5]), self.hosts)

    def test_every_octet(self):
        """An octet of a packet changes: at least the checksum says so."""
        for n, (src, dst, p) in enumerate(self.talk):
            for at in range(0, len(p), 3):
                spoilt = list(self.talk)
                spoilt[n] = (src, dst, p[:at] + bytes([p[at] ^ 0x10]) + p[at + 1:])
                self.fails(f"octet {at} of packet {n}", self.capture(spoilt), self.hosts)

    def test_every_octet_under_a_right_checksum(self):
        """The same with the checksum made right again: signature, puzzle, padding or form say so."""
        for n, (src, dst, p) in enumerate(self.talk):
            if n == 0:
                continue  # an I1 is protected by nothing else
            for at in range(0, len(p), 5):
                if at in (4, 5) or (8 <= at < 24 and n != 1):  # the sender's HIT: then it is a host that nobody knows, and skipped
                    continue
                spoilt = list(self.talk)
                spoilt[n] = (src, dst, with_checksum(p[:at] + bytes([p[at] ^ 0x10]) + p[at + 1:], src, dst))
                self.fails(f"octet {at} of packet {n}", self.capture(spoilt), self.hosts)

    def replaced(self, n, packet):
        talk = list(self.talk)
        talk[n] = (talk[n][0], talk[n][1], packet)
        return self.capture(talk)

    def test_form(self):
        mac = (61505, bytes(48))
        one, mn, fa = b"\0\0\0\1", self.mn, self.fa
        bad = {
            "order": [(449, one), (385, one), mac],
            "length of SEQ": [(385, one + one), mac],
            "two SEQs": [(385, one), (385, one), mac],
            "unknown critical": [(385, one), (4093, b""), mac],
            "parameter of the binding in clear": [(385, one), (32800, bytes(8)), mac],
            "MAC of the wrong hash": [(385, one), (61505, bytes(32))],
            "no MAC": [(385, one)],
            "neither SEQ nor ACK": [mac],
            "ACK of nothing": [(449, b"\0\0\xff\xff"), mac],
            "echo of nothing": [(449, bytes(4)), (961, b"m" * 16), mac],
        }
        for what, params in bad.items():
            with self.subTest(what):
                self.fails(what, self.replaced(6, make(16, mn, fa.hit, params, MN, FA)), self.hosts)
        pad = bytearray(make(16, mn, fa.hit, [(385, one), (897, b"abc"), mac], MN, FA))
        pad[40 + 8 + 7] = 1  # inside the signature's reach: two findings
        self.assertIn("padding", self.fails("padding", self.replaced(6, with_checksum(bytes(pad), MN, FA)), self.hosts))
        last = self.talk[6][2]
        self.fails("octets behind", self.replaced(6, last + bytes(8)), self.hosts)
        self.fails("packet type", self.replaced(6, with_checksum(last[:2] + b"\5" + last[3:], MN, FA)), self.hosts)

    def test_choices(self):
        """Well-signed packets with wrong contents."""
        src, dst, i2 = self.talk[2]
        box, mac = (641, bytes(4) + os.urandom(64)), (61505, bytes(48))
        at = i2.index(struct.pack(">HH", 321, 100))
        solution = i2[at + 4:at + 104]
        esp = [(2049, b"\x0f\xff"), (4095, b"\0\0\0\x08")]
        good = [(129, bytes(11) + b"\1"), (321, solution), (513, self.mn.dh), (579, b"\0\2"), box] + esp + [mac]

        def i2_with(kind, value):
            params = sorted([p for p in good if p[0] != kind] + ([(kind, value)] if value is not None else []))
            return self.replaced(2, make(3, self.mn, self.fa.hit, params, src, dst))
        for what, kind, value in (
                ("R1 counter", 129, bytes(11) + b"\2"), ("no R1 counter", 129, None), ("J", 321, solution[:-1] + bytes([solution[-1] ^ 1])),
                ("another puzzle", 321, solution[:2] + b"\x99\x99" + solution[4:]), ("easier K", 321, b"\0" + solution[1:]),
                ("cipher not offered", 579, b"\0\1"), ("two ciphers", 579, b"\0\2\0\4"), ("ESP suite not offered", 4095, b"\0\0\0\x0d"),
                ("point not on the curve", 513, self.mn.dh[:-1] + bytes([self.mn.dh[-1] ^ 1])), ("group", 513, b"\x08" + self.mn.dh[1:]),
                ("host identity in clear", 705, self.mn.host_id), ("IV of zeros", 641, bytes(68)), ("block size", 641, bytes(4) + os.urandom(60))):
            with self.subTest(what):
                self.fails(what, i2_with(kind, value), self.hosts)
        self.passes(self.replaced(2, make(3, self.mn, self.fa.hit, good[:4] + [box, (932, b"\x78\xc9\1")] + esp + [mac], src, dst)), self.hosts)
        other = Host()  # an R1 whose key is somebody else's
        other.hit = self.fa.hit
        self.fails("foreign key", self.capture(binding(self.mn, other)), self.hosts)

    def test_unknown_identity(self):
        """Without hosts.json the host's own signatures cannot be judged, and the output says so."""
        out = self.passes(self.capture(self.talk))
        self.assertRegex(out, r"HIP_SIGNATURE +2 +0 +3")
        self.passes(self.capture(self.talk), "--hi", self.mn.hi.hex())
        out = self.passes(self.capture(self.talk), "--hi", self.write("mn.hex", self.mn.hi.hex().encode()))
        self.assertRegex(out, r"HIP_SIGNATURE +5 +0 +0")
        import base64
        out = self.passes(self.capture(self.talk), "--hip-rr",
                          f"( 3 {self.mn.hit.hex().upper()} {base64.b64encode(self.mn.hi[4:]).decode()} fa.example. )")
        self.assertRegex(out, r"HIP_SIGNATURE +5 +0 +0")
        wrong = json.dumps({"hosts": {str(ipaddress.ip_address(self.mn.hit)): self.fa.hi.hex()}}).encode()
        self.fails("a key under another HIT", self.capture(self.talk), self.write("hosts.json", wrong))

    def test_imsi(self):
        def udp(src, dst, port, body):
            return ip_packet(src, dst, 17, struct.pack(">HHHH", port, port, 8 + len(body), 0) + body)
        telephony = bytes.fromhex("62029178563412f0")  # digits swapped in pairs, as in EF_IMSI without its type
        plain = bytes.fromhex("262019876543210f")
        for what, body in (("ASCII", IMSI.encode()), ("telephony BCD", telephony), ("telephony BCD behind a nibble", self.mobile_identity()),
                           ("BCD", plain), ("BCD behind a nibble", bytes.fromhex("f" + IMSI))):
            with self.subTest(what):
                self.fails(what, self.capture(self.talk, [udp(MN, FA, 53, b"xx" + body + b"yy")]), self.hosts)
        self.passes(self.capture(self.talk, [udp(MN, FA, 53, telephony[:5])]), self.hosts)
        radius = IMSI.encode() + bytes(20)
        self.passes(self.capture(self.talk, [udp(FA, AS, 1812, radius)]), self.hosts)  # the AS's business
        self.fails("RADIUS from the host", self.capture(self.talk, [udp(MN, FA, 1812, radius)]), self.hosts)
        self.passes(self.capture(self.talk, [udp(MN, FA, 53, IMSI.encode())]), self.hosts, "--imsi", "001017777777777")

    @staticmethod
    def mobile_identity():
        """As 3GPP TS 24.008 s10.5.1.4 has it: the first digit above the type nibble."""
        nibbles = "9" + IMSI  # type/parity nibble is the low half of the first octet
        return bytes(int(nibbles[i + 1] + nibbles[i], 16) for i in range(0, len(nibbles), 2))

    def test_round_trips(self):
        out = self.fails("a fourth round trip", self.capture(binding(self.mn, self.fa, extra=1)), self.hosts)
        self.assertIn("4 round trips", out)
        talk = self.talk  # retransmissions and a second I1 are no round trips
        again = [talk[0], talk[0], talk[1], talk[2], talk[2], talk[3], talk[4], talk[4], talk[5], talk[6]]
        self.passes(self.capture(again), self.hosts)
        out = self.passes(self.capture(talk[1:]), self.hosts)
        self.assertRegex(out, r"binding in 3 round trips +0 +0 +1")


if __name__ == "__main__":
    unittest.main()
