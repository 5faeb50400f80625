# SPDX-License-Identifier: Apache-2.0
"""HIP packets for wirecheck.py as RFC 7401 draws them: parameters, host identities, and the checks that one packet allows."""
import hashlib
import ipaddress
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

HIP = 139

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
