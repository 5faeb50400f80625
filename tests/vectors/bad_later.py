# SPDX-License-Identifier: Apache-2.0
"""What comes after the base exchange: UPDATE, rekey, NOTIFY, CLOSE, ESP (RFC 7401 s6.11 to s6.15, RFC 7402 s6)."""
import hmac

from bad_bex import flip
from forge import (ACK, CLOSE, CLOSE_ACK, DIFFIE_HELLMAN, ECHO_REQUEST_SIGNED, ECHO_RESPONSE_SIGNED, ESP_INFO, HIP_MAC,
                   HIP_SIGNATURE, LOCATOR_SET, NOTIFICATION, NOTIFY, SEQ, UPDATE, u)


def protected(g, x, name, at, sender):
    """MAC and signature of any of these."""
    to, p = "R" if sender == "I" else "I", x.packet(at)

    def put(comment, q, drop):
        g.put(f"{name} {comment}", q, to, at, drop)

    if name != "NOTIFY":
        put("whose HIP_MAC has one bit wrong", x.seal(p.copy(), sender, to, mac_over=lambda d: flip(d, 99)), "BAD_HIP_MAC")
        put("MACed with the receiver's key", x.seal(p.copy(), sender, to, mac_key=x.key(to, sender, "mac")), "BAD_HIP_MAC")
        put("MACed with its checksum in it", x.seal(p.copy(), sender, to, mac_over=lambda d: d[:4] + b"\1\2" + d[6:]), "BAD_HIP_MAC")
    put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 99)), "BAD_SIGNATURE")
    put("signed by the receiver", x.seal(p.copy(), sender, to, signer=to), "BAD_SIGNATURE")


def update(g, x):
    at = x.index(UPDATE, "I")
    p = x.packet(at)
    seq = int.from_bytes(p.get(SEQ), "big")

    def put(comment, q, drop, **more):
        g.put("UPDATE " + comment, x.seal(q, "I", "R"), "R", at, drop, **more)

    g.put("UPDATE again: acknowledged again", p, "R", at + 2, "DUPLICATE", like=at, accept=True)
    put("whose Update ID is far ahead", p.copy().set(SEQ, u(seq + 2000, 4)), "OUT_OF_WINDOW")
    put("whose Update ID is half way around", p.copy().set(SEQ, u(seq + 2**31 & 0xffffffff, 4)), "OUT_OF_WINDOW")
    put("that acknowledges what was never sent", p.copy().drop(SEQ).drop(ECHO_REQUEST_SIGNED).set(ACK, u(77, 4)), "BAD_ACK")
    put("with ESP_INFO of an SPI that is not ours", p.copy().set(ESP_INFO, bytes(4) + u(4097, 4) + u(4098, 4)), "BAD_ESP_INFO")
    put("with ESP_INFO for a second pair of SAs", p.copy().set(ESP_INFO, bytes(4) + bytes(4) + u(4098, 4)), "BAD_ESP_INFO")
    locator = b"\0\1\5\1" + u(60, 4) + u(4097, 4) + bytes(10) + b"\xff\xff\xc0\0\2\x63"
    put("with a LOCATOR_SET without ESP_INFO", p.copy().set(LOCATOR_SET, locator), "BAD_LOCATOR")
    put("with a locator longer than the set", p.copy().set(LOCATOR_SET, b"\0\1\xff\1" + locator[4:]), "BAD_LOCATOR")
    g.put("UPDATE before the base exchange", p, "R", 0, "NO_ASSOCIATION", like=at)


def close(g, x):
    at, ack = x.index(CLOSE, "I"), x.index(CLOSE_ACK, "R")
    p, q = x.packet(at), x.packet(ack)
    g.put("CLOSE before the base exchange", p, "R", 0, "NO_ASSOCIATION", like=at)
    g.put("CLOSE_ACK with another echo", x.seal(q.copy().set(ECHO_RESPONSE_SIGNED, bytes(16)), "R", "I"), "I", ack, "BAD_ECHO")
    g.put("CLOSE_ACK with half of the echo", x.seal(q.copy().set(ECHO_RESPONSE_SIGNED, q.get(ECHO_RESPONSE_SIGNED)[:8]), "R", "I"),
          "I", ack, "BAD_ECHO")
    g.put("CLOSE_ACK that nobody waits for", x.seal(q.copy(), "R", "I"), "I", at, "WRONG_STATE", like=ack)
    n = x.packet(x.index(NOTIFY, "R"))
    g.put("NOTIFY before R1", n, "I", 0, "WRONG_STATE", like=x.index(NOTIFY, "R"))


def esp(g, x):
    at = 4
    wire = bytes.fromhex(x.packets[at]["wire"])
    back = bytes.fromhex(x.packets[at + 1]["wire"])

    def put(comment, w, to="R", after=at):
        g.raw("ESP " + comment, w, to, after, None, kind="ESP", like=at if to == "R" else at + 1, flags=["esp"])

    auth = bytes.fromhex(x.packets[at]["esp"]["auth_key"])

    def sealed(w, high=bytes(4)):
        """Its ICV made anew: HMAC-SHA-256-128 over all of it and the upper half of the sequence number (RFC 4303 s2.8)."""
        return w[:-16] + hmac.digest(auth, w[:-16] + high, "sha256")[:16]

    put("whose ICV has one bit wrong", flip(wire, 8 * len(wire) - 1))
    put("whose ciphertext has one bit wrong", flip(wire, 8 * 30))
    put("whose sequence number was raised", wire[:4] + u(9, 4) + wire[8:])
    put("with sequence number 0", sealed(wire[:4] + bytes(4) + wire[8:]))
    put("whose ICV leaves out the upper half of the sequence number", sealed(wire, b""))
    put("whose ICV is for an upper half of 1", sealed(wire, u(1, 4)))
    put("with an SPI that nobody has", u(4099, 4) + wire[4:])
    put("cut off in its ICV", wire[:-3])
    put("of eight octets", wire[:8])
    put("again", wire, after=at + 1)
    put("of the other direction", back, after=at + 2)


def rekey(g, x):
    """The first two halves of a rekey without and with Diffie-Hellman."""
    for name, dh in (("rekey", False), ("rekey with Diffie-Hellman", True)):
        def half(i):
            p = x.packet(i)
            kinds = [k for k, _ in p.pairs()]
            return x.packets[i]["type"] == "UPDATE" and ESP_INFO in kinds and SEQ in kinds and (DIFFIE_HELLMAN in kinds) == dh
        halves = [i for i in range(len(x.packets)) if half(i)]
        for i in halves[:2]:
            sender = x.packets[i]["from"]
            to, p = "R" if sender == "I" else "I", x.packet(i)
            info = p.get(ESP_INFO)
            which = f"{name}, {'first' if i == halves[0] else 'second'} half"

            def put(comment, q, drop, **more):
                g.put(f"{which}: {comment}", x.seal(q, sender, to), to, i, drop, **more)

            put("OLD SPI is not the one in use", p.copy().set(ESP_INFO, info[:4] + u(4097, 4) + info[8:]), "BAD_ESP_INFO")
            put("NEW SPI is reserved", p.copy().set(ESP_INFO, info[:8] + u(255, 4)), "BAD_ESP_INFO")
            if not dh:
                put("KEYMAT index goes back", p.copy().set(ESP_INFO, info[:2] + u(0, 2) + info[4:]), "BAD_ESP_INFO")
                continue
            group, pub = p.get(DIFFIE_HELLMAN)[:1], p.get(DIFFIE_HELLMAN)[3:]
            put("KEYMAT index is not 0", p.copy().set(ESP_INFO, info[:2] + u(16, 2) + info[4:]), "BAD_ESP_INFO")
            put("the public value is not on the curve", p.copy().set(DIFFIE_HELLMAN, group + u(64, 2) + flip(pub, 9)), "BAD_DH")
            put("the public value is zeros", p.copy().set(DIFFIE_HELLMAN, group + u(64, 2) + bytes(64)), "BAD_DH")
            put("another group", p.copy().set(DIFFIE_HELLMAN, u(8, 1) + u(96, 2) + pub + pub[:32]), "BAD_DH", notify=15)


def move(g, x):
    """The address check of a move (RFC 8046 s3.2.1)."""
    i = x.index(UPDATE, "I")
    p, back = x.packet(i), x.packet(i + 2)
    info = p.get(ESP_INFO)
    g.put("UPDATE that answers an address check with another echo", x.seal(back.copy().set(ECHO_RESPONSE_SIGNED, bytes(16)), "I", "R"),
          "R", i + 2, "BAD_ECHO")
    g.put("UPDATE that answers an address check with nothing", x.seal(back.copy().drop(ECHO_RESPONSE_SIGNED), "I", "R"),
          "R", i + 2, "BAD_ECHO")
    locators = p.get(LOCATOR_SET)

    def put(comment, value, drop="BAD_LOCATOR"):
        g.put("UPDATE " + comment, x.seal(p.copy().set(LOCATOR_SET, value), "I", "R"), "R", i, drop)

    put("whose locator names another SPI", locators[:8] + u(4097, 4) + locators[12:])
    put("with a locator longer than the set", locators[:2] + u(200, 1) + locators[3:])
    put("with a multicast address as locator", locators[:12] + b"\xff\2" + bytes(13) + b"\1")
    put("with the unspecified address as locator", locators[:12] + bytes(16))
    g.put("UPDATE with a LOCATOR_SET and ESP_INFO of an unknown SPI", x.seal(
        p.copy().set(ESP_INFO, info[:4] + u(4097, 4) + u(4097, 4)), "I", "R"), "R", i, "BAD_ESP_INFO")


def make(base):
    g = base("--suite", "7/2/P-256/8", "--kind", "update,notify,close", "--seed", "bad1")
    x = g.x
    for name, kind, sender in (("UPDATE", UPDATE, "I"), ("UPDATE", UPDATE, "R"), ("NOTIFY", NOTIFY, "R"), ("CLOSE", CLOSE, "I"),
                               ("CLOSE_ACK", CLOSE_ACK, "R")):
        protected(g, x, name, x.index(kind, sender), sender)
    update(g, x)
    close(g, x)
    esp(g, x)
    k = base("--suite", "7/2/P-256/13", "--kind", "rekey,rekey-dh", "--seed", "bad2")
    rekey(k, k.x)
    m = base("--suite", "7/2/P-256/8", "--kind", "move", "--seed", "bad8")
    move(m, m.x)
    return [g, k, m]
