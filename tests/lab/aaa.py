# SPDX-License-Identifier: Apache-2.0
"""AAA servers of others in a Lab: certificates for RADIUS in TLS, radsecproxy, FreeRADIUS as a proxy, hostapd as RADIUS server.

Each has a folder, a port and a namespace of its own, runs in the foreground, and is ended with the lab.
"""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab import LabError, wait_for


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    return path


class Pki:
    """A CA and what it signs, as PEM files below `folder`: NAME.pem and NAME.key."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {name}")])
        self.ca = self._write(name, self._build(self.subject, self.key, [], True, 1), self.key)

    def _build(self, subject, key, names, ca, days):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=2))
             .not_valid_after(now + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]), critical=False)
        if not ca:
            b = b.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return b.sign(self.key, hashes.SHA256())

    def _write(self, name, cert, key):
        write(f"{self.folder}/{name}.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                             serialization.NoEncryption()).decode())
        return write(f"{self.folder}/{name}.pem", cert.public_bytes(serialization.Encoding.PEM).decode(), 0o644)

    def issue(self, name, *names, days=1):
        """Certificate and key of `name` for these host names and addresses; (pem, key) as paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        return self._write(name, self._build(subject, key, names, False, days), key), f"{self.folder}/{name}.key"


def start_listening(lab, host, label, port, *argv, proto="tcp", **kw):
    """A server in the foreground, and the moment from which its port is open."""
    lab.start(host, label, *argv, **kw)

    def there():
        if not lab.alive(label):
            raise LabError(f"{label} ended: {lab.log_text(label)[-1500:]}")
        return f":{port} " in lab.run(host, "ss", "-Hln", "-t" if proto == "tcp" else "-u").stdout
    wait_for(f"{label} listens", there, 20)


def radsecproxy(lab, host, label, port, proto, text):
    conf = write(lab.path(host, label, "radsecproxy.conf"), text)
    start_listening(lab, host, label, port, "radsecproxy", "-f", "-d", "5", "-c", conf, proto=proto)


def freeradius(lab, host, label, address, realm, home, secret, client, client_secret):
    """A proxy by realm at address:1812, for one client, to one home server: (address, port). It carries
    attributes that it does not know, adds Proxy-State, sends again by itself, and watches its server by Status-Server."""
    d = lab.path(host, label, "x")[:-2]
    conf = write(f"{d}/radiusd.conf", f"""\
prefix = /usr
localstatedir = {d}
logdir = {d}
run_dir = {d}
raddbdir = {d}
libdir = /usr/lib/freeradius
pidfile = {d}/pid
max_request_time = 30
cleanup_delay = 5
max_requests = 1024
proxy_requests = yes
log {{
    destination = stdout
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = yes
}}
proxy server {{
    default_fallback = no
}}
home_server aaa {{
    type = auth
    ipaddr = {home[0]}
    port = {home[1]}
    secret = "{secret}"
    response_window = 5
    zombie_period = 20
    revive_interval = 20
    status_check = status-server
    check_interval = 6
    num_answers_to_alive = 3
}}
home_server_pool aaa {{
    type = fail-over
    home_server = aaa
}}
realm "{realm}" {{
    auth_pool = aaa
    nostrip
}}
client fa {{
    ipaddr = {client}
    secret = "{client_secret}"
    require_message_authenticator = yes
}}
thread pool {{
    start_servers = 1
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 2
}}
modules {{
    realm suffix {{
        format = suffix
        delimiter = "@"
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = {address}
        port = 1812
    }}
    authorize {{
        suffix
    }}
}}
""")
    start_listening(lab, host, label, 1812, "freeradius", "-f", "-X", "-d", os.path.dirname(conf), "-n", "radiusd", proto="udp")


def hostapd(lab, host, label, hlr_socket, secret, client, users):
    """hostapd as RADIUS server with EAP-AKA'; users: lines of its eap_user_file."""
    d = lab.path(host, label, "x")[:-2]
    write(f"{d}/users", users)
    write(f"{d}/clients", f"{client} {secret}\n")
    conf = write(f"{d}/hostapd.conf", f"""\
driver=none
interface=eth0
eap_server=1
eap_user_file={d}/users
eap_sim_db=unix:{hlr_socket}
radius_server_clients={d}/clients
radius_server_auth_port=1812
""")
    start_listening(lab, host, label, 1812, "hostapd", "-dd", conf, proto="udp")
