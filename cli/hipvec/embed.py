# SPDX-License-Identifier: Apache-2.0
"""The schemas of the vector types as C: embed.py OUT FILE..."""
import os
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
with open(out, "w", encoding="utf-8") as f:
    f.write('#include "cli/hipvec/schema.h"\n')
    for i, path in enumerate(files):
        with open(path, "rb") as s:
            octets = s.read()
        f.write(f"static const char t{i}[] = {{{','.join(map(str, octets))},0}};\n")
    f.write("const struct schema_text schema_texts[] = {\n")
    for i, path in enumerate(files):
        f.write(f'{{ "{os.path.basename(path)}", t{i} }},\n')
    f.write("{ 0, 0 } };\n")
