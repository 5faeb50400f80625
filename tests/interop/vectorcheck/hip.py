# SPDX-License-Identifier: Apache-2.0
"""HITs (RFC 7343 s2, RFC 7401 s3.2, RFC 9374 s3.5), puzzles (RFC 7401 s4.1.2) and checksums (s5.1.1)."""
from __future__ import annotations

import ipaddress

from .case import Case, Malformed, agree, kind
from .keccak import cshake128
from .suites import ECDSA, EDDSA, SUITE_HASH, SUITE_OF_ALG, Rhash, rhash_named

CONTEXT_ID = bytes.fromhex("f0eff02fbff43d0fe7930c3c6e6174ea")
HIP = 139


def orchid_input(host_identity: bytes) -> bytes:
    return CONTEXT_ID + host_identity


def orchid_hash(suite: int, host_identity: bytes) -> bytes:
    """The digest of which a HIT takes 96 bits: of suite 5 no more than those are made (RFC 9374 s3.5.2.1)."""
    if suite == 5:
        return cshake128(orchid_input(host_identity), 12)
    if suite not in SUITE_HASH:
        raise Malformed(f"HIT suite {suite}")
    return SUITE_HASH[suite].hash(orchid_input(host_identity))


def middle96(digest: bytes) -> bytes:
    skip = (len(digest) - 12) // 2
    return digest[skip:skip + 12]


def prefixed(suite: int, bits96: bytes) -> bytes:
    return bytes([0x20, 0x01, 0x00, 0x20 | suite]) + bits96


def hit_of(suite: int, host_identity: bytes) -> bytes:
    return prefixed(suite, middle96(orchid_hash(suite, host_identity)))


def suite_of(hit: bytes) -> int:
    return hit[3] & 15


def address_text(octets: bytes) -> str:
    return str(ipaddress.IPv6Address(octets))


@kind("OrchidTest", judges=True)
def orchid_test(c: Case) -> None:
    suite, alg, hi, hit = c.int("hit_suite"), c.int("hi_algorithm"), c.hex("host_identity"), c.hex("hit", 16)
    if alg not in SUITE_OF_ALG:
        raise Malformed(f"HI algorithm {alg}")
    if c.has("rsa_n"):
        e = c.hex("rsa_e")
        length = bytes([len(e)]) if len(e) < 256 else b"\0" + len(e).to_bytes(2, "big")  # RFC 3110 s2
        c.same("host_identity", length + e + c.hex("rsa_n"))
    elif c.has("xy"):
        c.same("host_identity", c.int("curve").to_bytes(2, "big") + c.hex("xy"))
    elif c.has("key"):
        agree("hi_algorithm", EDDSA, alg)
        c.same("host_identity", c.int("curve").to_bytes(2, "big") + b"\0\0" + c.hex("key"))
    elif alg == ECDSA:
        agree("ECDSA host_identity of a known curve's length", True, (hi[:2], len(hi)) in ((b"\0\1", 66), (b"\0\2", 98)))
    c.same("hit_text", address_text(hit))
    fits = SUITE_OF_ALG[alg] == suite and hit_of(suite, hi) == hit
    if c.valid:
        agree("hit_suite of the algorithm", SUITE_OF_ALG[alg], suite)
        c.same("hit", hit_of(suite, hi))
    c.verdict(fits)
    if c.has("hit_alt"):
        c.same("hit_alt", prefixed(5, cshake128(hi, 12, custom=CONTEXT_ID)))


@kind("HhitTest", judges=True)
def hhit_test(c: Case) -> None:
    """Hierarchical HITs (RFC 9374 s3.5): 64 bits of cSHAKE128 over the first half of the HHIT and the key, Context ID as customisation."""
    hhit, key = c.hex("hhit", 16), c.hex("key")
    agree("hi_algorithm", EDDSA, c.int("hi_algorithm"))
    agree("hit_suite", 5, c.int("hit_suite"))
    agree("hhit: prefix 2001:30::/28", bytes.fromhex("20010030"), hhit[:3] + bytes([hhit[3] & 0xf0]))
    agree("hhit: suite", 5, hhit[7])
    c.same("hash_input", hhit[:8] + key)
    c.same("hhit_text", address_text(hhit))
    c.verdict(cshake128(hhit[:8] + key, 8, custom=c.hex("context_id", 16)) == hhit[8:])


def low_bits(digest: bytes, k: int) -> bytes:
    """The lowest-order k bits, right-aligned."""
    return (int.from_bytes(digest, "big") & ((1 << k) - 1)).to_bytes((k + 7) // 8, "big")


def puzzle_input(i: bytes, hit_i: bytes, hit_r: bytes, j: bytes) -> bytes:
    return i + hit_i + hit_r + j


@kind("PuzzleTest", judges=True)
def puzzle_test(c: Case) -> None:
    h: Rhash = rhash_named(c.text("rhash"))
    k = c.int("k")
    digest = h.hash(puzzle_input(c.hex("i", h.length), c.hex("hit_i", 16), c.hex("hit_r", 16), c.hex("j", h.length)))
    c.same("digest", digest)
    c.same("ltrunc", low_bits(digest, k))
    c.verdict(not any(low_bits(digest, k)))


def pseudo_header(src: str, dst: str, length: int, protocol: int = HIP) -> bytes:
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if a.version != b.version:
        raise Malformed("addresses of two families")
    if a.version == 4:
        return a.packed + b.packed + bytes([0, protocol]) + length.to_bytes(2, "big")
    return a.packed + b.packed + length.to_bytes(4, "big") + bytes([0, 0, 0, protocol])


def ones_sum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksum(src: str, dst: str, packet: bytes, protocol: int = HIP) -> bytes:
    """What the checksum field (octets 4, 5) should hold."""
    zeroed = packet[:4] + b"\0\0" + packet[6:]
    return (0xffff ^ ones_sum(pseudo_header(src, dst, len(packet), protocol) + zeroed)).to_bytes(2, "big")


@kind("HipChecksumTest", judges=True)
def checksum_test(c: Case) -> None:
    packet, src, dst = c.hex("packet"), c.text("src"), c.text("dst")
    if len(packet) < 40 or len(packet) != 8 * (packet[1] + 1):
        raise Malformed("packet is not as long as its header says")
    try:
        c.same("family", f"ipv{ipaddress.ip_address(src).version}")
        made = checksum(src, dst, packet, c.int("protocol"))
    except ValueError as e:
        raise Malformed(f"addresses: {e}") from None
    c.verdict(made == packet[4:6], "checksum")
    c.same("checksum", made)
