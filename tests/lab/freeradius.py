# SPDX-License-Identifier: Apache-2.0
"""Debian's FreeRADIUS as an accounting server in a host of the lab: a directory and a port of its own, every record it takes in its detail file."""

import os
import re

from lab import LabError, wait_for

PROGRAM = "/usr/sbin/freeradius"


class Accounting:
    def __init__(self, lab, host, address, client, secret, port=1813):
        self.lab, self.host, self.port = lab, host, port
        self.label = f"freeradius-{port}"
        self.dir = os.path.dirname(lab.path(host, f"radius-{port}", "x"))
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self.detail = f"{self.dir}/detail"
        # A record that was taken is on disk before it is acknowledged: that is what the detail module does.
        with open(f"{self.dir}/radiusd.conf", "w") as f:
            f.write(f"""\
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
        os.chmod(f"{self.dir}/radiusd.conf", 0o600)

    def start(self):
        self.lab.start(self.host, self.label, PROGRAM, "-f", "-l", "stdout", "-d", self.dir, "-n", "radiusd")
        wait_for(f"{self.label} listens", self._up, 15)

    def _up(self):
        if not self.lab.alive(self.label):
            raise LabError(f"{self.label} ended: {self.lab.log_text(self.label)[-2000:]}")
        return "Ready to process requests" in self.lab.log_text(self.label)

    def stop(self):
        self.lab.stop(self.label)

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
