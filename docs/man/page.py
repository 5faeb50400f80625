#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""page.py IN OUT PROGRAM: a daemon's man page, its configuration keys in the place of @CONFIG@ as the program itself knows them."""
import pathlib
import subprocess
import sys

source, out, program = sys.argv[1:4]
keys = subprocess.run([program, "--print-man"], capture_output=True, text=True, check=True).stdout
# A line that begins with a dot or an apostrophe inside a text would be a request.
text = pathlib.Path(source).read_text()
assert text.count("@CONFIG@\n") == 1
pathlib.Path(out).write_text(text.replace("@CONFIG@\n", keys))
