# SPDX-License-Identifier: Apache-2.0
"""Registries of HIPv2 and ESP: hashes, HIT suites, ciphers, transforms (RFC 7401 s5.2, RFC 7402 s5.1.2, RFC 9374 s3.4)."""
from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from .case import Malformed
from .keccak import cshake128, kmac128


class Rhash:
    """RHASH of a Responder's HIT suite: hash and HMAC of one length."""

    def __init__(self, name: str, length: int):
        self.name, self.length = name, length
        self._alg = name.lower().replace("-", "")

    def hash(self, data: bytes) -> bytes:
        return hashlib.new(self._alg, data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._alg)

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract (RFC 5869 s2.2)."""
        return self.mac(salt or bytes(self.length), ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand (RFC 5869 s2.3)."""
        if length > 255 * self.length:
            raise ValueError("HKDF of more than 255 blocks")
        out, t, n = b"", b"", 0
        while len(out) < length:
            n += 1
            t = self.mac(prk, t + info + bytes([n]))
            out += t
        return out[:length]


class Cshake(Rhash):
    """Suite 5: cSHAKE128 for the hash, KMAC128 for the HMAC (RFC 9374 s3.4.2), both of 256 bits (docs/conformance.md)."""

    def hash(self, data: bytes) -> bytes:
        return cshake128(data, self.length)

    def mac(self, key: bytes, data: bytes) -> bytes:
        return kmac128(key, data, self.length)


SHA1, SHA256, SHA384, SHA512 = Rhash("SHA-1", 20), Rhash("SHA-256", 32), Rhash("SHA-384", 48), Rhash("SHA-512", 64)
CSHAKE128 = Cshake("cSHAKE128", 32)
HASHES = {r.name: r for r in (SHA1, SHA256, SHA384, SHA512, CSHAKE128)}
HASHES |= {r.name.lower().replace("-", ""): r for r in (SHA1, SHA256, SHA384, SHA512)}

# HIT suite: its hash (RFC 7401 s5.2.10), the HI algorithms that belong to it
SUITE_HASH = {1: SHA256, 2: SHA384, 3: SHA1, 5: CSHAKE128}
RSA, DSA, ECDSA, ECDSA_LOW, EDDSA = 5, 3, 7, 9, 13
SUITE_OF_ALG = {RSA: 1, DSA: 1, ECDSA: 2, ECDSA_LOW: 3, EDDSA: 5}
ALG_NAMES = {RSA: "RSA", DSA: "DSA", ECDSA: "ECDSA", ECDSA_LOW: "ECDSA_LOW", EDDSA: "EdDSA"}

CIPHER_KEY = {1: 0, 2: 16, 4: 32}  # HIP_CIPHER: key octets (RFC 7401 s5.2.8)


def rhash_named(name: str) -> Rhash:
    if name not in HASHES:
        raise Malformed(f"hash {name}")
    return HASHES[name]


@dataclass(frozen=True)
class Transform:
    """An ESP transform suite. enc and auth: octets drawn from KEYMAT, the salt of AEADs being the end of enc (CCM, GCM) or auth (GMAC)."""
    name: str
    mode: str
    enc: int
    auth: int
    iv: int
    icv: int
    salt: int = 0


TRANSFORMS = {
    1: Transform("AES-128-CBC with HMAC-SHA-1-96", "cbc", 16, 20, 16, 12),
    7: Transform("NULL with HMAC-SHA-256-128", "null", 0, 32, 0, 16),
    8: Transform("AES-128-CBC with HMAC-SHA-256-128", "cbc", 16, 32, 16, 16),
    9: Transform("AES-256-CBC with HMAC-SHA-256-128", "cbc", 32, 32, 16, 16),
    10: Transform("AES-CCM-8", "ccm", 19, 0, 8, 8, 3),
    11: Transform("AES-CCM-16", "ccm", 19, 0, 8, 16, 3),
    12: Transform("AES-GCM-8", "gcm", 20, 0, 8, 8, 4),
    13: Transform("AES-GCM-16", "gcm", 20, 0, 8, 16, 4),
    14: Transform("AES-CMAC-96", "cmac", 0, 16, 0, 12),
    15: Transform("AES-GMAC", "gmac", 0, 20, 8, 16, 4),
}
