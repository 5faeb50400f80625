# SPDX-License-Identifier: Apache-2.0
"""Conversations of EAP-AKA and EAP-AKA' (RFC 3748, RFC 4187, RFC 9048), packet by packet."""
from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .aka import check_keys, check_vector, derive, fips186_prf, open_autn, open_auts, prf_prime, split
from .case import Case, Malformed, Mismatch, agree, kind, unhex

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, AKA, AKA_PRIME = 1, 23, 50
CHALLENGE, REJECT, SYNC_FAILURE, ID_ROUND, REAUTH = 1, 2, 4, 5, 13
RAND, AUTN, RES, AUTS, MAC, AT_IDENTITY, COUNTER, NONCE_S = 1, 2, 3, 4, 11, 14, 19, 21
KDF_INPUT, KDF, IV, ENCR_DATA, CHECKCODE, PADDING = 23, 24, 129, 130, 134, 6
RESERVED = (RAND, AUTN, MAC, NONCE_S, IV, ENCR_DATA, CHECKCODE)  # two octets before the content
METHODS = {AKA: ("EAP-AKA", "sha1"), AKA_PRIME: ("EAP-AKA'", "sha256")}


def attributes(data: bytes, what: str) -> list[tuple[int, int, bytes]]:
    """(type, offset of the value, value behind type and length) of each (RFC 4187 s8.1)."""
    out, at = [], 0
    while at < len(data):
        if at + 4 > len(data) or not data[at + 1] or at + 4 * data[at + 1] > len(data):
            raise Malformed(f"{what}: an attribute does not fit")
        out.append((data[at], at + 2, data[at + 2:at + 4 * data[at + 1]]))
        at += 4 * data[at + 1]
    return out


def content(kind_: int, value: bytes) -> bytes:
    """An attribute's content without reserved octets, actual length and padding."""
    if kind_ in RESERVED:
        return value[2:]
    if kind_ in (AT_IDENTITY, KDF_INPUT):
        return value[2:2 + int.from_bytes(value[:2], "big")]
    if kind_ == RES:
        return value[2:2 + int.from_bytes(value[:2], "big") // 8]
    return value


class Packet:
    def __init__(self, octets: bytes, sender: str, what: str):
        if len(octets) < 4 or int.from_bytes(octets[2:4], "big") != len(octets):
            raise Malformed(f"{what} is no EAP packet of its length")
        self.octets, self.sender, self.what = octets, sender, what
        self.code, self.identifier = octets[0], octets[1]
        self.method = octets[4] if self.code in (REQUEST, RESPONSE) and len(octets) > 4 else 0
        self.subtype, self.found = 0, []
        if self.method in METHODS:
            self.subtype = octets[5]
            self.found = [(k, at + 8, v) for k, at, v in attributes(octets[8:], what)]

    def get(self, kind_: int) -> bytes | None:
        return next((content(k, v) for k, _, v in self.found if k == kind_), None)

    def all(self, kind_: int) -> list[bytes]:
        return [content(k, v) for k, _, v in self.found if k == kind_]

    def reserved_zero(self) -> bool:
        if self.method not in METHODS:
            return True
        return not any(self.octets[6:8]) and not any(any(v[:2]) for k, _, v in self.found if k in RESERVED)

    def mac_ok(self, k_aut: bytes, digest: str, extra: bytes) -> bool:
        at = next(at for k, at, _ in self.found if k == MAC) + 2
        zeroed = self.octets[:at] + bytes(16) + self.octets[at + 16:]
        return hmac.digest(k_aut, zeroed + extra, digest)[:16] == self.octets[at:at + 16]


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return d.update(data) + d.finalize()


class Talk:
    """The packets of a conversation in order, with the rules that hold for any: senders, identifiers, one method."""

    def __init__(self, c: Case):
        self.method = c.int("eap_type")
        if self.method not in METHODS:
            raise Malformed(f"eap_type {self.method}")
        name, self.digest = METHODS[self.method]
        c.same("method", name)
        self.packets = [Packet(unhex(n.text("packet"), n.at("packet")), n.text("sender"), n.at("packet")) for n in c.nodes("packets")]
        last = None
        for p in self.packets:
            agree(p.what + ": sender", {RESPONSE: "peer"}.get(p.code, "server"), p.sender)
            if p.code == REQUEST:
                last = p.identifier
            elif p.code == RESPONSE and last is not None:
                agree(p.what + ": identifier of the request", last, p.identifier)
            elif p.code in (SUCCESS, FAILURE) and last is not None:  # hostapd counts on for these; RFC 3748 s4.2 wants the response's
                if (p.identifier - last) % 256 > 1:
                    raise Mismatch(p.what + ": identifier", last, p.identifier)
            agree(p.what + ": reserved octets", True, p.reserved_zero())
            if p.method and p.method not in (IDENTITY, self.method):
                raise Mismatch(p.what + ": EAP type", self.method, p.method)
        agree(self.packets[-1].what + ": how it ends", True, self.packets[-1].code in (SUCCESS, FAILURE))

    def last(self, kind_: int, code: int | None = None) -> bytes | None:
        values = [p.get(kind_) for p in self.packets if code in (None, p.code)]
        return next((v for v in reversed(values) if v is not None), None)

    def identity(self) -> bytes:
        """As the key derivation takes it (RFC 4187 s7): the last AT_IDENTITY, else Response/Identity."""
        own = [p.octets[5:] for p in self.packets if p.code == RESPONSE and p.method == IDENTITY]
        return self.last(AT_IDENTITY) or own[-1]

    def check_macs(self, c: Case, since: bytes | None, nonce_s: bytes = b"") -> None:
        """Every AT_MAC from the challenge with RAND `since` on; NONCE_S goes into the one of a Reauthentication response (s9.8)."""
        keyed, k_aut = since is None, c.hex("k_aut")
        seen = 0
        for p in self.packets:
            if p.get(RAND) is not None and p.get(RAND) == since:
                keyed = True
            if keyed and p.get(MAC) is not None:
                answers = p.subtype == REAUTH and p.code == RESPONSE
                agree(p.what + ": AT_MAC is right", True, p.mac_ok(k_aut, self.digest, nonce_s if answers else b""))
                seen += 1
        agree("packets with an AT_MAC, at least 2", True, seen >= 2)

    def encrypted(self, c: Case) -> bytes | None:
        """AT_ENCR_DATA of the last request that has it."""
        for p in reversed(self.packets):
            if p.code == REQUEST and p.get(ENCR_DATA) is not None:
                return decrypt(c.hex("k_encr", 16), p.get(IV), p.get(ENCR_DATA))
        return None

    def check_checkcode(self, c: Case) -> None:
        rounds = b"".join(p.octets for p in self.packets if p.subtype == ID_ROUND)
        code = hashlib.new(self.digest, rounds).digest() if rounds else b""
        c.same("checkcode", code)
        for p in self.packets:
            if p.get(CHECKCODE) is not None:
                agree(p.what + ": AT_CHECKCODE", code, p.get(CHECKCODE))


def padding_zero(plain: bytes, what: str) -> None:
    for k, _, v in attributes(plain, what):
        if k == PADDING:
            agree(what + ": AT_PADDING", bytes(len(v)), v)


@kind("EapAkaTest")
def full(c: Case) -> None:
    talk = Talk(c)
    if c.has("k"):
        check_vector(c)
    check_keys(c, talk.method == AKA_PRIME)
    c.same("identity", talk.identity())
    for field, attribute in (("rand", RAND), ("autn", AUTN), ("res", RES)):
        c.same(field, talk.last(attribute) or b"")
    if c.has("network_name"):
        c.same("network_name", talk.last(KDF_INPUT) or b"")
    if c.has("kdf"):
        c.same("kdf", int.from_bytes(talk.last(KDF, REQUEST) or b"", "big"))
    talk.check_macs(c, c.hex("rand", 16))
    plain = talk.encrypted(c)
    if plain is not None:
        padding_zero(plain, "encr_plaintext")
    c.same("encr_plaintext", plain or b"")
    talk.check_checkcode(c)
    agree("the last packet is Success", SUCCESS, talk.packets[-1].code)


@kind("EapAkaResyncTest")
def resync(c: Case) -> None:
    full(c)
    talk = Talk(c)
    failure = next((p for p in talk.packets if p.subtype == SYNC_FAILURE), None)
    if failure is None:
        raise Mismatch("packets", "a Synchronization-Failure", "none")
    challenge = talk.packets[talk.packets.index(failure) - 1]
    c.same("rejected_rand", challenge.get(RAND) or b"")
    c.same("rejected_autn", challenge.get(AUTN) or b"")
    c.same("auts", failure.get(AUTS) or b"")
    good, sqn = open_auts(c.hex("k", 16), c.hex("opc", 16), c.hex("rejected_rand", 16), c.hex("auts", 14))
    agree("AUTS's MAC-S is right", True, good)
    c.same("sqn_ms", sqn)
    good, found = open_autn(c.hex("k", 16), c.hex("opc", 16), c.hex("rejected_rand", 16), c.hex("rejected_autn", 16))
    agree("the rejected AUTN's MAC-A is right", True, good)
    agree("the rejected SQN is not newer than the card's", True, found["sqn"] <= sqn)
    network_name = c.hex("network_name") if talk.method == AKA_PRIME else None
    keys = derive(c.hex("identity"), found["ck"], found["ik"], network_name, c.hex("rejected_autn"))
    agree(challenge.what + ": AT_MAC is right", True, challenge.mac_ok(keys["k_aut"], talk.digest, b""))
    agree(failure.what + ": AT_KDFs of the challenge (RFC 9048 s3.2)", challenge.all(KDF), failure.all(KDF))


@kind("EapAkaRejectTest", judges=True)
def reject(c: Case) -> None:
    talk = Talk(c)
    c.same("rand", talk.last(RAND) or b"")
    c.same("autn", talk.last(AUTN) or b"")
    agree("the peer answers Authentication-Reject", REJECT, talk.packets[-2].subtype)
    agree("the last packet is Failure", FAILURE, talk.packets[-1].code)
    good, _ = open_autn(c.hex("k", 16), c.hex("opc", 16), c.hex("rand", 16), c.hex("autn", 16))
    c.verdict(good, "MAC-A")


@kind("EapAkaReauthTest")
def reauth(c: Case) -> None:
    talk = Talk(c)
    identity, counter, nonce = c.hex("identity"), c.hex("counter", 2), c.hex("nonce_s", 16)
    if talk.method == AKA_PRIME:
        stream = prf_prime(c.hex("k_re", 32), b"EAP-AKA' re-auth" + identity + counter + nonce, 128)
    else:
        xkey = hashlib.sha1(identity + counter + nonce + c.hex("mk", 20)).digest()
        c.same("xkey", xkey)
        stream = fips186_prf(xkey, 128)
    for field, value in split(stream, ("msk", 64), ("emsk", 64)).items():
        c.same(field, value)
    c.same("identity", talk.identity())
    talk.check_macs(c, None, nonce)
    plain = talk.encrypted(c)
    if plain is None:
        raise Mismatch("packets", "an AT_ENCR_DATA", "none")
    padding_zero(plain, "encr_plaintext")
    c.same("encr_plaintext", plain)
    inner = {k: content(k, v) for k, _, v in attributes(plain, "encr_plaintext")}
    c.same("counter", inner.get(COUNTER, b""))
    c.same("nonce_s", inner.get(NONCE_S, b""))
    answer = next(p for p in talk.packets if p.subtype == REAUTH and p.code == RESPONSE)
    echoed = {k: content(k, v) for k, _, v in attributes(decrypt(c.hex("k_encr", 16), answer.get(IV), answer.get(ENCR_DATA)), answer.what)}
    agree("counter in the response", counter, echoed.get(COUNTER))
    agree("the last packet is Success", SUCCESS, talk.packets[-1].code)


@kind("EapMacTest", judges=True)
def eap_mac(c: Case) -> None:
    packet, extra, k_aut = c.hex("packet"), c.hex("extra", default=b""), c.hex("k_aut")
    digest = {"SHA-1": "sha1", "SHA-256": "sha256"}.get(c.text("digest"))
    at = c.int("mac_offset", len(packet) - 16)
    if digest is None or not 0 <= at <= len(packet) - 16:
        raise Malformed("digest or mac_offset")
    mac = hmac.digest(k_aut, packet[:at] + bytes(16) + packet[at + 16:] + extra, digest)[:16]
    c.verdict(mac == packet[at:at + 16], "AT_MAC")
    c.same("at_mac", mac if c.valid else packet[at:at + 16])


@kind("EapEncrDataTest")
def encr_data(c: Case) -> None:
    plain = c.hex("plaintext")
    padding_zero(plain, "plaintext")
    e = Cipher(algorithms.AES(c.hex("k_encr", 16)), modes.CBC(c.hex("iv", 16))).encryptor()
    c.same("ciphertext", e.update(plain) + e.finalize())
