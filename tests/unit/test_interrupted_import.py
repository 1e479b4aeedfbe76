"""Ctrl-C and SIGTERM while what takes long is imported."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest

SCRIPT = """
import os, signal, sys
from nostro.runtime.cli import main

class Rust:
    def find_spec(self, name, *_):
        try:
            name == "nostro.runtime.cli_app" and os.kill(os.getpid(), getattr(signal, sys.argv.pop()))
        except KeyboardInterrupt:
            raise ValueError("Error building validator: KeyboardInterrupt") from None

sys.meta_path.insert(0, Rust())
main()
"""


Signal = Literal["SIGINT", "SIGTERM"]


def ended(command: str, by: Signal) -> tuple[int, str]:
    """The exit code of a command that was cut so early, and what it said."""
    done = subprocess.run((sys.executable, "-c", SCRIPT, command, by), capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM"])
def test_what_a_library_tells_of_by_an_error_of_its_own_is_quiet_too(by: Signal) -> None:
    """As the library does that makes our models' validators."""
    assert ended("cases", by) == (130, "")


def test_a_part_of_the_house_that_is_asked_to_end_so_early_ends_in_order() -> None:
    assert ended("worker", "SIGTERM") == (0, "")
    assert ended("worker", "SIGINT") == (130, "")
