#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 180
"""DNS updates and validated look-ups against Knot DNS; see dns_interop.py."""
import sys

import dns_interop

sys.exit(dns_interop.main("knot"))
