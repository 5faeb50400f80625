# SPDX-License-Identifier: Apache-2.0
"""Rendezvous, UDP, MODP groups and RSA, crossing exchanges."""
import hmac

from bad_bex import flip
from forge import (ACK, CLOSE, DIFFIE_HELLMAN, ECHO_REQUEST_UNSIGNED, FROM, HIP_SIGNATURE, HIP_SIGNATURE_2, I1, I2, MAPPED_ADDRESS, R1, R1_COUNTER, R2,
                   REG_INFO, RELAY_FROM, RELAY_TO,
                   RELAY_HMAC, REG_REQUEST, RVS_HMAC, SEQ, UPDATE, Packet, u)

# RFC 3526 s3
MODP_2048 = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
    "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff", 16)


def relayed(g, x):
    """I1 as it comes from the rendezvous server (RFC 8004 s4.2)."""
    at = next(i for i, p in enumerate(x.packets) if p["from"] == "RVS" and p["type"] == "I1")
    p = x.packet(at)
    key = x.key("RVS", "R", "mac", "rvs")

    def sealed(q, k=key):
        q.drop(RVS_HMAC)
        q.add(RVS_HMAC, hmac.new(k, q.covered(RVS_HMAC), x.rhash).digest())
        return q

    assert sealed(p.copy()).raw()[6:] == p.raw()[6:]

    def put(comment, q, drop, **more):
        g.put("I1 by a rendezvous server " + comment, q, "R", at, drop, **more)

    put("whose RVS_HMAC has one bit wrong", p.copy().set(RVS_HMAC, flip(p.get(RVS_HMAC), 7)), "BAD_RVS_HMAC")
    put("without RVS_HMAC", p.copy().drop(RVS_HMAC), "BAD_RVS_HMAC")
    put("whose FROM was changed on the way", p.copy().set(FROM, flip(p.get(FROM), 127)), "BAD_RVS_HMAC")
    put("MACed with the client's key", sealed(p.copy(), x.key("R", "RVS", "mac", "rvs")), "BAD_RVS_HMAC")
    null = p.copy()
    null.head[24:40] = bytes(16)
    put("to the NULL HIT", sealed(null), "RELAYED_OPPORTUNISTIC")
    asked = x.index(I1, "I")
    wire = x.packet(asked).raw()
    big = x.packet(asked).add(ECHO_REQUEST_UNSIGNED, bytes(1980))
    g.put("I1 too long for FROM and RVS_HMAC behind it", big, "RVS", asked, "OVERSIZED", like=asked)
    g.raw("I1 for somebody who is not registered", wire[:24] + flip(wire[24:40], 100) + wire[40:], "RVS", asked, "NOT_REGISTERED", like=asked)


def udp(g, x):
    i = x.index(I2, "I")
    p = x.packet(i)

    def sealed(q):
        return x.seal(q, "I", "R")

    g.put("I2 in UDP with a checksum", Packet(p.raw()), "R", i, "BAD_CHECKSUM")
    wire = p.raw()
    g.tests[-1]["bad"]["wire"] = (wire[:4] + b"\1\2" + wire[6:]).hex()
    r = x.index(R2, "R")
    g.put("R2 of an exchange in UDP without it", x.packet(r), "I", r, "BAD_NAT_MODE", udp={})
    u1 = x.index(UPDATE, "I")
    g.put("UPDATE of an association in UDP without it", x.packet(u1), "R", u1, "BAD_NAT_MODE", udp={})
    c = x.index(CLOSE, "I")
    g.put("CLOSE of an association in UDP without it", x.packet(c), "R", c, "BAD_NAT_MODE", udp={})
    q = x.packet(u1).add(RELAY_FROM, b"\x28\x04\x11\0" + bytes(10) + b"\xff\xff\xc0\0\2\x63").add(RELAY_HMAC, bytes(len(x.host_id_tlv("I")) and 48))
    g.put("UPDATE with RELAY_FROM of somebody who is no control relay of ours", q, "R", u1, "RELAY_NOT_TRUSTED")


def by_relay(g, x):
    """I1 and I2 as they come from the control relay (RFC 9028 s4.5, s5.9)."""
    key = x.key("RVS", "R", "mac", "rvs")
    for kind, name in ((I1, "I1"), (I2, "I2")):
        at = next(i for i, p in enumerate(x.packets) if p["from"] == "RVS" and p["to"] == "R" and p["type"] == name)
        p = x.packet(at)

        def put(comment, q, drop, **more):
            g.put(f"{name} by a control relay {comment}", q, "R", at, drop, **more)

        put("whose RELAY_HMAC has one bit wrong", p.copy().set(RELAY_HMAC, flip(p.get(RELAY_HMAC), 7)), "BAD_RELAY_HMAC")
        put("without RELAY_HMAC", p.copy().drop(RELAY_HMAC), "BAD_RELAY_HMAC")
        put("whose RELAY_FROM was changed on the way", p.copy().set(RELAY_FROM, flip(p.get(RELAY_FROM), 150)), "BAD_RELAY_HMAC")
        q = p.copy().drop(RELAY_HMAC)
        q.add(RELAY_HMAC, hmac.new(x.key("R", "RVS", "mac", "rvs"), q.covered(RELAY_HMAC), x.rhash).digest())
        put("MACed with the client's key", q, "BAD_RELAY_HMAC")
    at = next(i for i, p in enumerate(x.packets) if p["from"] == "RVS" and p["to"] == "R" and p["type"] == "I1")
    q = x.packet(at).drop(RELAY_HMAC)
    q.add(RVS_HMAC, hmac.new(key, q.covered(RVS_HMAC), x.rhash).digest())
    g.put("I1 by a control relay with RVS_HMAC, as of a rendezvous server", q, "R", at, "RVS_HMAC_PROHIBITED", notify=64)


def outward(g, x):
    """What a client has its control relay pass on."""
    at = next(i for i, p in enumerate(x.packets) if p["from"] == "R" and p["to"] == "RVS" and p["type"] == "R1" and i > 3)
    p = x.packet(at)
    to = p.get(RELAY_TO)
    for comment, address in (("a multicast address", "00000000000000000000ffffe0000001"), ("no address", "00000000000000000000000000000000")):
        g.put(f"R1 by a control relay to {comment}", p.copy().set(RELAY_TO, to[:4] + bytes.fromhex(address)), "RVS", at, "FORBIDDEN_DESTINATION")
    g.put("R1 by a control relay to port 0", p.copy().set(RELAY_TO, bytes(2) + to[2:]), "RVS", at, "FORBIDDEN_DESTINATION")
    wire = p.raw()
    g.raw("R1 by a control relay of somebody who is no client", wire[:8] + flip(wire[8:24], 100) + wire[24:], "RVS", at, "NOT_OUR_CLIENT")


def checks(g, x):
    """Connectivity checks (RFC 9028 s4.6)."""
    i = next(i for i, p in enumerate(x.packets) if p["type"] == "UPDATE" and p["to"] == "I" and
             {ACK, MAPPED_ADDRESS} <= {k for k, _ in x.packet(i).pairs()} and SEQ not in {k for k, _ in x.packet(i).pairs()})
    g.put("UPDATE that answers a connectivity check from elsewhere", x.packet(i), "I", i, "CHECK_ASYMMETRIC", src="198.51.100.77")


def numbers(g, x, prime):
    """MODP public values that are no public values (RFC 7401 s5.2.7, SP 800-56A)."""
    i = x.index(I2, "I")
    p = x.packet(i)
    group, pub = p.get(DIFFIE_HELLMAN)[:1], p.get(DIFFIE_HELLMAN)[3:]
    n = len(pub)

    def put(comment, value):
        g.put(f"I2 with the MODP public value {comment}", x.seal(p.copy().set(DIFFIE_HELLMAN, group + u(len(value), 2) + value), "I", "R"),
              "R", i, "BAD_DH")

    put("0", bytes(n))
    put("1", u(1, n))
    put("p - 1", u(prime - 1, n))
    put("p", u(prime, n))
    put("p + 1", u(prime + 1, n))
    put("of all ones", b"\xff" * n)
    put("without its leading octet", pub[1:])
    put("with a zero octet in front", b"\0" + pub)
    r = x.index(R1, "R")
    q = x.packet(r)
    sig = q.get(HIP_SIGNATURE_2)
    g.put("R1 whose RSA signature has one bit wrong", q.copy().set(HIP_SIGNATURE_2, flip(sig, 1000)), "I", r, "BAD_SIGNATURE")
    g.put("R1 whose RSA signature is one octet short", q.copy().set(HIP_SIGNATURE_2, sig[:-1]), "I", r, "BAD_SIGNATURE")
    g.put("R1 whose RSA signature is 1", q.copy().set(HIP_SIGNATURE_2, sig[:2] + u(1, len(sig) - 2)), "I", r, "BAD_SIGNATURE")
    g.put("I2 signed by the Responder's RSA key", x.seal(p.copy(), "I", "R", signer="R"), "R", i, "BAD_SIGNATURE")
    g.put("I2 whose RSA signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 1000)), "R", i, "BAD_SIGNATURE")


def another_offer(g, x):
    """The owner has decided on what the first R1 offered."""
    at = x.index(R1, "R")
    p = x.packet(at).set(R1_COUNTER, bytes(4) + u(9, 8)).set(REG_INFO, b"\x50\x96\2")
    g.put("R1 of a newer generation that offers something else", x.seal(p, "R", "I"), "I", at + 2, "REFUSED", like=at)


def no_server(g, x):
    p = x.packet(0)
    q = p.copy().add(FROM, bytes(10) + b"\xff\xff\xc0\0\2\x63").add(RVS_HMAC, bytes(48))
    g.put("I1 with FROM of somebody who is no rendezvous server of ours", q, "R", 0, "RVS_NOT_TRUSTED")


def crossing(g, x):
    mine = x.index(I1, "R")
    g.put("I1 of the lesser HIT, again, to the host with the lesser one", x.packet(mine), "I", mine, "LOST_RACE")


def registration(g, x):
    i = x.index(I2, "I")
    p = x.packet(i)
    g.put("I2 with an empty REG_REQUEST", x.seal(p.copy().set(REG_REQUEST, b""), "I", "R"), "R", i, "PARAM_LENGTH")


def make(base):
    rvs = base("--suite", "7/2/P-256/8", "--kind", "rendezvous", "--seed", "bad3")
    relayed(rvs, rvs.x)
    nat = base("--suite", "7/2/P-256/8", "--kind", "update,close", "--seed", "bad4", "--udp")
    udp(nat, nat.x)
    by = base("--suite", "7/2/P-256/8", "--kind", "relay", "--seed", "bad9", "--udp")
    by_relay(by, by.x)
    checks(by, by.x)
    outward(by, by.x)
    rsa = base("--suite", "11/2/RSA-2048/13", "--seed", "bad5")
    numbers(rsa, rsa.x, MODP_2048)
    both = base("--suite", "7/2/P-256/8", "--kind", "simultaneous", "--seed", "bad6")
    crossing(both, both.x)
    reg = base("--suite", "7/2/P-256/8", "--kind", "registration", "--seed", "bad7")
    registration(reg, reg.x)
    no_server(reg, reg.x)
    another_offer(reg, reg.x)
    return [rvs, nat, by, rsa, both, reg]
