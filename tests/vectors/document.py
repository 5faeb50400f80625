# SPDX-License-Identifier: Apache-2.0
"""JSON as hipvec gen writes it: what fits on a line stands on one, octets are never broken."""
import json


def leaf(value) -> bool:
    return not isinstance(value, (dict, list))


def dump(value, depth=0, before=0, width=150) -> str:
    line = json.dumps(value)
    small = isinstance(value, dict) and 0 < len(value) <= 3 and all(map(leaf, value.values()))
    if leaf(value) or not value or small or len(line) + depth + before <= width:
        return line
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f'{pad}"{k}": {dump(v, depth + 1, len(k) + 4)}' for k, v in value.items()) + "\n" + pad[1:] + "}"
    return "[\n" + ",\n".join(pad + dump(v, depth + 1) for v in value) + "\n" + pad[1:] + "]"
