# SPDX-License-Identifier: Apache-2.0
"""A certification authority for tests: X.509 certificates of hosts with their HITs in them (RFC 8002 s3), made by python3-cryptography."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Certificate:
    """One with its key. by: who signs it (itself); ca: may sign others; hit: stands in it; days: from now on, below 0: it is over; dns: its name as a server."""

    def __init__(self, name, by=None, ca=False, hit=None, days=30, public=None, bits=0, dns=None):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        b = x509.CertificateBuilder().subject_name(self.name).issuer_name(by.name if by else self.name).serial_number(x509.random_serial_number())
        b = b.public_key(public or self.key.public_key()).not_valid_before(now - 60 * DAY).not_valid_after(now + days * DAY)
        if ca:
            b = b.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if hit:
            b = b.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(hit))]), critical=False)
        if dns:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
        self.x = b.sign((by or self).key, hashes.SHA256())

    @property
    def der(self):
        return self.x.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    @property
    def pem(self):
        return self.x.public_bytes(serialization.Encoding.PEM).decode()


def public_of(path):
    """Of a host identity in its file (PKCS#8, DER)."""
    with open(path, "rb") as f:
        return serialization.load_der_private_key(f.read(), None).public_key()


def damaged(certificate):
    """Its PEM with one bit of the signature, the last of its octets, turned."""
    der = certificate.der
    return x509.load_der_x509_certificate(der[:-1] + bytes([der[-1] ^ 1])).public_bytes(serialization.Encoding.PEM).decode()
