# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzz targets out of test-vectors/ and the example configurations: write(folder, target). Whatever in a vector file looks like what a
target reads is given to it; what it is called there does not matter."""
import hashlib
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED_MAX = 4096


def leaves(j, key=""):
    """(name of the field, its text) of all texts in a JSON value."""
    if isinstance(j, dict):
        for k, v in j.items():
            yield from leaves(v, k)
    elif isinstance(j, list):
        for v in j:
            yield from leaves(v, key)
    elif isinstance(j, str):
        yield key, j


def vectors():
    for path in sorted((ROOT / "test-vectors").rglob("*.json")):
        if "schema" not in path.parts:
            yield from leaves(json.loads(path.read_text()))


def octets():
    """(name, octets) of the fields that are hexadecimal."""
    for key, text in vectors():
        try:
            b = bytes.fromhex(text)
        except ValueError:
            continue
        if b:
            yield key, b


def is_hip(b):
    return len(b) >= 40 and (b[1] + 1) * 8 == len(b) and b[3] >> 4 == 2 and b[3] & 1 and not b[2] & 0x80


def is_eap(b):
    return len(b) >= 4 and 1 <= b[0] <= 4 and int.from_bytes(b[2:4], "big") == len(b)


def conversations(sender, heads):
    """What one side sent in each recorded conversation, every packet behind its length, behind each of these octets."""
    for group in json.loads((ROOT / "test-vectors" / "eap-aka.json").read_text())["testGroups"]:
        for test in group["tests"]:
            sent = [bytes.fromhex(p["packet"]) for p in test.get("packets", []) if p["sender"] == sender]
            for head in heads if sent else ():
                yield bytes([head]) + b"".join(len(b).to_bytes(2, "big") + b for b in sent)


def packets():
    return (b for _, b in octets() if is_hip(b))


def staged(stages):
    """For tests/fuzz/hip_exchange.h: the packet at each stage with its checksum and what authenticates it made new."""
    return (bytes([s, 6, 0]) + b for b in packets() for s in range(stages))


def named(*keys):
    return (b for k, b in octets() if any(w in k for w in keys))


def prefixed(head, bodies):
    return (bytes(head) + b for b in bodies)


def both(*parts):
    for p in parts:
        yield from p


def texts():
    for key, text in vectors():
        for i, word in enumerate(("address", "hit_text", "fqdn", "presentation", "identity", "")):
            if word and word in key or i == 3 and "rfc3597" in key:
                yield bytes([i]) + text.encode()


def vector_files():
    """Each type of test once by itself, the shortest one."""
    seen = {}
    for path in sorted((ROOT / "test-vectors").rglob("*.json")):
        for group in json.loads(path.read_text()).get("testGroups", []):
            for test in group["tests"]:
                one = json.dumps({"testGroups": [{**group, "tests": [test]}]}, separators=(",", ":")).encode()
                if len(one) < len(seen.get(group["type"], one + b" ")):
                    seen[group["type"]] = one
    return (b"\0" + one for one in seen.values())


def example(name, head=b""):
    return [head + (ROOT / name).read_bytes()]


TARGETS = {
    "hip_pkt": packets,
    "hip_initiator": lambda: staged(7),
    "hip_responder": lambda: staged(9),
    "hip_relay": lambda: staged(5),
    "hip_moves": lambda: (bytes([2 + s, 6, 0]) + len(b).to_bytes(2, "big") + b for b in packets() for s in range(2) if len(b) < 512),
    "hi": lambda: both(prefixed([1], named("hi_", "host_id")), (bytes([1, 0, a]) + b for b in named("host_identity") for a in (3, 5, 7, 9, 13)),
                       (bytes([2, a]) + b for b in named("public_key") for a in range(1, 5)), prefixed([3], named("private"))),
    "bind_param": lambda: (bytes([i]) + b for b in named("request", "response", "eap") for i in range(3)),
    "esp_open": lambda: (bytes([i]) + b for b in named("packet") for i in (0, 1, 2, 3)),
    "aka_peer": lambda: conversations("server", (0x80, 0x90)),
    "aka_server": lambda: conversations("peer", (0x28, 0x39, 0x68, 0xa8, 0xb8)),
    "aka_attr": lambda: (b for _, b in octets() if is_eap(b)),
    "suci": lambda: (t.encode() for k, t in vectors() if k.split(".")[-1] == "nai"),
    "dns_hiprr": lambda: named("rdata"),
    "dns_reply": lambda: named("message"),
    "texts": texts,
    "vec": vector_files,
    "host_conf": lambda: example("host/hiphostd.yaml.example"),
    "daemon_conf": lambda: both(example("fa/hipfad.yaml.example", b"\0"), example("as/hipakad.yaml.example", b"\1")),
}


def write(folder, target):
    folder.mkdir(parents=True, exist_ok=True)
    for b in TARGETS.get(target, list)():
        if len(b) <= SEED_MAX:
            (folder / hashlib.sha1(b).hexdigest()).write_bytes(b)
