#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Makes radius_ref.inc: a RADIUS request and its Access-Accept, straight from RFC 2865 s3, 3579 s3.2 and 2548 s2.4.2.
import hashlib
import hmac
import struct

secret = b"foreign secret"
auth = bytes(range(0xa0, 0xb0))


def attr(t, v):
    return bytes([t, 2 + len(v)]) + v


def vendor(n, t, v):
    return attr(26, struct.pack(">I", n) + attr(t, v))


def mppe(key, salt):
    plain = bytes([len(key)]) + key
    plain += bytes(-len(plain) % 16)
    out, prev = b"", auth + salt
    for i in range(0, len(plain), 16):
        pad = hashlib.md5(secret + prev).digest()
        prev = bytes(a ^ b for a, b in zip(plain[i:i + 16], pad))
        out += prev
    return salt + out


def packet(code, ident, attrs):
    body = attrs + attr(80, bytes(16))
    head = struct.pack(">BBH", code, ident, 20 + len(body))
    mac = hmac.new(secret, head + auth + body, "md5").digest()
    body = attrs + attr(80, mac)
    second = auth if code == 1 else hashlib.md5(head + auth + body + secret).digest()
    return head + second + body


msk = bytes(range(0x40, 0x80))
request = packet(1, 66, attr(1, b"user") + attr(79, b"\2\1\0\5\1"))
reply = packet(2, 66, attr(79, b"\3\1\0\4") + vendor(311, 17, mppe(msk[:32], b"\x81\x02")) +
               vendor(311, 16, mppe(msk[32:], b"\x91\x33")))


def c(name, b):
    print("static const uint8_t %s[] = {" % name)
    for i in range(0, len(b), 16):
        print("    " + " ".join("0x%02x," % x for x in b[i:i + 16]))
    print("};")


print("/* SPDX-License-Identifier: Apache-2.0; made by radius_ref.py */")
print('static const char ref_secret[] = "%s";' % secret.decode())
c("ref_auth", auth)
c("ref_request", request)
c("ref_reply", reply)
