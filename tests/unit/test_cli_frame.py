"""What all commands share: options that spread, failures that become sentences and codes, and what a terminal sees."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable, Failure, OutOfService, Refused, ReleaseTooOld, SealBroken
from nostro.model.money import Money
from nostro.projections.worklist import OpenCase
from nostro.runtime import cli_audit
from nostro.runtime.cli_app import PLACES, build
from nostro.runtime.cli_audit import party_of
from nostro.runtime.cli_cases import draw_lists
from nostro.runtime.cli_frame import INTERRUPTED, Frame, framed
from nostro.runtime.output import Output, age, as_json, clean, phrase, table, when
from nostro.runtime.state import state_folder

RUN = CliRunner()
AT = datetime(2026, 8, 31, 8, 0, 5, tzinfo=UTC)


def run(command: Callable[..., object], *words: str) -> tuple[int, str, str]:
    """Runs one command; its exit code, standard output and standard error."""
    app = typer.Typer()
    app.command("it")(framed(command))  # type: ignore[arg-type]  # the tests' commands return nothing
    done = RUN.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def failing(failure: Exception) -> Callable[[Frame], None]:
    """A command that fails so."""

    def command(frame: Frame) -> None:
        assert frame
        raise failure

    return command


@pytest.mark.parametrize(
    "failure, code",
    [(Refused("No."), 2), (OutOfService("Not now."), 1), (Failure("It broke."), 1), (RuntimeError("secret"), 1)],
)
def test_each_failure_is_a_sentence_with_its_own_exit_code(failure: Exception, code: int) -> None:
    got, out, err = run(failing(failure))
    assert got == code
    assert out == ""
    assert "Traceback" not in err
    assert "secret" not in err


def test_a_failure_tells_remedy_and_runbook_and_is_one_object_with_json() -> None:
    failure = OutOfService("The bank is closed.", "Wait.", runbook="bank-closed")
    assert run(failing(failure))[2] == "The bank is closed.\nWait.\nRunbook: docs/operate/bank-closed.md\n"
    code, out, _ = run(failing(failure), "--json")
    told = json.loads(out)["failure"]
    assert code == 1
    assert (told["sentence"], told["remedy"]) == ("The bank is closed.", "Wait.")
    assert (told["kind"], told["runbook"]) == ("OutOfService", "docs/operate/bank-closed.md")


def test_a_failure_that_an_operator_has_to_act_upon_names_its_runbook_wherever_it_arises() -> None:
    of_its_kind = SealBroken("A data key was changed.", "Nothing of it can be read.")
    assert run(failing(of_its_kind))[2].endswith("Runbook: docs/operate/seal-broken.md\n")
    assert ReleaseTooOld("The schema is newer.", runbook="upgrade").runbook == "upgrade"


@pytest.mark.parametrize("minor, code", [(0, 0), (1, 1)])
def test_an_uneven_ledger_is_something_wrong(minor: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def house(_: Frame) -> AsyncIterator[Any]:
        yield SimpleNamespace(database=None, now=now)

    async def now() -> Now:
        return Now(AT, AT)

    async def held(_: object) -> dict[str, list[Money]]:
        return {"psp/DE/x": [Money.of("12.34", "EUR")], "customer/DE": [Money(minor=minor - 1234, currency="EUR")]}

    monkeypatch.setattr(cli_audit, "inspected", house)
    monkeypatch.setattr(cli_audit, "balances", held)
    ended, told, _ = run(cli_audit.transit)
    assert (ended, "see docs/operate/ledger-uneven.md" in " ".join(told.split())) == (code, bool(code))
    assert run(cli_audit.transit, "--json")[0] == code


def test_a_failure_of_tasks_side_by_side_is_told_as_the_first_of_them() -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [DatabaseUnavailable("PostgreSQL is gone.")])])
    code, _, err = run(failing(group))
    assert (code, err) == (1, "PostgreSQL is gone.\n")


def test_the_traceback_is_shown_only_when_it_is_asked_for() -> None:
    assert "Traceback" in run(failing(RuntimeError("why")), "--debug")[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_end_a_command_as_interrupted(number: int) -> None:
    def command(_: Frame) -> None:
        signal.raise_signal(number)

    assert run(command)[0] == 130


async def worker(_: Frame) -> None:
    """A command of that name, which SIGTERM finds while it starts."""
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
    await asyncio.sleep(60)


def test_sigterm_is_the_ordinary_end_of_a_part_of_the_house_also_while_it_starts() -> None:
    assert run(worker)[0] == 0


def test_an_interrupt_among_tasks_side_by_side_is_one_too() -> None:
    """Whoever opens a connection just then has a group of tasks around it."""
    group = BaseExceptionGroup("", [OSError("first"), BaseExceptionGroup("", [KeyboardInterrupt()])])

    def interrupted(_: Frame) -> None:
        raise group

    assert run(interrupted)[:1] == (INTERRUPTED,)


def test_what_a_command_returns_is_its_exit_code_and_coroutines_are_run() -> None:
    async def found(_: Frame) -> int:
        return 1

    async def done(frame: Frame) -> None:
        frame.output.show({"done": True}, lambda console: console.print("Done."))

    assert run(found)[0] == 1
    assert run(done)[:2] == (0, "Done.\n")
    assert json.loads(run(done, "--json")[1]) == {"done": True}


def test_a_dataclass_stands_for_options_of_its_own() -> None:
    @dataclass(frozen=True)
    class Hand:
        who: Annotated[str, typer.Option("--as")] = ""

    def command(frame: Frame, hand: Hand, ref: Annotated[str, typer.Argument()]) -> None:
        frame.output.console.print(f"{ref} by {hand.who} in {frame.folder}")

    hints = {"frame": Frame, "hand": Hand, "ref": Annotated[str, typer.Argument()], "return": None}
    command.__annotations__ = hints  # a class of this function can't be found by its name
    assert run(command, "X", "--as", "carol", "--landscape", "/l")[1] == "X by carol in /l\n"


def test_work_that_takes_minutes_is_announced_where_no_bar_can_move(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (Output(), Output(json=True)):
        with output.progress("It lives", 100) as advance:
            advance(100)
    assert capsys.readouterr() == ("", "It lives ...\n")


def commands_of(app: typer.Typer, *path: str) -> list[tuple[str, ...]]:
    """Every command of the application, groups opened."""
    own = [(*path, str(info.name)) for info in app.registered_commands]
    groups = [(str(info.name), info.typer_instance) for info in app.registered_groups]
    return own + [words for name, group in groups if group for words in commands_of(group, *path, name)]


@pytest.mark.parametrize("words", commands_of(build()), ids=" ".join)
def test_every_command_takes_json_and_teaches_with_an_example(words: tuple[str, ...]) -> None:
    shown = RUN.invoke(build(), [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert "--json" in shown.stdout or words == ("sandbox",)
    assert "--landscape" in shown.stdout or words in (("demo",), ("sandbox",))
    assert f"nostro {' '.join(words)}" in shown.stdout.split("Example")[-1]


@pytest.mark.parametrize("commands", PLACES.values(), ids=" ".join)
def test_each_command_is_added_by_the_module_where_it_is_looked_for(commands: tuple[str, ...]) -> None:
    for typed in commands:
        assert sorted({words[0] for words in commands_of(build(typed))}) == sorted(commands)


def test_a_word_that_is_no_command_is_held_against_all_of_them() -> None:
    assert {words[0] for words in commands_of(build("nonsense"))} == {c for each in PLACES.values() for c in each}


def test_every_command_is_in_the_reference() -> None:
    reference = (Path(__file__).parents[2] / "docs/look-up/commands.md").read_text()
    assert [words for words in commands_of(build()) if f"`nostro {' '.join(words)}" not in reference] == []


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    evil = "paid\x1b[2J\x9b31m\u202etxt"
    assert clean(evil) == "paid\ufffd[2J\ufffd31m\ufffdtxt"
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(table("Cases", {"what": "left"}, [(evil,)]))
    assert "\x1b" not in console.export_text(styles=False)


def test_cases_can_be_read_on_a_terminal_of_80_columns() -> None:
    sentence = "12 items from bank-de: 11 understood, 1 rejected; the receipt is kept."
    amount, reason = Money.of("-1234567.89", "EUR"), "refund_without_credit_note"
    case = OpenCase("C-7QX2ABCD", "collection", "DE/1", "DE", reason, sentence, amount, AT)
    console = Console(width=80, record=True, file=io.StringIO())
    draw_lists(console, found=[case], commands=[], at=AT)
    words = console.export_text(styles=False).replace("\u2502", " ").split()
    assert {"C-7QX2ABCD", f"{reason}:", *sentence.split(), "-1234567.89"} <= set(words)


def test_on_a_narrow_terminal_columns_stand_below_each_other_and_no_amount_is_cut() -> None:
    made = table("Cases", {"case": "whole", "amount": "right", "what": "left"}, [("C-1", "-1234567.89 EUR", "late")])
    told = {}
    for columns in (30, 80):
        console = Console(width=columns, record=True, file=io.StringIO())
        console.print(made)
        told[columns] = console.export_text(styles=False)
    assert told[30].splitlines()[:4] == ["Cases", "case: C-1", "amount: -1234567.89 EUR", "what: late"]
    assert "amount:" not in told[80]


def test_instants_are_shown_in_the_zone_of_the_entity_with_utc_beside_it() -> None:
    assert when(AT, ZoneInfo("Europe/Berlin")) == "2026-08-31 10:00:05 +0200 (08:00:05Z)"
    assert when(AT, None) == "2026-08-31 08:00:05Z"


def test_the_utc_day_is_named_where_it_is_another_one() -> None:
    late = datetime(2026, 8, 31, 23, 0, tzinfo=UTC)
    assert when(late, ZoneInfo("Europe/Berlin")) == "2026-09-01 01:00:00 +0200 (2026-08-31 23:00:00Z)"


@pytest.mark.parametrize(
    "seconds, told", [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86_400, "1 d"), (172_800, "2 d")]
)
def test_ages_are_told_in_their_largest_unit(seconds: int, told: str) -> None:
    assert age(timedelta(seconds=seconds)) == told


def test_json_holds_money_exactly_and_instants_in_utc_and_never_a_float() -> None:
    told = json.loads(as_json({"amount": Money.of("0.10", "EUR"), "at": AT, "none": None, "raw": b"\x01"}))
    assert told == {
        "amount": {"value": "0.10", "currency": "EUR"}, "at": "2026-08-31T08:00:05.000000Z", "none": None, "raw": "01",
    }  # fmt: skip


def test_values_of_a_body_read_as_a_person_says_them() -> None:
    assert phrase({"value": "1.20", "currency": "CHF"}) == "1.20 CHF"
    assert phrase([{"account": 7, "balance": {"value": "-1", "currency": "JPY"}}]) == "account 7, balance -1 JPY"


@pytest.mark.parametrize("text", ["", "DE89370400440532013000", "iban:", "name:Customer 042", "partner:4711"])
def test_a_party_without_a_known_kind_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        party_of(text)


def test_two_spellings_of_a_party_are_one() -> None:
    assert party_of("iban:de89 3704 0044 0532 0130 00") == party_of("iban:DE89370400440532013000")
    assert party_of("partner:odoo-main/7").value == "odoo-main/7"


def test_each_landscape_has_a_state_folder_of_its_own_however_it_is_reached(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    there.mkdir()
    home = {"XDG_DATA_HOME": str(tmp_path / "data of mine")}
    state = state_folder(here, home)
    assert state.parent == tmp_path / "data of mine/nostro"
    assert state == state_folder(there / ".." / "a", home)
    assert state != state_folder(there, home)
    assert state_folder(here, home, named="kept") == here / "kept"


def test_a_relative_data_home_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    found = state_folder(tmp_path, {"XDG_DATA_HOME": "data"})
    assert found.parent == tmp_path / ".local/share/nostro"


def test_who_has_no_home_is_asked_for_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may have neither HOME nor a line in /etc/passwd."""

    def homeless(_: object = None) -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("nostro.runtime.state.Path.home", homeless)
    with pytest.raises(OutOfService, match="no home folder") as refused:
        state_folder(tmp_path, {})
    assert "XDG_DATA_HOME" in refused.value.remedy
    assert state_folder(tmp_path, {}, named="kept") == tmp_path / "kept"
