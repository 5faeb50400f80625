# SPDX-License-Identifier: Apache-2.0
"""Debian's FreeRADIUS in a host of the lab, a directory and a port of its own: as an accounting server, every record it takes in its detail file; as an EAP server."""

import os
import re

from lab import LabError, wait_for

PROGRAM = "/usr/sbin/freeradius"


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)


class Server:
    """What both have."""

    def __init__(self, lab, host, port):
        self.lab, self.host, self.port = lab, host, port
        self.label = f"freeradius-{port}"
        self.dir = os.path.dirname(lab.path(host, f"radius-{port}", "x"))
        os.makedirs(self.dir, mode=0o700, exist_ok=True)

    def common(self, client, secret):
        return f"""\
name = radiusd
prefix = /usr
localstatedir = {self.dir}
logdir = {self.dir}
run_dir = {self.dir}
pidfile = {self.dir}/pid
max_requests = 1024
hostname_lookups = no
log {{ destination = stdout }}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = no
}}
client fa {{
    ipaddr = {client}
    secret = {secret}
}}
"""

    def start(self):
        self.lab.start(self.host, self.label, PROGRAM, "-f", "-l", "stdout", "-d", self.dir, "-n", "radiusd")
        wait_for(f"{self.label} listens", self._up, 15)

    def _up(self):
        if not self.lab.alive(self.label):
            raise LabError(f"{self.label} ended: {self.lab.log_text(self.label)[-2000:]}")
        return "Ready to process requests" in self.lab.log_text(self.label)

    def stop(self):
        self.lab.stop(self.label)


class Eap(Server):
    """EAP-TLS, and passwords by MD5 and PEAP for whoever wants: the account `password` has one."""

    def __init__(self, lab, host, address, client, secret, port, ca, own, default="tls", most="1.3", send_cui=True):
        super().__init__(lab, host, port)
        for name, text in (("ca.pem", ca), ("own.pem", own.pem), ("own.key", own.key_pem)):
            write(f"{self.dir}/{name}", text)
        cui = 'update reply {\n            Chargeable-User-Identity := "%{TLS-Client-Cert-Common-Name}"\n        }' if send_cui else ""
        write(f"{self.dir}/radiusd.conf", self.common(client, secret) + f"""\
modules {{
    pap {{
    }}
    eap {{
        default_eap_type = {default}
        timer_expire = 60
        max_sessions = 1024
        md5 {{
        }}
        tls-config common {{
            private_key_file = {self.dir}/own.key
            certificate_file = {self.dir}/own.pem
            ca_file = {self.dir}/ca.pem
            cipher_list = "DEFAULT"
            tls_min_version = "1.2"
            tls_max_version = "{most}"
            ecdh_curve = "prime256v1"
            fragment_size = 900
            cache {{
                enable = no
            }}
        }}
        tls {{
            tls = common
        }}
    }}
    files {{
        usersfile = {self.dir}/users
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = {address}
        port = {port}
    }}
    authorize {{
        files
        eap {{
            ok = return
        }}
    }}
    authenticate {{
        eap
    }}
    post-auth {{
        {cui}
    }}
}}
""")
        write(f"{self.dir}/users", 'DEFAULT Cleartext-Password := "secret"\n')


class Accounting(Server):
    def __init__(self, lab, host, address, client, secret, port=1813):
        super().__init__(lab, host, port)
        self.detail = f"{self.dir}/detail"
        # A record that was taken is on disk before it is acknowledged: that is what the detail module does.
        write(f"{self.dir}/radiusd.conf", self.common(client, secret) + f"""\
modules {{
    detail {{
        filename = {self.detail}
        header = "%t"
        permissions = 0600
    }}
}}
server default {{
    listen {{
        type = acct
        ipaddr = {address}
        port = {port}
    }}
    preacct {{
    }}
    accounting {{
        detail
    }}
}}
""")

    def records(self):
        """What it took, in its order: [{attribute: value}]; an attribute that comes more than once is a list."""
        if not os.path.exists(self.detail):
            return []
        out = []
        for block in open(self.detail).read().split("\n\n"):
            r = {}
            for name, value in re.findall(r"^\t([A-Za-z0-9-]+) = (.*)$", block, re.M):
                value = value.strip('"')
                r[name] = value if name not in r else [*([r[name]] if isinstance(r[name], str) else r[name]), value]
            if r:
                out.append(r)
        return out
