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

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

HIP, UDP, HIP_PORT, RADIUS_PORTS = 139, 17, 10500, {1812, 1813}
SHOWN = 25  # failures printed in full


# ---- capture files ---------------------------------------------------------------------------------------------------

class BadCapture(Exception):
    pass


def frames(path):
    """(number, seconds, link type, octets, octets on the wire) of each frame."""
    with open(path, "rb") as f:
        data = f.read()
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(data)
    elif magic in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"):
        yield from _pcap(data)
    else:
        raise BadCapture("neither pcap nor pcapng")


def _pcap(data):
    end = "<" if data[0] in (0xd4, 0x4d) else ">"
    unit = 1e-9 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    link = struct.unpack(end + "I", data[20:24])[0] & 0x0fffffff
    at, n = 24, 0
    while at + 16 <= len(data):
        sec, frac, got, whole = struct.unpack(end + "IIII", data[at:at + 16])
        if at + 16 + got > len(data):
            raise BadCapture("ends inside a frame")
        n += 1
        yield n, sec + frac * unit, link, data[at + 16:at + 16 + got], whole
        at += 16 + got


def _pcapng(data):
    at, n, end, links = 0, 0, "<", []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack(end + "II", data[at:at + 8])
        if size < 12 or size % 4 or at + size > len(data):
            raise BadCapture("broken pcapng block")
        body = data[at + 8:at + size - 4]
        if kind == 1:
            links.append((struct.unpack(end + "H", body[:2])[0], _resolution(body[8:], end)))
        elif kind == 6:
            iface, hi, lo, got, whole = struct.unpack(end + "IIIII", body[:20])
            n += 1
            yield n, (hi << 32 | lo) * links[iface][1], links[iface][0], body[20:20 + got], whole
        elif kind == 3:
            whole = struct.unpack(end + "I", body[:4])[0]
            n += 1
            yield n, 0.0, links[0][0], body[4:4 + whole], whole
        at += size


def _resolution(options, end):
    while len(options) >= 4:
        code, n = struct.unpack(end + "HH", options[:4])
        if code == 0:
            break
        if code == 9:
            v = options[4]
            return 2.0 ** -(v & 0x7f) if v & 0x80 else 10.0 ** -v
        options = options[4 + (n + 3) // 4 * 4:]
    return 1e-6


def network_layer(link, frame):
    """The IP packet in a frame, or None."""
    if link == 1:
        at, kind = 12, int.from_bytes(frame[12:14], "big")
        while kind in (0x8100, 0x88a8):
            at += 4
            kind = int.from_bytes(frame[at:at + 2], "big")
        return frame[at + 2:] if kind in (0x0800, 0x86dd) else None
    if link in (12, 14, 101, 228, 229):
        return frame
    if link == 113:
        return frame[16:]
    if link == 276:
        return frame[20:]
    return frame[4:] if link == 0 else None


class Ip:
    """One reassembled datagram: source, destination, protocol, payload."""

    def __init__(self, src, dst, proto, payload):
        self.src, self.dst, self.proto, self.payload = src, dst, proto, payload


class Reassembly:
    """IP fragments by (source, destination, identification, protocol)."""

    def __init__(self):
        self.parts = {}

    def add(self, key, offset, last, data):
        got = self.parts.setdefault(key, {"end": None, "data": {}})
        got["data"][offset] = data
        if last:
            got["end"] = offset + len(data)
        whole, at = b"", 0
        while at in got["data"] and got["data"][at]:
            whole += got["data"][at]
            at = len(whole)
        if got["end"] is None or at != got["end"]:
            return None
        del self.parts[key]
        return whole


def ip_of(packet, reassembly):
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        head, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        src, dst, proto = ipaddress.ip_address(packet[12:16]), ipaddress.ip_address(packet[16:20]), packet[9]
        payload, frag = packet[head:total], int.from_bytes(packet[6:8], "big")
        if frag & 0x3fff:
            payload = reassembly.add((src, dst, packet[4:6], proto), (frag & 0x1fff) * 8, not frag & 0x2000, payload)
        return Ip(src, dst, proto, payload) if payload is not None else None
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return None
    src, dst, proto = ipaddress.ip_address(packet[8:24]), ipaddress.ip_address(packet[24:40]), packet[6]
    payload = packet[40:40 + int.from_bytes(packet[4:6], "big")]
    while proto in (0, 43, 60, 44) and len(payload) >= 8:
        if proto == 44:
            kind, _, frag, ident = struct.unpack(">BBHI", payload[:8])
            payload = reassembly.add((src, dst, ident, kind), frag & 0xfff8, not frag & 1, payload[8:])
            if payload is None:
                return None
            proto = kind
        else:
            proto, payload = payload[0], payload[(payload[1] + 1) * 8:]
    return Ip(src, dst, proto, payload)


# ---- HIP as the RFCs draw it -----------------------------------------------------------------------------------------

PACKETS = {1: "I1", 2: "R1", 3: "I2", 4: "R2", 16: "UPDATE", 17: "NOTIFY", 18: "CLOSE", 19: "CLOSE_ACK", 32: "HIP_DATA"}
I1, R1, I2, R2, UPDATE, NOTIFY, CLOSE, CLOSE_ACK = 1, 2, 3, 4, 16, 17, 18, 19

# type: (name, length rule). A rule is a set of lengths or a function of the length.
PARAMS = {
    65: ("ESP_INFO", {12}), 129: ("R1_COUNTER", {12}), 193: ("LOCATOR_SET", lambda n: n % 4 == 0),
    257: ("PUZZLE", {36, 52, 24}), 321: ("SOLUTION", {68, 100, 44}), 385: ("SEQ", {4}),
    449: ("ACK", lambda n: n and n % 4 == 0), 511: ("DH_GROUP_LIST", lambda n: n > 0), 513: ("DIFFIE_HELLMAN", lambda n: n > 3),
    579: ("HIP_CIPHER", {2, 4, 6, 8, 10, 12}), 608: ("NAT_TRAVERSAL_MODE", {4, 6, 8, 10, 12, 14}),
    610: ("TRANSACTION_PACING", {4}), 641: ("ENCRYPTED", lambda n: n >= 36 and (n - 4) % 16 == 0), 705: ("HOST_ID", lambda n: n > 6),
    715: ("HIT_SUITE_LIST", lambda n: n > 0), 768: ("CERT", lambda n: n > 4), 832: ("NOTIFICATION", lambda n: n >= 4),
    897: ("ECHO_REQUEST_SIGNED", lambda n: True), 930: ("REG_INFO", lambda n: n >= 2), 932: ("REG_REQUEST", lambda n: n >= 2),
    934: ("REG_RESPONSE", lambda n: n >= 2), 936: ("REG_FAILED", lambda n: n >= 2), 950: ("REG_FROM", {20}),
    961: ("ECHO_RESPONSE_SIGNED", lambda n: True), 2049: ("TRANSPORT_FORMAT_LIST", lambda n: n and n % 2 == 0),
    4095: ("ESP_TRANSFORM", {4, 6, 8, 10, 12, 14}), 4481: ("SEQ_DATA", {4}), 4545: ("ACK_DATA", lambda n: n and n % 4 == 0),
    4577: ("PAYLOAD_MIC", {32, 44, 60}), 4580: ("TRANSACTION_ID", lambda n: True), 4650: ("RELAYED_ADDRESS", {20}),
    4660: ("MAPPED_ADDRESS", {20}), 4680: ("PEER_PERMISSION", {48}), 4700: ("CANDIDATE_PRIORITY", {4}), 4710: ("NOMINATE", {4}),
    61505: ("HIP_MAC", {32, 48}), 61569: ("HIP_MAC_2", {32, 48}), 61633: ("HIP_SIGNATURE_2", lambda n: n > 2),
    61697: ("HIP_SIGNATURE", lambda n: n > 2), 63425: ("ECHO_RESPONSE_UNSIGNED", lambda n: True),
    63661: ("ECHO_REQUEST_UNSIGNED", lambda n: True), 63998: ("RELAY_FROM", {20}), 64002: ("RELAY_TO", {20}),
    65498: ("FROM", {16}), 65500: ("RVS_HMAC", {32, 48}), 65502: ("VIA_RVS", lambda n: n and n % 16 == 0), 65520: ("RELAY_HMAC", {32, 48}),
}
NUMBER = {name: kind for kind, (name, _) in PARAMS.items()}

# What each packet must have; a tuple: at least one of them. (RFC 7401 s5.3; R1 and I2 with ESP as in RFC 7402 s5.2)
NEEDS = {
    I1: ["DH_GROUP_LIST"],
    R1: ["PUZZLE", "DH_GROUP_LIST", "DIFFIE_HELLMAN", "HIP_CIPHER", "HOST_ID", "HIT_SUITE_LIST", "TRANSPORT_FORMAT_LIST",
         "ESP_TRANSFORM", "HIP_SIGNATURE_2"],
    I2: ["SOLUTION", "DIFFIE_HELLMAN", "HIP_CIPHER", ("ENCRYPTED", "HOST_ID"), "TRANSPORT_FORMAT_LIST", "ESP_TRANSFORM",
         "HIP_MAC", "HIP_SIGNATURE"],
    R2: ["HIP_MAC_2", "HIP_SIGNATURE"],
    UPDATE: [("SEQ", "ACK"), "HIP_MAC", "HIP_SIGNATURE"],
    NOTIFY: ["NOTIFICATION", "HIP_SIGNATURE"],
    CLOSE: ["ECHO_REQUEST_SIGNED", "HIP_MAC", "HIP_SIGNATURE"],
    CLOSE_ACK: ["ECHO_RESPONSE_SIGNED", "HIP_MAC", "HIP_SIGNATURE"],
    32: [("SEQ_DATA", "ACK_DATA"), "HIP_SIGNATURE"],
}
REPEATABLE = {"CERT", "NOTIFICATION", "REG_REQUEST", "REG_RESPONSE", "REG_FAILED", "ECHO_RESPONSE_UNSIGNED", "ECHO_REQUEST_UNSIGNED", "FROM",
              "PAYLOAD_MIC"}
SUITE_HASH = {1: "sha256", 2: "sha384", 3: "sha1"}
SUITE_OF_ALG = {3: 1, 5: 1, 7: 2, 9: 3}
CONTEXT = bytes.fromhex("f0eff02fbff43d0fe7930c3c6e6174ea")
CURVES = {1: (ec.SECP256R1(), 32), 2: (ec.SECP384R1(), 48)}
DH_CURVES = {7: (ec.SECP256R1(), 32), 8: (ec.SECP384R1(), 48)}
SIM_BINDING = 201


class Broken(Exception):
    """What a check found."""


def hit_text(hit):
    return str(ipaddress.ip_address(hit))


def hit_of(hi):
    """The HIT of Algorithm(2) and Host Identity (RFC 7343 s2, RFC 7401 s3.2)."""
    alg = int.from_bytes(hi[:2], "big")
    suite = SUITE_OF_ALG.get(alg)
    if suite is None:
        raise Broken(f"HI algorithm {alg} has no HIT suite here")
    digest = hashlib.new(SUITE_HASH[suite], CONTEXT + hi[2:]).digest()
    skip = (len(digest) - 12) // 2
    return bytes([0x20, 0x01, 0x00, 0x20 | suite]) + digest[skip:skip + 12]


def rhash(hit):
    return SUITE_HASH.get(hit[3] & 15)


def internet_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Param:
    def __init__(self, kind, at, value, pad):
        self.kind, self.at, self.value, self.pad = kind, at, value, pad
        self.name = PARAMS[kind][0] if kind in PARAMS else str(kind)


class Packet:
    """One HIP packet and where it was seen."""

    def __init__(self, where, when, ip, octets, udp):
        self.where, self.when, self.ip, self.udp = where, when, ip, udp
        self.octets = octets
        self.kind = octets[2] & 0x7f
        self.sender, self.receiver = octets[8:24], octets[24:40]
        self.length = (octets[1] + 1) * 8
        self.params = []

    def title(self):
        return f"{self.where} {PACKETS.get(self.kind, self.kind)} {self.ip.src} > {self.ip.dst}"

    def split(self):
        """Parameters by type and length alone; Broken when they do not fill the packet."""
        at = 40
        while at < self.length:
            if at + 4 > self.length:
                raise Broken(f"octet {at}: no room for a parameter's header")
            kind, n = struct.unpack(">HH", self.octets[at:at + 4])
            total = 11 + n - (n + 3) % 8
            if at + total > self.length:
                raise Broken(f"parameter {kind} at octet {at} is longer than the packet")
            self.params.append(Param(kind, at, self.octets[at + 4:at + 4 + n], self.octets[at + 4 + n:at + total]))
            at += total

    def get(self, name):
        kind = NUMBER[name]
        return next((p for p in self.params if p.kind == kind), None)

    def value(self, name):
        p = self.get(name)
        return p.value if p else None

    def has(self, name):
        return self.get(name) is not None

    def words(self, name, skip=0):
        v = self.value(name)
        return [int.from_bytes(v[i:i + 2], "big") for i in range(skip, len(v), 2)] if v is not None else []

    def covered(self, name):
        """Octets that a signature is over: all before it, checksum zero, length up to it (RFC 7401 s6.4.2)."""
        at = self.get(name).at
        b = bytearray(self.octets[:at])
        b[1], b[4], b[5] = at // 8 - 1, 0, 0
        if name == "HIP_SIGNATURE_2":
            b[24:40] = bytes(16)
            p = self.get("PUZZLE")
            if p:
                b[p.at + 6:p.at + 4 + len(p.value)] = bytes(len(p.value) - 2)
        return bytes(b)

    def types(self, name):
        return [t for p in self.params if p.kind == NUMBER[name] for t in p.value[(2 if name == "REG_INFO" else 1):]]


class Identity:
    """A host identity that can verify."""

    def __init__(self, hi):
        self.hi, self.alg = hi, int.from_bytes(hi[:2], "big")
        self.hit = hit_of(hi)
        self.hash = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha1": hashes.SHA1}[rhash(self.hit)]()
        field = hi[2:]
        if self.alg == 5:
            n, at = (field[0], 1) if field[0] else (int.from_bytes(field[1:3], "big"), 3)
            e, m = int.from_bytes(field[at:at + n], "big"), int.from_bytes(field[at + n:], "big")
            self.key = rsa.RSAPublicNumbers(e, m).public_key()
        elif self.alg == 7:
            curve, width = CURVES[int.from_bytes(field[:2], "big")]
            xy = field[3:] if len(field) == 2 * width + 3 and field[2] == 4 else field[2:]
            if len(xy) != 2 * width:
                raise Broken(f"ECDSA key of {len(xy)} octets")
            self.width = width
            self.key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + xy)
        else:
            raise Broken(f"HI algorithm {self.alg} is not verified here")

    def verify(self, signature, message):
        if int.from_bytes(signature[:2], "big") != self.alg:
            raise Broken(f"signature algorithm {int.from_bytes(signature[:2], 'big')} of a HI of algorithm {self.alg}")
        sig = signature[2:]
        try:
            if self.alg == 5:
                pss = padding.PSS(mgf=padding.MGF1(self.hash), salt_length=self.hash.digest_size)
                self.key.verify(sig, message, pss, self.hash)
            else:
                if len(sig) != 2 * self.width:
                    raise Broken(f"r|s of {len(sig)} octets")
                r, s = int.from_bytes(sig[:self.width], "big"), int.from_bytes(sig[self.width:], "big")
                self.key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(self.hash))
        except InvalidSignature:
            raise Broken("signature is wrong") from None


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


# ---- checks of one packet --------------------------------------------------------------------------------------------

def check_header(p):
    if len(p.octets) < p.length:
        raise Broken(f"{len(p.octets)} octets, the header says {p.length}")
    if len(p.octets) > p.length:
        raise Broken(f"{len(p.octets) - p.length} octets behind the packet")
    if p.octets[0] != 59 or p.octets[2] & 0x80 or p.octets[3] != 0x21 or p.octets[6] or p.octets[7] & 0xfe:
        raise Broken(f"fixed fields are {p.octets[:8].hex()}")
    if p.kind not in PACKETS:
        raise Broken(f"packet type {p.kind}")
    for hit, who in ((p.sender, "sender"), (p.receiver, "receiver")):
        if hit[:3] != b"\x20\x01\x00" or hit[3] >> 4 != 2:
            if not (who == "receiver" and hit == bytes(16) and p.kind in (I1, NOTIFY)):
                raise Broken(f"{who}'s HIT {hit_text(hit)} is not in 2001:20::/28")


def check_checksum(p):
    if p.udp:
        if p.octets[4:6] != b"\0\0":
            raise Broken("not zero in UDP")
        return
    src, dst = p.ip.src.packed, p.ip.dst.packed
    if len(src) == 4:
        pseudo = src + dst + struct.pack(">BBH", 0, HIP, p.length)
    else:
        pseudo = src + dst + struct.pack(">IHBB", p.length, 0, 0, HIP)
    total = internet_sum(pseudo + p.octets[:p.length])
    if total != 0xffff:
        raise Broken(f"field is {p.octets[4:6].hex()}, off by {0xffff - total:#06x}")


def check_order(p):
    for a, b in zip(p.params, p.params[1:]):
        if a.kind > b.kind:
            raise Broken(f"{a.name} before {b.name}")
        if a.kind == b.kind and a.name not in REPEATABLE:
            raise Broken(f"{a.name} twice")


def check_padding(p):
    for q in p.params:
        if any(q.pad):
            raise Broken(f"{q.name} is padded with {q.pad.hex()}")


def check_lengths(p):
    for q in p.params:
        rule = PARAMS[q.kind][1] if q.kind in PARAMS else None
        n = len(q.value)
        if rule is not None and not (n in rule if isinstance(rule, set) else rule(n)):
            raise Broken(f"{q.name} of {n} octets")
    for name in ("HIP_MAC", "HIP_MAC_2"):  # RHASH is the Responder's: R2's sender, I2's receiver; for the others either
        v = p.value(name)
        hits = {R2: [p.sender], I2: [p.receiver]}.get(p.kind, [p.sender, p.receiver])
        if v is not None and len(v) not in {hashlib.new(rhash(h)).digest_size for h in hits if rhash(h)}:
            raise Broken(f"{name} of {len(v)} octets for this Responder")


def check_critical(p):
    for q in p.params:
        if q.kind & 1 and q.kind not in PARAMS:
            raise Broken(f"critical parameter {q.kind}")
        if 32768 <= q.kind <= 49151:
            raise Broken(f"private parameter {q.kind} in clear")


def check_mandatory(p):
    for need in NEEDS[p.kind]:
        names = need if isinstance(need, tuple) else (need,)
        if not any(p.has(n) for n in names):
            raise Broken(f"no {' or '.join(names)}")


def check_encrypted(p):
    if p.has("HOST_ID"):
        raise Broken("HOST_ID in clear")
    v = p.value("ENCRYPTED")
    if any(v[:4]) or not any(v[4:20]):
        raise Broken(f"Reserved {v[:4].hex()}, IV {v[4:20].hex()}")


def host_identity(p):
    """Algorithm and Host Identity of a HOST_ID in clear."""
    v = p.value("HOST_ID")
    n, di = struct.unpack(">HH", v[:4])
    if len(v) != 6 + n + (di & 0x0fff):
        raise Broken("HI Length and DI Length do not add up")
    if not di >> 12 and di & 0x0fff:
        raise Broken("DI without a type")
    return v[4:6 + n]


def check_dh(p):
    v = p.value("DIFFIE_HELLMAN")
    group, n = v[0], int.from_bytes(v[1:3], "big")
    if n != len(v) - 3:
        raise Broken(f"PubLen {n} of {len(v) - 3} octets")
    if group not in DH_CURVES:
        return f"group {group}"
    curve, width = DH_CURVES[group]
    if n != 2 * width:
        raise Broken(f"{n} octets for group {group}")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + v[3:])
    except ValueError:
        raise Broken("not on the curve") from None
    return None


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
    """A HIP record's RDATA as dig prints it: "( 2 HIT KEY RVS... )" (RFC 8005 s6)."""
    words = text.split("=", 1)[-1].replace("(", " ").replace(")", " ").split()
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
