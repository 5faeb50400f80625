# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the octets themselves, in every kind of packet (RFC 7401 s5.1, s5.2.1)."""
from forge import (ACK, CLOSE, CLOSE_ACK, DH_GROUP_LIST, DIFFIE_HELLMAN, ECHO_REQUEST_SIGNED, ECHO_REQUEST_UNSIGNED,
                   ECHO_RESPONSE_SIGNED, ENCRYPTED, HIP_CIPHER, HIP_MAC, HIP_MAC_2, HIP_SIGNATURE, HIP_SIGNATURE_2,
                   HIT_SUITE_LIST, HOST_ID, I1, I2, NAMES, NOTIFICATION, NOTIFY, PUZZLE, R1, R1_COUNTER, R2, SEQ, SOLUTION,
                   TRANSPORT_FORMAT_LIST, UPDATE, tlv, u)

# Kind, sender, the parameter that may not stand twice, one that has no place in it.
KINDS = ((I1, "I", DH_GROUP_LIST, PUZZLE), (R1, "R", DH_GROUP_LIST, SOLUTION), (I2, "I", DIFFIE_HELLMAN, PUZZLE),
         (R2, "R", HIP_MAC_2, DIFFIE_HELLMAN), (UPDATE, "I", SEQ, HIP_CIPHER), (NOTIFY, "R", None, SEQ),
         (CLOSE, "I", ECHO_REQUEST_SIGNED, SEQ), (CLOSE_ACK, "R", ECHO_RESPONSE_SIGNED, ACK))
NEEDS = {I1: (DH_GROUP_LIST,),
         R1: (PUZZLE, DH_GROUP_LIST, DIFFIE_HELLMAN, HIP_CIPHER, HOST_ID, HIT_SUITE_LIST, TRANSPORT_FORMAT_LIST, HIP_SIGNATURE_2),
         I2: (R1_COUNTER, SOLUTION, DIFFIE_HELLMAN, HIP_CIPHER, ENCRYPTED, TRANSPORT_FORMAT_LIST, HIP_MAC, HIP_SIGNATURE),
         R2: (HIP_MAC_2, HIP_SIGNATURE), UPDATE: (SEQ, HIP_MAC, HIP_SIGNATURE), NOTIFY: (NOTIFICATION, HIP_SIGNATURE),
         CLOSE: (ECHO_REQUEST_SIGNED, HIP_MAC, HIP_SIGNATURE), CLOSE_ACK: (ECHO_RESPONSE_SIGNED, HIP_MAC, HIP_SIGNATURE)}
PARAM = {SEQ: "SEQ", ACK: "ACK", DH_GROUP_LIST: "DH_GROUP_LIST", PUZZLE: "PUZZLE", SOLUTION: "SOLUTION", HIP_CIPHER: "HIP_CIPHER",
         DIFFIE_HELLMAN: "DIFFIE_HELLMAN", HIP_MAC: "HIP_MAC", HIP_MAC_2: "HIP_MAC_2", HIP_SIGNATURE: "HIP_SIGNATURE",
         HIP_SIGNATURE_2: "HIP_SIGNATURE_2", HOST_ID: "HOST_ID", HIT_SUITE_LIST: "HIT_SUITE_LIST", R1_COUNTER: "R1_COUNTER",
         TRANSPORT_FORMAT_LIST: "TRANSPORT_FORMAT_LIST", ENCRYPTED: "ENCRYPTED", NOTIFICATION: "NOTIFICATION",
         ECHO_REQUEST_SIGNED: "ECHO_REQUEST_SIGNED", ECHO_RESPONSE_SIGNED: "ECHO_RESPONSE_SIGNED"}


def header(g, name, p, to, at, more):
    wire = p.raw()

    def changed(where, octets):
        return wire[:where] + octets + wire[where + len(octets):]

    g.raw(f"{name} of 39 octets", wire[:39], to, at, "TRUNCATED", kind=name, **more)
    g.raw(f"{name} cut off by 8 octets", wire[:-8], to, at, "TRUNCATED", sums=False, **more)
    g.raw(f"{name} with a Header Length below the header", changed(1, b"\3"), to, at, "BAD_HEADER", **more)
    g.raw(f"{name} with the version of HIPv1", changed(3, b"\x11"), to, at, "BAD_VERSION", **more)
    g.raw(f"{name} with version 3", changed(3, b"\x31"), to, at, "BAD_VERSION", **more)
    g.raw(f"{name} with a wrong checksum", changed(4, b"\1\2"), to, at, "BAD_CHECKSUM", sums=False, **more)
    g.raw(f"{name} with checksum zero, as in UDP", changed(4, b"\0\0"), to, at, "BAD_CHECKSUM", sums=False, **more)
    g.raw(f"{name} whose sender has a HIT of the first version, 2001:10::/28", changed(11, b"\x11"), to, at, "BAD_HIT", **more)
    g.raw(f"{name} whose sender has no HIT", changed(8, bytes(16)), to, at, "BAD_HIT", **more)
    g.raw(f"{name} to an address that is no HIT", changed(24, b"\xfe\x80"), to, at, "BAD_HIT", **more)
    g.raw(f"{name}'s contents in a packet of type 5", changed(2, b"\5"), to, at, "UNKNOWN_PACKET", kind="OTHER", **more)


def lists(g, name, x, p, sender, to, at, once, misplaced, more):
    q = p.copy()
    q.add(ECHO_REQUEST_UNSIGNED, b"later") if len(q.params) < 2 else q
    q.params[0], q.params[1] = q.params[1], q.params[0]
    g.put(f"{name} with its first two parameters changed places", x.seal(q, sender, to), to, at, "PARAM_ORDER", **more)
    q = p.copy()
    kind, value = q.params[-1]
    q.params[-1] = tlv(kind, value, length=len(value) + 64)
    g.put(f"{name} whose last parameter says to be longer than the packet", q, to, at, "PARAM_LENGTH", **more)
    q = p.copy()
    kind, value = q.params[0]
    q.params[0] = tlv(kind, value, length=0xffff)
    g.put(f"{name} whose first parameter says 65535 octets", q, to, at, "PARAM_LENGTH", **more)
    q = p.copy()
    q.params.append(u(0, 2) + u(1, 2) + b"\0")
    wire = q.raw()[:-5] + bytes(8)
    wire = wire[:1] + u(len(wire) // 8 - 1, 1) + wire[2:]
    g.raw(f"{name} with eight zero octets behind its parameters: a parameter of type 0, out of order", wire, to, at, "PARAM_ORDER", **more)
    q = p.copy().add(33333, b"what is that")
    g.put(f"{name} with an unknown critical parameter", x.seal(q, sender, to), to, at, "UNKNOWN_CRITICAL", **more)
    q = p.copy().add(misplaced, bytes(44) if misplaced == SOLUTION else bytes(52) if misplaced == PUZZLE else u(1, 4))
    g.put(f"{name} with {PARAM[misplaced]}, which has no place in it", x.seal(q, sender, to), to, at, "PARAM_NOT_ALLOWED", **more)
    if once:
        q = p.copy()
        i = next(i for i, v in enumerate(q.params) if v[0] == once)
        q.params.insert(i, list(q.params[i]))
        g.put(f"{name} with {PARAM[once]} twice", x.seal(q, sender, to) if once != HIP_MAC_2 else q, to, at, "PARAM_COUNT", **more)


def make(base):
    g = base("--suite", "7/2/P-256/8", "--kind", "update,notify,close", "--seed", "badf")
    x = g.x
    for kind, sender, once, misplaced in KINDS:
        at, to = x.index(kind, sender), "R" if sender == "I" else "I"
        p, name = x.packet(at), NAMES[kind]
        more = {"continues": True}
        header(g, name, p, to, at, more)
        if kind not in (I1, NOTIFY):
            wire = p.raw()
            g.raw(f"{name} to the NULL HIT", wire[:24] + bytes(16) + wire[40:], to, at, "BAD_HIT", **more)
        lists(g, name, x, p, sender, to, at, once, misplaced, more)
        for need in NEEDS[kind]:
            q = p.copy().drop(need)
            g.put(f"{name} without {PARAM[need]}", x.seal(q, sender, to), to, at, "PARAM_MISSING", **more)
    return [g]
