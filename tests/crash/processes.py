"""The house as real processes that can be killed: two workers, the door, and an embedded PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nostro.runtime.clock import WORLD_CLOCK
from nostro.runtime.demo.landscape import Grounds, token, write_landscape
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.server import Server
from nostro.sandbox.stage import END, ENTITIES, MONDAY, ODOO, at, build_world
from nostro.sandbox.world import Act
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import find_place
from nostro.store.entropy import SystemEntropy
from tests.crash.releases import HERE
from tests.integration.serving import free_port

NOSTRO = (sys.executable, "-m", "nostro.runtime.cli")
WORKERS = ("worker", "second worker")
DOOR = "door"
POSTGRESQL = "postgresql"
PASSPHRASE = "PASSPHRASE"
PARTS = (*WORKERS, DOOR, POSTGRESQL)
Disk = Callable[[Grounds], AbstractContextManager[object]]
IN_ORDER = {signal.SIGTERM: 0, signal.SIGINT: 130}
"""How a part ends, whether it is up or starts; before it hears signals, as Python does."""
ENDING_SECONDS = 60
"""More than a part takes at the most to end: `ENDING_SECONDS` and `TELLING_SECONDS` of `nostro.runtime.cli`."""
EARLY = Act(
    at(MONDAY, 7, 5),
    ENTITIES[0].bank_path,
    {"act": "credit", "account": ENTITIES[0].account.number, "amount": 47_110, "name": "Sender 901"},
    "credit/early",
)
"""Of many seeds the first hours bring no movement at a bank, and each life has to have one that is judged."""
BREATH_SECONDS = 0.05
"""The rest between two looks."""
Further = Callable[[Scenario], None]


def nothing_further(_: Scenario) -> None:
    """Nothing but what the seed brings."""


@dataclass
class Processes:
    """Every part of one house by name. PostgreSQL is nobody's child: whoever misses it first starts it again."""

    grounds: Grounds
    server: EmbeddedServer
    logs: Path
    clock: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    database: str = ""
    """Where the database is, once it isn't the embedded server any more."""
    ending: set[str] = field(default_factory=set)
    """Parts that were asked to end and may take their time."""
    _silent: dict[str, int] = field(default_factory=dict)
    """How long a part's log was when it was started last."""
    sources: dict[str, Path] = field(default_factory=dict)
    """Where the source of a part lies that isn't of the release that stands here; "": of the commands."""
    telemetry: str = ""
    """Where the parts tell their spans."""

    def url(self) -> str:
        """The database as it is reached without detours."""
        return self.database or self.server.url()

    def tell(self, now: datetime) -> None:
        """Set the world's clock."""
        half = self.clock.with_suffix(".new")
        half.write_text(now.isoformat(), encoding="ascii")
        half.rename(self.clock)

    def start(self, name: str) -> None:
        """Start a part, or start it again."""
        ports = ("--port", str(self.grounds.door), "--health-port", str(self.grounds.health))
        words = ("serve", *ports) if name == DOOR else ("worker",)
        self._told(name).unlink(missing_ok=True)
        with self._told(name).open("wb") as out, self._log_of(name).open("ab") as log:
            self._silent[name] = log.tell()
            self.running[name] = subprocess.Popen(
                [*NOSTRO, *words, "--json"],
                env=self._variables(name),
                stdout=out,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def is_up(self, name: str) -> bool:
        """Whether it has said that it is up."""
        if name == POSTGRESQL:
            return self.server.process_id() is not None
        return self.running[name].poll() is None and self._began(name)

    def supervise(self) -> None:
        """Start what ended by itself, as an init system does; it may only end because the database went as it began."""
        for name, process in self.running.items():
            if process.poll() is not None and name not in self.ending:
                assert not self._began(name), f"{name} ended by itself with {process.returncode}"
                assert "PostgreSQL" in self._said_since(name), f"{name} did not begin: {self._said_since(name)}"
                self.start(name)

    def kill(self, name: str, *, whole: bool = True) -> bool:
        """SIGKILL; whether it met somebody alive. PostgreSQL `whole`, or only its first process, whose children notice
        by themselves.
        """
        if name == POSTGRESQL:
            number = self.server.process_id()
            children = children_of(number) if number and whole else []
            met = [self.signal_to(each, signal.SIGKILL) for each in ([number, *children] if number else [])]
            return met[:1] == [True]
        self.running[name].kill()
        return self.running[name].wait() == -signal.SIGKILL

    def signal_to(self, number: int, what: signal.Signals) -> bool:
        """Send a signal to a process that may be gone; whether it was there."""
        try:
            os.kill(number, what)
        except ProcessLookupError:
            return False
        return True

    async def ask_to_end(self, name: str, what: signal.Signals, again_seconds: float = 0) -> None:
        """Ctrl-C or SIGTERM, and perhaps once more: the part ends in order, with the code that says so."""
        process, began = self.running[name], self.is_up(name)
        if process.poll() is not None:
            return
        self.ending.add(name)
        process.send_signal(what)
        if again_seconds:
            await asyncio.sleep(again_seconds)
            process.send_signal(what)
        code = await asyncio.to_thread(self._code_of, name)
        told = self._said_since(name)
        missed = not began and ("PostgreSQL" in told or is_pythons(told))
        allowed = {IN_ORDER[what]} | ({-what} if again_seconds or not began else set()) | ({1} if missed else set())
        assert code in allowed, (name, code, told)
        assert code < 0 or missed or not re.search("^Traceback", told, re.MULTILINE), (name, code, told)
        self.ending.discard(name)

    def end(self) -> None:
        """Ask every part to end, as an operator does; each has to end by itself with 0."""
        for process in self.running.values():
            process.terminate()
        codes = {name: self._code_of(name) for name in self.running}
        assert set(codes.values()) == {0}, codes

    def leave(self, name: str) -> None:
        """Ask one part to end, and do without it from now on."""
        self.running[name].terminate()
        assert self._code_of(name) == 0, name
        del self.running[name]

    def processor_seconds(self) -> float:
        """What all that runs here has had of the processors so far."""
        server = self.server.process_id()
        numbers = [one.pid for one in self.running.values()] + ([server, *children_of(server)] if server else [])
        return sum(map(_processor_seconds, numbers))

    def run(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        """The one object that a command prints; it has to find nothing wrong."""
        return self._ended(0, *words)

    def ask(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        """The same of a command that has to find something wrong."""
        return self._ended(1, *words)

    def refused(self, *words: str) -> str:
        """The sentence of a command that has to be refused."""
        return str(self._ended(2, *words)["failure"]["sentence"])

    def command(self, *words: str, person: str = "") -> subprocess.Popen[str]:
        """A command as a person types it at a terminal, which has its processes in a group of their own. `person`: who
        acts, and proves it by his passphrase.
        """
        who = ("--as", person, "--passphrase-env", PASSPHRASE) if person else ()
        proof = {PASSPHRASE: (self.grounds.secrets / f"{person}.passphrase").read_text()} if person else {}
        return subprocess.Popen(
            [*NOSTRO, *words, *who, "--json"],
            env={**self._variables(), **proof},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def told_by(self, module: str, asked: object) -> Any:  # noqa: ANN401 - JSON
        """What a module prints, with the release of the commands, that is told something on its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", module],
            cwd=HERE,
            env=self._variables(""),
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{module}: {done.stderr[-2000:]}"
        return json.loads(done.stdout)

    def _ended(self, code: int, *words: str) -> Any:  # noqa: ANN401 - JSON
        done = subprocess.run(
            [*NOSTRO, *words, "--json"], env=self._variables(), capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == code, f"{words}: {done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        return json.loads(done.stdout)

    def said(self, event: str) -> list[str]:
        """The lines of all logs that tell of an event."""
        lines = (line for log in sorted(self.logs.glob("*.log")) for line in log.read_text().splitlines())
        return [line for line in lines if f'"{event}"' in line]

    def _code_of(self, name: str) -> int:
        """How a part that was asked to end has ended. Raises `AssertionError` that tells where one stands that hasn't:
        all stacks of its threads.
        """
        process = self.running[name]
        try:
            return process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ENDING_SECONDS)
            raise AssertionError(f"{name} did not end within {ENDING_SECONDS} s:\n{self._said_since(name)}") from None

    def _began(self, name: str) -> bool:
        """Whether it has said under which bundle it is up: one that can't begin prints its failure there."""
        return '"bundle"' in self._told(name).read_text()

    def _said_since(self, name: str) -> str:
        """What a part has said since it was started last."""
        return self._log_of(name).read_bytes()[self._silent[name] :].decode()

    def _told(self, name: str) -> Path:
        return self.logs / f"{name}.out"

    def _log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _variables(self, name: str = "") -> Mapping[str, str]:
        source = {"PYTHONPATH": str(self.sources[name])} if name in self.sources else {}
        here = {"NOSTRO_LANDSCAPE": str(self.grounds.landscape), WORLD_CLOCK: str(self.clock)}
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.telemetry, "OTEL_SERVICE_NAME": name} if self.telemetry else {}
        return {**os.environ, **here, **source, **told, "PYTHONFAULTHANDLER": "1"}  # SIGABRT then shows all stacks


def is_pythons(told: str) -> bool:
    """Whether Ctrl-C came so early that Python itself was not there yet: no `except` of ours could be."""
    return told.rstrip().endswith("KeyboardInterrupt") and "nostro/runtime" not in told


def empty_grounds(
    folder: Path, seed: int, until: datetime = END, further: Further = nothing_further
) -> tuple[Grounds, Server, Scenario]:
    """A landscape for the sandbox's companies, the sandbox that has not started, and what happens in it until then:
    what the seed brings, a transfer in the first hour, and what is written into the scenario besides.
    """
    state = folder / "state"
    state.mkdir(mode=0o711)
    ports = {name: free_port() for name in ("door", "health", "sandbox")}
    grounds = Grounds(folder / "landscape", state, **ports, odoo_token=token(SystemEntropy()))
    scenario = Scenario(seed)
    further(scenario)
    scenario.script[:] = [act for act in (EARLY, *scenario.script) if act.at < until]
    world = build_world(seed=seed, script=scenario.script, webhooks=grounds.webhooks())
    odoo = world.systems[ODOO]
    assert isinstance(odoo, OdooBooks)
    write_landscape(grounds, odoo.landscape(), SystemEntropy())
    return grounds, Server(world, grounds.files, port=grounds.sandbox), scenario


@contextlib.contextmanager
def processes(grounds: Grounds, now: datetime, disk: Disk = contextlib.nullcontext) -> Iterator[Processes]:
    """The house with its database started and nothing else; whatever runs at the end is killed.

    `disk`: what the database lies on, there before the server starts and until it has stopped. The database stays where
    it is when the test fails: it is what one wants to look at.
    """
    logs = grounds.state / "logs"
    logs.mkdir()
    postgresql = grounds.state / "postgresql"
    with disk(grounds), EmbeddedServer(postgresql) as server:
        house = Processes(grounds, server, logs, grounds.state / "world-clock")
        house.tell(now)
        try:
            yield house
        finally:
            for process in house.running.values():
                process.kill()
                process.wait()
            server.ensure_running()
    shutil.rmtree(find_place(postgresql).home)


def _processor_seconds(number: int) -> float:
    """By /proc/<pid>/stat: the fields 14 and 15."""
    with contextlib.suppress(OSError):
        told = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def children_of(number: int) -> list[int]:
    """By /proc/<pid>/stat: the fourth field is the parent, after a name in brackets that may hold anything."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == number:
                found.append(int(stat.parent.name))
    return found
