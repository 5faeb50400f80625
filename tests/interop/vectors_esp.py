#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 20
"""test-vectors/esp-more.json: ESP packets of every transform of RFC 7402, and such that must be dropped; esp-options.json: with IPv4 options inside.

They are made here, with PyCryptodome and from the RFCs: nothing of it is hipvec's or OpenSSL's. Keys come out of SHA-256 over a name, so that
the file comes out the same everywhere.

    vectors_esp.py --write     makes the files
    vectors_esp.py             says whether they are what would be made
"""
import hashlib
import json
import pathlib
import struct
import sys

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC, HMAC, SHA256

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test-vectors"
UDP, DUMMY, PSEUDO = 17, 59, 94
NAMES = {7: "NULL with HMAC-SHA-256-128", 8: "AES-128-CBC with HMAC-SHA-256-128", 9: "AES-256-CBC with HMAC-SHA-256-128",
         10: "AES-CCM with 8-octet ICV, 128-bit key", 11: "AES-CCM with 16-octet ICV, 128-bit key", 12: "AES-GCM with 8-octet ICV, 128-bit key",
         13: "AES-GCM with 16-octet ICV, 128-bit key", 14: "AES-CMAC-96, no encryption", 15: "AES-GMAC, no encryption"}
ENC, AUTH = {8: 16, 9: 32, 10: 16, 11: 16, 12: 16, 13: 16}, {7: 32, 8: 32, 9: 32, 14: 16, 15: 16}
SALT, IV = {10: 3, 11: 3, 12: 4, 13: 4, 15: 4}, {8: 16, 9: 16, 10: 8, 11: 8, 12: 8, 13: 8, 15: 8}
ICV = {7: 16, 8: 16, 9: 16, 10: 8, 11: 16, 12: 8, 13: 16, 14: 12, 15: 16}


def draw(n, *name):
    return hashlib.sha256("/".join(map(str, name)).encode()).digest()[:n]


def ones_sum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) & 1)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def udp(src, dst, data):
    """A datagram between HITs: its checksum is over them (RFC 7401 s4.5.1)."""
    head = struct.pack(">HHHH", 4500, 7, 8 + len(data), 0)
    pseudo = src + dst + struct.pack(">II", 8 + len(data), UDP)
    return head[:6] + struct.pack(">H", 0xffff - ones_sum(pseudo + head + data)) + data


class Sa:
    def __init__(self, suite, n):
        self.suite = suite
        self.spi = b"\1" + draw(3, suite, n, "spi")  # 0 to 255 are reserved
        self.enc, self.auth = draw(ENC.get(suite, 0), suite, n, "enc"), draw(AUTH.get(suite, 0), suite, n, "auth")
        self.salt, self.iv_cbc = draw(SALT.get(suite, 0), suite, n, "salt"), draw(16, suite, n, "iv")
        self.src, self.dst = (bytes.fromhex("2001002" + c) + draw(12, suite, n, "hit" + c) for c in ("1", "2"))

    def iv(self, seq):
        return b"" if self.suite not in IV else self.iv_cbc if IV[self.suite] == 16 else struct.pack(">Q", seq)

    def trailer(self, text, nh):
        n = -(len(text) + 2) % (16 if IV.get(self.suite) == 16 else 4)
        return text + bytes(range(1, n + 1)) + bytes((n, nh))

    def seal(self, body, seq, esn=True, gmac_iv=True, high=None):
        """body: with trailer. high: other octets than the upper half of the sequence number."""
        low, hi = struct.pack(">I", seq & 0xffffffff), struct.pack(">I", seq >> 32) if esn else b""
        hi = hi if high is None else high
        iv, n = self.iv(seq), ICV[self.suite]
        head, aad = self.spi + low + iv, self.spi + hi + low
        if self.suite in (10, 11):
            c = AES.new(self.enc, AES.MODE_CCM, nonce=self.salt + iv, mac_len=n, msg_len=len(body), assoc_len=len(aad))
        elif self.suite in (12, 13):
            c = AES.new(self.enc, AES.MODE_GCM, nonce=self.salt + iv, mac_len=n)
        elif self.suite == 15:
            c = AES.new(self.auth, AES.MODE_GCM, nonce=self.salt + iv, mac_len=n)
            c.update(aad + (iv if gmac_iv else b"") + body)
            return head + body + c.digest()
        else:
            c = None
        if c:
            c.update(aad)
            return head + c.encrypt(body) + c.digest()
        if self.suite in (8, 9):
            body = AES.new(self.enc, AES.MODE_CBC, iv).encrypt(body)
        data = head + body + hi
        full = CMAC.new(self.auth, data, ciphermod=AES).digest() if self.suite == 14 else HMAC.new(self.auth, data, SHA256).digest()
        return head + body + full[:n]


def case(comment, sa, esp, seq, esn=True, **valid):
    """valid: plaintext and next header of one that is taken."""
    t = {"comment": comment, "suite": sa.suite, "esn": esn, "spi": sa.spi.hex(), "seq": f"{seq & 0xffffffff:08x}", "seq_hi": f"{seq >> 32:08x}",
         "encr_key": sa.enc.hex(), "auth_key": sa.auth.hex(), "salt": sa.salt.hex(), "iv": sa.iv(seq).hex()}
    if valid:
        text, nh = valid["plaintext"], valid["next_header"]
        t |= {"hit_src": sa.src.hex(), "hit_dst": sa.dst.hex()} if nh in (UDP, PSEUDO) else {}
        t |= {"next_header": nh, "plaintext": text.hex(), "pad": sa.trailer(text, nh)[len(text):-2].hex()}
    return t | {"esp": esp.hex(), "icv": esp[-ICV[sa.suite]:].hex(), "result": "valid" if valid else "invalid"}


def good(suite):
    for n, (seq, esn, size, what) in enumerate(((1, True, 5, "first packet"), (0xffffffff, True, 700, "last one before the high half changes"),
                                                (0x100000000, True, 64, "low half 0, high half 1"), (0x7_0000_0003, True, 1, "one octet"),
                                                (3, False, 33, "32-bit sequence number, which HIP never has"))):
        sa = Sa(suite, n)
        text = udp(sa.src, sa.dst, (draw(32, suite, n, "text") * 24)[:size])
        yield case(f"UDP, {size} octets of data: {what}", sa, sa.seal(sa.trailer(text, UDP), seq, esn), seq, esn, plaintext=text, next_header=UDP)
    sa = Sa(suite, 9)
    yield case("dummy packet without a payload", sa, sa.seal(sa.trailer(b"", DUMMY), 2), 2, plaintext=b"", next_header=DUMMY)


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1:]


def bad(suite):
    sa, seq = Sa(suite, 20), 0x1_0000_0009
    text = udp(sa.src, sa.dst, draw(20, suite, "bad"))
    body, block = sa.trailer(text, UDP), 16 if IV.get(suite) == 16 else 4
    esp = sa.seal(body, seq)
    first = 8 + IV.get(suite, 0)
    for what, packet in (("first octet of the ICV", flip(esp, -ICV[suite])), ("last octet of the ICV", flip(esp, -1)), ("first octet behind the IV", flip(esp, first)),
                         ("last octet before the ICV", flip(esp, -ICV[suite] - 1)), ("SPI", flip(esp, 3)), ("sequence number", flip(esp, 7))):
        yield case(f"{what} changed", sa, packet, seq)
    if suite in IV:
        yield case("IV changed", sa, flip(esp, first - 1), seq)
    yield case("made with the high half one less", sa, sa.seal(body, seq, high=struct.pack(">I", (seq >> 32) - 1)), seq)
    yield case("made without the high half, as if it were not authenticated", sa, sa.seal(body, seq, high=b""), seq)
    if suite == 15:
        yield case("the IV not under the ICV, as one may read RFC 4543 s3.3", sa, sa.seal(body, seq, gmac_iv=False), seq)
    if suite == 14:
        full = CMAC.new(sa.auth, esp[:-12] + struct.pack(">I", seq >> 32), ciphermod=AES).digest()
        yield case("all 16 octets of CMAC, not 12", sa, esp[:-12] + full, seq)
    wrong = body[:-2] + bytes((len(body) - 1, UDP))
    yield case("Pad Length longer than the packet, the ICV right", sa, sa.seal(wrong, seq), seq)
    n = body[-2] + (0 if body[-2] else block)
    filled = text + bytes(n) + bytes((n, UDP))
    yield case("padding of zeros, the ICV right", sa, sa.seal(filled, seq), seq)
    yield case("one octet less", sa, esp[:-1], seq)
    yield case("nothing behind the sequence number", sa, esp[:8], seq)


def published():
    """draft-mcgrew-gcm-test-01: inner packet in tunnel mode."""
    sa = Sa(15, 0)
    sa.spi, sa.auth, sa.salt = bytes.fromhex("00004321"), bytes.fromhex("4c80cdefbb5d10da906ac73c3613a634"), bytes.fromhex("22433c64")
    sa.iv = lambda seq: bytes(8)
    body = bytes.fromhex("45000030da3a00008001df3bc0a80005c0a800010800c6cd02000700") + bytes(range(0x61, 0x75)) + bytes.fromhex("01020201")
    esp = sa.seal(body, 7, esn=False)
    if esp[-16:].hex() != "f2a9a836e155106aa8dcd618e4099aaa":
        raise SystemExit("the published ICV of GMAC is not what comes out")
    t = case("draft-mcgrew-gcm-test-01, IPv4 in tunnel mode", sa, esp, 7, False, plaintext=body[:-4], next_header=1)
    return t | {"pad": "0102"}


def pseudo_header(protocol, options):
    """RFC 7402 B.1.7: padded in front by NOPs to eight octets, which is what its length counts, the first eight left out."""
    pad = (4 + len(options)) % 8
    return bytes((protocol, (4 + pad + len(options)) // 8 - 1, pad, 0)) + b"\1" * pad + options


def with_options(suite):
    for n, (options, what) in enumerate(((b"\x94\4\0\0", "router alert"), (b"\7\7\4\0\0\0\0\0", "record route with room for one, padded to eight octets"),
                                         (b"\x44\x0c\5\0" + bytes(8), "timestamp with room for two"), (b"\7\x27\4" + bytes(37), "record route of 39 octets, all of the 40"))):
        sa = Sa(suite, 30 + n)
        text = pseudo_header(UDP, options) + udp(sa.src, sa.dst, draw(9 + n, suite, n, "options"))
        yield case(what, sa, sa.seal(sa.trailer(text, PSEUDO), n + 1), n + 1, plaintext=text, next_header=PSEUDO)


def root_of(about, source, notes, groups):
    n = 0
    for g in groups:
        for i, t in enumerate(g["tests"]):
            n += 1
            g["tests"][i] = {"tcId": n, **t}
    return json.dumps({"algorithm": about, "source": source, "notes": notes, "numberOfTests": n, "testGroups": groups}, indent=1) + "\n"


def made_options():
    groups = [{"type": "EspTest", "origin": "own", "suite_name": NAMES[s], "hip_esp_suite": s, "tests": [*with_options(s)]} for s in (8, 13)]
    return root_of("BEET with IPv4 options (RFC 7402 appendix B.1.7): a pseudo-header in front of the datagram's payload",
                   ["tests/interop/vectors_esp.py with PyCryptodome; keys are SHA-256 over names"],
                   {"fields": "as in esp.json; plaintext begins with the pseudo-header, the checksum behind it is over the HITs"}, groups)


def made():
    groups = [{"type": "EspTest", "origin": "own", "suite_name": NAMES[s], "hip_esp_suite": s, "tests": [*good(s), *bad(s)]} for s in NAMES]
    groups.append({"type": "EspTest", "origin": "published", "suite_name": NAMES[15], "hip_esp_suite": 15, "tests": [published()]})
    return root_of("ESP for HIP (RFC 7402 s5.1.2): every transform, in BEET mode",
                   ["tests/interop/vectors_esp.py with PyCryptodome; keys are SHA-256 over names", "draft-mcgrew-gcm-test-01 for one packet of suite 15"],
                   {"fields": "as in esp.json; suite 15: salt belongs to auth_key",
                    "keys": "CCM, GCM, CMAC and GMAC with 128 bits: RFC 7402 names no length",
                    "iv": "of CCM, GCM and GMAC: the sequence number. A receiver takes any; a sender must not use one twice",
                    "gmac": "the IV is part of what is authenticated: RFC 4543 s3.3 does not say, its author's published test case does",
                    "invalid": "must be dropped"}, groups)


FILES = {"esp-more.json": made, "esp-options.json": made_options}


def main():
    if sys.argv[1:] == ["--write"]:
        for name, make in FILES.items():
            (FOLDER / name).write_text(make(), encoding="utf-8")
        return 0
    failed = 0
    for name, make in FILES.items():
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != make():
            print(f"FAIL {name} is not what is made now: {sys.argv[0]} --write")
            failed += 1
    print(f"{len(FILES) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
