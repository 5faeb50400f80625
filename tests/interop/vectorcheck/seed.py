# SPDX-License-Identifier: Apache-2.0
"""What a seed makes (test-vectors/README.md): draws, and private keys out of draws named hi_private."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization

from .groups import GROUP_ORDERS, SECP160R1
from .identity import ECDSA_CURVES, load_private, secp160r1_private
from .suites import DSA, ECDSA, ECDSA_LOW, EDDSA, RSA

TRIES = 16  # keys of one party that may have been drawn and put aside
PRIME_GAP = 1 << 16  # primes of 1024 bits lie some 700 apart


def draw(seed: bytes, party: str, name: str, count: int, length: int) -> bytes:
    """SHA-256("hipvec draw" | seed | party | 0 | name | 0 | how many before | block), as many blocks as it takes."""
    head = b"hipvec draw" + seed + party.encode() + b"\0" + name.encode() + b"\0" + count.to_bytes(4, "big")
    out, block = b"", 0
    while len(out) < length:
        out += hashlib.sha256(head + block.to_bytes(4, "big")).digest()
        block += 1
    return out[:length]


def scalar(octets: bytes, order: int) -> int:
    """FIPS 186-4 B.5.1: of the order's length and 8 octets more, modulo order - 1, plus 1."""
    return int.from_bytes(octets, "big") % (order - 1) + 1


def prime_start(octets: bytes) -> int:
    """Where the search for a prime begins: at the draw, its two highest bits and the lowest set."""
    return int.from_bytes(octets, "big") | 3 << (8 * len(octets) - 2) | 1


def made_rsa(seed: bytes, party: str, der: bytes) -> bool:
    """Both primes stand a little above two draws; that there is none between is not looked for again, which would take a second for each key."""
    n = load_private(der).private_numbers()
    length = (n.p.bit_length() + 7) // 8
    for count in range(0, TRIES, 2):
        starts = sorted(prime_start(draw(seed, party, "hi_private", count + i, length)) for i in (0, 1))
        if all(0 <= prime - start < PRIME_GAP for prime, start in zip(sorted((n.p, n.q)), starts)):
            return True
    return False


def private_keys(seed: bytes, party: str, alg: int, field: bytes) -> Iterator[object]:
    """The keys that the seed makes one after the other, in the form of key_of()."""
    for count in range(TRIES):
        if alg == EDDSA:
            yield draw(seed, party, "hi_private", count, len(field) - 4)
        elif alg in (ECDSA, ECDSA_LOW):
            order = SECP160R1.n if alg == ECDSA_LOW else ECDSA_CURVES[int.from_bytes(field[:2], "big")][2]
            yield scalar(draw(seed, party, "hi_private", count, (order.bit_length() + 7) // 8 + 8), order)
        elif alg == DSA:
            yield scalar(draw(seed, party, "hi_private", count, 28), int.from_bytes(field[1:21], "big"))


def key_of(alg: int, der: bytes) -> object:
    """What a PKCS#8 file holds: a scalar, or EdDSA's octets."""
    if alg == ECDSA_LOW:
        return secp160r1_private(der)
    key = load_private(der)
    if alg == EDDSA:
        return key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    return key.private_numbers().x if alg == DSA else key.private_numbers().private_value


def made_private(seed: bytes, party: str, alg: int, field: bytes, der: bytes) -> bool:
    """Is hi_private one that the seed makes?"""
    if alg == RSA:
        return made_rsa(seed, party, der)
    wanted = key_of(alg, der)
    return any(k == wanted for k in private_keys(seed, party, alg, field))


def dh_fits(group: int, octets: bytes, private: bytes) -> bool:
    """A Diffie-Hellman private value and the draw that it comes from: of curves the bits above the order's are taken off."""
    bits = GROUP_ORDERS.get(group, 0).bit_length()
    value = int.from_bytes(octets, "big")
    return len(octets) == len(private) and (value & ((1 << bits) - 1) if bits else value) == int.from_bytes(private, "big")
