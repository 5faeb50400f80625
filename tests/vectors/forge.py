# SPDX-License-Identifier: Apache-2.0
"""HIP packets taken apart, changed, and put together again with right lengths, checksum, MAC and signature, from the keys of a transcript.

Nothing here is random: nonces and salts of signatures are hashes, so what is made twice is the same.
"""
import copy
import hashlib
import hmac
import ipaddress

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_der_private_key

P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551

I1, R1, I2, R2, UPDATE, NOTIFY, CLOSE, CLOSE_ACK = 1, 2, 3, 4, 16, 17, 18, 19
NAMES = {I1: "I1", R1: "R1", I2: "I2", R2: "R2", UPDATE: "UPDATE", NOTIFY: "NOTIFY", CLOSE: "CLOSE", CLOSE_ACK: "CLOSE_ACK"}
ESP_INFO, R1_COUNTER, LOCATOR_SET, PUZZLE, SOLUTION, SEQ, ACK = 65, 129, 193, 257, 321, 385, 449
DH_GROUP_LIST, DIFFIE_HELLMAN, HIP_CIPHER, NAT_TRAVERSAL_MODE, ENCRYPTED, HOST_ID = 511, 513, 579, 608, 641, 705
HIT_SUITE_LIST, NOTIFICATION, ECHO_REQUEST_SIGNED, REG_INFO, REG_REQUEST, ECHO_RESPONSE_SIGNED = 715, 832, 897, 930, 932, 961
TRANSPORT_FORMAT_LIST, ESP_TRANSFORM, MAPPED_ADDRESS, PEER_PERMISSION = 2049, 4095, 4660, 4680
HIP_MAC, HIP_MAC_2, HIP_SIGNATURE_2, HIP_SIGNATURE = 61505, 61569, 61633, 61697
ECHO_REQUEST_UNSIGNED, RELAY_FROM, RELAY_TO, FROM, RVS_HMAC, VIA_RVS, RELAY_HMAC = 63661, 63998, 64002, 65498, 65500, 65502, 65520
AUTH = (HIP_MAC, HIP_MAC_2, HIP_SIGNATURE_2, HIP_SIGNATURE)
HASHES = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-1": "sha1"}


def u(value: int, octets: int) -> bytes:
    return value.to_bytes(octets, "big")


def tlv(kind: int, value: bytes, length=None, pad=None) -> bytes:
    """length, pad: what stands there instead of what should."""
    n = len(value)
    fill = bytes(-(4 + n) % 8) if pad is None else pad
    return u(kind, 2) + u(n if length is None else length, 2) + value + fill


class Packet:
    """Header fields and parameters; a parameter is [type, contents], or octets that stand there as they are."""

    def __init__(self, wire: bytes):
        self.head = bytearray(wire[:40])
        self.params = []
        at = 40
        while at < len(wire):
            kind, n = int.from_bytes(wire[at:at + 2], "big"), int.from_bytes(wire[at + 2:at + 4], "big")
            self.params.append([kind, wire[at + 4:at + 4 + n]])
            at += 11 + n - (n + 3) % 8
        self.type = self.head[2] & 0x7f

    def copy(self):
        return copy.deepcopy(self)

    def get(self, kind: int) -> bytes:
        return next(v for k, v in self.pairs() if k == kind)

    def pairs(self):
        return [p for p in self.params if not isinstance(p, bytes)]

    def set(self, kind: int, value: bytes):
        for p in self.pairs():
            if p[0] == kind:
                p[1] = value
                return self
        return self.add(kind, value)

    def add(self, kind: int, value: bytes):
        """Behind those of lesser or equal type."""
        at = next((i for i, p in enumerate(self.params) if not isinstance(p, bytes) and p[0] > kind), len(self.params))
        self.params.insert(at, [kind, value])
        return self

    def drop(self, kind: int):
        self.params = [p for p in self.params if isinstance(p, bytes) or p[0] != kind]
        return self

    def body(self, until=None) -> bytes:
        out = b""
        for p in self.params:
            if until is not None and not isinstance(p, bytes) and p[0] >= until:
                break
            out += p if isinstance(p, bytes) else tlv(*p)
        return out

    def covered(self, until: int, tail=b"") -> bytes:
        body = self.body(until) + tail
        head = bytearray(self.head)
        head[1], head[4], head[5] = (40 + len(body)) // 8 - 1 & 255, 0, 0
        return bytes(head) + body

    def raw(self) -> bytes:
        body = self.body()
        head = bytearray(self.head)
        head[1] = (40 + len(body)) // 8 - 1 & 255
        head[4] = head[5] = 0
        return bytes(head) + body


def checksum(wire: bytes, src: str, dst: str) -> bytes:
    a, b = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    data = a + b + u(len(wire), 4) + u(139, 4) + wire[:4] + b"\0\0" + wire[6:]
    data += bytes(len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return u(~total & 0xffff, 2)


class Exchange:
    """One test as `hipvec gen` wrote it."""

    def __init__(self, group: dict):
        self.group, self.test = group, group["tests"][0]
        self.party = {"I": self.test["initiator"], "R": self.test["responder"], "RVS": self.test.get("rvs")}
        self.packets = self.test["packets"]
        self.rhash = HASHES[group["suite"]["rhash"]]
        self.keys = {w: load_der_private_key(bytes.fromhex(p["hi_private"]), None) for w, p in self.party.items() if p}

    def hit(self, who: str) -> bytes:
        return bytes.fromhex(self.party[who]["hit"])

    def index(self, kind: int, sender: str, nth=0) -> int:
        found = [i for i, p in enumerate(self.packets) if p["type"] == NAMES[kind] and p["from"] == sender]
        return found[nth]

    def packet(self, i: int) -> Packet:
        return Packet(bytes.fromhex(self.packets[i]["wire"]))

    def keymat(self, name="base") -> dict:
        return next(k for k in self.test["keymats"] if k["name"] == name)

    def key(self, sender: str, peer: str, what: str, name="base") -> bytes:
        side = "gl" if self.hit(sender) > self.hit(peer) else "lg"
        return bytes.fromhex(next(k["value"] for k in self.keymat(name)["keys"] if k["name"] == f"hip_{side}_{what}"))

    def host_id_tlv(self, who: str) -> bytes:
        return tlv(HOST_ID, bytes.fromhex(self.party[who]["host_id"]))

    # ---- signatures ----

    def sign(self, who: str, data: bytes) -> bytes:
        key, alg = self.keys[who], u({"RSA": 5, "ECDSA": 7}[self.party[who]["hi_alg"]], 2)
        if isinstance(key, rsa.RSAPrivateKey):
            return alg + pss(key, data)
        assert isinstance(key.curve, ec.SECP256R1)
        d = key.private_numbers().private_value
        digest = hashlib.sha384(data).digest()  # of HIT suite 2
        k = int.from_bytes(hashlib.sha512(b"nonce" + u(d, 32) + digest).digest(), "big") % (P256_ORDER - 1) + 1
        r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x % P256_ORDER
        z = int.from_bytes(digest, "big") >> 8 * len(digest) - 256
        s = pow(k, -1, P256_ORDER) * (z + r * d) % P256_ORDER
        return alg + u(r, 32) + u(s, 32)

    # ---- putting together ----

    def seal(self, p: Packet, sender: str, peer: str, mac_key=None, signer=None, mac_over=None, sign_over=None, tail=None,
             keymat="base") -> Packet:
        """MAC and signature anew, where the packet has them. mac_over, sign_over: change the octets that are covered."""
        if any(k == HIP_MAC for k, _ in p.pairs()):
            data = p.covered(HIP_MAC)
            p.set(HIP_MAC, self.mac(mac_key or self.key(sender, peer, "mac", keymat), (mac_over or (lambda d: d))(data)))
        if any(k == HIP_MAC_2 for k, _ in p.pairs()):
            data = p.covered(HIP_MAC_2, self.host_id_tlv(sender) if tail is None else tail)
            p.set(HIP_MAC_2, self.mac(mac_key or self.key(sender, peer, "mac", keymat), (mac_over or (lambda d: d))(data)))
        for kind in (HIP_SIGNATURE_2, HIP_SIGNATURE):
            if not any(k == kind for k, _ in p.pairs()):
                continue
            data = p.covered(kind)
            if kind == HIP_SIGNATURE_2:
                data = blank_r1(data)
            p.set(kind, self.sign(signer or sender, (sign_over or (lambda d: d))(data)))
        return p

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.rhash).digest()

    def decrypt(self, p: Packet, sender: str, peer: str, keymat="base") -> bytes:
        v = p.get(ENCRYPTED)
        c = Cipher(algorithms.AES(self.key(sender, peer, "enc", keymat)), modes.CBC(v[4:20])).decryptor()
        plain = c.update(v[20:]) + c.finalize()
        return plain[:-plain[-1]]

    def encrypt(self, plain: bytes, sender: str, peer: str, iv: bytes, keymat="base", pad=True) -> bytes:
        n = 16 - len(plain) % 16
        c = Cipher(algorithms.AES(self.key(sender, peer, "enc", keymat)), modes.CBC(iv)).encryptor()
        return bytes(4) + iv + c.update(plain + (bytes([n] * n) if pad else b"")) + c.finalize()


def blank_r1(data: bytes) -> bytes:
    """RFC 7401 s5.2.15: receiver's HIT, Opaque and #I zero."""
    out = bytearray(data)
    out[24:40] = bytes(16)
    at = 40
    while at + 4 <= len(out):
        kind, n = int.from_bytes(out[at:at + 2], "big"), int.from_bytes(out[at + 2:at + 4], "big")
        if kind == PUZZLE:
            out[at + 6:at + 4 + n] = bytes(n - 2)
        at += 11 + n - (n + 3) % 8
    return bytes(out)


def mgf1(seed: bytes, n: int) -> bytes:
    out = b""
    for i in range((n + 31) // 32):
        out += hashlib.sha256(seed + u(i, 4)).digest()
    return out[:n]


def pss(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """RSASSA-PSS with SHA-256 (RFC 8017 s8.1.1)."""
    numbers = key.private_numbers()
    n, bits = numbers.public_numbers.n, numbers.public_numbers.n.bit_length() - 1
    size = (bits + 7) // 8
    digest = hashlib.sha256(data).digest()
    salt = hashlib.sha256(b"salt" + digest).digest()
    h = hashlib.sha256(bytes(8) + digest + salt).digest()
    db = bytes(size - 66) + b"\1" + salt
    masked = bytearray(a ^ b for a, b in zip(db, mgf1(h, size - 33)))
    masked[0] &= 0xff >> (8 * size - bits)
    m = int.from_bytes(bytes(masked) + h + b"\xbc", "big")
    return u(pow(m, numbers.d, n), (n.bit_length() + 7) // 8)


def solves(rhash: str, i: bytes, hit_i: bytes, hit_r: bytes, j: bytes, k: int) -> bool:
    return int.from_bytes(hashlib.new(rhash, i + hit_i + hit_r + j).digest(), "big") & (1 << k) - 1 == 0


def solve(rhash: str, i: bytes, hit_i: bytes, hit_r: bytes, k: int, wrong=False) -> bytes:
    """The first #J that solves it, or that does not."""
    j = 0
    while solves(rhash, i, hit_i, hit_r, u(j, len(i)), k) == wrong:
        j += 1
    return u(j, len(i))
