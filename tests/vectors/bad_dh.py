# SPDX-License-Identifier: Apache-2.0
"""Diffie-Hellman values that are none, in R1 and I2, rightly signed and MACed, for every group (RFC 7401 s5.2.7, s5.3.2; SP 800-56A 5.6.2.3)."""
from bad_bex import flip
from forge import DIFFIE_HELLMAN, I2, R1, u

# Coordinates, and the prime of the field (RFC 5903 s3, SEC 2 v1 s2.4.2)
CURVES = {
    7: (32, 2**256 - 2**224 + 2**192 + 2**96 - 1),
    8: (48, 2**384 - 2**128 - 2**96 + 2**32 - 1),
    9: (66, 2**521 - 1),
    10: (20, 2**160 - 2**31 - 1),
}
# RFC 3526: p = 2^n - 2^(n-64) - 1 + 2^64 ([2^(n-130) pi] + k)
MODP = {3: (1536, 741804), 11: (2048, 124476), 4: (3072, 1690314)}


def pi(bits: int) -> int:
    """[2^bits pi], by Machin's formula."""
    def arctan(x: int) -> int:
        term = total = (1 << bits + 64) // x
        n, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total
    return 4 * (4 * arctan(5) - arctan(239)) >> 64


def modulus(group: int) -> int:
    n, k = MODP[group]
    return 2**n - 2**(n - 64) - 1 + 2**64 * (pi(n - 130) + k)


def no_values(group: int, pub: bytes):
    """Octets of the group's length, or nearly, that are no public value of it."""
    n = len(pub)
    if group in MODP:
        p = modulus(group)
        for comment, value in (("0", 0), ("1", 1), ("p - 1", p - 1), ("p", p), ("p + 1", p + 1)):
            yield f"the MODP public value {comment}", u(value, n)
        yield "a MODP public value without its leading octet", pub[1:]
        return
    size, p = CURVES[group]
    yield "a public value that is not on the curve", flip(pub, 8 * n - 8)
    yield "a public value of zeros", bytes(n)
    yield "a public value x = p, y", u(p, size) + pub[size:]
    yield "a public value x, y = p", pub[:size] + u(p, size)
    yield "a public value without its last octet", pub[:-1]


def values(g, x, group: int):
    for kind, name, sender, to in ((R1, "R1", "R", "I"), (I2, "I2", "I", "R")):
        at = x.index(kind, sender)
        p = x.packet(at)
        for comment, value in no_values(group, p.get(DIFFIE_HELLMAN)[3:]):
            g.put(f"{name} with {comment}, group {group}", x.seal(p.copy().set(DIFFIE_HELLMAN, u(group, 1) + u(len(value), 2) + value), sender, to),
                  to, at, "BAD_DH")


def make(base):
    out = []
    for group in (*CURVES, *MODP):
        g = base("--suite", f"{group}/2/P-256/8", "--seed", f"badd{group:02}", "--tell")
        values(g, g.x, group)
        out.append(g)
    return out
