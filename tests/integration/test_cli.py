"""The command line as its users run it: processes of its own against an embedded database and watched folders."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nostro.acts.identity import hash_passphrase
from nostro.runtime.state import state_folder
from nostro.store.embedded import EmbeddedServer
from tests.integration.serving import free_port
from tests.landscapes import edit, starting
from tests.places import at_work_in, quick_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NOSTRO = (sys.executable, "-m", "nostro.runtime.cli")
PASSPHRASE = "four words are enough"
PEOPLE = """
people:
  - {{id: first, roles: [controller], passphrase: "{0}"}}
  - {{id: second, roles: [controller], passphrase: "{0}"}}
  - {{id: clerk, roles: [clerk], passphrase: "{0}"}}
  - {{id: closer, roles: [closer], passphrase: "{0}"}}
rights:
  - {{role: clerk, acts: [match], entities: ["*"], limits: unlimited}}
  - {{role: closer, acts: [close], entities: ["*"], limits: unlimited}}
  - role: controller
    acts: [approve, refuse, confirm, match, close, rerun, publish, erase]
    entities: ["*"]
    limits: unlimited
"""
IBAN = "DE89 3704 0044 0532 0130 00"
WHO = ("--as", "second", "--passphrase-env", "PASS", "--reason", "seen")
STATEMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-08-31T20:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-08-31T20:00:00Z</CreDtTm>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-08-31</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">123.45</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-08-31</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">123.45</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-08-31</Dt></BookgDt><ValDt><Dt>2026-08-31</Dt></ValDt><AcctSvcrRef>SVC-42</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Amt Ccy="EUR">123.45</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RltdPties><Dbtr><Pty><Nm>Customer 042</Nm></Pty></Dbtr>
<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>
</RltdPties></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>
"""


@dataclass(frozen=True)
class Terminal:
    """A landscape in a folder with spaces, its state, and a person at the keyboard."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, code: int = 0, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end; its exit code has to be `code`."""
        done = subprocess.run(
            [*NOSTRO, *words], env=self._environment(variables), cwd=self.folder, input=stdin, text=True,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def told(self, *words: str, code: int = 0, **variables: str) -> Any:  # noqa: ANN401 - JSON
        """The one object that a command prints with --json."""
        return json.loads(self.run(*words, "--json", code=code, **variables).stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command that stays, in a process group of its own."""
        return subprocess.Popen(
            [*NOSTRO, *words], env=self._environment({}), cwd=self.folder, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def state(self) -> Path:
        """The landscape's state folder."""
        return state_folder(self.folder, self.variables)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, **self.variables, **more}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's own uid can enter too, so that nothing is left elsewhere when it goes."""
    with tempfile.TemporaryDirectory(prefix="nostro cli ", dir=quick_folder()) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def terminal(place: Path) -> Terminal:
    """A landscape of its own, in propose for Odoo, with three people known by passphrase."""
    folder = starting(place / "a landscape with spaces")
    (folder / "people.yaml").write_text(PEOPLE.format(hash_passphrase(PASSPHRASE)))
    (folder / "inbox/bank-de").mkdir(parents=True, exist_ok=True)
    for file in ("connections/odoo-main.yaml", "interfaces/odoo-books.yaml"):
        edit(folder, file, "mode: observe", "mode: propose")
    edit(folder, "connections/odoo-main.yaml", "https://odoo.example.com", f"http://127.0.0.1:{free_port()}")
    edit(folder, "connections/stripe-de.yaml", "https://api.stripe.com", f"http://127.0.0.1:{free_port()}")
    keys = {"ODOO_API_KEY": "k", "STRIPE_DE_KEY": "sk_test_0000", "STRIPE_DE_WEBHOOK_SECRET": "s"}
    return Terminal(folder, {**keys, "XDG_DATA_HOME": str(place / "state of it"), "PASS": PASSPHRASE})


@dataclass
class Running:
    """`nostro up` (or a part of it) that has said that it is up."""

    process: subprocess.Popen[str]
    told: dict[str, Any]

    def end(self, number: int) -> tuple[int, float]:
        """Sends a signal; the exit code, and how long it took in seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode, time.monotonic() - began


@pytest.fixture
def up(terminal: Terminal) -> Iterator[Callable[..., Running]]:
    """Starts `up` or another command that stays; whatever still runs at the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def start(command: str = "up", *words: str) -> Running:
        ports = {"up": ("--port", str(free_port()), "--health-port", str(free_port())), "worker": ()}
        process = terminal.start(command, *ports.get(command, ports["up"]), "--json", *words)
        running.append(process)
        return Running(process, json.loads(_object(process)))

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()  # not killed: its PostgreSQL would run on
            process.communicate(timeout=60)


def _object(process: subprocess.Popen[str]) -> str:
    """The object that is printed when the command is up."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        line = process.stdout.readline()
        assert line, f"it ended: {process.communicate()[1]}"
        lines.append(line)
    return "".join(lines)


def until(ask: Callable[[], Any], seconds: float = 60) -> Any:  # noqa: ANN401 - whatever is asked for
    """Asks until something is told."""
    give_up = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(1)
    return found


@pytest.mark.proof
def test_a_bank_credit_is_seen_traced_approved_by_a_second_person_verified_replayed_and_erased(
    terminal: Terminal, up: Callable[..., Running]
) -> None:
    house = up()
    (terminal.folder / "inbox/bank-de/statement.xml").write_text(STATEMENT)
    ref = seen(terminal)
    asked_at_the_prompt(terminal, ref)
    approved(terminal, ref)
    closed(terminal)
    matched_and_run_again(terminal, ref)
    proved(terminal, house.told["bundle"])
    erased(terminal)
    code, seconds = house.end(signal.SIGINT)
    assert code == 130
    assert seconds < 15


def seen(terminal: Terminal) -> str:
    """The command that the credit leads to is listed; its story is told without the payer's name."""
    waiting = until(lambda: terminal.told("cases")["commands"])
    [command] = [each for each in waiting if each["operation"] == "book_statement_line"]
    ref = str(command["correlation"])
    assert (command["amount"], command["status"]) == ({"value": "123.45", "currency": "EUR"}, "proposed")
    shown = terminal.run("cases").stdout
    assert ref in shown
    assert "123.45 EUR" in shown
    told = terminal.told("trace", IBAN)
    assert "statement.entry_reported" in {fact["type"] for fact in told["facts"]}
    assert told["zones"] == {"DE": "Europe/Berlin"}
    story = terminal.run("trace", ref).stdout
    assert re.search(r"[+]0[12]00 [(]", story)
    assert "Customer 042" not in story
    return ref


def asked_at_the_prompt(terminal: Terminal, ref: str) -> None:
    """Ctrl-C at the passphrase ends the command at once, and nothing was approved."""
    prompted = terminal.start("approve", ref, "--as", "second", "--reason", "seen")
    assert prompted.stderr is not None
    assert "Approve" in prompted.stderr.readline()
    while "proposed by" not in prompted.stderr.readline():
        assert prompted.poll() is None
    time.sleep(1)
    prompted.send_signal(signal.SIGINT)
    prompted.communicate(timeout=20)
    assert prompted.returncode == 130


def approved(terminal: Terminal, ref: str) -> None:
    """Neither a wrong passphrase nor a person without the right approves it; the second person does, once."""
    wrong = terminal.told("approve", ref, *WHO, code=2, PASS="wrong")
    assert wrong["failure"]["sentence"] == "The passphrase is wrong."
    refused = terminal.told("approve", ref, "--as", "clerk", *WHO[2:], code=2)
    assert "no right to approve" in refused["failure"]["sentence"]
    assert "handed over" in terminal.run("confirm", ref, "--done", *WHO, code=2).stderr
    done = terminal.told("approve", ref, *WHO)
    assert (done["actor"], done["new"], done["workers"]) == ("second", True, 1)
    until(lambda: ref not in [each["correlation"] for each in terminal.told("cases")["commands"]])
    assert terminal.told("approve", ref, *WHO, code=2)["failure"]["kind"] in ("ActRefused", "Refused")
    facts = terminal.told("trace", ref)["facts"]
    assert [fact["actor"] for fact in facts if fact["type"] == "command.released"] == ["second"]


def closed(terminal: Terminal) -> None:
    """The statement of August is not followed by another one: a case, which a person closes."""
    [case] = until(lambda: terminal.told("cases")["cases"])
    assert terminal.told("cases", case["id"])["case"]["reason"] == "statement_missing"
    named_to_who_may_match(terminal, case["id"])
    terminal.run("close", case["id"], *WHO)
    until(lambda: not terminal.told("cases")["cases"])
    assert [each["closed_by"] for each in terminal.told("cases", "--all")["cases"]] == ["second"]


def named_to_who_may_match(terminal: Terminal, case: str) -> None:
    """What is confidential about a case is opened for a right, and a right is proved first."""
    proof = WHO[2:4]
    assert terminal.told("cases", case, "--as", "clerk", *proof)["confidential"] == {}
    refused = terminal.told("cases", case, "--as", "closer", *proof, code=2)
    assert "no right to match" in refused["failure"]["sentence"]
    wrong = terminal.told("cases", case, "--as", "clerk", *proof, code=2, PASS="wrong")
    assert wrong["failure"]["sentence"] == "The passphrase is wrong."


def matched_and_run_again(terminal: Terminal, ref: str) -> None:
    """What a person says of the movement is in its story; its receipt is read again without a second effect."""
    facts = terminal.told("trace", ref)["facts"]
    [told] = [fact for fact in facts if fact["type"] == "statement.entry_reported"]
    assert terminal.told("match", IBAN, "own", *WHO)["subject"] == told["subject"]
    assert terminal.told("rerun", told["receipt"], *WHO)["subject"] == f"receipt/{told['receipt']}"
    assert "leads nowhere" in terminal.run("match", IBAN, "INV/0000", *WHO, code=2).stderr
    until(lambda: "rerun.asked" in [fact["type"] for fact in terminal.told("trace", told["receipt"])["facts"]])
    facts = terminal.told("trace", ref)["facts"]
    assert [fact["actor"] for fact in facts if fact["type"] == "match.confirmed"] == ["second"]
    assert len([fact for fact in facts if fact["type"] == "statement.entry_reported"]) == 1


def proved(terminal: Terminal, bundle: str) -> None:
    """The ledger is even, replay equals live, and the log is whole once it is sealed."""
    assert all(not total["value"].strip("-0.") for total in terminal.told("transit")["sums"])
    assert terminal.told("replay")["differences"] == []
    under = terminal.told("replay", "--under", bundle[:12])
    assert (under["under"], under["differences"]) == (bundle, [])
    assert terminal.told("replay", "--check")["differences"] == []
    page = terminal.folder.parent / "page.html"
    folder = terminal.told("replay", "--under", str(terminal.folder), "--out", str(page))
    assert folder["differences"] == []
    assert "would have changed nothing" in page.read_text()
    assert "--under" in terminal.run("replay", "--out", str(page), code=2).stderr
    until(lambda: terminal.told("audit", "verify")["unsealed"] == 0)
    assert terminal.run("audit", "verify").stdout.startswith("The log is whole")


def erased(terminal: Terminal) -> None:
    """Erasing asks first; then the payer can't be found any more, and the seals are whole."""
    party = ("erase", f"iban:{IBAN}", *WHO)
    assert "--yes" in terminal.run(*party, code=2).stderr
    gone = terminal.told(*party, "--yes")
    assert gone["keys_destroyed"] >= 1
    assert gone["states_rebuilt"] == len(gone["subjects"])
    assert gone["states_left"] == []
    again = terminal.told(*party, "--yes")
    assert (again["keys_destroyed"], again["receipts_destroyed"]) == (0, 0)
    assert (again["subjects"], again["states_rebuilt"]) == (gone["subjects"], gone["states_rebuilt"])
    assert terminal.told("trace", IBAN, code=1)["subjects"] == []
    assert terminal.told("audit", "verify")["findings"] == []


def test_sigterm_ends_up_cleanly_within_seconds_and_gives_every_shard_back(
    terminal: Terminal, up: Callable[..., Running]
) -> None:
    first = up()
    assert first.told["health"].startswith("http://127.0.0.1:")
    with EmbeddedServer(terminal.state() / "postgresql") as server, psycopg.connect(server.url()) as connection:
        connection.autocommit = True
        held = "select count(*) from shard where holder <> ''"
        until(lambda: connection.execute(held).fetchone() == (64,))
        code, seconds = first.end(signal.SIGTERM)
        assert code == 0
        assert seconds < 15
        assert connection.execute(held).fetchone() == (0,)
        worker = up("worker")
        until(lambda: connection.execute(held).fetchone() == (64,))
        assert worker.end(signal.SIGINT)[0] == 130
        assert connection.execute(held).fetchone() == (0,)


@pytest.mark.parametrize("signalled, code", [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_an_end_while_up_is_starting_is_quiet_and_leaves_no_server_behind(
    terminal: Terminal, signalled: signal.Signals, code: int
) -> None:
    starting_up = terminal.start("up", "--port", str(free_port()), "--health-port", str(free_port()))
    until(lambda: Path(terminal.variables["XDG_DATA_HOME"]).exists() or starting_up.poll() is not None)
    starting_up.send_signal(signalled)
    _, stderr = starting_up.communicate(timeout=60)
    assert starting_up.returncode == code
    assert "Traceback" not in stderr
    until(lambda: not at_work_in(terminal.state() / "postgresql"))


def test_a_worker_that_may_not_begin_never_says_that_it_is_up(terminal: Terminal) -> None:
    terminal.run("cases")
    with EmbeddedServer(terminal.state() / "postgresql") as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute(
                "insert into subject (shard, process, subject, entity, version, revision, state, lane, body, absorbed, "
                "position) values (0, 'newer', 's', 'DE', 1, 1, 'open', 0, '', '', 1)"
            )
        told = terminal.told("worker", code=1)
    assert told["failure"]["kind"] == "ReleaseTooOld"


def test_a_taken_port_is_refused_with_the_option_that_changes_it(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        door = terminal.run("up", "--port", port, "--health-port", str(free_port()), code=1)
        health = terminal.run("up", "--port", str(free_port()), "--health-port", port, code=1)
    assert f"Port {port}" in door.stderr
    assert "--port" in door.stderr
    assert "--health-port" in health.stderr


def test_two_commands_at_once_share_one_database(terminal: Terminal) -> None:
    both = [terminal.start("cases", "--json") for _ in range(2)]
    for process in both:
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert json.loads(stdout)["cases"] == []


def test_a_missing_and_a_broken_landscape_are_refused_with_file_line_and_remedy(
    terminal: Terminal, tmp_path: Path
) -> None:
    nowhere = terminal.run("cases", "--landscape", str(tmp_path / "nowhere"), code=2)
    assert "nostro init" in nowhere.stderr
    (terminal.folder / "entities.yaml").write_text("entities:\n  - id: DE\n   country: DE\n")
    broken = terminal.told("cases", code=2)["failure"]
    assert "entities.yaml:" in broken["sentence"]
    assert broken["remedy"]


def test_unknown_references_and_options_are_told_apart_from_findings(terminal: Terminal) -> None:
    assert terminal.told("trace", "INV/0000", code=1)["subjects"] == []
    assert "NOSNOBODY" in terminal.run("approve", "NOSNOBODY", "--reason", "x", code=2).stderr
    assert "No command" in terminal.run("cases", "C-NOBODY", code=2).stderr
    assert "--reason" in terminal.run("approve", "NOSNOBODY", code=2).stderr
    assert "digest" in terminal.run("replay", "--under", "zz", code=2).stderr
    assert "iban:" in terminal.run("erase", "someone", "--reason", "x", code=2).stderr


def test_a_state_folder_that_cannot_be_made_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = terminal.run("cases", code=1, XDG_DATA_HOME=str(tmp_path / "file"))
    assert "XDG_DATA_HOME" in told.stderr
