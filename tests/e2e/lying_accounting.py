#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An accounting server that answers wrongly: `wrong` (another secret), `code` (Access-Accept), or `slow` (rightly, after 3 s). For tests/e2e/accounting.py.

    lying_accounting.py HOW ADDRESS PORT SECRET_FILE
"""
import hashlib
import socket
import sys
import time

how, address, port, secret = sys.argv[1], sys.argv[2], int(sys.argv[3]), open(sys.argv[4]).read().strip().encode()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((address, port))
print("listens", flush=True)
while True:
    p, who = s.recvfrom(4096)
    print(f"heard {p[1]} {p[4:20].hex()}", flush=True)
    if how == "slow":
        time.sleep(3)
    head = bytes([2 if how == "code" else 5, p[1], 0, 20])
    s.sendto(head + hashlib.md5(head + p[4:20] + (b"another" if how == "wrong" else secret)).digest(), who)
