# SPDX-License-Identifier: Apache-2.0
"""The base exchange: R1, I2 and R2 with one thing wrong, everything else right (RFC 7401 s6.7 to s6.10)."""
from forge import (DH_GROUP_LIST, DIFFIE_HELLMAN, ENCRYPTED, ESP_INFO, ESP_TRANSFORM, HIP_CIPHER, HIP_MAC, HIP_MAC_2,
                   HIP_SIGNATURE, HIP_SIGNATURE_2, HIT_SUITE_LIST, HOST_ID, LOCATOR_SET, PUZZLE, R1_COUNTER, SOLUTION,
                   TRANSPORT_FORMAT_LIST, solve, tlv, u)

P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1


def flip(value: bytes, bit: int) -> bytes:
    out = bytearray(value)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def identities(x):
    """Contents of HOST_ID that are no host identity of this sender."""
    good = bytes.fromhex(x.party["R"]["host_id"])
    hi = good[6:]

    def host_id(alg, field):
        return u(len(field), 2) + b"\0\0" + u(alg, 2) + field

    yield "the other host's HOST_ID", bytes.fromhex(x.party["I"]["host_id"]), "HI_MISMATCH"
    yield "a HOST_ID of an unknown algorithm", host_id(99, hi), "BAD_HI"
    yield "a HOST_ID of ECDSA on curve 9", host_id(7, b"\0\x09" + hi[2:]), "BAD_HI"
    yield "a HOST_ID whose point is not on the curve", host_id(7, flip(hi, 8 * 40)), "BAD_HI"
    yield "a HOST_ID whose point is all zeros", host_id(7, hi[:2] + bytes(64)), "BAD_HI"
    yield "a HOST_ID one octet too short", host_id(7, hi[:-1]), "BAD_HI"
    yield "a HOST_ID whose HI Length lies", u(len(hi) + 9, 2) + good[2:], "BAD_HI"
    yield "a HOST_ID whose DI Length lies", good[:2] + b"\x10\x40" + good[4:], "BAD_HI"


def r1(g, x, at):
    p = x.packet(at)

    def put(comment, q, drop, **more):
        g.put("R1 " + comment, q, "I", at, drop, **more)

    def changed(comment, kind, value, drop, **more):
        put(comment, x.seal(p.copy().set(kind, value), "R", "I"), drop, **more)

    sig = p.get(HIP_SIGNATURE_2)
    put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE_2, flip(sig, 8 * 20)), "BAD_SIGNATURE")
    put("whose signature is all zeros", p.copy().set(HIP_SIGNATURE_2, sig[:2] + bytes(64)), "BAD_SIGNATURE")
    put("signed by the Initiator's key", x.seal(p.copy(), "R", "I", signer="I"), "BAD_SIGNATURE")
    put("signed over itself with receiver's HIT, Opaque and #I in it", p.copy().set(
        HIP_SIGNATURE_2, x.sign("R", p.covered(HIP_SIGNATURE_2))), "BAD_SIGNATURE")
    put("signed with a Header Length that counts the signature", x.seal(
        p.copy(), "R", "I", sign_over=lambda d: d[:1] + u(d[1] + 9, 1) + d[2:]), "BAD_SIGNATURE")
    put("signed with its checksum in it", x.seal(p.copy(), "R", "I", sign_over=lambda d: d[:4] + b"\1\2" + d[6:]), "BAD_SIGNATURE")
    put("whose signature names the algorithm of RSA", p.copy().set(HIP_SIGNATURE_2, u(5, 2) + sig[2:]), "BAD_SIGNATURE")
    put("whose signature is a DER sequence", p.copy().set(HIP_SIGNATURE_2, sig[:2] + b"\x30\x44\2\x20" + sig[2:34] + b"\2\x20" + sig[34:]),
        "BAD_SIGNATURE")
    put("whose K was raised by somebody else", p.copy().set(PUZZLE, u(7, 1) + p.get(PUZZLE)[1:]), "BAD_SIGNATURE")
    put("whose puzzle lifetime was raised by somebody else", p.copy().set(PUZZLE, p.get(PUZZLE)[:1] + u(60, 1) + p.get(PUZZLE)[2:]),
        "BAD_SIGNATURE")
    put("whose DH_GROUP_LIST was cut down by somebody else", p.copy().set(DH_GROUP_LIST, p.get(DH_GROUP_LIST)[:1]), "BAD_SIGNATURE")
    put("whose public value was replaced by somebody else", p.copy().set(
        DIFFIE_HELLMAN, u(7, 1) + u(64, 2) + bytes.fromhex(x.party["I"]["dh_public"])), "BAD_SIGNATURE")
    put("whose R1 counter was raised by somebody else", p.copy().set(R1_COUNTER, bytes(4) + u(2**40, 8)), "BAD_SIGNATURE")
    for comment, value, drop in identities(x):
        changed("with " + comment, HOST_ID, value, drop)
    puzzle = p.get(PUZZLE)
    changed("with a puzzle of K = 64", PUZZLE, u(64, 1) + puzzle[1:], "PUZZLE_TOO_HARD")
    changed("with a puzzle of K = 255", PUZZLE, u(255, 1) + puzzle[1:], "PUZZLE_TOO_HARD")
    changed("with an #I of SHA-256's length for a HIT of SHA-384", PUZZLE, puzzle[:36], "PARAM_MALFORMED")
    group, pub = p.get(DIFFIE_HELLMAN)[:1], p.get(DIFFIE_HELLMAN)[3:]
    changed("with a public value of 63 octets", DIFFIE_HELLMAN, group + u(63, 2) + pub[:63], "BAD_DH")
    changed("with a public value that begins with 04", DIFFIE_HELLMAN, group + u(65, 2) + b"\4" + pub, "BAD_DH")
    changed("with a public value of group 5, which nobody has", DIFFIE_HELLMAN, u(5, 1) + u(64, 2) + pub, "BAD_DH")
    changed("with a public value whose length lies", DIFFIE_HELLMAN, group + u(200, 2) + pub, "PARAM_MALFORMED")
    changed("with two public values in one parameter", DIFFIE_HELLMAN, (group + u(64, 2) + pub) * 2, "PARAM_MALFORMED")
    changed("with a group that its own signed list does not lead to", DIFFIE_HELLMAN, u(8, 1) + u(96, 2) + pub + pub[:32], "DH_DOWNGRADE")
    changed("with a list that leads to another group than it took", DH_GROUP_LIST, bytes([8, 7]), "DH_DOWNGRADE")
    changed("with a list that leads to nothing that the Initiator has", DH_GROUP_LIST, bytes([1, 2]), "DH_DOWNGRADE")
    changed("with ciphers of which none is known", HIP_CIPHER, u(3, 2) + u(9, 2), "BAD_CIPHER")
    changed("with NULL-ENCRYPT alone, which the Initiator does not have", HIP_CIPHER, u(1, 2), "BAD_CIPHER")
    changed("with HIT suites without the Initiator's", HIT_SUITE_LIST, b"\x10", "UNSUPPORTED_SUITE")
    changed("with a HIT suite whose lower bits are set", HIT_SUITE_LIST, b"\x12\x20", "PARAM_MALFORMED")
    changed("with a transport format that nobody knows", TRANSPORT_FORMAT_LIST, u(4001, 2), "BAD_TRANSPORT")
    changed("with ESP transforms of which none is known", ESP_TRANSFORM, bytes(2) + u(99, 2), "BAD_TRANSPORT")
    put("without ESP_TRANSFORM", x.seal(p.copy().drop(ESP_TRANSFORM), "R", "I"), "BAD_TRANSPORT")
    wire = p.raw()
    g.raw("R1 for another Initiator", wire[:24] + flip(wire[24:40], 100) + wire[40:], "I", at, "NOT_OUR_HIT")
    g.raw("R1 of another Responder, to whom no I1 went", wire[:8] + flip(wire[8:24], 100) + wire[24:], "I", at, "NO_ASSOCIATION")
    g.raw("R1 from oneself", wire[:8] + x.hit("I") + wire[24:], "I", at, "OWN_HIT")
    g.raw("R1 of a HIT of suite 4", wire[:11] + b"\x24" + wire[12:], "I", at, "UNSUPPORTED_SUITE")
    g.put("R1 once the exchange is over", p, "I", at + 3, "WRONG_STATE", like=at)
    g.put("R1 again, while R2 is waited for", p, "I", at + 2, "DUPLICATE", like=at)


def i2(g, x, at):
    p = x.packet(at)
    solution = p.get(SOLUTION)
    n = (len(solution) - 4) // 2
    i, j = solution[4:4 + n], solution[4 + n:]
    k = solution[0]

    def put(comment, q, drop, **more):
        g.put("I2 " + comment, q, "R", at, drop, **more)

    def changed(comment, kind, value, drop, **more):
        put(comment, x.seal(p.copy().set(kind, value), "I", "R"), drop, **more)

    changed("whose #J does not solve the puzzle", SOLUTION, solution[:4 + n] + solve(x.rhash, i, x.hit("I"), x.hit("R"), k, wrong=True),
            "BAD_PUZZLE")
    swapped = solve(x.rhash, i, x.hit("R"), x.hit("I"), k)
    changed("whose puzzle was solved with the HITs swapped", SOLUTION, solution[:4 + n] + swapped, "BAD_PUZZLE")
    other = flip(x.hit("I"), 90)
    changed("whose puzzle was solved for another Initiator", SOLUTION, solution[:4 + n] + solve(x.rhash, i, other, x.hit("R"), k), "BAD_PUZZLE")
    elsewhere = flip(i, 7)
    changed("that answers a puzzle nobody gave", SOLUTION,
            solution[:4] + elsewhere + solve(x.rhash, elsewhere, x.hit("I"), x.hit("R"), k), "BAD_PUZZLE")
    changed("with a smaller K than it was given", SOLUTION, u(k - 1, 1) + solution[1:], "BAD_PUZZLE")
    changed("with K = 0", SOLUTION, b"\0" + solution[1:], "BAD_PUZZLE")
    changed("with another Opaque", SOLUTION, solution[:2] + flip(solution[2:4], 3) + solution[4:], "BAD_PUZZLE")
    changed("with a SOLUTION of SHA-256's length", SOLUTION, solution[:4] + i[:32] + j[:32], "PARAM_MALFORMED")
    changed("with an R1 counter that goes back", R1_COUNTER, bytes(12), "STALE_R1_COUNTER")
    changed("with an R1 counter that was never given out", R1_COUNTER, bytes(4) + u(9, 8), "STALE_R1_COUNTER")
    group, pub = p.get(DIFFIE_HELLMAN)[:1], p.get(DIFFIE_HELLMAN)[3:]

    def dh(comment, value, drop="BAD_DH"):
        changed("with " + comment, DIFFIE_HELLMAN, value, drop)

    dh("a public value that is not on the curve", group + u(64, 2) + flip(pub, 8 * 40))
    dh("a public value of zeros", group + u(64, 2) + bytes(64))
    dh("a public value x = p, y", group + u(64, 2) + u(P256_P, 32) + pub[32:])
    dh("the point at infinity as one zero octet", group + u(1, 2) + b"\0")
    dh("a public value of 63 octets", group + u(63, 2) + pub[:63])
    dh("a public value that begins with 04", group + u(65, 2) + b"\4" + pub)
    dh("a public value of another group than the R1's", u(8, 1) + u(96, 2) + pub + pub[:32])
    dh("a public value whose length lies", group + u(65, 2) + pub, "PARAM_MALFORMED")
    dh("a second public value", (group + u(64, 2) + pub) * 2, "PARAM_MALFORMED")
    changed("with a cipher that was not offered", HIP_CIPHER, u(4, 2), "BAD_CIPHER")
    changed("with two ciphers", HIP_CIPHER, u(2, 2) + u(4, 2), "BAD_CIPHER")
    changed("with an ESP transform that was not offered", ESP_TRANSFORM, bytes(2) + u(13, 2), "BAD_TRANSPORT")
    changed("with two ESP transforms", ESP_TRANSFORM, bytes(2) + u(8, 2) + u(13, 2), "BAD_TRANSPORT")
    changed("with another transport format", TRANSPORT_FORMAT_LIST, u(4001, 2), "BAD_TRANSPORT")
    changed("with two transport formats", TRANSPORT_FORMAT_LIST, u(4095, 2) + u(4001, 2), "BAD_TRANSPORT")
    put("without ESP_TRANSFORM", x.seal(p.copy().drop(ESP_TRANSFORM), "I", "R"), "BAD_TRANSPORT")
    put("without ESP_INFO", x.seal(p.copy().drop(ESP_INFO), "I", "R"), "BAD_ESP_INFO")
    esp = p.get(ESP_INFO)
    changed("with a reserved SPI, 255", ESP_INFO, esp[:8] + u(255, 4), "BAD_ESP_INFO")
    changed("with SPI 0", ESP_INFO, esp[:8] + bytes(4), "BAD_ESP_INFO")
    changed("with an OLD SPI", ESP_INFO, esp[:4] + u(4096, 4) + esp[8:], "BAD_ESP_INFO")
    mac = p.get(HIP_MAC)
    put("whose HIP_MAC has one bit wrong", x.seal(p.copy(), "I", "R", mac_over=lambda d: flip(d, 400)), "BAD_HIP_MAC")
    put("whose HIP_MAC is zeros", sealed_with(x, p, bytes(len(mac))), "BAD_HIP_MAC")
    put("MACed with the Responder's key", x.seal(p.copy(), "I", "R", mac_key=x.key("R", "I", "mac")), "BAD_HIP_MAC")
    put("MACed with the encryption key", x.seal(p.copy(), "I", "R", mac_key=x.key("I", "R", "enc")), "BAD_HIP_MAC")
    put("MACed with a Header Length that counts the MAC", x.seal(
        p.copy(), "I", "R", mac_over=lambda d: d[:1] + u(d[1] + 7, 1) + d[2:]), "BAD_HIP_MAC")
    put("MACed with the Responder's HOST_ID behind it, as R2 is", x.seal(
        p.copy(), "I", "R", mac_over=lambda d: d + x.host_id_tlv("R")), "BAD_HIP_MAC")
    put("whose HIP_MAC is cut to 32 octets", sealed_with(x, p, mac[:32]), "BAD_HIP_MAC")
    sig = p.get(HIP_SIGNATURE)
    put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(sig, 8 * 20)), "BAD_SIGNATURE")
    put("signed by the Responder", x.seal(p.copy(), "I", "R", signer="R"), "BAD_SIGNATURE")
    put("signed without its HIP_MAC", p.copy().set(HIP_SIGNATURE, x.sign("I", p.covered(HIP_MAC))), "BAD_SIGNATURE")
    put("whose signature names the algorithm of RSA", p.copy().set(HIP_SIGNATURE, u(5, 2) + sig[2:]), "BAD_SIGNATURE")
    put("whose signature is r | s of zeros", p.copy().set(HIP_SIGNATURE, sig[:2] + bytes(64)), "BAD_SIGNATURE")
    encrypted(x, p, put)
    for comment, value, drop in identities(x):
        if drop == "HI_MISMATCH":
            value = bytes.fromhex(x.party["R"]["host_id"])
        inner = x.encrypt(tlv(HOST_ID, value), "I", "R", p.get(ENCRYPTED)[4:20])
        changed("with " + comment + ", encrypted", ENCRYPTED, inner, drop)
    wire = p.raw()
    g.raw("I2 of another Initiator", wire[:8] + flip(wire[8:24], 100) + wire[24:], "R", at, "BAD_PUZZLE")
    g.raw("I2 to another Responder", wire[:24] + flip(wire[24:40], 100) + wire[40:], "R", at, "NOT_OUR_HIT")
    g.raw("I2 of a HIT of suite 4", wire[:11] + b"\x24" + wire[12:], "R", at, "UNSUPPORTED_SUITE")
    g.put("I2 from another address than the I1", p, "R", at, "BAD_PUZZLE", src="192.0.2.200")
    g.put("I2 before any R1 was given out", p, "R", 0, "STALE_R1_COUNTER", like=at)
    g.put("I2 again, while the Initiator waits: R2 is sent again", p, "R", at + 1, "DUPLICATE", like=at, accept=True)
    spi = p.copy().set(ESP_INFO, esp[:8] + u(0x12345678, 4))
    g.put("I2 with a solution that was used, another SPI", x.seal(spi, "I", "R"), "R", at + 1, "PUZZLE_REUSED", like=at)
    g.put("I2 with a solution that was used, in ESTABLISHED", x.seal(spi.copy(), "I", "R"), "R", at + 4, "PUZZLE_REUSED", like=at)


def sealed_with(x, p, mac):
    q = p.copy().set(HIP_MAC, mac)
    return q.set(HIP_SIGNATURE, x.sign("I", q.covered(HIP_SIGNATURE)))


def encrypted(x, p, put):
    v = p.get(ENCRYPTED)
    plain = x.decrypt(p, "I", "R")

    def changed(comment, value, drop="BAD_ENCRYPTED"):
        put(comment, x.seal(p.copy().set(ENCRYPTED, value), "I", "R"), drop)

    changed("whose ENCRYPTED has another IV", v[:4] + flip(v[4:20], 3) + v[20:])
    changed("whose ENCRYPTED is not a number of blocks", v[:-1])
    changed("whose ENCRYPTED has no block at all", v[:20])
    changed("whose ENCRYPTED was made with the Responder's key", x.encrypt(plain, "R", "I", v[4:20]))
    changed("whose ENCRYPTED holds no HOST_ID", x.encrypt(tlv(LOCATOR_SET, b""), "I", "R", v[4:20]))
    changed("whose ENCRYPTED holds an unknown critical parameter", x.encrypt(plain + tlv(33333, b"?"), "I", "R", v[4:20]))
    changed("whose ENCRYPTED holds a parameter longer than itself", x.encrypt(plain[:2] + u(400, 2) + plain[4:], "I", "R", v[4:20]))


def r2(g, x, at):
    p = x.packet(at)
    esp = p.get(ESP_INFO)

    def put(comment, q, drop, **more):
        g.put("R2 " + comment, q, "I", at, drop, **more)

    put("MACed without the Responder's HOST_ID", x.seal(p.copy(), "R", "I", tail=b""), "BAD_HIP_MAC_2")
    put("MACed with the Initiator's HOST_ID", x.seal(p.copy(), "R", "I", tail=x.host_id_tlv("I")), "BAD_HIP_MAC_2")
    put("MACed with the HOST_ID's contents without type and length", x.seal(
        p.copy(), "R", "I", tail=bytes.fromhex(x.party["R"]["host_id"])), "BAD_HIP_MAC_2")
    put("MACed with the Initiator's key", x.seal(p.copy(), "R", "I", mac_key=x.key("I", "R", "mac")), "BAD_HIP_MAC_2")
    put("MACed with a Header Length that does not count the HOST_ID", x.seal(
        p.copy(), "R", "I", mac_over=lambda d: d[:1] + u(len(p.covered(HIP_MAC_2)) // 8 - 1, 1) + d[2:]), "BAD_HIP_MAC_2")
    put("whose HIP_MAC_2 has one bit wrong", x.seal(p.copy(), "R", "I", mac_over=lambda d: flip(d, 90)), "BAD_HIP_MAC_2")
    put("signed by the Initiator", x.seal(p.copy(), "R", "I", signer="I"), "BAD_SIGNATURE")
    put("whose signature has one bit wrong", p.copy().set(HIP_SIGNATURE, flip(p.get(HIP_SIGNATURE), 300)), "BAD_SIGNATURE")
    put("signed with the HOST_ID in what is signed, as the MAC is", x.seal(
        p.copy(), "R", "I", sign_over=lambda d: d + x.host_id_tlv("R")), "BAD_SIGNATURE")
    put("without ESP_INFO", x.seal(p.copy().drop(ESP_INFO), "R", "I"), "BAD_ESP_INFO")
    put("with a reserved SPI", x.seal(p.copy().set(ESP_INFO, esp[:8] + u(7, 4)), "R", "I"), "BAD_ESP_INFO")
    put("with an OLD SPI", x.seal(p.copy().set(ESP_INFO, esp[:4] + u(300, 4) + esp[8:]), "R", "I"), "BAD_ESP_INFO")
    g.put("R2 before R1", p, "I", 1, "WRONG_STATE", like=at)
    g.put("R2 again, in ESTABLISHED", p, "I", at + 1, "WRONG_STATE", like=at)
    g.put("R2 to the Responder itself", p, "R", at + 1, "OWN_HIT", like=at)


def make(base):
    g = base("--suite", "7/2/P-256/8", "--seed", "badb", "--wide")
    x = g.x
    r1(g, x, 1)
    g2 = base("--suite", "7/2/P-256/8", "--seed", "badc")
    i2(g2, g2.x, 2)
    r2(g2, g2.x, 3)
    return [g, g2]
