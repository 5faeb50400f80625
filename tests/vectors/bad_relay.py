# SPDX-License-Identifier: Apache-2.0
"""A data relay server (RFC 9028 s4.12): R, whose client I has one relayed port and has let one peer through. ESP that it does not pass on, and
permissions that it does not give."""
from forge import PEER_PERMISSION, SEQ, UPDATE, u

PORT = 10500
MAPPED = "00000000000000000000ffff"
BUSY, BLOCKED = 44, 42  # RFC 7401 s5.2.19


class Relay:
    """A group, and where everybody is in its exchange."""

    def __init__(self, g, x):
        self.g, self.x = g, x
        self.client, self.server = (x.party[w]["addr"] for w in "IR")
        step = next(s for s in x.test["script"] if s["do"] == "permit")
        self.peer = step["addr"].rsplit(":", 1)[0].strip("[]")
        self.out, self.in_ = step["spi_out"], step["spi_in"]
        self.port = x.party["R"]["config"]["relayed_port"]
        self.after = len(x.packets)
        self.update = x.packet(x.index(UPDATE, "I"))

    def at(self, address, port):
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    # ---- ESP ----

    def esp(self, comment, spi, drop=None, *, to=None, src=None, port=PORT, length=100, **more):
        """From the peer to the relayed port, or from the client to the relay (to: the relay's port)."""
        to = self.port if to is None else to
        wire = (u(spi, 4) + u(1, 4) + bytes(i & 255 for i in range(length)))[:length]
        src = src or (self.client if to == PORT else self.peer)
        self.g.raw(comment, wire, "R", more.pop("after", self.after), drop, kind="ESP", like=0, src=src, dst=self.server,
                   udp={"sport": port, "dport": to}, flags=["esp", "relay"], accept=drop is None, **more)

    def passed(self):
        self.esp("ESP of the peer, for which there is a permission", self.in_, relayed=(self.at(self.server, PORT), self.at(self.client, PORT)))
        self.esp("ESP of the client to the peer", self.out, to=PORT, relayed=(self.at(self.server, self.port), self.at(self.peer, PORT)))

    def stopped(self):
        no = "NO_PERMISSION"
        stranger = "2001:db8:9::9" if ":" in self.peer else "198.51.100.99"
        self.esp("ESP of somebody else to the relayed port", self.in_, no, src=stranger)
        self.esp("ESP of the peer from another port", self.in_, no, port=PORT + 1)
        self.esp("ESP of the peer with another SPI", self.in_ + 1, no)
        self.esp("ESP of the peer with the SPI of the other direction", self.out, no)
        self.esp("ESP of the client with another SPI", self.out + 1, no, to=PORT)
        self.esp("ESP of the client with the SPI of the other direction", self.in_, no, to=PORT)
        self.esp("ESP with the client's SPI from elsewhere", self.out, no, to=PORT, src=stranger)
        self.esp("ESP with the client's SPI from another port of its address", self.out, no, to=PORT, port=PORT + 2)
        self.esp("ESP to a port that is nobody's", self.in_, "NOT_REGISTERED", to=self.port + 1)
        self.esp("ESP to the relayed port before there is a client", self.in_, "NOT_REGISTERED", after=0)
        self.esp("ESP of the peer of seven octets", self.in_, "TRUNCATED", length=7)

    def early(self):
        """Registered, and nobody let through."""
        at = self.x.index(UPDATE, "I")
        self.esp("ESP of the peer before its permission", self.in_, "NO_PERMISSION", after=at)
        self.esp("ESP of the client before its permission", self.out, "NO_PERMISSION", to=PORT, after=at)

    def quotas(self):
        """Fifty of the same packet come before it: many times as many as in a second."""
        for comment, limits, drop in (("more packets than a client may have", {"client_packet_s": 1}, "OVER_QUOTA"),
                                      ("more octets than a client may have", {"client_bit_s": 8000}, "OVER_QUOTA"),
                                      ("more octets than all may have", {"total_bit_s": 8000}, "RELAY_BUSY")):
            for who, spi, to in (("the peer", self.in_, None), ("the client", self.out, PORT)):
                self.esp(f"ESP of {who}, {comment}", spi, drop, to=to, length=1000, limits=limits, before=[(50, None)])

    # ---- permissions ----

    def permission(self, **other):
        """As the client asked for it, but for what is other: port, peer port, protocol, relayed, peer, spi_out, spi_in."""
        v = bytearray(self.update.get(PEER_PERMISSION))
        where = {"port": (0, 2), "peer_port": (2, 4), "protocol": (4, 5), "relayed": (8, 24), "peer": (24, 40), "spi_out": (40, 44), "spi_in": (44, 48)}
        for name, value in other.items():
            a, b = where[name]
            v[a:b] = u(value, b - a) if isinstance(value, int) else value
        return bytes(v)

    def ask(self, comment, drop, notify=None, limits=None, **other):
        """Not to be had: acknowledged, and refused by NOTIFY. Malformed: neither."""
        q = self.update.copy().set(SEQ, u(int.from_bytes(self.update.get(SEQ), "big") + 1, 4)).set(PEER_PERMISSION, self.permission(**other))
        self.g.put(f"UPDATE that asks for {comment}", self.x.seal(q, "I", "R"), "R", self.after, drop, like=0, notify=notify, acknowledged=notify is not None,
                   limits=limits, flags=[drop.lower(), "relay"])

    def permissions(self):
        six = ":" in self.peer
        loopback, link_local = ("0" * 31 + "1", "fe80" + "0" * 27 + "1") if six else (MAPPED + "7f000001", MAPPED + "a9fe0001")
        multicast = "ff02" + "0" * 27 + "1" if six else MAPPED + "e0000001"
        another = {"spi_out": self.out + 1, "spi_in": self.in_ + 1}
        self.ask("a permission with the SPI that another one has to its peer", "SPI_CLASH", BLOCKED, spi_in=self.in_ + 1)
        self.ask("a permission with the SPI that another one has from its peer", "SPI_CLASH", BLOCKED, spi_out=self.out + 1)
        self.ask("more permissions than a client may have", "OVER_QUOTA", BUSY, {"permissions_per_client": 1}, **another)
        self.ask("more permissions than there is room for", "RELAY_BUSY", BUSY, {"permissions": 1}, **another)
        self.ask("a permission at a port that is not its own", "NOT_OUR_CLIENT", BLOCKED, port=self.port + 1)
        self.ask("a permission for a loopback address", "FORBIDDEN_DESTINATION", BLOCKED, peer=bytes.fromhex(loopback))
        self.ask("a permission for a link-local address", "FORBIDDEN_DESTINATION", BLOCKED, peer=bytes.fromhex(link_local))
        self.ask("a permission for its own relayed address", "FORBIDDEN_DESTINATION", BLOCKED, peer_port=self.port, peer=self.permission()[8:24])
        self.ask("a permission for a multicast address", "PARAM_MALFORMED", peer=bytes.fromhex(multicast))
        self.ask("a permission for no address", "PARAM_MALFORMED", peer=bytes(16))
        self.ask("a permission for port 0", "PARAM_MALFORMED", peer_port=0)
        self.ask("a permission for another protocol than UDP", "PARAM_MALFORMED", protocol=6)
        self.ask("a permission for a reserved SPI", "PARAM_MALFORMED", spi_out=255)


def make(base):
    out = []
    for n, family in enumerate("46"):
        g = base("--suite", "7/2/P-256/8", "--kind", "data-relay", "--udp", "--family", family, "--seed", f"badf0{n}")
        r = Relay(g, g.x)
        r.passed()
        r.early()
        r.stopped()
        r.quotas()
        r.permissions()
        out.append(g)
    return out
