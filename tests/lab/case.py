# SPDX-License-Identifier: Apache-2.0
"""A small frame for e2e scripts: named cases in a lab, a closing line, and nothing left behind even on SIGTERM."""

import os
import signal
import sys
import traceback

from lab import Lab, LabError


class Check(Exception):
    """A case did not hold; the text says what was seen."""


def check(truth, said):
    if not truth:
        raise Check(said)


class Cases:
    def __init__(self, name, prefix):
        self.lab = Lab(name, prefix)
        self.passed = self.failed = 0
        self.stale = Lab.load(name)

    def case(self, title, work, *args):
        try:
            said = work(*args)
            self.passed += 1
            print(f"ok   {title}" + (f": {said}" if said else ""), flush=True)
            return True
        except (Check, LabError) as e:
            self.failed += 1
            print(f"FAIL {title}: {e}", flush=True)
        except Exception:
            self.failed += 1
            print(f"FAIL {title}:\n{traceback.format_exc()}", flush=True)
        for label in sorted(self.lab.procs):
            if not label.startswith("tcpdump"):
                print(f"     --- {label}: " + "\n         ".join(self.lab.log_text(label).splitlines()[-6:]), flush=True)
        return False

    def run(self, body):
        """body(self) makes the lab and runs its cases; the exit status says how it went."""
        if os.geteuid() != 0:
            print("SKIP all: needs root for network namespaces\n0 passed, 0 failed, 1 skipped")
            return 77

        def end(signum, frame):
            raise KeyboardInterrupt

        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, end)
        try:
            if self.stale:
                self.stale.destroy()  # an earlier run of this very script that was killed
            self.lab.create()
            body(self)
        except (Check, LabError) as e:
            self.failed += 1
            print(f"FAIL set-up: {e}")
        except KeyboardInterrupt:
            self.failed += 1
            print("FAIL ended from outside")
        except Exception:
            self.failed += 1
            print(f"FAIL:\n{traceback.format_exc()}")
        finally:
            for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(s, signal.SIG_IGN)
            self.lab.destroy()
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def main(name, prefix, body):
    sys.exit(Cases(name, prefix).run(body))
