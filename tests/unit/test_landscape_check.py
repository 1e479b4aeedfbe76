from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from nostro.connectors.registry import CONNECTORS
from nostro.landscape.check import NEEDED, check
from nostro.landscape.compiling import bundle_of, compiled
from nostro.landscape.reading import read_landscape
from nostro.landscape.schema import schemas
from nostro.landscape.sources import Finding
from nostro.landscape.starting import begin
from nostro.model.failures import LandscapeRefused
from tests.landscapes import PUBLISHED, edit, group, starting
from tests.unit.test_governance_rules import AT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return group(tmp_path)


def only(folder: Path) -> Finding:
    found = check(folder)
    assert len(found) == 1, found
    assert found[0].sentence
    return found[0]


def test_what_init_writes_is_right(tmp_path: Path) -> None:
    assert check(starting(tmp_path)) == []


def test_a_group_of_three_companies_is_right(folder: Path) -> None:
    assert check(folder) == []


def test_each_company_knows_where_it_is_declared_and_what_is_in_force_does_not(folder: Path) -> None:
    told = read_landscape(folder)
    assert [(one.id, str(one.source and one.source.where), one.source and one.source.line)
            for one in told.entities.entities] == [
        ("DE", "entities.yaml: entities[0]", 3), ("CH", "entities.yaml: entities[1]", 8),
        ("US", "entities.yaml: entities[2]", 13),
    ]  # fmt: skip
    assert [entity.source for entity in compiled(told, AT).entities] == [None] * 3


@pytest.mark.parametrize(
    "file, old, new, says",
    [
        ("nostro.yaml", "environment: dev", "environment: staging", "environment"),
        ("nostro.yaml", "door: 8470", "door: 84700", "door"),
        ("nostro.yaml", "master_key: file:", "master_key: ", "a secret is named"),
        ("nostro.yaml", "# database: env:NOSTRO_DATABASE_URL", "database: mysql://x", "a secret is named"),
        ("nostro.yaml", "- folder: anchors", "- {folder: anchors, mail: a@example.com}", "exactly one"),
        ("entities.yaml", "zone: Europe/Zurich", "zone: Europe/Zuerich", "no zone"),
        ("entities.yaml", "calendar: Fedwire, odoo_c", "calendar: Fedwired, odoo_c", "no calendar"),
        ("entities.yaml", "odoo_company: 2", "odoo_companie: 2", "Did you mean odoo_company?"),
        ("entities.yaml", '"000123456789"', "000123456789", "has to be text"),
        ("entities.yaml", "CH9300762011623852957", "CH9300762011623852958", "no IBAN"),
        ("entities.yaml", "DE02120300000000202051", "DE02 1203 0000 0000 2020 51", "without spaces"),
        ("entities.yaml", "id: us-main", "id: ch-main", "twice"),
        ("entities.yaml", "connection: stripe-us", "connection: stripe-fr", "no connection stripe-fr"),
        ("people.yaml", "os_user: two", "os_user: one", "four eyes"),
        ("people.yaml", "roles: [treasurer]", "roles: [treasure]", "No right names"),
        ("people.yaml", "entities: [DE]", "entities: [FR]", "no entity FR"),
        ("people.yaml", "[approve, refuse], entities", "[aprove], entities", "one of approve"),
        ("people.yaml", "os_user: two", "passphrase: hunter2", "passphrase"),
        ("people.yaml", "os_user: two", "name: x", "either os_user or passphrase"),
        ("people.yaml", "id: clerk", "id: engine", "no name for a person"),
        ("people.yaml", "id: clerk", "id: odoo-main", "no name for a person"),
        ("people.yaml", "EUR: 5000.50", "EUR: 5000.505", "finer than"),
        ("people.yaml", "EUR: 5000.50", "EUR: -1", "negative"),
        ("people.yaml", "EUR: 5000.50", "EURO: 1", "ISO 4217"),
        ("entities.yaml", "id: US", "id: U/S", "no id"),
        ("entities.yaml", "id: us-main", 'id: "us main"', "no id"),
        ("connections/odoo-main.yaml", "kind: odoo", "kind: sap", "no kind sap"),
        ("connections/odoo-main.yaml", "  database: production", "  databas: production", "Did you mean database?"),
        ("connections/odoo-main.yaml", "https://odoo", "http://odoo", "unencrypted"),
        ("interfaces/odoo-books.yaml", "connection: odoo-main", "connection: odoo", "no connection odoo"),
        ("interfaces/odoo-books.yaml", "- reconcile", "- send_payment_file", "can't send_payment_file"),
        ("interfaces/bank-de.yaml", "by 08:00", "by 25:00", "is not written"),
        ("rules/limits.yaml", "overpayment_tolerance_minor", "overpayment", "Nothing asks"),
        ("rules/limits.yaml", '{ "*": 0 }', '{ "*": 0.5 }', "overpayment_tolerance_minor"),
        ("rules/posting.json", '\\"card\\",', '\\"card\\" + 1,', "cell"),
    ],
)
def test_each_mistake_is_found_at_its_line(folder: Path, file: str, old: str, new: str, says: str) -> None:
    edit(folder, file, old, new)
    lines = (folder / file).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if new in text)
    told = [f"{f.sentence} {f.remedy}" for f in check(folder) if (f.file, f.line) == (file, line)]
    assert any(says in sentence for sentence in told), check(folder)


@pytest.mark.parametrize(
    "file, gone, line, says",
    [
        ("connections/odoo-main.yaml", "  database: production\n", 8, "settings.database is missing"),
        ("connections/odoo-main.yaml", "url: https://odoo.example.com\n", 1, "address"),
        ("connections/stripe-de.yaml", "  webhook_secret: env:STRIPE_DE_WEBHOOK_SECRET\n", 5, "webhook_secret"),
        ("interfaces/bank-us.yaml", "connection: bank-us\n", 1, "connection is missing"),
        ("nostro.yaml", "environment: dev", 1, "environment"),
    ],
)
def test_what_is_missing_is_found_where_it_should_stand(
    folder: Path, file: str, gone: str, line: int, says: str
) -> None:
    edit(folder, file, gone, "")
    assert [f.line for f in check(folder) if f.file == file and says in f.sentence] == [line]


def test_wrong_indentation_is_found_at_its_line(folder: Path) -> None:
    (folder / "people.yaml").write_text("people:\n  - id: a\n\troles: [x]\n")
    assert (only(folder).file, only(folder).line) == ("people.yaml", 3)


@pytest.mark.parametrize("file", ["nostro.yaml", "entities.yaml", "people.yaml", "rules/posting.json"])
def test_a_missing_file_is_a_finding(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert only(folder).file == file


@pytest.mark.parametrize("operation", NEEDED)
def test_an_entity_for_which_nothing_does_an_operation_is_a_finding(folder: Path, operation: str) -> None:
    edit(folder, "interfaces/odoo-books.yaml", f"  - {operation}\n", "")
    assert [f.sentence for f in check(folder)] == [f"Nothing does {operation} for {e}." for e in ("DE", "CH", "US")]


def test_an_operation_in_two_interfaces_of_an_entity_is_a_finding(folder: Path) -> None:
    text = (folder / "interfaces/odoo-books.yaml").read_text()
    (folder / "interfaces/odoo-de.yaml").write_text(text + "entities: [DE]\n")
    found = check(folder)
    assert {finding.file for finding in found} == {"interfaces/odoo-de.yaml"}
    assert len(found) == len(NEEDED)


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_4eC39HqLyjWDarjtT1zdp7dc",
        "-----BEGIN PRIVATE KEY-----",
        "https://user:secret@odoo.example.com",
    ],
)
def test_a_secret_in_clear_is_found_and_never_repeated(folder: Path, secret: str) -> None:
    edit(folder, "connections/stripe-us.yaml", "settings:", f"  other: {secret!r}\nsettings:")
    found = check(folder)
    assert any(finding.sentence == "A secret stands here in clear." for finding in found)
    assert all(secret not in str(finding) for finding in found)


def test_a_literal_secret_is_refused_without_being_shown(folder: Path) -> None:
    edit(folder, "connections/odoo-main.yaml", "env:ODOO_API_KEY", "0123456789abcdef")
    assert (only(folder).line, "0123456789abcdef" in str(only(folder))) == (6, False)


def test_a_secrets_file_that_others_can_read_is_a_finding(folder: Path) -> None:
    (folder / "keys/seal.key").chmod(0o640)
    assert (only(folder).line, only(folder).remedy) == (11, "chmod 600 keys/seal.key")


@pytest.mark.parametrize("environment, kind", [("dev", "live"), ("test", "live"), ("prod", "test")])
def test_a_key_of_another_environment_is_a_finding(folder: Path, environment: str, kind: str) -> None:
    edit(folder, "nostro.yaml", "environment: dev", f"environment: {environment}")
    found = check(folder, CONNECTORS, {"STRIPE_DE_KEY": f"sk_{kind}_0123456789"})
    assert [f.sentence for f in found] == [f"This is a {kind} key in environment {environment}."]
    assert check(folder, CONNECTORS, {"STRIPE_DE_KEY": f"sk_{'test' if kind == 'live' else 'live'}_0123456789"}) == []


def test_a_file_with_a_name_of_its_own_is_a_finding(folder: Path) -> None:
    (folder / "connections/Odoo Main.yml").write_text("kind: odoo\n")
    assert only(folder).file == "connections/Odoo Main.yml"


def test_people_are_no_connection_of_ones_own(folder: Path) -> None:
    (folder / "connections/people.yaml").write_text("kind: people\n")
    assert any("acts" in finding.sentence for finding in check(folder))


def test_nothing_is_published_while_anything_is_wrong(folder: Path) -> None:
    edit(folder, "entities.yaml", "zone: Europe/Zurich", "zone: Europe/Zuerich")
    with pytest.raises(LandscapeRefused, match=r"entities.yaml:\d+: There is no zone Europe/Zuerich"):
        bundle_of(folder, AT)


def test_init_refuses_a_folder_with_a_landscape_and_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(LandscapeRefused, match=r"nostro\.yaml"):
        starting(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_init_that_finds_no_room_leaves_nothing_that_the_next_one_would_refuse(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the folder of the keys has to be")
    with pytest.raises(LandscapeRefused, match=r"keys can't be written"):
        starting(tmp_path)
    (tmp_path / "keys").unlink()
    starting(tmp_path)


def test_keys_that_init_makes_are_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    starting(tmp_path)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert (tmp_path / ".gitignore").read_text().splitlines()[0] == "*.pyc"
    assert "keys/" in (tmp_path / ".gitignore").read_text()


def test_editors_find_a_schema_for_every_file(tmp_path: Path) -> None:
    starting(tmp_path)
    for path in tmp_path.rglob("*.yaml"):
        named = path.read_text().splitlines()[0].split("$schema=")[1]
        schema = json.loads((path.parent / named).read_text())
        assert schema["$schema"].startswith("https://json-schema.org")
    kinds = json.loads((tmp_path / ".schemas/connections.json").read_text())["oneOf"]
    titles = {one["properties"]["kind"]["const"]: one["properties"]["kind"]["title"] for one in kinds}
    assert titles["odoo"] == "Odoo 18 and 19, community and enterprise"
    for kind, title in titles.items():
        assert json.loads((tmp_path / f".schemas/{kind}.json").read_text())["title"] == title
    assert "people" in schemas(CONNECTORS)["people.json"]["properties"]


def test_a_bundle_holds_no_secret_no_name_and_no_login(folder: Path) -> None:
    edit(folder, "people.yaml", "os_user: two", "name: Person Two, os_user: login-two")
    content = bundle_of(folder, AT)
    told = json.loads(content)
    assert b"Person Two" not in content
    assert b"login-two" not in content
    assert {c["id"]: c["secrets"] for c in told["connections"]}["odoo-main"] == {"api_key": "env:ODOO_API_KEY"}
    assert sorted(told["versions"]) == ["holidays", "nostro", "tzdata", "zen"]
    assert PUBLISHED not in content.decode()


def test_statements_are_expected_when_account_or_interface_says(folder: Path) -> None:
    edit(folder, "interfaces/bank-us.yaml", "by 08:00", "by 06:30")
    told = json.loads(bundle_of(folder, AT))
    assert [e["bank_accounts"][0]["statement_expected_by"] for e in told["entities"]] == ["08:00", "07:00", "06:30"]


def test_a_calendar_of_ones_own_differs_in_the_days_that_it_names(folder: Path) -> None:
    (folder / "rules/calendars.yaml").write_text(
        "calendars:\n  FRANKFURT:\n    like: TARGET\n    closed: [2026-12-24]\n    open: [2026-05-01]\n"
    )
    edit(folder, "entities.yaml", "zone: Europe/Berlin, calendar: TARGET", "zone: Europe/Berlin, calendar: FRANKFURT")
    told = {c["id"]: c["closed"] for c in json.loads(bundle_of(folder, AT))["calendars"]}
    assert set(told["FRANKFURT"]) ^ set(told["TARGET"]) == {"2026-12-24", "2026-05-01"}
    edit(folder, "rules/calendars.yaml", "like: TARGET", "like: LUNAR")
    assert (only(folder).file, only(folder).line) == ("rules/calendars.yaml", 3)


def test_a_beginning_that_is_broken_off_leaves_nothing_and_begins_again(tmp_path: Path) -> None:
    """Ctrl-C when the texts are written and the keys are not."""

    def breaks_off(_: int) -> bytes:
        raise KeyboardInterrupt

    (tmp_path / ".gitignore").write_text("mine\n")
    with pytest.raises(KeyboardInterrupt):
        begin(tmp_path, "one", breaks_off, schemas(CONNECTORS))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".gitignore"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert check(starting(tmp_path)) == []
