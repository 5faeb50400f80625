#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A RADIUS server that lies: it answers every Access-Request with an Access-Accept holding EAP Success.

    lying_radius.py ADDRESS no-secret|no-message-authenticator|no-keys SECRET_FILE

no-secret: authenticators made with another secret. no-message-authenticator: the right Response Authenticator, no Message-Authenticator.
no-keys: everything right but no MS-MPPE keys, for a server that has the secret but ran no AKA.
"""
import hashlib
import hmac
import socket
import sys

address, mode, secret_file = sys.argv[1:4]
secret = open(secret_file).read().strip().encode()
if mode == "no-secret":
    secret = b"somebody else's secret, long enough"

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((address, 1812))
print("ready", flush=True)
while True:
    request, peer = s.recvfrom(4096)
    eap_id, pos = 0, 20
    while pos + 2 <= len(request) and request[pos + 1] >= 2:
        if request[pos] == 79:
            eap_id = request[pos + 3]
        pos += request[pos + 1]
    attrs = bytes([79, 6, 3, eap_id, 0, 4]) + bytes([1, 17]) + b"001010000000001"
    if mode != "no-message-authenticator":
        attrs += bytes([80, 18]) + bytes(16)
    head = bytes([2, request[1]]) + (20 + len(attrs)).to_bytes(2, "big")
    if mode != "no-message-authenticator":
        attrs = attrs[:-16] + hmac.new(secret, head + request[4:20] + attrs, hashlib.md5).digest()
    s.sendto(head + hashlib.md5(head + request[4:20] + attrs + secret).digest() + attrs, peer)
