#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check: full 3000
# Can the tests fail? Every row of tests/mutants.json takes a check out, and a test has to name it.
exec "$(dirname "$0")/../mutants.py" "$@"
