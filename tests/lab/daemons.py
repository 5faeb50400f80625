# SPDX-License-Identifier: Apache-2.0
"""hipfa's daemons and the DNS primary in a Lab: configurations written, processes started, questions asked."""

import base64
import dataclasses
import json
import os
import pathlib
import secrets
import signal
import socket
import time

import vcard
from lab import ADDR, LabError, sh, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZONE = "operator.example"
FA_NAME = f"fa.{ZONE}"
KEY_NAME = f"fa1.{ZONE}"
DNS = ADDR["home"][0]


def binary(name):
    """A program of the build under test (HIPFA_BUILD, else build/)."""
    build = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build"))
    folder = {"hipfad": "fa", "hipakad": "as", "hiphostd": "host", "hipctl": "cli", "hipvec": "cli/hipvec"}[name]
    path = build / folder / name
    if not path.exists():
        raise LabError(f"{path} is not built")
    return str(path)


def bare(address):
    """An address without its port: 192.0.2.1:10500, [2001:db8::1]:10500."""
    if address.startswith("["):
        return address[1:].split("]")[0]
    return address.split(":")[0] if "." in address and "::" not in address else address


@dataclasses.dataclass
class Subscriber:
    imsi: str
    k: str
    opc: str
    given: str
    surname: str
    msisdn: str
    address: str = "Esimerkkikatu 1, 00100 Helsinki"
    names: list = dataclasses.field(default_factory=list)  # wished FQDNs; empty list: given-surname
    publish: bool = True
    status: str = "active"
    topc: str = ""  # TUAK with this TOPc; opc is not used then

    @property
    def algorithm(self):
        """Fields of the algorithm beside K, as hipakad and a card's file call them."""
        return {"algorithm": "tuak", "topc": self.topc} if self.topc else {"opc": self.opc}

    @property
    def label(self):
        return f"{self.given}-{self.surname}".lower()

    @property
    def realm(self):
        return f"wlan.mnc{self.imsi[3:5].zfill(3)}.mcc{self.imsi[:3]}.3gppnetwork.org"

    @property
    def plmn(self):
        return self.imsi[:5]


# The subscriber of the mission document; K and OPc are those of 3GPP TS 35.208 test set 1.
DEMO_SUBSCRIBER = Subscriber(imsi="001010000000001", k="465b5ce8b199b49faa5f0a2ee238a6bc", opc="cd63cb71954a9f4e48a5994e37a02baf",
                             given="Matti", surname="Virtanen", msisdn="358401234567")


def private(path, text):
    """A file that only its owner may read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(text)
    return path


class Operator:
    """One operator's parts (DNS, AS, FA) and the hosts, each in its namespace of the main topology."""

    def __init__(self, lab, dns="knot"):
        self.lab, self.dns_kind = lab, dns
        self.fa_hit = None
        self.realms = {}
        self.sims = {}
        self.hosts_seen = {}
        self.as_more = ""  # of hipakad's configuration
        self.relay = ""  # of hipfad's configuration, inside the braces
        self.pub = None  # pubzone.PubZone: mn's configuration names no FA
        self.aaa = None  # how hipfad reaches the authentication servers, lines of a realm; None: hipakad over UDP
        self.as_ways = None  # how hipakad is reached, its `listen`, `radsec` and `clients`; None: by hipfad over UDP
        self.network_name = ""  # that hosts put up with from the FA
        self.ways = None  # demo_aaa.py: another authentication than hipakad over UDP
        self.sim_kind = "soft"  # or "pcsc": the card in a reader (vcard.py)
        self.pcscd = {}  # of hosts with a reader
        self.hlr = None  # (address, IMSI prefix) of an osmo-hlr that has vectors and records of these subscribers
        self.osmo_hlr = None  # the same, started by use_hlr(): then add_subscriber() puts the keys there
        self.key_logs = False  # FA and hosts append their keys to <dir>/keys (testing: key_log)

    def use_hlr(self, plmn):
        """Before prepare(): osmo-hlr in home has the keys of the subscribers of this network, hipakad none."""
        from osmohlr import OsmoHlr
        self.hlr = (ADDR["home"][0], plmn)
        self.osmo_hlr = OsmoHlr(self.lab, "home", ADDR["home"][0])
        self.osmo_hlr.start()

    # ---- files -----------------------------------------------------------------------------------------------------

    def prepare(self):
        """Secrets, the FA's identity, and the configurations that do not depend on a subscriber."""
        lab = self.lab
        for part in ("home", "fa", "mn", "cn", "cn2"):
            os.makedirs(lab.path(part, "x")[:-2], mode=0o700, exist_ok=True)
        self.radius_secret = private(lab.path("fa", "radius.secret"), secrets.token_hex(32) + "\n")
        self.tsig_secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.tsig_file = private(lab.path("fa", "tsig.key"), self.tsig_secret + "\n")
        if self.ways:
            self.ways = self.ways(self)
            self.network_name = self.ways.network_name
        self.new_fa()

    def new_fa(self, identity="ecdsa-p256"):
        """An FA with a HI of its own of this type, made known to the authentication server (which starts anew if it runs)."""
        self.fa_identity = identity
        self.write_fa()
        self.fa_hit = json.loads(sh(binary("hipfad"), "--config", self.conf("fa"), "identity").stdout)["hit"]
        self.write_as()
        if self.lab.alive("hipakad"):
            self._stop("hipakad")
            self.start_as()

    def conf(self, part):
        return self.lab.path(part, {"fa": "hipfad.yaml", "home": "hipakad.yaml"}.get(part, "hiphostd.yaml"))

    def key_log(self, part):
        return self.lab.path(part, "keys")

    def _testing(self, part):
        return f"testing: {{ key_log: {self.key_log(part)} }}\n" if self.key_logs else ""

    def socket(self, part):
        return self.lab.path(part, "ctl.sock")

    def write_fa(self, extra=""):
        d = os.path.dirname(self.conf("fa"))
        hlr = f', hlrs: [{{ name: home, address: "{self.hlr[0]}", imsi_prefixes: ["{self.hlr[1]}"], publish_number: yes }}]' if self.hlr else ""
        aaa = self.aaa or (self.ways and self.ways.realm()) or f"    servers: [\"{ADDR['home'][0]}:1812\"]\n    secret_file: {self.radius_secret}\n"
        realms = "".join(f"  - realm: {r}\n    plmns: [\"{p}\"]\n{aaa}" for r, p in self.realms.items()) or "  []\n"
        private(self.conf("fa"), f"""\
name: {FA_NAME}
addresses: [{ADDR['fa'][0]}, "{ADDR['fa'][1]}"]
identity: {{ file: {d}/identity-{self.fa_identity}.der, type: {self.fa_identity} }}
store: {{ backend: sqlite, path: {d}/bindings.sqlite }}
subscribers: {{ backend: sqlite, path: {d}/subscribers.sqlite{hlr} }}
realms:{'' if self.realms else ' '}
{realms}zone:
  domain: {ZONE}
  primary: ["{DNS}:53"]
  key_name: {KEY_NAME}
  key_algorithm: hmac-sha256
  key_file: {self.tsig_file}
  ttl: 60s
control: {{ socket: {self.socket('fa')} }}
log: {{ level: debug }}
{'relay: { ' + self.relay + ' }' if self.relay else ''}
{self._testing('fa')}{extra}""".replace("realms: \n  []\n", "realms: []\n"))

    def write_as(self):
        d = os.path.dirname(self.conf("home"))
        hlr = f'hlrs: [{{ name: home, address: "{self.hlr[0]}", imsi_prefixes: ["{self.hlr[1]}"] }}]\n' if self.hlr else ""
        ways = self.as_ways or (self.ways and self.ways.of_as()) or f"""\
listen: ["{ADDR['home'][0]}:1812"]
clients:
  - name: fa1
    address: {ADDR['fa'][0]}
    secret_file: {self.radius_secret}
    hits: ["{self.fa_hit}"]
"""
        private(self.conf("home"), f"""\
{ways}store: {{ path: {d}/auc.sqlite, key_file: {d}/auc.key }}
{hlr}control: {{ socket: {self.socket('home')} }}
log: {{ level: debug }}
{self.as_more}""")

    def write_host(self, host, sim=None, wishes=None, identity="ecdsa-p256", esp=None):
        d = os.path.dirname(self.conf(host))
        text = f"""\
state: {d}/state-{identity}
identity_type: {identity}
tun: {{ name: hip0, mtu: 1400 }}
{self._forwarding_agents(host)}resolver:
  listen: ["127.0.0.1:53"]
  upstream: ["{DNS}:53"]
  zones:
    - zone: {ZONE}
      servers: ["{DNS}:53"]
      anchor_file: {self.anchor}
{self._pub_zone(host)}  require_dnssec: yes
control: {{ socket: {self.socket(host)} }}
log: {{ level: debug }}
{self._testing(host)}"""
        if sim and self.sim_kind == "pcsc":
            text += self._sim_text("kind: pcsc", sim, wishes)
        elif sim:
            usim = self.lab.path(host, f"usim-{sim.imsi}.yaml")
            if not os.path.exists(usim):
                private(usim, f"imsi: \"{sim.imsi}\"\nk: \"{sim.k}\"\n" + "".join(f"{k}: \"{v}\"\n" for k, v in sim.algorithm.items()) +
                        f"iccid: \"89{sim.imsi}00\"\nmnc_length: 2\n")
            text += self._sim_text(f"kind: soft, file: {usim}", sim, wishes)
        if esp:
            text += f"esp: {{ suites: [{esp}] }}\n"
        if host == "mn":
            text += "interfaces: [umts0, wlan0]\n"
        private(self.conf(host), text)
        self.lab.etc_file(host, "resolv.conf", "nameserver 127.0.0.1\n")

    def _forwarding_agents(self, host):
        return "" if self.pub and host == "mn" else f"""\
forwarding_agents:
  - hit: "{self.fa_hit}"
    name: {FA_NAME}
    addresses: [{ADDR['fa'][0]}, "{ADDR['fa'][1]}"]
{f'    network_name: {self.network_name}' if self.network_name else ''}
"""

    def _pub_zone(self, host):
        return f"""\
    - zone: pub.3gppnetwork.org
      servers: ["{self.pub.address}:53"]
      anchor_file: {self.pub.anchor}
""" if self.pub and host == "mn" else ""

    @staticmethod
    def _sim_text(kind, sim, wishes):
        names = wishes if wishes is not None else [f"{sim.label}.{ZONE}"]
        return f"sim: {{ {kind} }}\nlabel: demo phone\nnames: [{', '.join(names)}]\n"

    # ---- cards in readers --------------------------------------------------------------------------------------------

    def start_pcscd(self, host):
        if host not in self.pcscd:
            self.pcscd[host] = vcard.Pcscd(self.lab, host)
            self.pcscd[host].start()

    def insert(self, host, sim):
        """The card as a process of its own, so that it is in as long as the lab is up. `stop` of its label pulls it."""
        what = {"imsi": sim.imsi, "k": sim.k, "opc": sim.opc, "state": self.lab.path(host, f"card-{sim.imsi}.state.yaml")}
        self.lab.start(host, f"card-{host}", "/usr/bin/python3", vcard.__file__,
                       private(self.lab.path(host, f"card-{sim.imsi}.yaml"), json.dumps(what)))

    # ---- processes -------------------------------------------------------------------------------------------------

    def labels(self):
        return ["hipfad", "hipakad", "hiphostd-mn", "hiphostd-cn", "hiphostd-cn2", "dns"] + (["osmo-hlr"] if self.osmo_hlr else []) + (self.ways.labels() if self.ways else [])

    def _dns(self, words):
        script = ROOT / "tests" / "lab" / f"{self.dns_kind}.sh"
        return self.lab.run("home", "bash", "-c", f". {script}; {self.dns_kind}_{words}", timeout=60, check=False)

    def start_dns(self):
        """Also after stop_dns(): the zone's contents and keys live on."""
        self.dns_dir = self.lab.path("home", "dns", "x")[:-2]
        self.anchor = f"{self.dns_dir}/anchor"
        r = self._dns(f"start '{self.dns_dir}' {ADDR['home'][0]} {ADDR['home'][1]} {ZONE} {KEY_NAME} '{self.tsig_secret}' {FA_NAME}")
        if r.returncode != 0 or not os.path.exists(self.anchor):
            raise LabError(f"{self.dns_kind} did not start: {r.stdout}{r.stderr}")

    def stop_dns(self):
        self._dns(f"stop '{self.dns_dir}'")

    def dns_version(self):
        if self.dns_kind == "knot":
            return sh("knotd", "--version").stdout.split("\n")[0].replace("knotd (Knot DNS), version", "Knot DNS")
        return " ".join(sh("named", "-v").stdout.split()[:2])

    def _start(self, host, label, program):
        more = {"env": {**os.environ, **self.pcscd[host].env}} if host in self.pcscd and program == "hiphostd" else {}
        self.lab.start(host, label, binary(program), "--config", self.conf(host), **more)
        try:
            wait_for(f"{label}'s control socket", lambda: self._up(label, host), 15)
        except LabError as e:
            raise LabError(f"{e}\n{self.lab.log_text(label)[-1500:]}") from None

    def _up(self, label, host):
        if not self.lab.alive(label):
            raise LabError(f"{label} ended: {self.lab.log_text(label)[-1500:]}")
        return self.ctl(host, "status", check=False) is not None

    def start_as(self):
        self._start("home", "hipakad", "hipakad")
        if self.ways:
            self.ways.start()
        if self.osmo_hlr:
            wait_for("hipakad has the HLR", lambda: self.ctl("home", "status")["hlrs"][0]["state"] == "ready", 15)

    def vectors_from(self):
        """Where hipakad's vectors came from, by its own count."""
        if not self.osmo_hlr:
            return ""
        st = self.ctl("home", "status")
        c = st["hlrs"][0]["counters"]
        given = st["counters"]["vectors"] + sum(s["counters"]["answers"] for s in st.get("auc_sockets", []))
        if c["results"] < 1 or given != c["requests"] + c["cached"]:
            raise LabError(f"not every vector came from osmo-hlr: {c}")
        return f"; vectors by GSUP from osmo-hlr, which alone has the key: {c['requests']} asked, {c['cached']} kept from before"

    def start_fa(self):
        self._start("fa", "hipfad", "hipfad")

    def start_host(self, host, sim=None, wishes=None, identity="ecdsa-p256", esp=None):
        self.write_host(host, sim, wishes, identity, esp)
        reader = bool(sim) and self.sim_kind == "pcsc"
        if reader:
            self.start_pcscd(host)
            if self.lab.alive(f"card-{host}") and self.sims.get(host) is not sim:
                self.lab.stop(f"card-{host}")
                time.sleep(1)  # pcscd looks every 0.4 s, and must have seen this one go before the other comes
        self.sims[host] = sim
        self._start(host, f"hiphostd-{host}", "hiphostd")
        st = self.ctl(host, "status")
        self.remember(host, st)
        if reader and not self.lab.alive(f"card-{host}"):
            self.insert(host, sim)

    def stop_host(self, host):
        self._stop(f"hiphostd-{host}")

    def _stop(self, label):
        code = self.lab.stop(label)
        if code != 0:
            raise LabError(f"{label} ended with {code}: {self.lab.log_text(label)[-3000:]}")

    def stop_all(self):
        for label in ("hiphostd-mn", "hiphostd-cn", "hiphostd-cn2", "hipfad", "hipakad"):
            if self.lab.alive(label):
                self._stop(label)

    def add_subscriber(self, sub, auc=True):
        """Into the AuC (unless another one has it) and into the operator's subscriber database; the realm is configured when it is new (before the FA starts)."""
        known = sub.realm in self.realms
        self.realms[sub.realm] = sub.plmn
        if not known:
            self.write_fa()
        if self.osmo_hlr:
            self.osmo_hlr.add(sub.imsi, sub.k, sub.opc, sub.msisdn)
        elif auc:
            sh(binary("hipakad"), "--config", self.conf("home"), "subscriber", "add", "--imsi", sub.imsi, "--k", sub.k,
               *(word for k, v in sub.algorithm.items() for word in (f"--{k}", v)))
        sh(binary("hipfad"), "--config", self.conf("fa"), "subscriber", "add", "--imsi", sub.imsi, "--given", sub.given, "--surname",
           sub.surname, "--msisdn", sub.msisdn, "--address", sub.address, "--publish", "yes" if sub.publish else "no",
           "--status", sub.status)

    # ---- questions -------------------------------------------------------------------------------------------------

    def ctl(self, host, *args, check=True):
        """hipctl --json against the daemon of a host; None when it does not answer and check is off."""
        r = sh(binary("hipctl"), "--socket", self.socket(host), "--json", *args, check=False)
        if r.returncode != 0:
            if check:
                raise LabError(f"hipctl {' '.join(args)} in {host}: {r.stderr or r.stdout}")
            return None
        return json.loads(r.stdout)

    def order(self, host, cmd, **words):
        """One command to a daemon's control socket without a process between; its answer. For what is timed."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.socket(host))
            s.sendall(json.dumps({"cmd": cmd, **words}).encode() + b"\n")
            answer = json.loads(s.makefile().readline())
        if not answer.get("ok"):
            raise LabError(f"{cmd} in {host}: {answer}")
        return answer

    def remember(self, host, status):
        for hi in [status] if "hit" in status else []:
            if hi.get("hit") and hi.get("hi"):
                self.hosts_seen[hi["hit"]] = hi["hi"]

    def wait_bound(self, host, fqdn, timeout=20):
        def bound():
            s = self.ctl(host, "status", check=False) or {}
            b = s.get("binding") or {}
            return s if b.get("state") == "bound" and (b.get("fqdn") or "").rstrip(".") == fqdn else None
        try:
            s = wait_for(f"{host} bound as {fqdn}", bound, timeout)
        except LabError as e:
            raise LabError(f"{e}; status: {self.ctl(host, 'status', check=False)}") from None
        self.remember(host, s)
        return s

    def bindings(self):
        return self.ctl("fa", "bindings")["bindings"]

    def binding(self, fqdn):
        b = next((b for b in self.bindings() if b["fqdn"].rstrip(".") == fqdn), None)
        if not b:
            raise LabError(f"hipctl bindings has no {fqdn}")
        return b

    def registrations(self):
        return self.ctl("fa", "registrations")["registrations"]

    def relayed_octets(self):
        """ESP that hipfad says it has relayed for the clients that it has now."""
        return sum(c["octets_in"] + c["octets_out"] for c in self.ctl("fa", "relay")["clients"])

    def wait_registered_at(self, hit, addresses, timeout=15):
        """addresses: without ports; a registration over UDP has one, the NAT's."""
        def there():
            return any(r["hit"] == hit and bare(r["address"]) in addresses for r in self.registrations())
        try:
            wait_for(f"{hit} registered at {addresses}", there, timeout)
        except LabError as e:
            raise LabError(f"{e}; registrations: {self.registrations()}") from None

    def peer(self, host, hit):
        return next((p for p in self.ctl(host, "peers")["peers"] if p["hit"] == hit), None)

    def wait_peer_at(self, host, hit, addresses, timeout=15):
        def there():
            p = self.peer(host, hit)
            return p and bare(p["address"] or "") in addresses
        try:
            wait_for(f"{host} sends to {addresses}", there, timeout)
        except LabError as e:
            raise LabError(f"{e}; peer: {self.peer(host, hit)}") from None

    def dig(self, name, kind, host="home"):
        return self.lab.run(host, "dig", f"@{DNS}", "+short", "+tcp", name, kind).stdout

    def event(self, label, text):
        """The last log line of a daemon with this text, its msg only."""
        lines = [x for x in self.lab.log_text(label).splitlines() if text in x]
        if not lines:
            raise LabError(f"{label} never said {text!r}")
        return lines[-1].split('msg="', 1)[-1].rstrip('"')

    def collected(self, fqdn):
        """What the FA says it found out about the subscriber before it decided."""
        line = self.event("hipfad", "subscriber data collected")
        if fqdn not in line:
            raise LabError(f"collected for another name: {line}")
        row = sh(binary("hipfad"), "--config", self.conf("fa"), "subscriber", "list", "--json").stdout
        n = len(json.loads(row)["subscribers"])
        return f"of {n} subscriber{'s' * (n != 1)} in its database: {line.split('name=', 1)[1]}"

    def booked(self, fqdn):
        answer = self.ctl("fa", "bindings")
        if not answer["bookings"]:
            raise LabError("nothing is booked")
        return f"{answer['bookings']} record{'s' * (answer['bookings'] != 1)}, {self.binding(fqdn)['subscriber']}"

    def sealed(self, host, needles):
        """(level, octets, needles found in clear) of the sealed stores of a host."""
        folder = os.path.join(os.path.dirname(self.conf(host)), "state-ecdsa-p256")
        files = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".sealed")]
        if not files:
            raise LabError(f"no sealed store in {folder}")
        data = b"".join(open(f, "rb").read() for f in files)
        return self.ctl(host, "status")["seal"], len(data), [n for n in needles if n in data]

    def leaks(self, sub):
        """Files of the lab (logs, stores, configurations excepted) in which this subscriber's secrets stand in clear."""
        needles = {"IMSI": sub.imsi.encode(), "K": sub.k.encode(), "OPc": sub.opc.encode(), "K octets": bytes.fromhex(sub.k),
                   "OPc octets": bytes.fromhex(sub.opc)}
        found = []
        for folder, _, files in os.walk(self.lab.dir):
            for name in files:
                path = os.path.join(folder, name)
                if name.endswith((".yaml", ".pcap")) or not os.path.isfile(path):
                    continue  # configurations and the software card; captures are wirecheck's; sockets
                data = open(path, "rb").read()
                for what, needle in needles.items():
                    if what == "IMSI" and ("sqlite" in name or name.startswith(sub.imsi)):
                        continue  # the operator's own databases are keyed by it
                    if needle in data or needle.upper() in data:
                        found.append(f"{what} in {os.path.relpath(path, self.lab.dir)}")
        return found

    def write_hosts(self, path, sub):
        """Public keys by HIT, and what must not be seen, for tests/interop/wirecheck.py."""
        for host in ("mn", "cn", "cn2", "fa"):
            s = self.ctl(host, "status", check=False)
            if s:
                self.remember(host, s)
        with open(path, "w") as f:
            json.dump({"hosts": self.hosts_seen, "imsi": sub.imsi, "fa": list(ADDR["fa"])}, f, indent=1)

    def write_keys(self, path):
        """The key logs of all, one behind the other, for hipvec verify --keys."""
        text = ""
        for part in ("fa", "mn", "cn", "cn2"):
            if os.path.exists(self.key_log(part)):
                with open(self.key_log(part)) as f:
                    text += f"# {part}\n" + f.read()
        private(path, text)

    # ---- a web server in one host, downloads in another ----------------------------------------------------------------

    def serve(self, host, blob):
        root = self.lab.path(host, "www", "index.html")
        with open(root, "wb") as f:
            f.write(blob)
        hit = self.ctl(host, "status")["hit"]
        self.lab.start(host, "web", "/usr/bin/python3", "-m", "http.server", "80", "--bind", hit, "--directory", os.path.dirname(root))
        wait_for("the web server", lambda: self.lab.run(host, "ss", "-ltnH", "sport = :80").stdout.strip(), 10)

    def fetch(self, host, fqdn):
        out = self.lab.path(host, "fetched")
        r = self.lab.run(host, "curl", "-sS", "--max-time", "60", "-o", out, f"http://{fqdn}/", check=False, timeout=90)
        if r.returncode != 0:
            raise LabError(f"curl: {r.stderr}")
        return sh("sha256sum", out).stdout.split()[0]

    def start_slow_fetch(self, host, fqdn, rate=400_000, seconds=110):
        out = self.lab.path(host, "slow")
        return self.lab.start(host, "slow-curl", "curl", "-sS", "--limit-rate", rate, "--max-time", seconds, "-o", out,
                              "-w", "%{num_connects} connections\n", f"http://{fqdn}/")

    def slow_fetch_result(self, host):
        text = self.lab.log_text("slow-curl")
        return sh("sha256sum", self.lab.path(host, "slow")).stdout.split()[0], int(text.split()[-2] if text.split() else 0)
