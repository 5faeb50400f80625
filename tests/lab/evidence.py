# SPDX-License-Identifier: Apache-2.0
"""What the captures of a lab show: HIP packets, RADIUS packets, ESP, and the HIP record in the DNS. Independent of the C code."""

import base64
import hashlib
import ipaddress
import re

from lab import LabError, packets

HIP, UDP, TCP, ESP = 139, 17, 6, 50
HIP_PORT = (10500).to_bytes(2, "big")
TYPES = {1: "I1", 2: "R1", 3: "I2", 4: "R2", 16: "UPDATE", 17: "NOTIFY", 18: "CLOSE", 19: "CLOSE_ACK"}
P_LOCATOR_SET, P_PUZZLE, P_SEQ, P_ACK, P_ENCRYPTED, P_ECHO_REQ, P_REG_INFO, P_REG_RESPONSE, P_ECHO_RES = 193, 257, 385, 449, 641, 897, 930, 934, 961
P_FROM, P_RVS_HMAC = 65498, 65500
REG = {1: "RENDEZVOUS", 2: "RELAY_UDP_HIP", 3: "RELAY_UDP_ESP", 4: "CANDIDATE_DISCOVERY", 201: "SIM_BINDING"}
RADIUS = {1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 11: "Access-Challenge"}
ORCHID_CONTEXT = bytes.fromhex("f0eff02fbff43d0fe7930c3c6e6174ea")


def same(address):
    return str(ipaddress.ip_address(address))


def params(packet):
    """{type: contents} of a HIP packet (the first of each type)."""
    out, pos, end = {}, 40, min(len(packet), (packet[1] + 1) * 8)
    while pos + 4 <= end:
        kind, n = int.from_bytes(packet[pos:pos + 2], "big"), int.from_bytes(packet[pos + 2:pos + 4], "big")
        out.setdefault(kind, packet[pos + 4:pos + 4 + n])
        pos += 11 + n - (n + 3) % 8
    return out


def hip(path):
    """(time, src, dst, type name, {param: contents}, octets) of each HIP packet, of protocol 139 or in UDP port 10500 (RFC 9028 s5.1)."""
    for when, src, dst, proto, data in packets(path):
        if proto == UDP and HIP_PORT in (data[0:2], data[2:4]) and data[8:12] == bytes(4):
            proto, data = HIP, data[12:]
        if proto == HIP and len(data) >= 40:
            yield when, src, dst, TYPES.get(data[2] & 127, str(data[2] & 127)), params(data), data


def reg_names(types):
    return ", ".join(REG.get(t, str(t)) for t in types)


def radius(path):
    """(time, code name, attributes [(type, value)]) of each RADIUS packet on port 1812."""
    for when, _, _, proto, data in packets(path):
        if proto != UDP or len(data) < 28 or 1812 not in (int.from_bytes(data[0:2], "big"), int.from_bytes(data[2:4], "big")):
            continue
        body, attrs, pos = data[8:], [], 20
        while pos + 2 <= len(body) and body[pos + 1] >= 2:
            attrs.append((body[pos], body[pos + 2:pos + body[pos + 1]]))
            pos += body[pos + 1]
        yield when, RADIUS.get(body[0], str(body[0])), attrs


def radius_count(path):
    """Of authentication: proxies that watch each other by Status-Server do not count."""
    return sum(1 for _, name, _ in radius(path) if name in RADIUS.values())


def in_tls(path):
    """How many segments of RADIUS in TLS there are; none of RADIUS in clear may be beside them."""
    clear = radius_count(path)
    n = sum(1 for *_, proto, data in packets(path) if proto == TCP and 2083 in (int.from_bytes(data[0:2], "big"), int.from_bytes(data[2:4], "big")))
    if clear or not n:
        raise LabError(f"{clear} RADIUS packets in clear, {n} segments of TLS")
    return f"{n} segments to and from port 2083, none in clear"


class Binding:
    """The base exchange and the binding between mn and the FA as the access link saw them."""

    def __init__(self, access, fa_link, mn, fa, since, radius_link=None):
        mn, fa = {same(a) for a in mn}, {same(a) for a in fa}
        seen = [p for p in hip(access) if p[0] >= since and {p[1], p[2]} & mn and {p[1], p[2]} & fa]
        self.since, self.first, self.reg_info, self.puzzle_k, self.encrypted_len = since, {}, [], None, 0
        self.round_trips = self.count = 0
        for when, src, _, kind, ps, _ in seen:
            self.count += 1
            self.first.setdefault(kind, when)
            if kind == "R1" and P_REG_INFO in ps:
                self.reg_info, self.puzzle_k = list(ps[P_REG_INFO][2:]), ps[P_PUZZLE][0]
            if src in mn and kind in ("I1", "I2", "UPDATE"):
                self.round_trips += 1
                if kind == "UPDATE" and P_ENCRYPTED in ps and not self.encrypted_len:
                    self.encrypted_len = len(ps[P_ENCRYPTED])
            if src in fa and kind == "UPDATE" and P_REG_RESPONSE in ps:
                break
        self.radius = {name: 0 for name in RADIUS.values()}
        self.accepted, self.mppe_early = [], 0  # names of what the Access-Accept carries
        for when, name, attrs in radius(radius_link or fa_link):
            if when < since:
                continue
            self.radius[name] = self.radius.get(name, 0) + 1
            kinds = {v[4] for t, v in attrs if t == 26 and v[:4] == b"\x00\x00\x01\x37"}
            if name == "Access-Accept":
                found = (("MS-MPPE-Send-Key", 16 in kinds), ("MS-MPPE-Recv-Key", 17 in kinds), ("Chargeable-User-Identity", any(t == 89 for t, _ in attrs)),
                         ("3GPP-IMSI", any(t == 26 and v[:5] == b"\x00\x00\x28\xaf\x01" for t, v in attrs)))
                self.accepted = [what for what, there in found if there]
            elif {16, 17} & kinds:
                self.mppe_early += 1

    def ms(self, kind):
        if kind not in self.first:
            raise LabError(f"no {kind} between mn and the FA")
        return f"{1000 * (self.first[kind] - self.since):.0f}"


class Connect:
    """How a correspondent reached mn: the I1 through the FA, the R1 directly, then ESP."""

    def __init__(self, fa_link, cn_link, access, cn, fa):
        cn, fa = {same(a) for a in cn}, {same(a) for a in fa}
        self.relayed, self.r1_from = 0, None
        for _, src, _, kind, ps, _ in hip(fa_link):
            if kind == "I1" and src in fa and P_FROM in ps and P_RVS_HMAC in ps:
                origin = ipaddress.ip_address(ps[P_FROM])
                origin = str(origin.ipv4_mapped or origin)
                self.relayed += origin in cn
        for _, src, dst, kind, _, _ in hip(cn_link):
            if kind == "R1" and dst in cn and src not in fa:
                self.r1_from = src
        if self.relayed and not self.r1_from:
            raise LabError("no R1 came directly to the correspondent")
        self.esp = sum(1 for _, _, _, proto, _ in packets(cn_link) if proto == ESP)


def first_esp(access, new, since):
    """Time of the first ESP packet from or to a new address, or None."""
    new = {same(a) for a in new}
    return next((when for when, src, dst, proto, _ in packets(access) if proto == ESP and when >= since and {src, dst} & new), None)


def verified_by_echo(access, new, peer, since):
    """Milliseconds from `since` until mn announced a new address to `peer` (LOCATOR_SET), and answered its ECHO_REQUEST_SIGNED from there."""
    new, peer = {same(a) for a in new}, {same(a) for a in peer}
    announced = asked = answered = None
    for when, src, dst, kind, ps, _ in hip(access):
        if when < since or kind != "UPDATE":
            continue
        if src in new and dst in peer and P_LOCATOR_SET in ps:
            announced = True
        if announced and src in peer and dst in new and P_ECHO_REQ in ps:
            asked = ps[P_ECHO_REQ]
        if src in new and dst in peer and P_ECHO_RES in ps and ps[P_ECHO_RES] == asked:
            answered = when
    if answered is None:
        raise LabError(f"no LOCATOR_SET to {sorted(peer)} with its ECHO_REQUEST_SIGNED answered from the new address")
    return 1000 * (answered - since)


def ping_summary(text):
    m = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    if not m:
        raise LabError(f"ping said no summary: {text[-200:]!r}")
    sent, received = int(m.group(1)), int(m.group(2))
    return sent, received, sent - received


def hip_rr(text):
    """The HIP record as dig prints it: algorithm, HIT, the HIT computed from the key, rendezvous servers."""
    words = text.split()
    if len(words) < 3:
        raise LabError(f"no HIP record: {text!r}")
    algorithm, hit = int(words[0]), bytes.fromhex(words[1])
    cut = next((i for i, w in enumerate(words[2:], 2) if w.endswith(".")), len(words))
    key = base64.b64decode("".join(words[2:cut]))
    if algorithm == 2:
        digest, suite = hashlib.sha256(ORCHID_CONTEXT + key).digest()[10:22], 1
    elif algorithm == 3:
        label = {64: b"\x00\x01", 96: b"\x00\x02"}[len(key)]
        digest, suite = hashlib.sha384(ORCHID_CONTEXT + label + key).digest()[18:30], 2
    elif algorithm == 4:
        label = {32: b"\x00\x01\x00\x00", 57: b"\x00\x03\x00\x00"}[len(key)]
        digest, suite = hashlib.shake_128(ORCHID_CONTEXT + label + key).digest(12), 5
    else:
        raise LabError(f"HIP record with key algorithm {algorithm}")
    computed = bytes.fromhex(f"2001002{suite}") + digest
    return {"algorithm": algorithm, "hit": str(ipaddress.ip_address(hit)), "computed": str(ipaddress.ip_address(computed)),
            "key_octets": len(key), "rvs": " ".join(words[cut:])}
