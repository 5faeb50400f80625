#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""`meson install` lays down programs, units, example configurations and the licence; the programs run, and each example passes --check-config."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build"))
FILES = {"usim.yaml": 'imsi: "001010000000001"\nk: "465b5ce8b199b49faa5f0a2ee238a6bc"\nopc: "cd63cb71954a9f4e48a5994e37a02baf"\n'
                      'iccid: "8900101000000000100"\nmnc_length: 2\n'}
passed = failed = 0


def say(ok, title, more=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {title}{': ' + more.strip() if more and not ok else ''}")


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=100, **kw)


with tempfile.TemporaryDirectory() as d:
    r = run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", env={**os.environ, "DESTDIR": d})
    say(r.returncode == 0, "meson install", r.stdout + r.stderr)
    found = {p.name: p for p in pathlib.Path(d).rglob("*") if p.is_file()}
    for name in ("hipfad", "hipakad", "hiphostd", "hipctl", "hipvec", "hipfad.service", "hipakad.service", "hiphostd.service",
                 "hipfad.yaml.example", "hipakad.yaml.example", "hiphostd.yaml.example", "LICENSE", "README.md"):
        say(name in found, f"{name} is installed")
    for daemon in ("hipfad", "hipakad", "hiphostd"):
        if daemon not in found or f"{daemon}.yaml.example" not in found:
            continue
        unit = found.get(f"{daemon}.service")
        if unit:
            say(re.search(rf"^ExecStart=\S*/bin/{daemon} ", unit.read_text(), re.M), f"{daemon}.service starts {daemon}")
        # The example's files, made in this folder: a check of the configuration looks at what it names.
        text = found[f"{daemon}.yaml.example"].read_text()
        text = re.sub(r"(/etc|/var/lib|/run)/hipfa", d, text)
        for name in ("radius.secret", "tsig.key", "usim.yaml", "operator.example.ds"):
            fd = os.open(pathlib.Path(d, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.fchmod(fd, 0o600)
            os.write(fd, FILES.get(name, "c2l4dGVlbiBvY3RldHMgYW5kIG1vcmUgdG8gYmUgbG9uZyBlbm91Z2g=\n").encode())
            os.close(fd)
        conf = pathlib.Path(d, "conf.yaml")
        conf.write_text(text)
        r = run(found[daemon], "--config", conf, "--check-config")
        say(r.returncode == 0, f"{daemon} takes its example configuration", r.stdout + r.stderr)
        conf.write_text(text + "\nno_such_key: 1\n")
        line = len(conf.read_text().splitlines())
        r = run(found[daemon], "--config", conf, "--check-config")
        say(r.returncode != 0 and f"conf.yaml:{line}:" in r.stdout + r.stderr, f"{daemon} names file and line of a wrong key", r.stdout + r.stderr)
        secret = next((x for x in ("radius.secret", "usim.yaml") if x in text), None)
        if secret:
            conf.write_text(text)
            os.chmod(pathlib.Path(d, secret), 0o644)
            r = run(found[daemon], "--config", conf, "--check-config")
            say(r.returncode != 0 and secret in r.stdout + r.stderr, f"{daemon} refuses a secret that others may read", r.stdout + r.stderr)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
