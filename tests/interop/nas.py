# SPDX-License-Identifier: Apache-2.0
"""A RADIUS client in Python (RFC 2865, 3579, 2548), sharing no code with the C side, with its socket in a lab host."""
import ctypes
import hashlib
import hmac
import os
import socket
import struct

CLONE_NEWNET = 0x40000000


def socket_in(namespace, address, kind=socket.SOCK_DGRAM, port=0):
    """A socket that lives in another network namespace, bound there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            s = socket.socket(socket.AF_INET, kind)
            if port:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
        finally:
            if libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                os._exit(70)  # nothing of ours may run in the wrong namespace
    return s


def attr(kind, value):
    return bytes([kind, 2 + len(value)]) + value


def attrs_of(packet):
    out, pos = [], 20
    while pos + 2 <= len(packet) and packet[pos + 1] >= 2:
        out.append((packet[pos], packet[pos + 2:pos + packet[pos + 1]]))
        pos += packet[pos + 1]
    return out


class Nas:
    def __init__(self, namespace, address, server, secret, nas_id=b"HIP:" + b"0" * 32):
        self.sock = socket_in(namespace, address)
        self.server, self.secret, self.nas_id, self.id = server, secret, nas_id, 0

    def close(self):
        self.sock.close()

    def request(self, eap, state=None, authenticator=True, secret=None, extra=b""):
        """An Access-Request; authenticator False: without Message-Authenticator."""
        self.id = (self.id + 1) % 256
        body = attr(32, self.nas_id) + (attr(24, state) if state else b"") + extra
        for i in range(0, len(eap), 253):
            body += attr(79, eap[i:i + 253])
        auth = os.urandom(16)
        if authenticator:
            body += attr(80, bytes(16))
        head = struct.pack(">BBH", 1, self.id, 20 + len(body)) + auth
        if authenticator:
            body = body[:-16] + hmac.new(secret or self.secret, head + body, "md5").digest()
        return head + body

    def send(self, packet):
        self.sock.sendto(packet, self.server)

    def receive(self, packet, timeout=3.0):
        """The verified reply to this request, or None."""
        self.sock.settimeout(timeout)
        while True:
            try:
                got, _ = self.sock.recvfrom(4096)
            except socket.timeout:
                return None
            if got[1] == packet[1] and self.genuine(packet, got):
                return got

    def genuine(self, request, reply):
        head = reply[:4] + request[4:20]
        if hashlib.md5(head + reply[20:] + self.secret).digest() != reply[4:20]:
            return False
        at = next((m for m in self.authenticator_offsets(reply)), None)
        if at is None:
            return False
        zeroed = head + reply[20:at] + bytes(16) + reply[at + 16:]
        return hmac.new(self.secret, zeroed, "md5").digest() == reply[at:at + 16]

    @staticmethod
    def authenticator_offsets(packet):
        pos = 20
        while pos + 2 <= len(packet) and packet[pos + 1] >= 2:
            if packet[pos] == 80:
                yield pos + 2
            pos += packet[pos + 1]

    def ask(self, eap, state=None, timeout=3.0):
        p = self.request(eap, state)
        self.send(p)
        return self.receive(p, timeout)


def eap_of(reply):
    return b"".join(v for k, v in attrs_of(reply) if k == 79)


def state_of(reply):
    return next((v for k, v in attrs_of(reply) if k == 24), None)


def identity(text, ident=0):
    return struct.pack(">BBHB", 2, ident, 5 + len(text), 1) + text.encode()


def challenge(eap):
    """(RAND, AUTN) of an AKA'-Challenge, or None."""
    if len(eap) < 8 or eap[0] != 1 or eap[4] != 50 or eap[5] != 1:
        return None
    pos, found = 8, {}
    while pos + 2 <= len(eap) and eap[pos + 1]:
        found[eap[pos]] = eap[pos + 4:pos + 4 * eap[pos + 1]]
        pos += 4 * eap[pos + 1]
    return found[1], found[2]
