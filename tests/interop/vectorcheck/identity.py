# SPDX-License-Identifier: Apache-2.0
"""Host identities (RFC 7401 s5.2.9, RFC 9374 s3.4.1) and their signatures (s5.2.14)."""
from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils

from .case import Malformed
from .groups import GROUP_ORDERS, SECP160R1, NotInGroup
from .suites import DSA, ECDSA, ECDSA_LOW, EDDSA, RSA, SUITE_OF_ALG

HASH = {1: (hashes.SHA256, "sha256", "SHA-256"), 2: (hashes.SHA384, "sha384", "SHA-384"), 3: (hashes.SHA1, "sha1", "SHA-1")}
ECDSA_CURVES = {1: (ec.SECP256R1, 32, GROUP_ORDERS[7]), 2: (ec.SECP384R1, 48, GROUP_ORDERS[8])}
EDDSA_CURVES = {1: (ed25519.Ed25519PublicKey, 32), 3: (ed448.Ed448PublicKey, 57)}


class BadIdentity(ValueError):
    """A Host Identity that is none."""


def _int(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


class Identity:
    """A public key as HOST_ID carries it."""

    def __init__(self, alg: int, field: bytes):
        self.alg, self.field = alg, field
        self.suite = SUITE_OF_ALG.get(alg, 0)
        try:
            self._read(field)
        except (ValueError, IndexError, LookupError, OverflowError) as e:
            raise BadIdentity(str(e)) from e

    def _read(self, field: bytes) -> None:
        if self.alg == RSA:  # RFC 3110 s2
            n, at = (field[0], 1) if field[0] else (_int(field[1:3]), 3)
            self.e, self.n = _int(field[at:at + n]), _int(field[at + n:])
            self.key = rsa.RSAPublicNumbers(self.e, self.n).public_key()
        elif self.alg == DSA:  # RFC 2536 s2: T, Q, P, G, Y
            width = 64 + 8 * field[0]
            if field[0] > 8 or len(field) != 21 + 3 * width:
                raise ValueError("T or the length")
            p, g, y = (_int(field[21 + i * width:21 + (i + 1) * width]) for i in range(3))
            self.t, self.q, self.p, self.g = field[0], _int(field[1:21]), p, g
            self.key = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, self.q, g)).public_key()
        elif self.alg == ECDSA:
            curve, self.width, self.order = ECDSA_CURVES[_int(field[:2])]
            if len(field) != 2 + 2 * self.width:
                raise ValueError("length")
            self.curve = curve()
            self.key = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, b"\x04" + field[2:])
        elif self.alg == ECDSA_LOW:
            if field[:2] != b"\0\1":
                raise ValueError("curve")
            self.width, self.order = 21, SECP160R1.n
            try:
                self.key = SECP160R1.point(field[2:])
            except NotInGroup as e:
                raise ValueError(str(e)) from e
        elif self.alg == EDDSA:
            kind, n = EDDSA_CURVES[_int(field[:2])]
            if field[2:4] != b"\0\0" or len(field) != 4 + n:
                raise ValueError("octets behind the curve label, or the length")
            self.key = kind.from_public_bytes(field[4:])
        else:
            raise ValueError(f"algorithm {self.alg}")

    def hash_name(self) -> str:
        return "none" if self.alg == EDDSA else HASH[self.suite][2]

    def _rs(self, signature: bytes) -> tuple[int, int] | None:
        """r and s: T first in DSA (RFC 2536 s3), both as wide as the order in ECDSA (RFC 6090 s5)."""
        if self.alg == DSA:
            return (_int(signature[1:21]), _int(signature[21:])) if len(signature) == 41 and signature[0] == self.t else None
        return (_int(signature[:self.width]), _int(signature[self.width:])) if len(signature) == 2 * self.width else None

    def verify(self, signature: bytes, message: bytes) -> bool:
        """signature: without the SIG alg field."""
        try:
            if self.alg == EDDSA:
                self.key.verify(signature, message)
                return True
            make, name, _ = HASH[self.suite]
            if self.alg == RSA:
                self.key.verify(signature, message, padding.PSS(padding.MGF1(make()), make.digest_size), make())
                return True
            rs = self._rs(signature)
            if rs is None:
                return False
            if self.alg == ECDSA_LOW:
                return SECP160R1.ecdsa_verify(self.key, hashlib.new(name, message).digest(), *rs)
            encoded = utils.encode_dss_signature(*rs)
            self.key.verify(encoded, message, *([make()] if self.alg == DSA else [ec.ECDSA(make())]))
            return True
        except InvalidSignature:
            return False

    def pss_salt(self, signature: bytes) -> bytes:
        """The salt in an RSASSA-PSS signature that verifies (RFC 8017 s9.1.2)."""
        length = (self.n.bit_length() + 7) // 8
        em_bits = self.n.bit_length() - 1
        em = pow(_int(signature), self.e, self.n).to_bytes(length, "big")[-((em_bits + 7) // 8):]
        _, name, _ = HASH[self.suite]
        size = hashlib.new(name).digest_size
        masked, h = em[:-size - 1], em[-size - 1:-1]
        mask, n = b"", 0
        while len(mask) < len(masked):
            mask += hashlib.new(name, h + n.to_bytes(4, "big")).digest()
            n += 1
        return bytes(a ^ b for a, b in zip(masked, mask))[-size:]

    def nonce_fits(self, signature: bytes, draw: bytes) -> bool:
        """r of a DSA or ECDSA signature is that of the drawn nonce: the draw modulo order - 1, plus 1 (FIPS 186-4 B.2.1, B.5.1)."""
        rs = self._rs(signature)
        if rs is None:
            return False
        order = self.q if self.alg == DSA else self.order
        k = _int(draw) % (order - 1) + 1
        if self.alg == DSA:
            return pow(self.g, k, self.p) % self.q == rs[0]
        if self.alg == ECDSA_LOW:
            point = SECP160R1.multiply(k, SECP160R1.g)
            return point is not None and point[0] % order == rs[0]
        return ec.derive_private_key(k, self.curve).public_key().public_numbers().x % order == rs[0]


@lru_cache(maxsize=256)
def load_private(der: bytes):
    """PKCS#8; what python3-cryptography checks of it (of RSA all the relations) it checks once."""
    try:
        return serialization.load_der_private_key(der, None)
    except (ValueError, TypeError) as e:
        raise Malformed(f"hi_private: {e}") from e


def public_of_private(alg: int, der: bytes) -> bytes:
    """The Host Identity field of a PKCS#8 private key, in the form of its algorithm."""
    if alg == ECDSA_LOW:  # python3-cryptography does not know the curve
        d = secp160r1_private(der)
        return b"\0\1" + SECP160R1.octets(SECP160R1.multiply(d, SECP160R1.g) or (0, 0))
    private = load_private(der)
    public = private.public_key()
    if alg == ECDSA:  # the file may hold a public key beside the private one: that is not what is asked for
        public = ec.derive_private_key(private.private_numbers().private_value, public.curve).public_key()
    if alg == DSA:
        n = private.private_numbers()
        p = n.public_numbers.parameter_numbers
        if pow(p.g, n.x, p.p) != n.public_numbers.y:
            raise Malformed("hi_private: y is not g to the x")
    numbers = None if alg == EDDSA else public.public_numbers()
    if alg == RSA:
        e = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        return (bytes([len(e)]) if len(e) < 256 else b"\0" + len(e).to_bytes(2, "big")) + e + \
            numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    if alg == DSA:
        p = numbers.parameter_numbers
        t = max(0, (p.p.bit_length() - 505) // 64)
        return bytes([t]) + p.q.to_bytes(20, "big") + b"".join(v.to_bytes(64 + 8 * t, "big") for v in (p.p, p.g, numbers.y))
    if alg == ECDSA:
        label, width = {"secp256r1": (1, 32), "secp384r1": (2, 48)}[public.curve.name]
        return label.to_bytes(2, "big") + b"".join(v.to_bytes(width, "big") for v in (numbers.x, numbers.y))
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return (b"\0\1\0\0" if len(raw) == 32 else b"\0\3\0\0") + raw


def _der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Contents of the first element, which has this tag, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise Malformed("hi_private is no PKCS#8")
    n, at = data[1], 2
    if n & 0x80:
        at += n & 0x7f
        n = _int(data[2:at])
    if at + n > len(data):
        raise Malformed("hi_private is no PKCS#8")
    return data[at:at + n], data[at + n:]


def secp160r1_private(der: bytes) -> int:
    """RFC 5208 with RFC 5915 inside."""
    info, _ = _der(der, 0x30)
    _, rest = _der(info, 0x02)
    algorithm, rest = _der(rest, 0x30)
    if bytes.fromhex("2b81040008") not in algorithm:  # 1.3.132.0.8
        raise Malformed("hi_private is not on SECP160R1")
    inner, _ = _der(rest, 0x04)
    key, _ = _der(inner, 0x30)
    _, key = _der(key, 0x02)
    return _int(_der(key, 0x04)[0])
