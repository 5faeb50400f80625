# SPDX-License-Identifier: Apache-2.0
"""Milenage, a USIM and an AuC in Python (3GPP TS 35.206, TS 33.102), sharing no code with the C side; and the keys of EAP-AKA'."""
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def aes(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def rot(b, bits):
    n = bits // 8
    return b[n:] + b[:n]


class Milenage:
    def __init__(self, k, opc):
        self.k, self.opc = bytes.fromhex(k), bytes.fromhex(opc)

    def _out(self, rand, r, c):
        temp = aes(self.k, xor(rand, self.opc))
        return xor(aes(self.k, xor(rot(xor(temp, self.opc), r), bytes(15) + bytes([c]))), self.opc)

    def f1(self, rand, sqn, amf):
        """(MAC-A, MAC-S)"""
        temp = aes(self.k, xor(rand, self.opc))
        in1 = (sqn + amf) * 2
        out = xor(aes(self.k, xor(temp, rot(xor(in1, self.opc), 64))), self.opc)
        return out[:8], out[8:]

    def f2345(self, rand):
        """(RES, CK, IK, AK)"""
        out2 = self._out(rand, 0, 1)
        return out2[8:], self._out(rand, 32, 2), self._out(rand, 64, 4), out2[:6]

    def f5star(self, rand):
        return self._out(rand, 96, 8)[:6]


class Usim:
    """Answers AUTHENTICATE; keeps the highest SEQ accepted for each IND."""

    def __init__(self, imsi, k, opc, sqn=0):
        self.imsi, self.m = imsi, Milenage(k, opc)
        self.seq = [0] * 32
        self.seq[sqn & 31] = sqn >> 5
        self.asked = []  # SQNs seen in AUTN with a good MAC

    def authenticate(self, rand, autn):
        """("ok", res, ck, ik), ("auts", auts) or ("mac",)"""
        res, ck, ik, ak = self.m.f2345(rand)
        sqn, amf, mac = xor(autn[:6], ak), autn[6:8], autn[8:]
        if self.m.f1(rand, sqn, amf)[0] != mac:
            return ("mac",)
        n = int.from_bytes(sqn, "big")
        self.asked.append(n)
        if n >> 5 <= self.seq[n & 31] or (n >> 5) - max(self.seq) > 1 << 28:
            ind = self.seq.index(max(self.seq))
            ms = (self.seq[ind] << 5 | ind).to_bytes(6, "big")
            return ("auts", xor(ms, self.m.f5star(rand)) + self.m.f1(rand, ms, bytes(2))[1])
        self.seq[n & 31] = n >> 5
        return ("ok", res, ck, ik)


class Auc:
    """Vectors for one subscriber; SQN in memory."""

    def __init__(self, k, opc, sqn=32, amf=b"\x80\x00"):
        self.m, self.sqn, self.amf = Milenage(k, opc), sqn, amf
        self.resyncs = 0

    def vector(self):
        """(RAND, AUTN, IK, CK, RES)"""
        rand = os.urandom(16)
        res, ck, ik, ak = self.m.f2345(rand)
        sqn = self.sqn.to_bytes(6, "big")
        self.sqn += 32
        return rand, xor(sqn, ak) + self.amf + self.m.f1(rand, sqn, self.amf)[0], ik, ck, res

    def resync(self, auts, rand):
        ms = xor(auts[:6], self.m.f5star(rand))
        if self.m.f1(rand, ms, bytes(2))[1] != auts[6:]:
            return False
        self.sqn = int.from_bytes(ms, "big") + 32
        self.resyncs += 1
        return True


def aka_prime_msk(ck, ik, autn, net_name, identity):
    """MSK of EAP-AKA' full authentication (RFC 9048 s3.3, TS 33.402 A.2)."""
    s = b"\x20" + net_name + len(net_name).to_bytes(2, "big") + autn[:6] + b"\x00\x06"
    d = hmac.new(ck + ik, s, hashlib.sha256).digest()
    key, seed, t, out = d[16:] + d[:16], b"EAP-AKA'" + identity, b"", b""
    for i in range(1, 8):
        t = hmac.new(key, t + seed + bytes([i]), hashlib.sha256).digest()
        out += t
    return out[80:144]
