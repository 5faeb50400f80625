# SPDX-License-Identifier: Apache-2.0
"""HKDF (RFC 5869), KEYMAT and the order in which keys are drawn from it (RFC 7401 s6.5, RFC 7402 s7), the keys of the SIM binding."""
from __future__ import annotations

import hashlib

from .aka import xor
from .case import Case, Malformed, agree, kind, unhex
from .suites import CIPHER_KEY, SHA256, TRANSFORMS, Rhash, rhash_named


@kind("HkdfTest", judges=True)
def hkdf_test(c: Case) -> None:
    h, length = rhash_named(c.text("hash")), c.int("L")
    prk = h.extract(c.hex("salt", default=b""), c.hex("ikm"))
    c.same("prk", prk)
    c.verdict(0 <= length <= 255 * h.length, "L")
    if c.valid:
        c.same("okm", h.expand(prk, c.hex("info", default=b""), length))


def keymat_prk(h: Rhash, kij: bytes, i: bytes, j: bytes) -> bytes:
    return h.extract(i + j, kij)


def sorted_hits(a: bytes, b: bytes) -> bytes:
    return min(a, b) + max(a, b)


def _inputs(c: Case, secret: str, hit_a: str, hit_b: str) -> tuple[Rhash, bytes, bytes]:
    """RHASH, PRK and info. The lengths of #I and #J are RHASH's."""
    h = rhash_named(c.text("rhash"))
    prk = keymat_prk(h, c.hex(secret), c.hex("i", h.length), c.hex("j", h.length))
    return h, prk, sorted_hits(c.hex(hit_a, 16), c.hex(hit_b, 16))


@kind("KeymatTest", judges=True)
def keymat_test(c: Case) -> None:
    h, prk, info = _inputs(c, "shared_secret", "hit_i", "hit_r")
    given = c.hex("keymat")
    c.same("L", len(given))
    made = h.expand(prk, info, len(given))
    if c.valid:
        c.same("keymat", made)
    c.verdict(made == given)


def draw_order(h: Rhash, cipher: int, esp: int) -> list[tuple[str, int]]:
    """Names as KeymatDrawTest spells them, and octets."""
    if cipher not in CIPHER_KEY or esp not in TRANSFORMS:
        raise Malformed(f"HIP cipher {cipher} or ESP suite {esp}")
    enc, t = CIPHER_KEY[cipher], TRANSFORMS[esp]
    return [("hip_gl_encr", enc), ("hip_gl_integ", h.length), ("hip_lg_encr", enc), ("hip_lg_integ", h.length),
            ("esp_gl_encr", t.enc), ("esp_gl_auth", t.auth), ("esp_lg_encr", t.enc), ("esp_lg_auth", t.auth)]


@kind("KeymatDrawTest")
def keymat_draw_test(c: Case) -> None:
    h, prk, info = _inputs(c, "shared_secret", "hit_i", "hit_r")
    order = draw_order(h, c.int("hip_cipher"), c.int("esp_suite"))
    c.same("L", len(c.hex("keymat")))
    keymat = h.expand(prk, info, max(len(c.hex("keymat")), sum(n for _, n in order)))
    c.same("keymat", keymat[:len(c.hex("keymat"))])
    at = 0
    for name, n in order:
        if name == "esp_gl_encr":
            c.same("keymat_index", at)
        c.same(name, keymat[at:at + n])
        at += n


@kind("SimBindingTest")
def sim_binding_test(c: Case) -> None:
    """docs/sim-binding.md section 3."""
    h, prk, info = _inputs(c, "kij", "hit_mn", "hit_fa")
    c.same("prk", prk)
    export = h.expand(prk, b"HIP-EXPORT sim-binding" + info, 32)
    c.same("export", export)
    th = hashlib.sha256(b"hipfa sim-binding 1\0")
    for name in ("hi_mn", "hi_fa"):
        th.update(len(c.hex(name)).to_bytes(2, "big") + c.hex(name))
    for n, packet in enumerate(c.list("eap")):
        octets = unhex(packet, f"eap[{n}]")
        agree(f"eap[{n}]: Length", len(octets), int.from_bytes(octets[2:4], "big"))
        th.update(octets)
    c.same("th", th.digest())
    k = SHA256.extract(export, c.hex("msk", 64))
    c.same("k", k)
    k_mn, k_fa = (SHA256.expand(k, label + th.digest(), 32) for label in (b"hipfa mn", b"hipfa fa"))
    c.same("k_mn", k_mn)
    c.same("k_fa", k_fa)
    mask = SHA256.expand(k, b"hipfa secret" + th.digest() + c.int("attempt").to_bytes(2, "big") + bytes([c.int("item_type")]), 32)
    c.same("mask", mask)
    if c.has("secret"):
        c.same("masked", xor(c.hex("secret", 32), mask))
    mac = SHA256.mac(k_mn, c.int("update_id_mn").to_bytes(4, "big") + c.hex("p_mn"))
    c.same("bind_mac_mn", mac)
    c.same("bind_mac_fa", SHA256.mac(k_fa, c.int("update_id_fa").to_bytes(4, "big") + mac + c.hex("p_fa")))
