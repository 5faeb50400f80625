#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A RADIUS server that has the secret and an honest server behind it, and does not pass on what that one says: what a server that lies, or is slow, or dies would do.

    radius_relay.py ADDRESS UPSTREAM SECRET_FILE MODE

pass                    as it is
wrong-authenticator     one bit of the Response Authenticator
wrong-state             another State in Access-Challenge
short-msk               MS-MPPE-Recv-Key of 16 octets
long-msk                MS-MPPE-Recv-Key of 64 octets
no-names                Access-Accept without 3GPP-IMSI, CUI and User-Name
named IMSI              3GPP-IMSI, CUI and User-Name say this one
method                  the first challenge is one of EAP-MD5
early                   the first answer is Access-Accept, keys and all
slow SECONDS            each answer so much later
pause N                 after N answers nothing goes either way until SIGUSR1

The secret is the same on both sides, so keys and State are passed on as they are. It says "ready", and "paused", on stdout.
"""
import hashlib
import hmac
import os
import select
import signal
import socket
import struct
import sys
import time

ACCEPT, CHALLENGE = 2, 11
USER, STATE, VENDOR, EAP, MA, CUI = 1, 24, 26, 79, 80, 89
MS, TGPP = 311, 10415


def attrs(packet):
    at = 20
    while at + 2 <= len(packet) and packet[at + 1] >= 2:
        yield packet[at], packet[at + 2:at + packet[at + 1]]
        at += packet[at + 1]


def pack(code, ident, request_auth, items, secret):
    """A reply with Message-Authenticator first and the Response Authenticator, both right."""
    body = b"".join(bytes([t, len(v) + 2]) + v for t, v in [(MA, bytes(16))] + [i for i in items if i[0] != MA])
    head = struct.pack(">BBH", code, ident, 20 + len(body))
    ma = hmac.new(secret, head + request_auth + body, hashlib.md5).digest()
    body = body[:2] + ma + body[18:]
    return head + hashlib.md5(head + request_auth + body + secret).digest() + body


def vendor(v):
    return struct.unpack(">I", v[:4])[0], v[4]


def mppe(kind, key, request_auth, secret):
    salt = bytes([0x80 | os.urandom(1)[0], kind])
    plain = bytes([len(key)]) + key
    plain += bytes(-len(plain) % 16)
    out, last = b"", request_auth + salt
    for i in range(0, len(plain), 16):
        last = bytes(a ^ b for a, b in zip(plain[i:i + 16], hashlib.md5(secret + last).digest()))
        out += last
    return VENDOR, struct.pack(">IBB", MS, kind, len(out) + 4) + salt + out


class Relay:
    def __init__(self, secret, mode, words):
        self.secret, self.mode, self.words = secret, mode, words
        self.answers = 0

    def names(self, imsi):
        return [(USER, imsi), (CUI, imsi), (VENDOR, struct.pack(">IBB", TGPP, 1, len(imsi) + 2) + imsi)]

    def without_names(self, items):
        return [(t, v) for t, v in items if t not in (USER, CUI) and not (t == VENDOR and vendor(v) == (TGPP, 1))]

    def reply(self, request, answer):
        """What goes back in the place of this answer to this request."""
        code, items, auth = answer[0], list(attrs(answer)), request[4:20]
        self.answers += 1
        if self.mode == "wrong-authenticator":
            return answer[:4] + bytes([answer[4] ^ 1]) + answer[5:]
        if self.mode == "wrong-state" and code == CHALLENGE:
            items = [(t, os.urandom(len(v)) if t == STATE else v) for t, v in items]
        elif self.mode in ("short-msk", "long-msk") and code == ACCEPT:
            items = [i for i in items if not (i[0] == VENDOR and vendor(i[1]) == (MS, 17))]
            items.append(mppe(17, os.urandom(16 if self.mode == "short-msk" else 64), auth, self.secret))
        elif self.mode == "no-names" and code == ACCEPT:
            items = self.without_names(items)
        elif self.mode == "named" and code == ACCEPT:
            items = self.without_names(items) + self.names(self.words[0].encode())
        elif self.mode == "method" and self.answers == 1:
            eap = next(v for t, v in items if t == EAP)
            items = [i for i in items if i[0] != EAP] + [(EAP, bytes([1, eap[1], 0, 22, 4, 16]) + os.urandom(16))]
        elif self.mode == "early" and self.answers == 1:
            eap = next(v for t, v in items if t == EAP)
            code, items = ACCEPT, [(EAP, bytes([3, eap[1], 0, 4])), mppe(17, bytes(32), auth, self.secret), mppe(16, bytes(32), auth, self.secret)]
            items += self.names(b"001010000000001")
        return pack(code, answer[1], auth, items, self.secret)


def main():
    address, upstream, secret_file, mode, *words = sys.argv[1:]
    relay = Relay(open(secret_file).read().strip().encode(), mode, words)
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind((address, 1812))
    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    back.bind((address, 0))
    asked, later, paused = {}, [], False
    on = []
    signal.signal(signal.SIGUSR1, lambda *_: on.append(1))
    print("ready", flush=True)
    while True:
        try:
            ready = select.select([front, back], [], [], 0.02)[0]
        except InterruptedError:
            continue
        if on:
            paused, mode = False, "pass"
        for s in ready:
            packet, peer = s.recvfrom(4096)
            if paused:
                continue
            if s is front:
                asked[packet[1], packet[4:20]] = (packet, peer)
                back.sendto(packet, (upstream, 1812))
                continue
            found = next(((r, p) for (i, _), (r, p) in reversed(list(asked.items())) if i == packet[1]), None)
            if found:
                request, who = found
                out = relay.reply(request, packet) if request[0] == 1 else packet
                later.append((time.monotonic() + (float(words[0]) if mode == "slow" else 0), out, who))
                if mode == "pause" and relay.answers == int(words[0]):
                    paused = True
                    print("paused", flush=True)
        for due in [x for x in later if x[0] <= time.monotonic()]:
            front.sendto(due[1], due[2])
            later.remove(due)


main()
