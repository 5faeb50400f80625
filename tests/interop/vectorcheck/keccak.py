# SPDX-License-Identifier: Apache-2.0
"""Keccak-f[1600] (FIPS 202 s3), cSHAKE128 and KMAC128 (SP 800-185) on it.

TUAK needs the bare permutation, and python3-pycryptodome 3.11 has cSHAKE without a function name, so no KMAC: the sponge is ours. selftest() compares
it with hashlib and with Cryptodome.
"""
from __future__ import annotations

import hashlib
from functools import lru_cache

from Cryptodome.Hash import cSHAKE128

MASK = (1 << 64) - 1
RATE = 168  # octets, of the 128-bit functions


def _constants() -> list[int]:
    """Iota's round constants from the LFSR x^8 + x^6 + x^5 + x^4 + 1 (s3.2.5)."""
    out, r = [], 1
    for _ in range(24):
        word = 0
        for j in range(7):
            if r & 1:
                word |= 1 << ((1 << j) - 1)
            r = (r << 1) ^ (0x171 if r & 0x80 else 0)
        out.append(word)
    return out


ROUNDS = _constants()


def _rot(v: int, n: int) -> int:
    n %= 64
    return ((v << n) | (v >> (64 - n))) & MASK


def permute(state: bytes) -> bytes:
    """Keccak-f[1600] of 200 octets."""
    a = [[int.from_bytes(state[8 * (x + 5 * y):8 * (x + 5 * y) + 8], "little") for y in range(5)] for x in range(5)]
    for constant in ROUNDS:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ _rot(c[(x + 1) % 5], 1) for x in range(5)]
        a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        b[0][0] = a[0][0]
        x, y = 1, 0
        for t in range(24):
            nx, ny = y, (2 * x + 3 * y) % 5
            b[nx][ny] = _rot(a[x][y], (t + 1) * (t + 2) // 2)
            x, y = nx, ny
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & MASK & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        a[0][0] ^= constant
    return b"".join(a[x][y].to_bytes(8, "little") for y in range(5) for x in range(5))


def _absorb(rate: int, blocks: bytes, state: bytes = bytes(200)) -> bytes:
    """Whole blocks."""
    for i in range(0, len(blocks), rate):
        state = permute(bytes(p ^ s for p, s in zip(blocks[i:i + rate], state)) + state[rate:])
    return state


def _sponge(rate: int, data: bytes, suffix: int, length: int, state: bytes = bytes(200)) -> bytes:
    padded = bytearray(data) + bytes([suffix])
    padded += bytes(-len(padded) % rate)
    padded[-1] |= 0x80
    state = _absorb(rate, bytes(padded), state)
    out = state[:rate]
    while len(out) < length:
        state = permute(state)
        out += state[:rate]
    return out[:length]


def _left(n: int) -> bytes:
    octets = n.to_bytes(max(1, (n.bit_length() + 7) // 8), "big")
    return bytes([len(octets)]) + octets


def _right(n: int) -> bytes:
    octets = n.to_bytes(max(1, (n.bit_length() + 7) // 8), "big")
    return octets + bytes([len(octets)])


def _string(s: bytes) -> bytes:
    return _left(8 * len(s)) + s


def _bytepad(s: bytes) -> bytes:
    s = _left(RATE) + s
    return s + bytes(-len(s) % RATE)


def cshake128(data: bytes, length: int, name: bytes = b"", custom: bytes = b"") -> bytes:
    if not name and not custom:
        return hashlib.shake_128(data).digest(length)
    return _sponge(RATE, _bytepad(_string(name) + _string(custom)) + data, 0x04, length)


@lru_cache(maxsize=256)
def _keyed(key: bytes, custom: bytes) -> bytes:
    """The state when name, customisation and key are absorbed, which many MACs under one key share."""
    return _absorb(RATE, _bytepad(_string(b"KMAC") + _string(custom)) + _bytepad(_string(key)))


def kmac128(key: bytes, data: bytes, length: int, custom: bytes = b"") -> bytes:
    return _sponge(RATE, data + _right(8 * length), 0x04, length, _keyed(key, custom))


def selftest() -> None:
    """The sponge against two implementations of others, KMAC128 against SP 800-185's sample 1."""
    message = bytes(range(256)) * 2
    for n in (0, 1, 135, 136, 167, 168, 169, 512):
        if _sponge(RATE, message[:n], 0x1f, 400) != hashlib.shake_128(message[:n]).digest(400):
            raise AssertionError("Keccak differs from hashlib's SHAKE128")
        if _sponge(136, message[:n], 0x06, 32) != hashlib.sha3_256(message[:n]).digest():
            raise AssertionError("Keccak differs from hashlib's SHA3-256")
        if cshake128(message[:n], 200, b"", b"Email Signature") != cSHAKE128.new(message[:n], b"Email Signature").read(200):
            raise AssertionError("cSHAKE128 differs from Cryptodome's")
    sample = kmac128(bytes(range(0x40, 0x60)), bytes(range(4)), 32)
    if sample.hex() != "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e":
        raise AssertionError("KMAC128 differs from SP 800-185's sample 1")
