# SPDX-License-Identifier: Apache-2.0
"""Recomputes hipfa's test vectors from the RFCs with Python alone: see ../vectorcheck.py."""
