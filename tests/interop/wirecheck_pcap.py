# SPDX-License-Identifier: Apache-2.0
"""Captures for wirecheck.py: pcap and pcapng frames, link layers, IP datagrams with their fragments put together."""
import ipaddress
import struct


class BadCapture(Exception):
    pass


def frames(path):
    """(number, seconds, link type, octets, octets on the wire) of each frame."""
    with open(path, "rb") as f:
        data = f.read()
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(data)
    elif magic in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"):
        yield from _pcap(data)
    else:
        raise BadCapture("neither pcap nor pcapng")


def _pcap(data):
    end = "<" if data[0] in (0xd4, 0x4d) else ">"
    unit = 1e-9 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    link = struct.unpack(end + "I", data[20:24])[0] & 0x0fffffff
    at, n = 24, 0
    while at + 16 <= len(data):
        sec, frac, got, whole = struct.unpack(end + "IIII", data[at:at + 16])
        if at + 16 + got > len(data):
            raise BadCapture("ends inside a frame")
        n += 1
        yield n, sec + frac * unit, link, data[at + 16:at + 16 + got], whole
        at += 16 + got


def _pcapng(data):
    at, n, end, links = 0, 0, "<", []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack(end + "II", data[at:at + 8])
        if size < 12 or size % 4 or at + size > len(data):
            raise BadCapture("broken pcapng block")
        body = data[at + 8:at + size - 4]
        if kind == 1:
            links.append((struct.unpack(end + "H", body[:2])[0], _resolution(body[8:], end)))
        elif kind == 6:
            iface, hi, lo, got, whole = struct.unpack(end + "IIIII", body[:20])
            n += 1
            yield n, (hi << 32 | lo) * links[iface][1], links[iface][0], body[20:20 + got], whole
        elif kind == 3:
            whole = struct.unpack(end + "I", body[:4])[0]
            n += 1
            yield n, 0.0, links[0][0], body[4:4 + whole], whole
        at += size


def _resolution(options, end):
    while len(options) >= 4:
        code, n = struct.unpack(end + "HH", options[:4])
        if code == 0:
            break
        if code == 9:
            v = options[4]
            return 2.0 ** -(v & 0x7f) if v & 0x80 else 10.0 ** -v
        options = options[4 + (n + 3) // 4 * 4:]
    return 1e-6


def network_layer(link, frame):
    """The IP packet in a frame, or None."""
    if link == 1:
        at, kind = 12, int.from_bytes(frame[12:14], "big")
        while kind in (0x8100, 0x88a8):
            at += 4
            kind = int.from_bytes(frame[at:at + 2], "big")
        return frame[at + 2:] if kind in (0x0800, 0x86dd) else None
    if link in (12, 14, 101, 228, 229):
        return frame
    if link == 113:
        return frame[16:]
    if link == 276:
        return frame[20:]
    return frame[4:] if link == 0 else None


class Ip:
    """One reassembled datagram: source, destination, protocol, payload."""

    def __init__(self, src, dst, proto, payload):
        self.src, self.dst, self.proto, self.payload = src, dst, proto, payload


class Reassembly:
    """IP fragments by (source, destination, identification, protocol)."""

    def __init__(self):
        self.parts = {}

    def add(self, key, offset, last, data):
        got = self.parts.setdefault(key, {"end": None, "data": {}})
        got["data"][offset] = data
        if last:
            got["end"] = offset + len(data)
        whole, at = b"", 0
        while at in got["data"] and got["data"][at]:
            whole += got["data"][at]
            at = len(whole)
        if got["end"] is None or at != got["end"]:
            return None
        del self.parts[key]
        return whole


def ip_of(packet, reassembly):
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        head, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        src, dst, proto = ipaddress.ip_address(packet[12:16]), ipaddress.ip_address(packet[16:20]), packet[9]
        payload, frag = packet[head:total], int.from_bytes(packet[6:8], "big")
        if frag & 0x3fff:
            payload = reassembly.add((src, dst, packet[4:6], proto), (frag & 0x1fff) * 8, not frag & 0x2000, payload)
        return Ip(src, dst, proto, payload) if payload is not None else None
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return None
    src, dst, proto = ipaddress.ip_address(packet[8:24]), ipaddress.ip_address(packet[24:40]), packet[6]
    payload = packet[40:40 + int.from_bytes(packet[4:6], "big")]
    while proto in (0, 43, 60, 44) and len(payload) >= 8:
        if proto == 44:
            kind, _, frag, ident = struct.unpack(">BBHI", payload[:8])
            payload = reassembly.add((src, dst, ident, kind), frag & 0xfff8, not frag & 1, payload[8:])
            if payload is None:
                return None
            proto = kind
        else:
            proto, payload = payload[0], payload[(payload[1] + 1) * 8:]
    return Ip(src, dst, proto, payload)
