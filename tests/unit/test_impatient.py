"""Ctrl-C, and once more while everything winds down: the command ends at once and says nothing of what was cut."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from nostro.runtime.cli_frame import Frame, ending
from nostro.runtime.output import Output

async def worker(queue):
    while True:
        try:
            await queue.get()
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.sleep(5)

async def command():
    task = asyncio.create_task(worker(asyncio.Queue()))
    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)
    await task

sys.exit(ending(Frame(Path("landscape"), Output(json=False), False), command))
"""


STARTING = """
import os, signal, sys, types
from nostro.runtime import cli

def run():
    os.kill(os.getpid(), signal.SIGINT)

class Again(cli.Interrupt):  # whatever tells how it ends meets the second one
    def code(self):
        os.kill(os.getpid(), signal.SIGINT)
        return super().code()

sys.modules["nostro.runtime.cli_app"] = types.SimpleNamespace(run=run)
cli.Interrupt = Again
cli.main()
"""


def test_a_second_ctrl_c_while_a_command_is_still_being_imported_is_as_quiet_as_the_first() -> None:
    done = subprocess.run([sys.executable, "-c", STARTING], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_second_ctrl_c_while_tasks_are_cancelled_ends_at_once_and_quietly() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr.strip()) == (130, "Interrupted.")
