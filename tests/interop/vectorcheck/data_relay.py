# SPDX-License-Identifier: Apache-2.0
"""A data relay server (RFC 9028 s4.12): what it has given to its client, and what it does with ESP and with a permission that it is asked for."""
from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from .arrival import Arrival
from .case import Mismatch, Node, agree
from .wire import Packet, PeerPermission, parsed, peer_permission, transport_address

RELAY_UDP_ESP, RELAY_PORT = 3, 10500
Place = tuple[str, int]  # address, port
REFUSALS = {"NOT_OUR_CLIENT", "FORBIDDEN_DESTINATION", "SPI_CLASH", "OVER_QUOTA", "RELAY_BUSY"}  # of a permission


def text(place: Place) -> str:
    return f"[{place[0]}]:{place[1]}" if ":" in place[0] else f"{place[0]}:{place[1]}"


@dataclass
class Held:
    """By one client."""
    client: Place
    server: Place
    relayed: Place
    permissions: list[PeerPermission]


def held(b: Arrival) -> Held | None:
    """Out of the packets up to now: the R2 that registered, the UPDATEs that were acknowledged."""
    out, asked = None, {}
    for n in b.seen:
        p = parsed(n.hex("wire"))
        response, address = p.value("REG_RESPONSE"), p.value("RELAYED_ADDRESS")
        if n.text("from") == b.at and response and RELAY_UDP_ESP in response[1:] and address:
            udp = n.node("udp")
            out = Held((n.text("dst"), udp.int("dport")), (n.text("src"), udp.int("sport")), transport_address(address), [])
        if n.text("to") == b.at and p.value("PEER_PERMISSION"):
            asked[p.value("SEQ")] = peer_permission(p.value("PEER_PERMISSION"))
        if n.text("from") == b.at and p.value("ACK") in asked and out:
            out.permissions.append(asked.pop(p.value("ACK")))
    return out


# ---- ESP ---------------------------------------------------------------------------------------------------------------

def way_on(h: Held | None, n: Node) -> tuple[str, Place, Place]:
    """A drop reason or "", and from where to where it goes."""
    wire, udp = n.hex("wire"), n.node("udp")
    src, dst, nowhere = (n.text("src"), udp.int("sport")), (n.text("dst"), udp.int("dport")), ("", 0)
    spi = int.from_bytes(wire[:4], "big")
    if len(wire) < 8:
        return "TRUNCATED", nowhere, nowhere
    if dst[1] != RELAY_PORT and (h is None or dst != h.relayed):
        return "NOT_REGISTERED", nowhere, nowhere
    for p in h.permissions if h else []:
        if (src, dst, spi) == (h.client, h.server, p.spi_out):
            return "", h.relayed, p.peer
        if (src, dst, spi) == (p.peer, h.relayed, p.spi_in):
            return "", h.server, h.client
    return "NO_PERMISSION", nowhere, nowhere


def over(b: Arrival, h: Held | None, limits: Node | None) -> str:
    """Which limit is passed by what comes in one moment, that of a second."""
    passed = [(times, len(n.hex("wire"))) for times, n in b.before_it if n.text("type") == "ESP" and not way_on(h, n)[0]]
    packets = 1 + sum(times for times, _ in passed)
    bits = 8 * (len(b.wire) + sum(times * size for times, size in passed))
    for field, amount, reason in (("client_packet_s", packets, "OVER_QUOTA"), ("client_bit_s", bits, "OVER_QUOTA"),
                                  ("total_bit_s", bits, "RELAY_BUSY")):
        if limits and limits.has(field) and amount > limits.int(field):
            return reason
    return ""


def judge_esp(b: Arrival, limits: Node | None, e: Node) -> None:
    h = held(b)
    reason, src, dst = way_on(h, b.n)
    reason = reason or over(b, h, limits)
    agree("expect.drop: of ESP at a data relay (RFC 9028 s4.12.2)", reason, e.text("drop", ""))
    agree("expect.action", "drop" if reason else "accept", e.text("action"))
    on = e.maybe("relayed")
    agree("expect.relayed is given", not reason, on is not None)
    if on:
        on.same("src", text(src))
        on.same("dst", text(dst))


# ---- permissions -------------------------------------------------------------------------------------------------------

def closed(h: Held, place: Place) -> bool:
    """Where nothing is relayed to: nobody's addresses, and the server's own, its client's relayed address among them."""
    a = ipaddress.ip_address(place[0])
    return a.is_loopback or a.is_link_local or a.is_multicast or a.is_unspecified or a.is_reserved or place[0] == h.server[0]


def refusal(h: Held | None, p: PeerPermission, limits: Node | None) -> str:
    if h is None or p.relayed != h.relayed:
        return "NOT_OUR_CLIENT"
    if closed(h, p.peer):
        return "FORBIDDEN_DESTINATION"
    if any((q.spi_out, q.spi_in) == (p.spi_out, p.spi_in) for q in h.permissions):
        return ""  # refreshed, or in the place of the old one
    if limits and limits.int("permissions_per_client", 64) <= len(h.permissions):
        return "OVER_QUOTA"
    if limits and limits.int("permissions", 64) <= len(h.permissions):
        return "RELAY_BUSY"
    clash = any(q.spi_out == p.spi_out or (q.spi_in, q.peer) == (p.spi_in, p.peer) for q in h.permissions)
    return "SPI_CLASH" if clash else ""


def judge_permission(b: Arrival, packet: Packet, limits: Node | None, e: Node) -> None:
    """In an UPDATE that is right in all else: it is acknowledged, and the refusal told."""
    reason = refusal(held(b), peer_permission(packet.value("PEER_PERMISSION")), limits)
    agree("expect.drop: of a permission (RFC 9028 s4.12.1)", reason, e.text("drop", ""))
    if not reason:
        raise Mismatch("expect.drop", "a reason", "it is given")
    agree("expect.acknowledged", True, e.flag("acknowledged", False))
    busy = reason in ("OVER_QUOTA", "RELAY_BUSY")
    agree("expect.notify_type: RESPONDER_BUSY_PLEASE_RETRY or BLOCKED_BY_POLICY (RFC 7401 s5.2.19)", 44 if busy else 42, e.int("notify_type"))
