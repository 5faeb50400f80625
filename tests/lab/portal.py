#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An access network with a login of its own: a captive portal with a password in a router namespace of a Lab.

Before it, nothing of a client is forwarded in either direction, names included, and its web requests end at the portal. A POST of the right password to
/login admits the address that it came from, until the portal is told otherwise. It knows nothing of HIP, and what is behind it nothing of it.

    portal.py DEVICE PASSWORD     the web server, in the router's namespace (Portal starts it)
"""
import hmac
import http.server
import ipaddress
import pathlib
import socket
import subprocess
import sys
import urllib.parse

RULES = """\
table inet login
delete table inet login
table inet login {{
    set admitted4 {{ type ipv4_addr; }}
    set admitted6 {{ type ipv6_addr; }}
    counter refused {{ }}
    chain web {{
        type nat hook prerouting priority dstnat - 10;
        iifname != "{dev}" return
        ip saddr @admitted4 return
        ip6 saddr @admitted6 return
        tcp dport 80 redirect to :80
    }}
    chain passing {{
        type filter hook forward priority filter - 10;
        iifname "{dev}" ip saddr @admitted4 accept
        iifname "{dev}" ip6 saddr @admitted6 accept
        oifname "{dev}" ip daddr @admitted4 accept
        oifname "{dev}" ip6 daddr @admitted6 accept
        iifname "{dev}" counter name refused drop
        oifname "{dev}" drop
    }}
}}
"""

PAGE = b"<!doctype html><title>login</title><form method=post action=/login>password <input name=password type=password></form>\n"


class Portal:
    """The portal of one router of the lab. Everybody is shut out until a login; shut() forgets all logins."""

    def __init__(self, lab, host, password, dev="access"):
        self.lab, self.host, self.password, self.dev = lab, host, password, dev
        self.shut()
        lab.start(host, f"portal-{host}", "/usr/bin/python3", pathlib.Path(__file__).resolve(), dev, password)
        from lab import wait_for
        wait_for("the portal", lambda: lab.run(host, "ss", "-ltnH", "sport = :80").stdout.strip(), 10)

    def shut(self):
        self.lab.run(self.host, "nft", "-f", "-", input=RULES.format(dev=self.dev))

    def open_for_all(self):
        self.lab.run(self.host, "nft", "delete", "table", "inet", "login")

    def refused(self):
        """Packets of clients that were not forwarded."""
        said = self.lab.run(self.host, "nft", "list", "counter", "inet", "login", "refused").stdout.split()
        return int(said[said.index("packets") + 1])

    def page(self, client, url="http://192.0.2.2/"):
        """What a browser in `client` is shown; (HTTP status, URL in the end)."""
        r = self.lab.run(client, "curl", "-sS", "-L", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code} %{url_effective}", url, check=False)
        return tuple(r.stdout.split()) if r.returncode == 0 else ("none", "")

    def login(self, client, router, password=None):
        """The HTTP status that the portal gives to this password from `client`."""
        at = f"[{router}]" if ":" in router else router
        r = self.lab.run(client, "curl", "-sS", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", "--data-urlencode",
                         f"password={password or self.password}", f"http://{at}/login", check=False)
        return r.stdout


class Web(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/login":
            return self.answer(200, PAGE)
        here = self.connection.getsockname()[0].removeprefix("::ffff:")
        self.answer(302, b"", Location=f"http://[{here}]/login" if ":" in here else f"http://{here}/login")

    def do_POST(self):
        n = min(int(self.headers.get("Content-Length") or 0), 4096)
        given = urllib.parse.parse_qs(self.rfile.read(n).decode("latin-1")).get("password", [""])[0]
        if self.path != "/login" or not hmac.compare_digest(given.encode(), self.server.password.encode()):
            return self.answer(403, b"no\n")
        who = ipaddress.ip_address(self.client_address[0])
        who = getattr(who, "ipv4_mapped", None) or who
        subprocess.run(["nft", "add", "element", "inet", "login", f"admitted{who.version}", f"{{ {who} }}"], check=True)
        self.answer(200, b"welcome\n")


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    password = ""


if __name__ == "__main__":
    Server.password = sys.argv[2]
    Server(("::", 80), Web).serve_forever()
