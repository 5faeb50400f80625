# SPDX-License-Identifier: Apache-2.0
"""NATs, filters and blocked paths for a Lab: each box is a router namespace with nftables, and behaves as its kind says.

tests/e2e/nat_boxes.py proves that they do, without any daemon of ours. A box has one outside interface and translates IPv4 that leaves by it:

    mapping   preserve: one outside port for one inside port, the same number if it is free (masquerade)
              shift:    one outside port for one inside port, another number (SHIFT)
              random:   another outside port for each destination: a symmetric NAT (masquerade fully-random,persistent)
              none:     nothing is translated: a filter alone
    filter    any:      whoever sends to an outside port in use gets in (full cone)
              address:  only addresses that the inside has sent to from that port
              port:     only address and port that the inside has sent to from that port

conntrack by itself filters by address and port. The wider ones learn from the packets that leave (postrouting, after the translation) in an nft map
with a timeout and translate by it what comes in. What matches nothing is dropped before conntrack keeps it; else a packet that comes too early
would take the port away from the one that is about to leave.
"""

import dataclasses
import ipaddress
import struct

from lab import ADDR, UPLINK, socket_in

SHIFT = {port: port + 31000 for port in (10500, *range(7000, 7010))}


@dataclasses.dataclass(frozen=True)
class Kind:
    mapping: str
    filter: str
    said: str
    timeout_s: int = 0  # forgets UDP after so many seconds; 0: the kernel's 30 and 120


KINDS = {
    "masquerade": Kind("preserve", "port", "masquerade: keeps the port, lets in answers only"),
    "symmetric": Kind("random", "port", "another outside port for each destination"),
    "port-filter": Kind("shift", "port", "one outside port, lets in addresses and ports already sent to"),
    "address-filter": Kind("shift", "address", "one outside port, lets in addresses already sent to"),
    "full-cone": Kind("shift", "any", "one outside port, lets in everybody"),
    "open": Kind("random", "any", "a symmetric NAT whose ports were opened: lets in everybody"),
    "forgetful": Kind("preserve", "port", "masquerade that forgets after 30 s", 30),
    "firewall": Kind("none", "port", "no translation, lets in answers only"),
}

RULES = """\
table ip box
delete table ip box
table ip box {{
    map shift {{ type inet_service : inet_service; {shift} }}
    map any {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout {life}s; size 4096; }}
    map address {{ type inet_service . ipv4_addr : ipv4_addr . inet_service; flags dynamic,timeout; timeout {life}s; size 4096; }}
    chain before {{
        type nat hook prerouting priority dstnat;
        {let_in}
    }}
    chain after {{
        type nat hook postrouting priority srcnat;
        {translate}
    }}
    chain learn {{
        type filter hook postrouting priority 300;
        {learn}
    }}
    chain passing {{
        type filter hook forward priority filter;
        {blocked}
        ct status dnat accept
        iifname "{wan}" ct state new drop
    }}
    chain itself {{
        type filter hook input priority filter;
        iifname "{wan}" ct state new drop
    }}
}}
"""

TRANSLATE = {
    "preserve": 'oifname "{wan}" masquerade',
    "random": 'oifname "{wan}" masquerade fully-random,persistent',
    "shift": 'oifname "{wan}" ip protocol udp snat ip to {public} : udp sport map @shift\n        oifname "{wan}" masquerade',
    "none": "",
}
LET_IN = {
    "any": 'iifname "{wan}" dnat ip to udp dport map @any',
    "address": 'iifname "{wan}" dnat ip to udp dport . ip saddr map @address',
    "port": "",
}
LEARN = {
    "any": """\
oifname "{wan}" ip protocol udp ct direction original update @any {{ udp sport : ct original ip saddr . ct original proto-src }}
        oifname "{wan}" ip protocol udp ct direction reply update @any {{ udp sport : ct reply ip saddr . ct reply proto-src }}""",
    "address": """\
oifname "{wan}" ip protocol udp ct direction original update @address {{ udp sport . ip daddr : ct original ip saddr . ct original proto-src }}
        oifname "{wan}" ip protocol udp ct direction reply update @address {{ udp sport . ip daddr : ct reply ip saddr . ct reply proto-src }}""",
    "port": "",
}

# UDP does not pass, but names still resolve: what a network does that "blocks UDP".
BLOCK_UDP = "ip protocol udp udp dport != 53 udp sport != 53 drop"


class Box:
    """One NAT. `become` may be called again while it works: connections that it knows go on, as when somebody changes its settings."""

    def __init__(self, lab, host, kind, public, gateway, wan="eth0", behind="net"):
        self.lab, self.host, self.wan, self.behind = lab, host, wan, behind
        self.public, self.gateway = public, gateway
        self.udp_blocked = False
        self.become(kind)

    def become(self, kind, timeout_s=None):
        self.kind = kind
        k = KINDS[kind]
        life = k.timeout_s if timeout_s is None else timeout_s
        say = {"wan": self.wan, "public": self.public}
        shift = "elements = { " + ", ".join(f"{a} : {b}" for a, b in SHIFT.items()) + " }"
        rules = RULES.format(wan=self.wan, life=life or 120, shift=shift, let_in=LET_IN[k.filter].format(**say),
                             translate=TRANSLATE[k.mapping].format(**say), learn=LEARN[k.filter].format(**say),
                             blocked=BLOCK_UDP if self.udp_blocked else "")
        self.lab.run(self.host, "nft", "-f", "-", input=rules)
        for key, default in (("udp_timeout", 30), ("udp_timeout_stream", 120)):
            self.lab.run(self.host, "sysctl", "-qw", f"net.netfilter.nf_conntrack_{key}={life or default}")

    def block_udp(self, on=True):
        self.udp_blocked = on
        self.become(self.kind)

    def restart(self):
        """It loses every mapping: conntrack and learnt ones."""
        self.become(self.kind)
        flush_conntrack(self.lab, self.host)

    def renumber(self, public, gateway, bits=30):
        """It restarts with another public address (and so with other outside ports where those are drawn)."""
        lab = self.lab
        lab.add_addr(self.behind, self.host, f"{gateway}/{bits}")
        lab.add_addr(self.host, self.wan, f"{public}/{bits}")
        lab.ip(self.host, "addr", "del", f"{self.public}/{bits}", "dev", self.wan)
        lab.ip(self.behind, "addr", "del", f"{self.gateway}/{bits}", "dev", self.host)
        lab.route(self.host, "default", gateway)
        self.public, self.gateway = public, gateway
        self.restart()

    def mappings(self):
        """Lines of /proc/net/nf_conntrack, where the kernel has it; else nothing."""
        return self.lab.run(self.host, "cat", "/proc/net/nf_conntrack", check=False).stdout.splitlines()


def flush_conntrack(lab, host):
    """Every entry of a namespace's conntrack table is deleted (IPCTNL_MSG_CT_DELETE without a tuple)."""
    import socket
    netfilter, ct_delete, request_ack = 12, 1 << 8 | 2, 0x1 | 0x4
    with socket_in(lab, host, socket.AF_NETLINK, socket.SOCK_RAW, netfilter) as s:
        s.settimeout(5)
        s.send(struct.pack("=IHHII4B", 20, ct_delete, request_ack, 1, 0, socket.AF_UNSPEC, 0, 0, 0))
        error = struct.unpack("=i", s.recv(4096)[16:20])[0]
        if error:
            raise OSError(-error, f"conntrack of {host} not flushed")


# ---- the topology ---------------------------------------------------------------------------------------------------

# network: (address of its host, prefix length, router); IPv4 alone: these are what NATs are for
PRIVATE = {
    "umts": (("10.51.0.10", 24, "10.51.0.1"), None),
    "wlan": (("10.61.0.10", 24, "10.61.0.1"), None),
    "nat2": (("10.71.0.10", 24, "10.71.0.1"), None),
}
OUTSIDE = {"umts": UPLINK["umts"][:2], "wlan": UPLINK["wlan"][:2], "nat2": ("203.0.113.10", "203.0.113.9")}
SPARE = {"umts": ("203.0.113.130", "203.0.113.129"), "wlan": ("203.0.113.134", "203.0.113.133"), "nat2": ("203.0.113.138", "203.0.113.137")}


def nat_topology(lab, capture=None, kinds=()):
    """As main_topology(), IPv4 alone, but mn is behind the boxes umts and wlan and cn behind nat2; returns the boxes by name.

                home           fa            cn2
                  |             |             |
                  +------+------+------+------+
                         |     net     |
              +----------+------+------+-------------+
            umts               wlan                 nat2      NATs (kinds: {box: kind}; left out: masquerade)
              |                 |                    |
         umts0+------- mn ------+wlan0           eth0 cn
    """
    kinds = dict(kinds)
    lab.add_host("net", forward=True)
    for host in ("home", "fa", "cn2"):
        v4, v6 = ADDR[host]
        lab.add_host(host)
        gw4, gw6 = str(ipaddress.ip_address(v4) - 1), str(ipaddress.ip_address(v6) - 1)
        lab.link("net", host, [f"{gw4}/28", f"{gw6}/64"], host, "eth0", [f"{v4}/28", f"{v6}/64"])
        lab.route(host, "default", gw4)
        lab.route(host, "default", gw6)
    lab.add_host("mn")
    lab.add_host("cn")
    boxes = {}
    for name, (public, gateway) in OUTSIDE.items():
        lab.add_host(name, forward=True)
        lab.link("net", name, [f"{gateway}/30"], name, "eth0", [f"{public}/30"])
        lab.route(name, "default", gateway)
        (_, bits, router), _ = PRIVATE[name]
        host, dev = ("cn", "eth0") if name == "nat2" else ("mn", f"{name}0")
        lab.link(name, "access", [f"{router}/{bits}"], host, dev, [])
        boxes[name] = Box(lab, name, kinds.get(name, "masquerade"), public, gateway)
    lab.add_addr("cn", "eth0", f"{PRIVATE['nat2'][0][0]}/24")
    lab.route("cn", "default", PRIVATE["nat2"][0][2])
    if capture is not None:
        for host in ("home", "fa", "cn2"):
            capture[host] = lab.capture("net", host, host)
        for name in OUTSIDE:
            capture[name] = lab.capture(name, "access", name)
        capture["cn"] = capture["nat2"]
    return boxes


def no_direct_path(lab, on=True):
    """The backbone carries nothing between the networks of mn and of cn; each still reaches the FA, the DNS and cn2."""
    a = ", ".join(x for n in ("umts", "wlan") for x in (OUTSIDE[n][0], SPARE[n][0]))
    b = ", ".join((OUTSIDE["nat2"][0], SPARE["nat2"][0]))
    rules = "table ip apart\ndelete table ip apart\n"
    if on:
        rules += f"""\
table ip apart {{
    chain c {{
        type filter hook forward priority filter;
        ip saddr {{ {a} }} ip daddr {{ {b} }} drop
        ip saddr {{ {b} }} ip daddr {{ {a} }} drop
    }}
}}
"""
    lab.run("net", "nft", "-f", "-", input=rules)


# ---- what goes through the FA -----------------------------------------------------------------------------------------

def count_esp(lab, host="fa"):
    """nftables counters in `host` for HIP in UDP (begins with four zero octets), ESP in UDP (all the rest but DNS and RADIUS), and ESP itself."""
    lab.run(host, "nft", "-f", "-", input="""\
table inet count
delete table inet count
table inet count {
    counter esp_udp_in { }
    counter esp_udp_out { }
    counter esp_raw_in { }
    counter esp_raw_out { }
    counter hip_udp_in { }
    counter hip_udp_out { }
    chain in {
        type filter hook input priority filter;
        meta l4proto 50 counter name esp_raw_in
        udp sport { 53, 1812 } return
        udp length > 16 @th,64,32 != 0 counter name esp_udp_in
        udp length > 16 @th,64,32 == 0 counter name hip_udp_in
    }
    chain out {
        type filter hook output priority filter;
        meta l4proto 50 counter name esp_raw_out
        udp dport { 53, 1812 } return
        udp length > 16 @th,64,32 != 0 counter name esp_udp_out
        udp length > 16 @th,64,32 == 0 counter name hip_udp_out
    }
}
""")


def esp_counts(lab, host="fa"):
    """{counter: (packets, octets)} of count_esp()."""
    import json
    listed = json.loads(lab.run(host, "nft", "-j", "list", "counters", "table", "inet", "count").stdout)["nftables"]
    return {c["counter"]["name"]: (c["counter"]["packets"], c["counter"]["bytes"]) for c in listed if "counter" in c}
