# SPDX-License-Identifier: Apache-2.0
"""HIP packets on the wire (RFC 7401 s5), taken apart by the texts of the RFCs that define their parameters."""
from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PACKETS = {1: "I1", 2: "R1", 3: "I2", 4: "R2", 16: "UPDATE", 17: "NOTIFY", 18: "CLOSE", 19: "CLOSE_ACK"}

NAMES = {
    65: "ESP_INFO", 128: "R1_Counter", 129: "R1_COUNTER", 193: "LOCATOR_SET", 257: "PUZZLE", 321: "SOLUTION", 385: "SEQ", 449: "ACK",
    511: "DH_GROUP_LIST", 513: "DIFFIE_HELLMAN", 577: "HIP_TRANSFORM", 579: "HIP_CIPHER", 608: "NAT_TRAVERSAL_MODE",
    610: "TRANSACTION_PACING", 641: "ENCRYPTED", 705: "HOST_ID", 715: "HIT_SUITE_LIST", 768: "CERT", 832: "NOTIFICATION",
    897: "ECHO_REQUEST_SIGNED", 930: "REG_INFO", 932: "REG_REQUEST", 934: "REG_RESPONSE", 936: "REG_FAILED", 950: "REG_FROM",
    961: "ECHO_RESPONSE_SIGNED", 2049: "TRANSPORT_FORMAT_LIST", 4095: "ESP_TRANSFORM", 4481: "SEQ_DATA", 4545: "ACK_DATA",
    4577: "PAYLOAD_MIC", 4580: "TRANSACTION_ID", 4592: "OVERLAY_ID", 4601: "ROUTE_DST", 4650: "RELAYED_ADDRESS", 4660: "MAPPED_ADDRESS",
    4680: "PEER_PERMISSION", 4700: "CANDIDATE_PRIORITY", 4710: "NOMINATE", 7680: "HIP_TRANSPORT_MODE", 32800: "EAP_PAYLOAD",
    32802: "BIND_REQUEST", 32804: "BIND_RESPONSE", 32806: "BIND_MAC", 61505: "HIP_MAC", 61569: "HIP_MAC_2", 61633: "HIP_SIGNATURE_2",
    61697: "HIP_SIGNATURE", 63425: "ECHO_RESPONSE_UNSIGNED", 63661: "ECHO_REQUEST_UNSIGNED", 63998: "RELAY_FROM", 64002: "RELAY_TO",
    64011: "OVERLAY_TTL", 64017: "ROUTE_VIA", 65498: "FROM", 65500: "RVS_HMAC", 65502: "VIA_RVS", 65520: "RELAY_HMAC",
}
NUMBERS = {name: number for number, name in NAMES.items()}

# What each packet cannot do without (s5.3; RFC 7402 s5.2 for ESP). A tuple: one of them.
NEEDS: dict[str, list] = {
    "I1": ["DH_GROUP_LIST"],
    "R1": ["PUZZLE", "DH_GROUP_LIST", "DIFFIE_HELLMAN", "HIP_CIPHER", "HOST_ID", "HIT_SUITE_LIST", "TRANSPORT_FORMAT_LIST", "HIP_SIGNATURE_2"],
    "I2": ["SOLUTION", "DIFFIE_HELLMAN", "HIP_CIPHER", ("ENCRYPTED", "HOST_ID"), "TRANSPORT_FORMAT_LIST", "HIP_MAC", "HIP_SIGNATURE"],
    "R2": ["HIP_MAC_2", "HIP_SIGNATURE"],
    "UPDATE": [("SEQ", "ACK"), "HIP_MAC", "HIP_SIGNATURE"],
    "NOTIFY": ["NOTIFICATION", "HIP_SIGNATURE"],
    "CLOSE": ["ECHO_REQUEST_SIGNED", "HIP_MAC", "HIP_SIGNATURE"],
    "CLOSE_ACK": ["ECHO_RESPONSE_SIGNED", "HIP_MAC", "HIP_SIGNATURE"],
}


class Broken(ValueError):
    """Octets that break a rule; `rule` is the drop reason that says so."""

    def __init__(self, rule: str, why: str):
        super().__init__(f"{rule}: {why}")
        self.rule = rule


@dataclass
class Param:
    kind: int
    at: int  # of its type field, from the packet's beginning
    value: bytes
    pad: bytes

    @property
    def name(self) -> str:
        return NAMES.get(self.kind, "")

    @property
    def tlv(self) -> bytes:
        return self.kind.to_bytes(2, "big") + len(self.value).to_bytes(2, "big") + self.value + self.pad


def params_of(octets: bytes, start: int = 0) -> list[Param]:
    """TLVs by type and length alone (s5.2.1); Broken when they do not fill the octets."""
    out, at = [], start
    while at < len(octets):
        if at + 4 > len(octets):
            raise Broken("PARAM_LENGTH", f"octet {at}: no room for a parameter's header")
        n = int.from_bytes(octets[at + 2:at + 4], "big")
        total = 11 + n - (n + 3) % 8
        if at + total > len(octets):
            raise Broken("PARAM_LENGTH", f"a parameter at octet {at} is longer than what holds it")
        out.append(Param(int.from_bytes(octets[at:at + 2], "big"), at, octets[at + 4:at + 4 + n], octets[at + 4 + n:at + total]))
        at += total
    return out


@dataclass
class Packet:
    wire: bytes
    params: list[Param] = field(default_factory=list)

    def __post_init__(self) -> None:
        w = self.wire
        if len(w) < 40:
            raise Broken("TRUNCATED", f"{len(w)} octets")
        if 8 * (w[1] + 1) > len(w):
            raise Broken("TRUNCATED", f"{len(w)} octets, the header says {8 * (w[1] + 1)}")
        if 8 * (w[1] + 1) < len(w):
            raise Broken("OVERSIZED", f"{len(w)} octets, the header says {8 * (w[1] + 1)}")
        if w[1] < 4:
            raise Broken("BAD_HEADER", f"Header Length {w[1]}")
        self.params = params_of(w, 40)

    @property
    def kind(self) -> str:
        return PACKETS.get(self.wire[2] & 0x7f, "OTHER")

    @property
    def sender(self) -> bytes:
        return self.wire[8:24]

    @property
    def receiver(self) -> bytes:
        return self.wire[24:40]

    def get(self, name: str) -> Param | None:
        return next((p for p in self.params if p.kind == NUMBERS[name]), None)

    def all(self, name: str) -> list[Param]:
        return [p for p in self.params if p.kind == NUMBERS[name]]

    def value(self, name: str) -> bytes | None:
        p = self.get(name)
        return p.value if p else None

    def before(self, at: int, tail: bytes = b"") -> bytes:
        """What a MAC or signature at `at` covers: all before it and `tail`, Header Length for that much, checksum zero (s6.4)."""
        head = bytearray(self.wire[:at]) + tail
        head[1], head[4:6] = (len(head) // 8 - 1) & 0xff, b"\0\0"
        return bytes(head)

    def signed(self, p: Param) -> bytes:
        """s6.4.2; HIP_SIGNATURE_2 with receiver's HIT, Opaque and #I zero (s5.2.15)."""
        octets = bytearray(self.before(p.at))
        if p.name == "HIP_SIGNATURE_2":
            octets[24:40] = bytes(16)
            puzzle = self.get("PUZZLE")
            if puzzle and puzzle.at < p.at:
                octets[puzzle.at + 6:puzzle.at + 4 + len(puzzle.value)] = bytes(len(puzzle.value) - 2)
        return bytes(octets)


@lru_cache(maxsize=4096)
def parsed(wire: bytes) -> Packet:
    """To be read only."""
    return Packet(wire)


def check_form(p: Packet) -> None:
    """The rules of s5.1 and s5.2.1 that hold for every packet: raises Broken."""
    w = p.wire
    if w[3] >> 4 != 2:
        raise Broken("BAD_VERSION", f"version {w[3] >> 4}")
    if w[0] != 59 or w[2] & 0x80 or w[3] & 0x0f != 1 or w[6] or w[7] & 0xfe:
        raise Broken("BAD_HEADER", f"fixed fields {w[:8].hex()}")
    for a, b in zip(p.params, p.params[1:]):
        if a.kind > b.kind:
            raise Broken("PARAM_ORDER", f"{a.name or a.kind} before {b.name or b.kind}")
    for q in p.params:
        if any(q.pad):
            raise Broken("padding", f"{q.name or q.kind} is padded with {q.pad.hex()}")
        if q.kind & 1 and q.kind not in NAMES:
            raise Broken("UNKNOWN_CRITICAL", f"critical parameter {q.kind}")
    for need in NEEDS.get(p.kind, []):
        if not any(p.get(n) for n in (need if isinstance(need, tuple) else (need,))):
            raise Broken("PARAM_MISSING", f"no {need} in {p.kind}")


def is_hit(octets: bytes) -> bool:
    """In 2001:20::/28 (RFC 7343 s2)."""
    return octets[:3] == bytes.fromhex("200100") and octets[3] >> 4 == 2


def words(value: bytes, skip: int = 0) -> list[int]:
    return [int.from_bytes(value[i:i + 2], "big") for i in range(skip, len(value), 2)]


@dataclass
class HostId:
    alg: int
    identity: bytes
    di_type: int
    di: bytes


def host_id(value: bytes) -> HostId:
    """s5.2.9"""
    if len(value) < 6:
        raise Broken("PARAM_MALFORMED", "HOST_ID is too short")
    n, di = int.from_bytes(value[:2], "big"), int.from_bytes(value[2:4], "big")
    if len(value) != 6 + n + (di & 0x0fff) or (not di >> 12 and di & 0x0fff):
        raise Broken("PARAM_MALFORMED", "HI Length, DI-Type and DI Length do not add up")
    return HostId(int.from_bytes(value[4:6], "big"), value[6:6 + n], di >> 12, value[6 + n:])


def diffie_hellman(value: bytes) -> tuple[int, bytes]:
    """Group and public value (s5.2.7)."""
    if len(value) < 4 or int.from_bytes(value[1:3], "big") != len(value) - 3:
        raise Broken("PARAM_MALFORMED", "DIFFIE_HELLMAN's public value length")
    return value[0], value[3:]


def address_text(octets: bytes) -> str:
    """IPv4 addresses stand in IPv6 ones (RFC 9028 s5.6, s5.13)."""
    a = ipaddress.IPv6Address(octets)
    return str(a.ipv4_mapped or a)


def transport_address(value: bytes) -> tuple[str, int]:
    """REG_FROM, RELAYED_ADDRESS and the like: port, protocol, reserved, address."""
    if len(value) != 20:
        raise Broken("PARAM_LENGTH", "a transport address")
    return address_text(value[4:]), int.from_bytes(value[:2], "big")


@dataclass
class PeerPermission:
    relayed: tuple[str, int]
    peer: tuple[str, int]
    spi_out: int
    spi_in: int


def peer_permission(value: bytes) -> PeerPermission:
    """RFC 9028 s5.13: UDP alone, real addresses with ports, SPIs that are not reserved."""
    if len(value) != 48:
        raise Broken("PARAM_LENGTH", "PEER_PERMISSION")
    ports = [int.from_bytes(value[at:at + 2], "big") for at in (0, 2)]
    places = list(zip((address_text(value[8:24]), address_text(value[24:40])), ports))
    spis = [int.from_bytes(value[at:at + 4], "big") for at in (40, 44)]
    nobody = any(a.is_multicast or a.is_unspecified for a in (ipaddress.ip_address(text) for text, _ in places))
    if value[4] != 17 or not all(ports) or nobody or min(spis) < 256:
        raise Broken("PARAM_MALFORMED", "PEER_PERMISSION")
    return PeerPermission(*places, *spis)


@dataclass
class EspInfo:
    index: int
    old_spi: int
    new_spi: int


def esp_info(value: bytes) -> EspInfo:
    """RFC 7402 s5.1.1"""
    if len(value) != 12:
        raise Broken("PARAM_LENGTH", "ESP_INFO")
    return EspInfo(*(int.from_bytes(value[a:b], "big") for a, b in ((2, 4), (4, 8), (8, 12))))


def decrypted(cipher: int, key: bytes, value: bytes) -> tuple[bytes, bytes, bytes]:
    """IV, what is encrypted, and the same without PKCS#5 padding (RFC 7401 s5.2.18)."""
    if any(value[:4]):
        raise Broken("PARAM_MALFORMED", "ENCRYPTED's reserved octets")
    if cipher == 1:
        return b"", value[4:], value[4:]
    iv, body = value[4:20], value[20:]
    if not body or len(body) % 16:
        raise Broken("BAD_ENCRYPTED", "no whole blocks")
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = d.update(body) + d.finalize()
    n = padded[-1]
    if not 1 <= n <= 16 or padded[-n:] != bytes([n]) * n:
        raise Broken("BAD_ENCRYPTED", "padding")
    return iv, padded, padded[:-n]
