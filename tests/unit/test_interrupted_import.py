"""Ctrl-C while what takes long is imported."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, sys
from nostro.runtime.cli import main

class Rust:
    def find_spec(self, name, *_):
        try:
            name == "nostro.runtime.cli_app" and os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("Error building validator: KeyboardInterrupt") from None

sys.meta_path.insert(0, Rust())
main()
"""


def test_ctrl_c_that_a_library_tells_of_by_an_error_of_its_own_is_quiet_too() -> None:
    """As the library does that makes our models' validators."""
    ended = subprocess.run((sys.executable, "-c", SCRIPT), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "")
