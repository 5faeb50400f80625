# SPDX-License-Identifier: Apache-2.0
"""A USIM in software behind pcscd: a card that speaks vpcd's protocol (two octets of length, then one octet of control or an APDU), with files, PIN,
Milenage, a window of sequence numbers and GSM context, and with faults by script; and pcscd itself, for one host of a lab.

It shares no code with the C side. What it does is TS 102 221 and TS 31.102 as far as hiphostd asks, and refuses the rest."""
import json
import os
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import usim  # noqa: E402
from lab import LabError, socket_in, wait_for  # noqa: E402

PORT = 35963  # of the first reader; the next one's is the next
READER = "Virtual PCD 00 {:02d}"
AID = bytes.fromhex("a0000000871002ff33ff018900000100")
ISIM = bytes.fromhex("a0000000871004ff33ff018900000100")
SELECT, READ_BINARY, READ_RECORD, VERIFY, AUTHENTICATE, GET_RESPONSE = 0xA4, 0xB0, 0xB2, 0x20, 0x88, 0xC0
MF, DIR, ICCID, IMSI, AD, UST, DF5GS, SUCI, ROUTING = 0x3F00, 0x2F00, 0x2FE2, 0x6F07, 0x6FAD, 0x6F38, 0x5FC0, 0x4F07, 0x4F0A
ADF = 0x7FFF
ATR = {0: bytes.fromhex("3b00"), 1: bytes.fromhex("3b800181")}


def tlv(tag, value):
    return bytes([tag, len(value)]) + value if len(value) < 128 else bytes([tag, 0x81, len(value)]) + value


def swapped(digits):
    """Half-octets, low ones first, F behind an odd one."""
    digits += "f" * (len(digits) % 2)
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))


def imsi_file(imsi):
    body = swapped(("9" if len(imsi) % 2 else "1") + imsi)
    return (bytes([len(body)]) + body).ljust(9, b"\xff")


def suci_file(keys):
    """keys: (scheme 1 or 2, identifier, key), best first."""
    return (tlv(0xA0, bytes(x for i, (scheme, _, _) in enumerate(keys) for x in (scheme, i + 1)))
            + tlv(0xA1, b"".join(tlv(0x80, bytes([i])) + tlv(0x81, k) for _, i, k in keys)))


class Card:
    """One USIM. state: a file that keeps sequence numbers and PIN tries when the card is out, or in another process."""

    def __init__(self, imsi, k, opc, iccid=None, mnc=2, pin=None, gsm=True, t1=False, suci=None, state=None):
        self.usim = usim.Usim(imsi, k, opc)
        self.iccid = iccid or "89" + imsi + "000"[:19 - 2 - len(imsi) + 1]
        self.pin, self.tries, self.verified = pin, 3, False
        self.gsm, self.protocol, self.state = gsm, 1 if t1 else 0, state
        services = bytearray(16)
        if suci:
            services[(124 - 1) // 8] |= 1 << (124 - 1) % 8
        self.records = [tlv(0x61, tlv(0x4F, ISIM) + tlv(0x50, b"ISIM")), tlv(0x61, tlv(0x4F, AID) + tlv(0x50, b"USIM"))]
        self.files = {(MF, ICCID): swapped(self.iccid).ljust(10, b"\xff"), (MF, DIR): None, (ADF, IMSI): imsi_file(imsi),
                      (ADF, AD): bytes([0, 0, 0, mnc]), (ADF, UST): bytes(services)}
        if suci:
            self.files |= {(DF5GS, SUCI): suci_file(suci), (DF5GS, ROUTING): b"\xf0\xff\xff\xff"}
        self.fault = None  # fault(apdu) before the card sees it: None, octets to answer, "pull", ("slow", seconds), ("cut", octets kept)
        self.log = []  # (INS, P2) of what was asked
        self.reset()
        if state and os.path.exists(state):
            kept = json.loads(pathlib.Path(state).read_text())
            self.usim.seq, self.tries = kept["seq"], kept["tries"]

    def reset(self):
        self.df, self.ef, self.verified, self.waiting = MF, None, False, b""

    def keep(self):
        if self.state:
            pathlib.Path(self.state).write_text(json.dumps({"seq": self.usim.seq, "tries": self.tries}))

    def asked(self, ins, p2=None):
        return sum(1 for i, p in self.log if i == ins and p2 in (None, p))

    # ---- commands --------------------------------------------------------------------------------------------------

    def answer(self, apdu):
        """Response APDU, or None when the card is pulled at this very moment."""
        if len(apdu) < 4:
            return b"\x67\x00"
        self.log.append((apdu[1], apdu[3]))
        what = self.fault(apdu) if self.fault else None
        if what == "pull":
            return None
        if isinstance(what, bytes):
            return what
        if isinstance(what, tuple) and what[0] == "slow":
            time.sleep(what[1])
        data, sw = self.command(apdu)
        if self.protocol == 0 and data and len(apdu) > 5 and apdu[1] != GET_RESPONSE:
            self.waiting, data, sw = data, b"", 0x6100 | len(data)
        out = data + sw.to_bytes(2, "big")
        return out[:what[1]] if isinstance(what, tuple) and what[0] == "cut" else out

    def command(self, a):
        ins, p1, p2 = a[1:4]
        data = a[5:5 + a[4]] if len(a) > 5 else b""
        if a[0] != 0:
            return b"", 0x6E00
        if ins == GET_RESPONSE:
            if a[4] != len(self.waiting) % 256:
                return b"", 0x6C00 | len(self.waiting) % 256
            out, self.waiting = self.waiting, b""
            return out, 0x9000
        self.waiting = b""
        return {SELECT: lambda: self.select(p1, data), READ_BINARY: lambda: self.read(p1 << 8 | p2, a[4] or 256),
                READ_RECORD: lambda: self.record(p1, a[4] or 256), VERIFY: lambda: self.verify(p2, data),
                AUTHENTICATE: lambda: self.authenticate(p2, data)}.get(ins, lambda: (b"", 0x6D00))()

    def fcp(self, file):
        if file is None:
            bits = 0xC0 if self.pin else 0x40
            return tlv(0x62, tlv(0x82, b"\x78\x21") + tlv(0xC6, tlv(0x90, bytes([bits])) + tlv(0x83, b"\x01") + tlv(0x83, b"\x81")))
        if file == DIR:
            return tlv(0x62, tlv(0x82, bytes([0x42, 0x21, 0, self.record_len, len(self.records)])))
        return tlv(0x62, tlv(0x82, b"\x41\x21") + tlv(0x80, len(self.files[self.df, file]).to_bytes(2, "big")))

    @property
    def record_len(self):
        return max(map(len, self.records), default=0)

    def select(self, p1, data):
        if p1 == 4:
            if not AID.startswith(data) or len(data) < 5 or (ADF, IMSI) not in self.files:
                return b"", 0x6A82
            self.df, self.ef = ADF, None
            return self.fcp(None), 0x9000
        fid = int.from_bytes(data, "big")
        if fid == MF or (fid == DF5GS and self.df == ADF and (DF5GS, SUCI) in self.files):
            self.df, self.ef = fid, None
            return self.fcp(None), 0x9000
        if (self.df, fid) not in self.files:
            return b"", 0x6A82
        self.ef = fid
        return self.fcp(fid), 0x9000

    def locked(self):
        return self.pin and not self.verified and self.df != MF

    def read(self, at, n):
        file = self.files.get((self.df, self.ef))
        if file is None:
            return b"", 0x6986
        if self.locked() and self.ef != AD:  # EF_AD may always be read
            return b"", 0x6982
        if at > len(file):
            return b"", 0x6B00
        if n > len(file) - at:
            return b"", 0x6C00 | len(file) - at
        return file[at:at + n], 0x9000

    def record(self, number, n):
        if not 1 <= number <= len(self.records):
            return b"", 0x6A83
        if n != self.record_len:
            return b"", 0x6C00 | self.record_len
        return self.records[number - 1].ljust(n, b"\xff"), 0x9000

    def verify(self, ref, data):
        if ref != 1:
            return b"", 0x6A88
        if not data:
            return b"", 0x9000 if self.verified else 0x63C0 | self.tries if self.tries else 0x6983
        if not self.tries:
            return b"", 0x6983
        if data == self.pin.encode().ljust(8, b"\xff"):
            self.verified, self.tries = True, 3
        else:
            self.tries -= 1
        self.keep()
        return b"", 0x9000 if self.verified else 0x63C0 | self.tries

    def authenticate(self, p2, data):
        if self.df != ADF or self.locked():
            return b"", 0x6982
        if p2 == 0x80:
            if not self.gsm:
                return b"", 0x9864
            sres, kc = gsm(self.usim.m, data[1:17])
            return tlv_l(sres) + tlv_l(kc), 0x9000
        if p2 != 0x81 or len(data) != 34 or data[0] != 16 or data[17] != 16:
            return b"", 0x6A86
        said = self.usim.authenticate(data[1:17], data[18:34])
        self.keep()
        if said[0] == "mac":
            return b"", 0x9862
        if said[0] == "auts":
            return b"\xdc" + tlv_l(said[1]), 0x9000
        return b"\xdb" + b"".join(tlv_l(x) for x in said[1:4]), 0x9000


def tlv_l(value):
    return bytes([len(value)]) + value


def gsm(m, rand):
    """(SRES, Kc) by the conversions c2 and c3 of TS 33.102 s6.8.1.2."""
    res, ck, ik, _ = m.f2345(rand)
    return usim.xor(res[:4], res[4:]), bytes(a ^ b ^ c ^ d for a, b, c, d in zip(ck[:8], ck[8:], ik[:8], ik[8:]))


class Slot:
    """The card in a reader of a host's pcscd, while it is in. One thread answers."""

    def __init__(self, lab, host, number=0):
        self.lab, self.host, self.number = lab, host, number
        self.sock = self.thread = self.card = None

    @property
    def reader(self):
        return READER.format(self.number)

    def insert(self, card):
        if self.sock:
            raise LabError("a card is in")
        card.reset()
        self.card = card
        self.sock = socket_in(self.lab, self.host, socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(("127.0.0.1", PORT + self.number))
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.thread = threading.Thread(target=self._serve, args=(self.sock, card), daemon=True)
        self.thread.start()

    def pull(self):
        """At once, whatever is being asked."""
        sock, self.sock, self.card = self.sock, None, None
        if sock:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _serve(self, sock, card):
        try:
            while head := _exactly(sock, 2):
                message = _exactly(sock, int.from_bytes(head, "big"))
                if message is None:
                    break
                if len(message) == 1:
                    if message[0] == 4:
                        _send(sock, ATR[card.protocol])
                    else:
                        card.reset()  # power off and on, reset
                    continue
                answer = card.answer(message)
                if answer is None:
                    self.pull()
                    break
                _send(sock, answer)
        except OSError:
            pass


def _exactly(sock, n):
    out = b""
    while len(out) < n:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # vpcd writes length and message one after the other: no waiting for an ACK in between
        part = sock.recv(n - len(out))
        if not part:
            return None
        out += part
    return out


def _send(sock, message):
    sock.sendall(len(message).to_bytes(2, "big") + message)


def serve(path):
    """A process that is a card (the rows of Card in a JSON file) in the first reader of the pcscd of its namespace, until it ends."""
    card = Card(**json.loads(pathlib.Path(path).read_text()))
    sock = socket.create_connection(("127.0.0.1", PORT))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    slot = Slot(None, None)
    slot.sock = sock
    slot._serve(sock, card)


class Pcscd:
    """pcscd with vpcd's two readers in a host of the lab: its own folder in the place of /run, which only this process sees."""

    def __init__(self, lab, host):
        self.lab, self.host = lab, host
        self.run = lab.path(host, "run", "pcscd", "x")[:-len("/pcscd/x")]
        self.folder = f"{self.run}/pcscd"
        with open(lab.path(host, "run", "reader.conf.d", "vpcd"), "w") as f:
            f.write(f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{PORT:#x}\n'
                    f"LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\nCHANNELID {PORT:#x}\n")
        self.label = f"pcscd-{host}"

    @property
    def env(self):
        """For a program that is to find it."""
        return {"PCSCLITE_CSOCK_NAME": f"{self.folder}/pcscd.comm"}

    def start(self):
        # `ip netns exec` gives a mount namespace of its own, so the bind mount is seen by nobody else.
        self.lab.start(self.host, self.label, "sh", "-c",
                       f"mount --bind {self.run} /run && exec pcscd -f -c /run/reader.conf.d")
        wait_for(f"pcscd: {self.lab.log_text(self.label)[-300:]}",
                 lambda: os.path.exists(f"{self.folder}/pcscd.comm") and f":{PORT + 1}" in self.lab.run(self.host, "ss", "-Hltn").stdout, 15)

    def stop(self):
        self.lab.stop(self.label)
        for name in ("pcscd.comm", "pcscd.pid"):
            pathlib.Path(self.folder, name).unlink(missing_ok=True)


if __name__ == "__main__":
    serve(sys.argv[1])
