"""`nostro init`, `check` and `landscape ...` as a person types them. The house is one that remembers."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from nostro.acts.identity import login
from nostro.engine.activation import Activation
from nostro.governance.bundle import Bundle, digest_of
from nostro.landscape.compiling import bundle_of
from nostro.landscape.sources import Finding
from nostro.model.facts import FACT_TYPES
from nostro.runtime.cli_frame import Frame
from nostro.runtime.cli_landscape import Commands
from nostro.runtime.house import DATABASE_FOLDER
from nostro.runtime.state import state_folder
from tests.landscapes import edit


@dataclass
class Remembering:
    """A house without a database."""

    bundles: list[bytes] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)

    async def active(self, _: Frame) -> bytes | None:
        return self.bundles[-1] if self.bundles else None

    async def activate(self, _: Frame, content: bytes, actor: str, reason: str) -> Activation:
        new = content not in self.bundles[-1:]
        self.bundles += [content] if new else []
        self.actors.append(f"{actor}: {reason}")
        return Activation(digest_of(content), len(self.bundles), new)


async def unreachable(_: Path) -> list[Finding]:
    return [Finding("connections/odoo-main.yaml", 3, "Nobody answers.", "Start it.")]


@dataclass
class Person:
    folder: Path
    house: Remembering = field(default_factory=Remembering)

    def types(self, *words: str, says: str = "") -> Result:
        app = typer.Typer()
        Commands(self.house, unreachable).add_to(app)
        return CliRunner().invoke(app, [*words, "--landscape", str(self.folder)], input=says)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "state"))
    there = Person(tmp_path / "land")
    assert there.types("init", str(there.folder)).exit_code == 0
    return there


def test_what_init_begins_passes_check(person: Person) -> None:
    done = person.types("check")
    assert (done.exit_code, done.stdout) == (0, "Nothing is wrong.\n")


def test_init_never_writes_over_a_landscape(person: Person) -> None:
    assert person.types("init", str(person.folder)).exit_code == 2


def test_init_says_that_an_earlier_landscapes_database_is_in_the_way(person: Person) -> None:
    state = state_folder(person.folder)
    (state / DATABASE_FOLDER).mkdir()
    shutil.rmtree(person.folder)
    done = person.types("init", str(person.folder))
    assert done.exit_code == 0
    assert state.name in done.stdout.replace("\n", "")
    assert "under other keys" in done.stdout


def test_check_ends_in_1_and_names_file_line_and_remedy(person: Person) -> None:
    edit(person.folder, "entities.yaml", "    zone: Europe/Berlin", "    zonee: Europe/Berlin")
    done = person.types("check")
    assert done.exit_code == 1
    assert "entities.yaml:8" in done.stdout
    assert "Did you mean zone?" in done.stdout
    told = json.loads(person.types("check", "--json").stdout)["findings"]
    assert {finding["file"] for finding in told} == {"entities.yaml"}
    assert all(set(finding) == {"file", "line", "sentence", "remedy"} for finding in told)


def test_check_asks_the_outside_only_when_told_to_and_nothing_else_is_wrong(person: Person) -> None:
    assert "Nobody answers" in person.types("check", "--connect").stdout
    edit(person.folder, "entities.yaml", "zone: Europe/Berlin", "zone: Europe/Berlln")
    assert "Nobody answers" not in person.types("check", "--connect").stdout


def test_a_folder_without_a_landscape_is_refused(tmp_path: Path) -> None:
    assert Person(tmp_path).types("check").exit_code == 2


def test_publishing_takes_a_person_and_a_reason_and_is_done_once(person: Person) -> None:
    assert person.types("landscape", "publish").exit_code == 2
    first, again = (person.types("landscape", "publish", "--reason", "begin", "--json") for _ in range(2))
    assert (first.exit_code, json.loads(first.stdout)["new"], json.loads(again.stdout)["new"]) == (0, True, False)
    assert person.house.actors[0] == "first: begin"
    assert Bundle.from_bytes(person.house.bundles[0]).people[0].id == "first"


def test_publishing_with_findings_or_as_somebody_else_leaves_what_is_in_force(person: Person) -> None:
    assert person.types("landscape", "publish", "--reason", "x", "--as", "nobody").exit_code == 2
    edit(person.folder, "entities.yaml", "zone: Europe/Berlin", "zone: Europe/Berlln")
    assert person.types("landscape", "publish", "--reason", "x").exit_code == 2
    assert person.house.bundles == []


def test_who_gives_himself_the_right_to_publish_cannot_publish_it(person: Person) -> None:
    edit(person.folder, "people.yaml", "close, rerun, publish, erase, recover]", "close, rerun]")
    assert person.types("landscape", "publish", "--reason", "x").exit_code == 2, "no right at the first publication"
    edit(person.folder, "people.yaml", "confirm, match, close, rerun]", "confirm, match, close, rerun, publish]")
    person.types("landscape", "publish", "--reason", "begin")
    in_force = Bundle.from_bytes(person.house.bundles[0])
    without = in_force.model_copy(update={"rights": in_force.rights[:1]})
    person.house.bundles.append(without.content)
    assert person.types("landscape", "publish", "--reason", "x").exit_code == 2, "what counts is what is in force"


def test_who_writes_himself_into_anothers_entry_cannot_publish_as_that_person(person: Person) -> None:
    edit(person.folder, "people.yaml", f"os_user: {login()}", "os_user: somebody-else")
    content = bundle_of(person.folder, datetime.now(UTC))
    person.house.bundles.append(content)
    edit(person.folder, "people.yaml", "os_user: somebody-else", f"os_user: {login()}")
    for claimed in ((), ("--as", "first")):
        done = person.types("landscape", "publish", "--reason", "x", *claimed, "--json")
        assert (done.exit_code, person.house.bundles) == (2, [content]), done.output
        assert "proves first otherwise" in json.loads(done.stdout)["failure"]["sentence"]
    edit(person.folder, "people.yaml", "- id: first", "- id: second")
    done = person.types("landscape", "publish", "--reason", "x", "--as", "second")
    assert (done.exit_code, person.house.bundles) == (2, [content]), "whom nobody published has no right"


def test_who_proves_himself_otherwise_from_now_on_is_published_by_somebody_else(person: Person) -> None:
    """At first a login proves `first`, and a passphrase `second`."""
    hashed = person.types("landscape", "passphrase", says="four words are enough\n").stdout.strip()
    edit(person.folder, "people.yaml", "people:\n", f"people:\n  - id: second\n    roles: [controller]\n    {hashed}\n")
    assert person.types("landscape", "publish", "--reason", "begin", "--as", "first").exit_code == 0
    edit(person.folder, "people.yaml", f"os_user: {login()}", hashed)
    typed = ("landscape", "publish", "--reason", "a passphrase for the first")
    refused = person.types(*typed, "--as", "first", says="four words are enough\n")
    assert (refused.exit_code, len(person.house.bundles)) == (2, 1), refused.output
    done = person.types(*typed, "--as", "second", says="four words are enough\n")
    assert done.exit_code == 0, done.output
    assert person.types(*typed, "--as", "first", says="four words are enough\n").exit_code == 0


def test_in_production_a_new_connection_cannot_begin_by_acting(person: Person) -> None:
    edit(person.folder, "nostro.yaml", "environment: dev", "environment: prod")
    edit(person.folder, "connections/odoo-main.yaml", "mode: observe #", "mode: act #")
    assert person.types("landscape", "publish", "--reason", "x").exit_code == 2
    edit(person.folder, "connections/odoo-main.yaml", "mode: act #", "mode: observe #")
    assert person.types("landscape", "publish", "--reason", "watch").exit_code == 0
    edit(person.folder, "connections/odoo-main.yaml", "mode: observe #", "mode: act #")
    assert person.types("landscape", "publish", "--reason", "act").exit_code == 0


def test_schemas_are_printed_or_written(person: Person) -> None:
    assert "entities.json" in json.loads(person.types("landscape", "schema", "--json").stdout)
    (person.folder / ".schemas/people.json").unlink()
    told = json.loads(person.types("landscape", "schema", "--facts", "--json").stdout)
    assert set(told) == {f"{kind.fact_type}/{kind.version}" for kind in FACT_TYPES}
    assert "charge_id" in told["payment.captured/1"]["properties"]
    assert person.types("landscape", "schema", "--facts", "--write").exit_code == 2
    person.types("landscape", "schema", "--write")
    assert (person.folder / ".schemas/people.json").exists()


def test_a_passphrase_becomes_a_hash_that_proves_its_owner(person: Person) -> None:
    assert person.types("landscape", "passphrase", says="too short\n").exit_code == 2
    done = person.types("landscape", "passphrase", says="four words are enough\n")
    hashed = done.stdout.strip()
    assert hashed.startswith("passphrase: $argon2id$")
    assert "four words" not in done.stdout
    edit(person.folder, "people.yaml", f"os_user: {login()}", hashed)
    wrong = person.types("landscape", "publish", "--reason", "x", "--as", "first", says="four words are wrong\n")
    assert wrong.exit_code == 2
    right = person.types("landscape", "publish", "--reason", "x", "--as", "first", says="four words are enough\n")
    assert right.exit_code == 0, right.output
