# SPDX-License-Identifier: Apache-2.0
"""What is told to who sent a packet that was dropped (RFC 7401 s5.2.19), and what is not."""
from bad_bex import P256_P, flip
from forge import (CLOSE, DH_GROUP_LIST, DIFFIE_HELLMAN, ENCRYPTED, ESP_TRANSFORM, HIP_CIPHER, HIP_SIGNATURE, HIT_SUITE_LIST,
                   HOST_ID, SOLUTION, UPDATE, tlv, u)


def r1(g, x):
    """Only about one that is signed: somebody else may have sent the others."""
    p = x.packet(1)

    def put(comment, kind, value, drop, notify):
        g.put("R1 " + comment, x.seal(p.copy().set(kind, value), "R", "I"), "I", 1, drop, notify=notify)

    put("with ciphers of which none is known", HIP_CIPHER, u(3, 2) + u(9, 2), "BAD_CIPHER", 16)
    put("with ESP transforms of which none is known", ESP_TRANSFORM, bytes(2) + u(99, 2), "BAD_TRANSPORT", 18)
    put("with a list that leads to nothing that the Initiator has", DH_GROUP_LIST, bytes([1, 2]), "DH_DOWNGRADE", 14)
    put("with HIT suites without the Initiator's", HIT_SUITE_LIST, b"\x10", "UNSUPPORTED_SUITE", 20)
    g.put("R1 whose ciphers were replaced by somebody else", p.copy().set(HIP_CIPHER, u(3, 2)), "I", 1, "BAD_SIGNATURE")


def i2(g, x):
    """Only about one whose puzzle is solved."""
    p = x.packet(2)
    v = p.get(ENCRYPTED)

    def put(comment, q, drop, notify=None):
        g.put("I2 " + comment, q, "R", 2, drop, notify=notify)

    def changed(comment, kind, value, drop, notify=None):
        put(comment, x.seal(p.copy().set(kind, value), "I", "R"), drop, notify)

    changed("with a cipher that was not offered", HIP_CIPHER, u(4, 2), "BAD_CIPHER", 17)
    changed("with an ESP transform that was not offered", ESP_TRANSFORM, bytes(2) + u(13, 2), "BAD_TRANSPORT", 19)
    changed("with a public value of another group than the R1's", DIFFIE_HELLMAN, u(8, 1) + u(96, 2) + bytes(95) + b"\1", "BAD_DH", 15)
    changed("with a public value x = p", DIFFIE_HELLMAN, u(7, 1) + u(64, 2) + u(P256_P, 32) + p.get(DIFFIE_HELLMAN)[35:], "BAD_DH")
    put("whose HIP_MAC has one bit wrong", x.seal(p.copy(), "I", "R", mac_over=lambda d: flip(d, 99)), "BAD_HIP_MAC", 28)
    put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 99)), "BAD_SIGNATURE", 24)
    changed("whose ENCRYPTED has another IV", ENCRYPTED, v[:4] + flip(v[4:20], 3) + v[20:], "BAD_ENCRYPTED", 32)
    changed("with the Responder's HOST_ID, encrypted", ENCRYPTED,
            x.encrypt(tlv(HOST_ID, bytes.fromhex(x.party["R"]["host_id"])), "I", "R", v[4:20]), "HI_MISMATCH", 40)
    solution = p.get(SOLUTION)
    q = p.copy().set(HIP_CIPHER, u(4, 2)).set(SOLUTION, solution[:2] + flip(solution[2:4], 3) + solution[4:])
    put("with a cipher that was not offered, and a puzzle that nobody gave", x.seal(q, "I", "R"), "BAD_PUZZLE")


def peers(g, x):
    """Of an association; never about a NOTIFY."""
    for kind, name, sender, to in ((UPDATE, "UPDATE", "I", "R"), (UPDATE, "UPDATE", "R", "I"), (CLOSE, "CLOSE", "I", "R")):
        i = x.index(kind, sender)
        p = x.packet(i)

        def put(comment, q, drop, notify=None, **more):
            g.put(f"{name} of {sender} {comment}", q, to, i, drop, notify=notify, **more)

        put("whose HIP_MAC has one bit wrong", x.seal(p.copy(), sender, to, mac_over=lambda d: flip(d, 99)), "BAD_HIP_MAC", 28)
        put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 99)), "BAD_SIGNATURE", 24)
        put("with an unknown critical parameter", x.seal(p.copy().add(33333, b"what is that"), sender, to), "UNKNOWN_CRITICAL", 1)
        wire = p.raw()
        g.raw(f"{name} of {sender} with a wrong checksum", wire[:4] + b"\1\2" + wire[6:], to, i, "BAD_CHECKSUM", notify=26, sums=False)
        put("whose signature is wrong, from elsewhere", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 98)), "BAD_SIGNATURE",
            src="203.0.113.200")
    r2 = x.packet(3)
    g.put("R2 whose HIP_MAC_2 has one bit wrong", x.seal(r2.copy(), "R", "I", mac_over=lambda d: flip(d, 99)), "I", 3, "BAD_HIP_MAC_2", notify=28)
    g.put("R2 signed by the Initiator", x.seal(r2.copy(), "R", "I", signer="I"), "I", 3, "BAD_SIGNATURE", notify=24)
    n = x.index(17, "R")
    q = x.packet(n)
    g.put("NOTIFY whose signature has one bit wrong", q.copy().set(HIP_SIGNATURE, flip(q.get(HIP_SIGNATURE), 99)), "I", n, "BAD_SIGNATURE")


def make(base):
    g = base("--suite", "7/2/P-256/8", "--kind", "update,notify,close", "--seed", "bada", "--tell")
    r1(g, g.x)
    i2(g, g.x)
    peers(g, g.x)
    return [g]
