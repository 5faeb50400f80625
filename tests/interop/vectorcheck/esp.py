# SPDX-License-Identifier: Apache-2.0
"""ESP (RFC 4303) with the transforms of RFC 7402 s5.1.2: RFC 3602, 4868, 4309, 4106, 4494, 4543."""
from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.cmac import CMAC

from .case import Case, Malformed, Mismatch, Skipped, agree, kind
from .hip import ones_sum
from .suites import TRANSFORMS, Transform

HEAD = 8  # SPI and sequence number
DUMMY = 59  # next header of a packet that carries nothing
PSEUDO = 94  # of one with IPv4 options in front


class Refused(Exception):
    """A receiver drops the packet, and why."""


@dataclass
class Opened:
    """What a packet holds, and what its authentication is over."""
    iv: bytes
    text: bytes  # payload, padding, Pad Length, Next Header in clear
    icv: bytes
    nonce: bytes = b""
    aad: bytes = b""
    icv_input: bytes = b""

    @property
    def pad(self) -> bytes:
        return self.text[len(self.text) - 2 - self.text[-2]:-2]

    @property
    def payload(self) -> bytes:
        return self.text[:len(self.text) - 2 - self.text[-2]]

    @property
    def next_header(self) -> int:
        return self.text[-1]


def _aes_gcm(key: bytes, nonce: bytes, aad: bytes, data: bytes, tag: bytes) -> bytes:
    d = Cipher(algorithms.AES(key), modes.GCM(nonce, tag, min_tag_length=len(tag))).decryptor()
    d.authenticate_additional_data(aad)
    return d.update(data) + d.finalize()


def _mac(t: Transform, key: bytes, data: bytes) -> bytes:
    if t.mode == "cmac":
        m = CMAC(algorithms.AES(key))
        m.update(data)
        return m.finalize()[:t.icv]
    return hmac.digest(key, data, "sha1" if t.auth == 20 else "sha256")[:t.icv]


def _open_aead(t: Transform, o: Opened, enc: bytes, auth: bytes, head: bytes, body: bytes) -> bytes:
    """RFC 4106 s3 to s5, RFC 4309 s4, s5, RFC 4543 s3: nonce of salt and IV; AAD of SPI and (extended) sequence number."""
    keyed = auth if t.mode == "gmac" else enc
    key, salt = keyed[:len(keyed) - t.salt], keyed[len(keyed) - t.salt:]
    o.nonce, o.aad = salt + o.iv, head
    try:
        if t.mode == "ccm":
            return AESCCM(key, tag_length=t.icv).decrypt(o.nonce, body + o.icv, o.aad)
        if t.mode == "gcm":
            return _aes_gcm(key, o.nonce, o.aad, body, o.icv)
        o.aad += o.iv + body
        _aes_gcm(key, o.nonce, o.aad, b"", o.icv)
        return body
    except InvalidTag:
        raise Refused("ICV") from None


def open_esp(t: Transform, enc: bytes, auth: bytes, packet: bytes, seq_hi: bytes = b"") -> Opened:
    """seq_hi: upper half of an extended sequence number, empty for a short one."""
    block = 16 if t.mode == "cbc" else 4
    if len(packet) < HEAD + t.iv + max(block, 4) + t.icv:
        raise Refused("too short")
    if len(enc) != t.enc or len(auth) != t.auth:
        raise Malformed(f"keys of {len(enc)} and {len(auth)} octets for {t.name}")
    o = Opened(packet[HEAD:HEAD + t.iv], b"", packet[len(packet) - t.icv:])
    body = packet[HEAD + t.iv:len(packet) - t.icv]
    if len(body) % block:
        raise Refused("no whole blocks")
    if t.mode in ("ccm", "gcm", "gmac"):
        o.text = _open_aead(t, o, enc, auth, packet[:4] + seq_hi + packet[4:8], body)
    else:
        o.icv_input = packet[:len(packet) - t.icv] + seq_hi  # RFC 4303 s2.8
        if _mac(t, auth, o.icv_input) != o.icv:
            raise Refused("ICV")
        if t.mode == "cbc":
            d = Cipher(algorithms.AES(enc), modes.CBC(o.iv)).decryptor()
            o.text = d.update(body) + d.finalize()
        else:
            o.text = body
    if o.text[-2] + 2 > len(o.text):
        raise Refused("Pad Length")
    if o.pad != bytes(range(1, len(o.pad) + 1)) and t.mode != "any pad":  # RFC 4303 s2.4: SHOULD be inspected
        raise Refused("padding")
    return o


def behind_options(data: bytes) -> tuple[int, bytes]:
    """Protocol and payload behind the pseudo-header of RFC 7402 B.1.7: eight octets and as many times eight as its second one says, NOPs, then the options."""
    if len(data) < 8 or len(data) < 8 * data[1] + 8:
        raise Mismatch("plaintext", "a whole pseudo-header", data.hex())
    pad, end = data[2], 8 * data[1] + 8
    agree("padding of the pseudo-header", (end - 4 - pad + 4) % 8, pad)
    agree("NOPs of the pseudo-header", bytes([1] * pad), data[4:4 + pad])
    agree("IPv4 options, 40 octets at most", True, end - 4 - pad <= 40)
    return data[0], data[end:]


def inner_checksum_ok(src: bytes, dst: bytes, next_header: int, data: bytes) -> bool | None:
    """Of TCP, UDP and ICMPv6 over the HITs (RFC 7401 s4.5.1); None: another protocol."""
    if next_header not in (6, 17, 58):
        return None
    pseudo = src + dst + len(data).to_bytes(4, "big") + bytes([0, 0, 0, next_header])
    return ones_sum(pseudo + data) == 0xffff


@kind("EspTest", judges=True)
def esp_test(c: Case) -> None:
    number, packet = c.int("suite"), c.hex("esp")
    c.same("hip_esp_suite", number)
    t = TRANSFORMS.get(number)
    if t is None:
        raise Skipped(f"ESP suite {number}")
    esn, seq, seq_hi = c.flag("esn"), c.hex("seq", 4), c.hex("seq_hi", 4)
    enc, auth, salt = c.hex("encr_key"), c.hex("auth_key", default=b""), c.hex("salt", default=b"")
    enc, auth = (enc, auth + salt) if t.mode == "gmac" else (enc + salt, auth)
    if not esn:
        agree("seq_hi of a short sequence number", bytes(4), seq_hi)
    try:
        o = open_esp(t, enc, auth, packet, seq_hi if esn else b"")
    except Refused as e:
        c.verdict(False, str(e))
        agree("plaintext of a packet that is dropped", False, c.has("plaintext"))
        return
    c.verdict(True)
    compare(c, o, packet, seq)


def compare(c: Case, o: Opened, packet: bytes, seq: bytes) -> None:
    agree("spi in esp", c.hex("spi", 4), packet[:4])
    agree("seq in esp", seq, packet[4:8])
    c.same("iv", o.iv)
    c.same("icv", o.icv)
    c.same("plaintext", o.payload)
    c.same("pad", o.pad)
    c.same("next_header", o.next_header)
    if o.next_header == DUMMY:
        c.waive("hit_src", "hit_dst")  # no checksum inside
    elif c.has("hit_src"):
        inside = behind_options(o.payload) if o.next_header == PSEUDO else (o.next_header, o.payload)
        ok = inner_checksum_ok(c.hex("hit_src", 16), c.hex("hit_dst", 16), *inside)
        agree("checksum inside, over hit_src and hit_dst", True, ok is not False)


@kind("EspGcmTest", judges=True)
def esp_gcm_test(c: Case) -> None:
    """Published packets, also with keys that no HIP suite has and padding that is not 1, 2, 3."""
    packet, esn = c.hex("esp"), c.flag("esn")
    key, seq = c.hex("encr_key"), c.hex("seq", 4)
    agree("aes_bits", c.int("aes_bits", 128), 8 * len(key))
    if not esn:
        agree("seq_hi of a short sequence number", bytes(4), c.hex("seq_hi", 4, bytes(4)))
    iv, body, icv = packet[8:16], packet[16:-16], packet[-16:]
    try:
        text = _aes_gcm(key, c.hex("salt", 4) + iv, packet[:4] + (c.hex("seq_hi", 4) if esn else b"") + packet[4:8], body, icv)
    except InvalidTag:
        c.verdict(False, "ICV")
        return
    c.verdict(True)
    compare(c, Opened(iv, text, icv), packet, seq)


@kind("EspCbcTest")
def esp_cbc_test(c: Case) -> None:
    packet, iv = c.hex("esp"), c.hex("iv", 16)
    if len(packet) < 40 or (len(packet) - 24) % 16:
        raise Mismatch("esp", "header, IV and whole blocks", f"{len(packet)} octets")
    d = Cipher(algorithms.AES(c.hex("encr_key")), modes.CBC(packet[8:24])).decryptor()
    agree("iv in esp", iv, packet[8:24])
    compare(c, Opened(iv, d.update(packet[24:]) + d.finalize(), b""), packet, c.hex("seq", 4))
