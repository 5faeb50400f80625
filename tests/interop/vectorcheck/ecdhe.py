# SPDX-License-Identifier: Apache-2.0
"""What AKA does with elliptic curves: SUCI (TS 33.501 Annex C, TS 23.003 s28.7.3) and EAP-AKA' with forward secrecy (RFC 9678)."""
from __future__ import annotations

import hashlib
import hmac
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .aka import derive, prf_prime, split
from .case import Case, Malformed, kind


class Curve:
    """X25519 or P-256 with its public keys as AKA sends them."""

    def __init__(self, name: str):
        if name not in ("X25519", "P-256"):
            raise Malformed(f"no such curve: {name}")
        self.x = name == "X25519"
        self.public_len = 32 if self.x else 33

    def pair(self, private: bytes):
        if self.x:
            return x25519.X25519PrivateKey.from_private_bytes(private)
        return ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())

    def public(self, private: bytes) -> bytes:
        k = self.pair(private).public_key()
        return k.public_bytes(Encoding.Raw, PublicFormat.Raw) if self.x else k.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def shared(self, private: bytes, public: bytes) -> bytes:
        """ValueError: not a public key, or nothing of ours is in the secret."""
        if len(public) != self.public_len:
            raise ValueError("length")
        if self.x:
            return self.pair(private).exchange(x25519.X25519PublicKey.from_public_bytes(public))
        return self.pair(private).exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))


# ---- SUCI --------------------------------------------------------------------------------------------------------------

PROFILES = {"A": "X25519", "B": "P-256"}
NAI = re.compile(r"type0\.rid(\d{1,4})\.schid([12])\.hnkey(\d{1,3})\.ecckey([0-9a-fA-F]+)\.cip([0-9a-fA-F]+)\.mac([0-9a-fA-F]{16})@(.+)")


def schedule(shared: bytes, public: bytes) -> dict[str, bytes]:
    okm = b"".join(hashlib.sha256(shared + n.to_bytes(4, "big") + public).digest() for n in (1, 2))  # ANSI X9.63
    return split(okm, ("enc_key", 16), ("icb", 16), ("mac_key", 32))


def counter_mode(keys: dict[str, bytes], text: bytes) -> bytes:
    e = Cipher(algorithms.AES(keys["enc_key"]), modes.CTR(keys["icb"])).encryptor()
    return e.update(text) + e.finalize()


def bcd(digits: str) -> bytes:
    digits += "f" * (len(digits) % 2)
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))


def digits_of(octets: bytes) -> str:
    text = "".join(f"{b & 15:x}{b >> 4:x}" for b in octets)
    text = text[:-1] if text.endswith("f") else text
    if not text.isdigit():
        raise ValueError("no digits")
    return text


def conceal(profile: str, eph_private: bytes, hn_public: bytes, msin: str) -> dict[str, bytes]:
    curve = Curve(PROFILES[profile])
    out = {"eph_public": curve.public(eph_private), "shared": curve.shared(eph_private, hn_public), "plain": bcd(msin)}
    out.update(schedule(out["shared"], out["eph_public"]))
    out["cipher"] = counter_mode(out, out["plain"])
    out["mac"] = hmac.digest(out["mac_key"], out["cipher"], "sha256")[:8]
    return out


def nai_of(rid: str, profile: str, hnkey: int, out: dict[str, bytes], realm: str) -> str:
    return (f"type0.rid{rid}.schid{1 if profile == 'A' else 2}.hnkey{hnkey}.ecckey{out['eph_public'].hex()}."
            f"cip{out['cipher'].hex()}.mac{out['mac'].hex()}@{realm}")


def reveal(profile: str, private: bytes, hnkey: int, plmn: str, nai: str) -> str | None:
    """The IMSI, or None: refused."""
    m = NAI.fullmatch(nai)
    if not m or int(m[2]) != (1 if profile == "A" else 2) or int(m[3]) != hnkey:
        return None
    home = re.search(r"(?:^|\.)mnc(\d{3})\.mcc(\d{3})\.3gppnetwork\.org$", m[7])
    if home and (home[2], home[1]) != (plmn[:3], plmn[3:].zfill(3)):
        return None
    try:
        public, cipher = bytes.fromhex(m[4]), bytes.fromhex(m[5])
        keys = schedule(Curve(PROFILES[profile]).shared(private, public), public)
        if not hmac.compare_digest(hmac.digest(keys["mac_key"], cipher, "sha256")[:8], bytes.fromhex(m[6])):
            return None
        imsi = plmn + digits_of(counter_mode(keys, cipher))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return imsi if 6 <= len(imsi) <= 15 else None


@kind("SuciTest", judges=True)
def suci_test(c: Case) -> None:
    profile, plmn, private = c.text("profile"), c.text("plmn"), c.hex("hn_private", 32)
    if profile not in PROFILES:
        raise Malformed("profile is A or B")
    hnkey, nai = c.int("hnkey"), c.text("nai")
    c.same("hn_public", Curve(PROFILES[profile]).public(private))
    imsi = reveal(profile, private, hnkey, plmn, nai)
    c.verdict(imsi is not None)
    if imsi is None:
        return
    c.same("imsi", imsi)
    if c.has("eph_private"):
        out = conceal(profile, c.hex("eph_private", 32), c.hex("hn_public"), imsi[len(plmn):])
        for name, value in out.items():
            c.same(name, value)
        c.same("nai", nai_of(c.text("rid"), profile, hnkey, out, nai.split("@", 1)[1]))


# ---- EAP-AKA' FS ---------------------------------------------------------------------------------------------------------

FS = {1: "X25519", 2: "P-256"}


def fs_keys(identity: bytes, ck: bytes, ik: bytes, name: bytes, autn: bytes, shared: bytes) -> dict[str, bytes]:
    out = derive(identity, ck, ik, name, autn)
    stream = prf_prime(out["ik_prime"] + out["ck_prime"] + shared, b"EAP-AKA' FS" + identity, 160)
    out.update(split(stream, ("k_re", 32), ("msk", 64), ("emsk", 64)))
    return out


@kind("EapAkaPrimeFsTest", judges=True)
def fs_test(c: Case) -> None:
    kdf = c.int("kdf_fs")
    if kdf not in FS:
        raise Malformed("kdf_fs is 1 or 2")
    curve = Curve(FS[kdf])
    server, peer = c.hex("server_private", 32), c.hex("peer_private", 32)
    try:
        shared = curve.shared(server, c.hex("peer_public"))
    except ValueError:
        shared = None
    c.verdict(shared is not None)
    if shared is None:
        return
    c.same("server_public", curve.public(server))
    c.same("peer_public", curve.public(peer))
    c.same("shared", shared)
    for field, value in fs_keys(c.hex("identity"), c.hex("ck", 16), c.hex("ik", 16), c.hex("network_name"), c.hex("autn", 16), shared).items():
        c.same(field, value)
