# SPDX-License-Identifier: Apache-2.0
"""Diffie-Hellman groups of RFC 7401 s5.2.7: MODP (RFC 3526) and SECP160R1 (SEC 2) by arithmetic of our own, NIST curves (RFC 5903) by
python3-cryptography. ECDSA over SECP160R1."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec


class NotInGroup(ValueError):
    """A public value that the group does not have."""


# ---- SECP160R1 ---------------------------------------------------------------------------------------------------------

Point = tuple[int, int, int]  # Jacobian: (X/Z^2, Y/Z^3); Z = 0 is the identity


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 - 3x + b over a prime field; a = -3 as all of SEC 2's r1 curves."""
    p: int
    b: int
    n: int
    g: tuple[int, int]
    width: int  # octets of a coordinate

    def holds(self, x: int, y: int) -> bool:
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - x * x * x + 3 * x - self.b) % self.p == 0

    def _double(self, point: Point) -> Point:
        x, y, z = point
        if not y or not z:
            return 1, 1, 0
        p = self.p
        s, m = 4 * x * y * y % p, 3 * (x - z * z) * (x + z * z) % p
        nx = (m * m - 2 * s) % p
        return nx, (m * (s - nx) - 8 * pow(y, 4, p)) % p, 2 * y * z % p

    def _add(self, one: Point, two: Point) -> Point:
        if not one[2]:
            return two
        if not two[2]:
            return one
        p = self.p
        z1, z2 = one[2] * one[2] % p, two[2] * two[2] % p
        u1, u2 = one[0] * z2 % p, two[0] * z1 % p
        s1, s2 = one[1] * z2 * two[2] % p, two[1] * z1 * one[2] % p
        if u1 == u2:
            return self._double(one) if s1 == s2 else (1, 1, 0)
        h, r = u2 - u1, s2 - s1
        h2 = h * h % p
        h3, v = h * h2 % p, u1 * h2 % p
        x = (r * r - h3 - 2 * v) % p
        return x, (r * (v - x) - s1 * h3) % p, h * one[2] * two[2] % p

    def multiply(self, k: int, point: tuple[int, int]) -> tuple[int, int] | None:
        """k times the point; None is the identity."""
        out, base = (1, 1, 0), (*point, 1)
        for bit in bin(k)[2:]:
            out = self._double(out)
            if bit == "1":
                out = self._add(out, base)
        return self._affine(out)

    def _affine(self, point: Point) -> tuple[int, int] | None:
        if not point[2]:
            return None
        z = pow(point[2], -1, self.p)
        return point[0] * z * z % self.p, point[1] * z * z * z % self.p

    def plus(self, a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
        return self._affine(self._add((*a, 1) if a else (1, 1, 0), (*b, 1) if b else (1, 1, 0)))

    def octets(self, point: tuple[int, int]) -> bytes:
        return b"".join(v.to_bytes(self.width, "big") for v in point)

    def point(self, octets: bytes) -> tuple[int, int]:
        if len(octets) != 2 * self.width:
            raise NotInGroup(f"{len(octets)} octets")
        x, y = (int.from_bytes(half, "big") for half in (octets[:self.width], octets[self.width:]))
        if not self.holds(x, y):
            raise NotInGroup("not on the curve")
        return x, y

    def ecdsa_verify(self, public: tuple[int, int], digest: bytes, r: int, s: int) -> bool:
        """SEC 1 s4.1.4. The digest is no longer than the order here."""
        if not (0 < r < self.n and 0 < s < self.n):
            return False
        z = int.from_bytes(digest, "big")
        if 8 * len(digest) > self.n.bit_length():
            z >>= 8 * len(digest) - self.n.bit_length()
        w = pow(s, -1, self.n)
        found = self.plus(self.multiply(z * w % self.n, self.g), self.multiply(r * w % self.n, public))
        return found is not None and found[0] % self.n == r


SECP160R1 = Curve(
    p=2**160 - 2**31 - 1,
    b=0x1c97befc54bd7a8b65acf89f81d4d4adc565fa45,
    n=0x0100000000000000000001f4c8f927aed3ca752257,
    g=(0x4a96b5688ef573284664698968c38bb913cbfc82, 0x23a628553168947d59dcc912042351377ac5fb32),
    width=20)


# ---- MODP --------------------------------------------------------------------------------------------------------------

def _pi_bits(bits: int) -> int:
    """floor(2^bits * pi), by Machin's formula."""
    one = 1 << (bits + 64)

    def arctan(k: int) -> int:
        total, term, n, sign = 0, one // k, 1, 1
        while term:
            total += sign * (term // n)
            term, n, sign = term // (k * k), n + 2, -sign
        return total

    return (4 * (4 * arctan(5) - arctan(239))) >> 64


@lru_cache(maxsize=None)
def modp(bits: int) -> int:
    """RFC 3526 s2 to s4: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + c)."""
    c = {1536: 741804, 2048: 124476, 3072: 1690314}[bits]
    return 2**bits - 2**(bits - 64) - 1 + 2**64 * (_pi_bits(bits - 130) + c)


MODP = {3: 1536, 4: 3072, 11: 2048}
NIST = {7: (ec.SECP256R1, 32), 8: (ec.SECP384R1, 48), 9: (ec.SECP521R1, 66)}
GROUPS = {*MODP, *NIST, 10}
GROUP_ORDERS = {
    7: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    8: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
    9: int("1ff" + "f" * 63 + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16),
    10: SECP160R1.n,
}


def public_length(group: int) -> int:
    if group in MODP:
        return MODP[group] // 8
    return 40 if group == 10 else 2 * NIST[group][1]


def _nist_private(group: int, private: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private, "big"), NIST[group][0]())


def _nist_public(group: int, public: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(NIST[group][0](), b"\x04" + public)
    except ValueError as e:
        raise NotInGroup("not on the curve") from e


@lru_cache(maxsize=4096)
def public_of(group: int, private: bytes) -> bytes:
    """As DIFFIE_HELLMAN carries it: a MODP value as wide as the modulus, X|Y."""
    x = int.from_bytes(private, "big")
    if group in MODP:
        return pow(2, x, modp(MODP[group])).to_bytes(MODP[group] // 8, "big")
    if group == 10:
        return SECP160R1.octets(SECP160R1.multiply(x % SECP160R1.n, SECP160R1.g) or (0, 0))
    n = _nist_private(group, private).public_key().public_numbers()
    return b"".join(v.to_bytes(NIST[group][1], "big") for v in (n.x, n.y))


def check_public(group: int, public: bytes) -> None:
    """Raises NotInGroup: a length, 0, 1, p-1 or more, a point off the curve."""
    if len(public) != public_length(group):
        raise NotInGroup(f"{len(public)} octets")
    if group in MODP:
        if not 1 < int.from_bytes(public, "big") < modp(MODP[group]) - 1:
            raise NotInGroup("out of range")
    elif group == 10:
        SECP160R1.point(public)
    else:
        _nist_public(group, public)


@lru_cache(maxsize=4096)
def shared(group: int, private: bytes, public: bytes) -> bytes:
    """Kij with its leading zeros; of curves the x coordinate (RFC 5903 s9)."""
    check_public(group, public)
    if group in MODP:
        p = modp(MODP[group])
        return pow(int.from_bytes(public, "big"), int.from_bytes(private, "big"), p).to_bytes(MODP[group] // 8, "big")
    if group == 10:
        point = SECP160R1.multiply(int.from_bytes(private, "big"), SECP160R1.point(public))
        return SECP160R1.octets(point)[:20] if point else bytes(20)
    return _nist_private(group, private).exchange(ec.ECDH(), _nist_public(group, public))


def selftest() -> None:
    """n G is the identity, and the moduli are what RFC 3526 begins and ends with."""
    if not SECP160R1.holds(*SECP160R1.g) or SECP160R1.multiply(SECP160R1.n, SECP160R1.g) is not None:
        raise AssertionError("SECP160R1's parameters")
    for bits, tail in ((1536, "ca237327ffffffffffffffff"), (2048, "8aacaa68ffffffffffffffff"), (3072, "a93ad2caffffffffffffffff")):
        text = f"{modp(bits):x}"
        if not text.startswith("ffffffffffffffffc90fdaa22168c234") or not text.endswith(tail):
            raise AssertionError(f"MODP {bits}")
    x, y = (public_of(10, bytes([k])) for k in (3, 7))
    if shared(10, b"\3", y) != shared(10, b"\7", x):
        raise AssertionError("SECP160R1 does not agree")
