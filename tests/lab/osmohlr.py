# SPDX-License-Identifier: Apache-2.0
"""A real osmo-hlr in a Lab host: its own folder and database, provisioned over its VTY; and a proxy in front of its GSUP port that is slow or lies."""
import os
import signal
import socket
import struct
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from lab import LabError, wait_for  # noqa: E402
import nas  # noqa: E402

GSUP, VTY, CTRL = 4222, 4258, 4259


class OsmoHlr:
    def __init__(self, lab, host, address, label="osmo-hlr"):
        self.lab, self.host, self.address, self.label = lab, host, address, label
        self.db = lab.path(host, "hlr.db")
        with open(lab.path(host, "hlr.cfg"), "w") as f:
            f.write(f"""log stderr
 logging color 0
 logging level main notice
 logging level auc debug
line vty
 bind {address}
ctrl
 bind {address}
hlr
 gsup
  bind ip {address}
""")

    def start(self, empty=False):
        if empty:
            for end in ("", "-shm", "-wal"):
                if os.path.exists(self.db + end):
                    os.unlink(self.db + end)
        self.lab.start(self.host, self.label, "osmo-hlr", "-c", self.lab.path(self.host, "hlr.cfg"), "-l", self.db)
        wait_for("osmo-hlr listens", lambda: f":{CTRL}" in self.lab.run(self.host, "ss", "-Hltn").stdout, 15)

    def stop(self, sig=signal.SIGTERM):
        self.lab.stop(self.label, sig)

    def vty(self, *commands):
        """What it answers to these, one after the other, in the enable node."""
        s = nas.socket_in(self.lab.ns(self.host), self.address, socket.SOCK_STREAM)
        s.settimeout(5)
        s.connect((self.address, VTY))
        out = []
        try:
            prompt(s, b"> ")
            for c in ("enable",) + commands:
                s.sendall(c.encode() + b"\r\n")
                out.append(prompt(s, b"# "))
        finally:
            s.close()
        if any("% Unknown" in t or "% Ambiguous" in t or "% Command incomplete" in t for t in out):
            raise LabError(f"osmo-hlr: {out}")
        return out[1:]

    def add(self, imsi, k=None, opc=None, msisdn=None):
        commands = [f"subscriber imsi {imsi} create"]
        if k:
            commands.append(f"subscriber imsi {imsi} update aud3g milenage k {k} opc {opc}")
        if msisdn:
            commands.append(f"subscriber imsi {imsi} update msisdn {msisdn}")
        return self.vty(*commands)


def prompt(s, end):
    got = b""
    while not got.endswith(end):
        more = s.recv(4096)
        if not more:
            raise LabError(f"osmo-hlr's VTY closed: {got!r}")
        got += more
    return got.decode(errors="replace")


def elements(body):
    """(tag, value) of a GSUP message behind its type."""
    pos, out = 1, []
    while pos + 2 <= len(body):
        out.append((body[pos], body[pos + 2:pos + 2 + body[pos + 1]]))
        pos += 2 + body[pos + 1]
    return out


def message(kind, parts):
    return bytes([kind]) + b"".join(bytes([t, len(v)]) + v for t, v in parts)


class Proxy(threading.Thread):
    """Between a GSUP client and the HLR. delay: seconds that answers take. lie: what becomes of a GSUP answer (octets -> octets, None: nothing)."""

    def __init__(self, namespace, address, port, target):
        super().__init__(daemon=True)
        self.namespace, self.address, self.target = namespace, address, target
        self.delay, self.lie, self.ended, self.requests = 0.0, None, False, []
        self.listener = nas.socket_in(namespace, address, socket.SOCK_STREAM, port)
        self.listener.listen(4)
        self.listener.settimeout(0.2)
        self.pairs = []

    def run(self):
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except socket.timeout:
                continue
            server = nas.socket_in(self.namespace, self.address, socket.SOCK_STREAM)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                server.close()
                continue
            self.pairs.append((client, server))
            for a, b, back in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.carry, args=(a, b, back), daemon=True).start()
        self.cut()
        self.listener.close()

    def cut(self):
        """Ends the connections that there are."""
        for pair in self.pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs = []

    def carry(self, a, b, back):
        try:
            while True:
                head = exactly(a, 3)
                body = exactly(a, struct.unpack(">H", head[:2])[0])
                if head[2] == 0xee and body[0] == 5:
                    if not back:
                        self.requests.append(body[1:])
                    else:
                        time.sleep(self.delay)
                        told = self.lie(body[1:]) if self.lie else body[1:]
                        if told is None:
                            continue
                        body = b"\x05" + told
                b.sendall(struct.pack(">H", len(body)) + head[2:] + body)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        a.close()


def exactly(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            raise OSError("closed")
        got += more
    return got
