# SPDX-License-Identifier: Apache-2.0
"""HIP resource records (RFC 8005, RFC 3597) and TSIG (RFC 8945)."""
from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from .case import Case, Malformed, agree, kind
from .hip import hit_of, suite_of

ANY, TSIG, TYPE_HIP = 255, 250, 55


class Broken(ValueError):
    """Octets that are no DNS message or record."""


def name_wire(text: str) -> bytes:
    if not text.endswith("."):
        text += "."
    out = b""
    for label in text[:-1].split(".") if text != "." else []:
        octets = label.encode("ascii")
        if not 0 < len(octets) < 64:
            raise Malformed(f"{text} is no name")
        out += bytes([len(octets)]) + octets
    return out + b"\0"


def name_at(message: bytes, at: int, pointers: bool = True) -> tuple[bytes, int]:
    """An uncompressed copy of the name at `at`, and where what follows it begins."""
    out, end, steps = b"", None, 0
    while True:
        if at >= len(message):
            raise Broken("name past the end")
        n = message[at]
        if n & 0xc0 == 0xc0 and pointers:
            if at + 2 > len(message) or steps > 64:
                raise Broken("compression pointer")
            end = at + 2 if end is None else end
            at, steps = int.from_bytes(message[at:at + 2], "big") & 0x3fff, steps + 1
            continue
        if n & 0xc0 or at + 1 + n > len(message) or len(out) + 1 + n > 255:
            raise Broken("label")
        out += message[at:at + 1 + n]
        at += 1 + n
        if n == 0:
            return out, at if end is None else end


# ---- HIP RR ------------------------------------------------------------------------------------------------------------

@dataclass
class HipRecord:
    pk_algorithm: int
    hit: bytes
    public_key: bytes
    rvs: list[bytes]

    def encode(self) -> bytes:
        head = bytes([len(self.hit), self.pk_algorithm]) + len(self.public_key).to_bytes(2, "big")
        return head + self.hit + self.public_key + b"".join(self.rvs)


def parse_hip(rdata: bytes) -> HipRecord:
    """RFC 8005 s5; names uncompressed (s5.5)."""
    if len(rdata) < 4:
        raise Broken("shorter than its fixed fields")
    hit_len, alg, pk_len = rdata[0], rdata[1], int.from_bytes(rdata[2:4], "big")
    if not hit_len or not pk_len or 4 + hit_len + pk_len > len(rdata):
        raise Broken("HIT or public key past the end, or empty")
    at, rvs = 4 + hit_len + pk_len, []
    while at < len(rdata):
        name, at = name_at(rdata, at, pointers=False)
        rvs.append(name)
    return HipRecord(alg, rdata[4:4 + hit_len], rdata[4 + hit_len:4 + hit_len + pk_len], rvs)


def host_identity_of(record: HipRecord) -> tuple[int, bytes]:
    """HIT suite and Host Identity field of the key's DNS form: ECDSA and EdDSA keys get their curve label back."""
    key = record.public_key
    if record.pk_algorithm == 3:
        return 2, {64: b"\0\1", 96: b"\0\2"}[len(key)] + key
    if record.pk_algorithm == 4:
        return 5, {32: b"\0\1\0\0", 57: b"\0\3\0\0"}[len(key)] + key
    return 1, key


@kind("HipRrTest")
def hip_rr_test(c: Case) -> None:
    names = [n for n in c.list("rvs") if isinstance(n, str)]
    made = HipRecord(c.int("pk_algorithm"), c.hex("hit"), c.hex("public_key"), [name_wire(n) for n in names])
    c.same("rdata", made.encode())
    agree("rdata parsed again", made, parse_hip(c.hex("rdata")))
    words = [str(made.pk_algorithm), made.hit.hex().upper(), base64.b64encode(made.public_key).decode(), *names]
    c.same("presentation", f"{c.text('owner')} IN HIP ( {' '.join(words)} )")
    rdata = made.encode()
    c.same("rfc3597", f"{c.text('owner')} IN TYPE55 \\# {len(rdata)} {rdata.hex()}")
    if c.has("hit_matches_key"):
        suite, identity = host_identity_of(made)
        computed = hit_of(suite, identity)
        if c.flag("hit_matches_key"):
            c.same("hit", computed)
        agree("hit_matches_key", c.flag("hit_matches_key"), computed == made.hit)
        c.same("hit_suite", suite_of(computed))


@kind("HipRrParseTest", judges=True)
def hip_rr_parse_test(c: Case) -> None:
    try:
        parse_hip(c.hex("rdata"))
    except Broken as e:
        c.verdict(False, str(e))
    else:
        c.verdict(True)


# ---- TSIG --------------------------------------------------------------------------------------------------------------

HMACS = {"hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha384": "sha384", "hmac-sha512": "sha512"}


@dataclass
class Tsig:
    key_name: bytes
    algorithm: bytes
    time_signed: int
    fudge: int
    mac: bytes
    original_id: int
    error: int
    other: bytes


def _records(message: bytes) -> list[tuple[int, int, bytes, int, int, bytes]]:
    """(section, offset, owner, type, class, rdata) of every record behind the question."""
    if len(message) < 12:
        raise Broken("shorter than a header")
    counts, at, out = [int.from_bytes(message[i:i + 2], "big") for i in range(4, 12, 2)], 12, []
    for _ in range(counts[0]):
        _, at = name_at(message, at)
        at += 4
    for section in (1, 2, 3):
        for _ in range(counts[section]):
            start = at
            owner, at = name_at(message, at)
            if at + 10 > len(message):
                raise Broken("record past the end")
            kind_, class_, n = int.from_bytes(message[at:at + 2], "big"), int.from_bytes(message[at + 2:at + 4], "big"), \
                int.from_bytes(message[at + 8:at + 10], "big")
            at += 10
            if at + n > len(message):
                raise Broken("RDATA past the end")
            if kind_ == TSIG and any(message[at - 6:at - 2]):
                raise Broken("TSIG's TTL (s4.2)")
            out.append((section, start, owner, kind_, class_, message[at:at + n]))
            at += n
    if at != len(message):
        raise Broken("octets behind the last record")
    return out


def find_tsig(message: bytes) -> tuple[Tsig, bytes]:
    """The TSIG, which must be the last record (s5.1), and the message as it is digested (s4.3.2)."""
    records = _records(message)
    if not records or records[-1][0] != 3 or records[-1][3] != TSIG or any(r[3] == TSIG for r in records[:-1]):
        raise Broken("no TSIG, or not at the end")
    _, start, owner, _, class_, rdata = records[-1]
    algorithm, at = name_at(rdata, 0, pointers=False)
    if class_ != ANY or len(rdata) < at + 10:
        raise Broken("TSIG's RDATA")
    mac_len = int.from_bytes(rdata[at + 8:at + 10], "big")
    mac, rest = rdata[at + 10:at + 10 + mac_len], rdata[at + 10 + mac_len:]
    if len(mac) < mac_len or len(rest) < 6 or len(rest) != 6 + int.from_bytes(rest[4:6], "big"):
        raise Broken("TSIG's lengths")
    t = Tsig(owner, algorithm, int.from_bytes(rdata[at:at + 6], "big"), int.from_bytes(rdata[at + 6:at + 8], "big"), mac,
             int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big"), rest[6:])
    additional = int.from_bytes(message[10:12], "big") - 1
    return t, rest[:2] + message[2:10] + additional.to_bytes(2, "big") + message[12:start]


def digest(key: bytes, algorithm: bytes, request_mac: bytes, message: bytes, t: Tsig) -> bytes:
    """RFC 8945 s4.3.3: names in canonical form; the request's MAC goes first with its length."""
    prior = len(request_mac).to_bytes(2, "big") + request_mac if request_mac else b""
    variables = t.key_name.lower() + ANY.to_bytes(2, "big") + bytes(4) + t.algorithm.lower() + t.time_signed.to_bytes(6, "big") + \
        t.fudge.to_bytes(2, "big") + t.error.to_bytes(2, "big") + len(t.other).to_bytes(2, "big") + t.other
    name = b".".join(_labels(algorithm)).decode().lower()
    if name not in HMACS:
        raise Malformed(f"TSIG algorithm {name}")
    return hmac.digest(key, prior + message + variables, HMACS[name])


def _labels(wire: bytes) -> list[bytes]:
    out, at = [], 0
    while wire[at]:
        out.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    return out


def judge_tsig(c: Case, message: bytes) -> str:
    """"" or the error that an answer would name (s5.2, in its order)."""
    key_name, algorithm = name_wire(c.text("key_name")), name_wire(c.text("algorithm"))
    try:
        t, digested = find_tsig(message)
    except Broken:
        return "FORMERR"
    full = digest(c.hex("key"), algorithm, b"", b"", t)
    if len(t.mac) > len(full) or len(t.mac) < max(10, len(full) // 2):
        return "FORMERR"
    if t.key_name.lower() != key_name.lower() or t.algorithm.lower() != algorithm.lower():
        return "BADKEY"
    if digest(c.hex("key"), algorithm, c.hex("request_mac", default=b""), digested, t)[:len(t.mac)] != t.mac:
        return "BADSIG"
    if abs(c.int("now") - t.time_signed) > t.fudge:
        return "BADTIME"
    return ""


@kind("TsigVerifyTest", judges=True)
def tsig_verify_test(c: Case) -> None:
    message = c.hex("message")
    error = judge_tsig(c, message)
    c.same("expect", error)
    c.verdict(not error, error)
    if error in ("FORMERR", "BADKEY"):
        return
    t, digested = find_tsig(message)
    if error != "BADSIG":
        c.same("message_to_digest", digested)
        for name in ("time_signed", "fudge", "mac", "original_id", "error", "other"):
            c.same(name, getattr(t, name))


@kind("TsigMacTest")
def tsig_mac_test(c: Case) -> None:
    algorithm = name_wire(c.text("algorithm"))
    t = Tsig(name_wire(c.text("key_name")), algorithm, c.int("time_signed"), c.int("fudge"), b"", 0, c.int("error"), c.hex("other"))
    mac = digest(c.hex("key"), algorithm, c.hex("request_mac", default=b""), c.hex("message_to_digest"), t)
    c.same("mac", mac[:len(c.hex("mac"))] if 10 <= len(c.hex("mac")) < len(mac) else mac)
