# SPDX-License-Identifier: Apache-2.0
"""Milenage (TS 35.206), TUAK (TS 35.231), AUTN and AUTS (TS 33.102), the keys of EAP-AKA and EAP-AKA' (RFC 4187, RFC 9048)."""
from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .case import Case, Malformed, agree, kind
from .keccak import permute


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


# ---- Milenage ----------------------------------------------------------------------------------------------------------

def _aes(key: bytes, block: bytes) -> bytes:
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def milenage(k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> dict[str, bytes]:
    temp = _aes(k, xor(rand, opc))
    in1 = (sqn + amf) * 2
    turned = xor(in1, opc)
    out1 = xor(_aes(k, xor(temp, turned[8:] + turned[:8])), opc)
    out = {}
    for n, rotation, constant in ((2, 0, 1), (3, 4, 2), (4, 8, 4), (5, 12, 8)):
        t = xor(temp, opc)
        t = t[rotation:] + t[:rotation]
        out[n] = xor(_aes(k, xor(t, bytes(15) + bytes([constant]))), opc)
    return {"f1": out1[:8], "f1star": out1[8:], "f2": out[2][8:], "f5": out[2][:6], "f3": out[3], "f4": out[4], "f5star": out[5][:6]}


@kind("MilenageTest")
def milenage_test(c: Case) -> None:
    k = c.hex("k", 16)
    if c.has("op"):
        op = c.hex("op", 16)
        opc = xor(_aes(k, op), op)
        c.same("opc", opc)
    else:
        opc = c.hex("opc", 16)
    out = milenage(k, opc, c.hex("rand", 16), c.hex("sqn", 6), c.hex("amf", 2))
    for name, value in out.items():
        c.same(name, value)
    if c.has("sres") or c.has("kc"):  # GSM: c2 and c3 of TS 33.102 s6.8.1.2
        res, ck, ik = out["f2"], out["f3"], out["f4"]
        c.same("sres", xor(res[:4], res[4:8]))
        c.same("kc", xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:])))


def open_autn(k: bytes, opc: bytes, rand: bytes, autn: bytes) -> tuple[bool, dict[str, bytes]]:
    """MAC-A right?, and what a card finds: SQN, AMF, RES, CK, IK."""
    ak = milenage(k, opc, rand, bytes(6), bytes(2))["f5"]
    sqn, amf = xor(autn[:6], ak), autn[6:8]
    out = milenage(k, opc, rand, sqn, amf)
    found = {"sqn": sqn, "amf": amf, "res": out["f2"], "ck": out["f3"], "ik": out["f4"]}
    return out["f1"] == autn[8:], found


def check_vector(c: Case) -> None:
    """AUTN and what follows from it, where the vector gives K."""
    good, found = open_autn(c.hex("k", 16), c.hex("opc", 16), c.hex("rand", 16), c.hex("autn", 16))
    agree("AUTN's MAC-A is right", True, good)
    for name, value in found.items():
        c.same(name, value)


@kind("MilenageAutnTest", judges=True)
def autn_test(c: Case) -> None:
    good, found = open_autn(c.hex("k", 16), c.hex("opc", 16), c.hex("rand", 16), c.hex("autn", 16))
    c.verdict(good, "MAC-A")
    if good:
        for name, value in found.items():
            c.same(name, value)


def open_auts(k: bytes, opc: bytes, rand: bytes, auts: bytes) -> tuple[bool, bytes]:
    """MAC-S right?, and SQN_MS (TS 33.102 s6.3.3): the AMF of the resynchronisation is zero."""
    sqn = xor(auts[:6], milenage(k, opc, rand, bytes(6), bytes(2))["f5star"])
    return milenage(k, opc, rand, sqn, bytes(2))["f1star"] == auts[6:], sqn


@kind("MilenageAutsTest", judges=True)
def auts_test(c: Case) -> None:
    good, sqn = open_auts(c.hex("k", 16), c.hex("opc", 16), c.hex("rand", 16), c.hex("auts", 14))
    c.verdict(good, "MAC-S")
    if good:
        c.same("sqn", sqn)


# ---- TUAK --------------------------------------------------------------------------------------------------------------

def _tuak(instance: int, k: bytes, top: bytes, rand: bytes, amf: bytes, sqn: bytes, iterations: int) -> bytes:
    """One run of the permutation; fields go in and come out with their octets reversed (TS 35.231 s6)."""
    state = top[::-1] + bytes([instance | (len(k) == 32)]) + b"TUAK1.0"[::-1] + rand[::-1] + amf[::-1] + sqn[::-1] + k[::-1]
    state = state.ljust(96, b"\0") + b"\x1f" + bytes(38) + b"\x80"
    state = state.ljust(200, b"\0")
    for _ in range(iterations):
        state = permute(state)
    return state


MAC_BITS = {8: 0x08, 16: 0x10, 32: 0x20}
RES_BITS = {4: 0, **MAC_BITS}


@kind("TuakTest")
def tuak_test(c: Case) -> None:
    k, rand, sqn, amf = c.hex("k"), c.hex("rand", 16), c.hex("sqn", 6), c.hex("amf", 2)
    n = c.int("keccakIterations")
    mac_len, res_len, ck_len, ik_len = (c.int(f) for f in ("macLen", "resLen", "ckLen", "ikLen"))
    if len(k) not in (16, 32) or mac_len not in MAC_BITS or res_len not in RES_BITS or {ck_len, ik_len} - {16, 32} or not 0 < n < 256:
        raise Malformed("a length that TUAK does not have")
    if c.has("top"):
        topc = _tuak(0, k, c.hex("top", 32), bytes(16), bytes(2), bytes(6), n)[:32][::-1]
        c.same("topc", topc)
    else:
        topc = c.hex("topc", 32)

    def take(state: bytes, at: int, length: int) -> bytes:
        return state[at:at + length][::-1]

    c.same("f1", take(_tuak(MAC_BITS[mac_len], k, topc, rand, amf, sqn, n), 0, mac_len))
    c.same("f1star", take(_tuak(0x80 | MAC_BITS[mac_len], k, topc, rand, amf, sqn, n), 0, mac_len))
    instance = 0x40 | RES_BITS[res_len] | (0x04 if ck_len == 32 else 0) | (0x02 if ik_len == 32 else 0)
    state = _tuak(instance, k, topc, rand, bytes(2), bytes(6), n)
    c.same("f2", take(state, 0, res_len))
    c.same("f3", take(state, 32, ck_len))
    c.same("f4", take(state, 64, ik_len))
    c.same("f5", take(state, 96, 6))
    c.same("f5star", take(_tuak(0xc0, k, topc, rand, bytes(2), bytes(6), n), 96, 6))


# ---- keys of EAP-AKA and EAP-AKA' ----------------------------------------------------------------------------------------

def _sha1_compress(block: bytes) -> list[int]:
    """The compression function of FIPS 180-4 s6.1.2 from the initial state, over one block and without padding: G of FIPS 186-2."""
    w = list(struct.unpack(">16I", block))
    for i in range(16, 80):
        x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]
        w.append(((x << 1) | (x >> 31)) & 0xffffffff)
    start = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
    a, b, c, d, e = start
    for i in range(80):
        if i < 20:
            f, k = (b & c) | (~b & d), 0x5a827999
        elif i < 40:
            f, k = b ^ c ^ d, 0x6ed9eba1
        elif i < 60:
            f, k = (b & c) | (b & d) | (c & d), 0x8f1bbcdc
        else:
            f, k = b ^ c ^ d, 0xca62c1d6
        t = (((a << 5) | (a >> 27)) + (f & 0xffffffff) + e + k + w[i]) & 0xffffffff
        a, b, c, d, e = t, a, ((b << 30) | (b >> 2)) & 0xffffffff, c, d
    return [(x + y) & 0xffffffff for x, y in zip(start, (a, b, c, d, e))]


def fips186_prf(xkey: bytes, length: int) -> bytes:
    """FIPS 186-2 change notice 1, algorithm 1, without the reduction by q (RFC 4186 appendix B)."""
    key, out = int.from_bytes(xkey, "big"), b""
    while len(out) < length:
        w = b"".join(v.to_bytes(4, "big") for v in _sha1_compress(key.to_bytes(20, "big") + bytes(44)))
        key = (1 + key + int.from_bytes(w, "big")) % (1 << 160)
        out += w
    return out[:length]


@kind("Fips186PrfTest")
def fips186_test(c: Case) -> None:
    c.same("output", fips186_prf(c.hex("xkey", 20), len(c.hex("output"))))


def prf_prime(key: bytes, s: bytes, length: int) -> bytes:
    """PRF' of RFC 9048 s3.4.1."""
    out, t = b"", b""
    for n in range(1, 256):
        t = hmac.digest(key, t + s + bytes([n]), "sha256")
        out += t
        if len(out) >= length:
            return out[:length]
    raise ValueError("PRF' of more than 255 blocks")


def split(stream: bytes, *parts: tuple[str, int]) -> dict[str, bytes]:
    out, at = {}, 0
    for name, n in parts:
        out[name] = stream[at:at + n]
        at += n
    return out


def derive(identity: bytes, ck: bytes, ik: bytes, network_name: bytes | None = None, autn: bytes = b"") -> dict[str, bytes]:
    """Keys of EAP-AKA (RFC 4187 s7), or of EAP-AKA' where there is a network name (RFC 9048 s3.3, s3.4)."""
    if network_name is None:
        mk = hashlib.sha1(identity + ik + ck).digest()
        return {"mk": mk, **split(fips186_prf(mk, 160), ("k_encr", 16), ("k_aut", 16), ("msk", 64), ("emsk", 64))}
    s = b"\x20" + network_name + len(network_name).to_bytes(2, "big") + autn[:6] + b"\x00\x06"  # TS 33.402 A.2
    both = hmac.digest(ck + ik, s, "sha256")
    ck_prime, ik_prime = both[:16], both[16:]
    stream = prf_prime(ik_prime + ck_prime, b"EAP-AKA'" + identity, 208)
    return {"ck_prime": ck_prime, "ik_prime": ik_prime,
            **split(stream, ("k_encr", 16), ("k_aut", 32), ("k_re", 32), ("msk", 64), ("emsk", 64))}


def check_keys(c: Case, prime: bool) -> None:
    name, autn = (c.hex("network_name"), c.hex("autn", 16)) if prime else (None, b"")
    for field, value in derive(c.hex("identity"), c.hex("ck", 16), c.hex("ik", 16), name, autn).items():
        c.same(field, value)


@kind("EapAkaPrimeTest")
def aka_prime_test(c: Case) -> None:
    if c.has("k"):
        check_vector(c)
    else:
        c.waive("rand", "res")  # published without K: nothing hangs on them
    check_keys(c, prime=True)
