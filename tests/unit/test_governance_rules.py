from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from nostro.governance.bundle import Bundle, Interface, digest_of, leaps
from nostro.governance.limits import LIMITS
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.model.bank_days import CutOff, LocalRule
from nostro.processes.kit.decision import Rules as Protocol
from nostro.runtime.house import connections_of
from tests.landscapes import edit, group

AT = datetime(2026, 8, 31, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return Rules.from_bundle(bundle_of(group(tmp_path_factory.mktemp("group")), AT))


def test_rules_are_what_decisions_ask_for(rules: Rules) -> None:
    asked: Protocol = rules
    assert asked.entity("CH").currency == "CHF"
    with pytest.raises(KeyError):
        asked.entity("FR")


def test_a_bundle_is_named_by_its_bytes_and_comes_back_from_them(rules: Rules) -> None:
    content = rules.contents.content
    assert Bundle.from_bytes(content) == rules.contents
    assert Bundle.from_bytes(content).content == content
    assert rules.bundle == digest_of(content) == Rules.from_bundle(content).bundle


@pytest.mark.parametrize(
    "zone, day, wall, instant",
    [
        ("Europe/Berlin", "2026-08-31", "08:00", "2026-08-31T06:00:00+00:00"),
        ("Europe/Zurich", "2026-01-02", "07:00", "2026-01-02T06:00:00+00:00"),
        ("America/New_York", "2026-09-01", "08:00", "2026-09-01T12:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00+00:00"),  # jumped over
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00+00:00"),  # the first of two
    ],
)
def test_wall_times_are_the_banks(rules: Rules, zone: str, day: str, wall: str, instant: str) -> None:
    clocks = next(known for known in rules.contents.zones if known.id == zone)
    assert clocks.instant(date.fromisoformat(day), time.fromisoformat(wall)) == datetime.fromisoformat(instant)


def test_each_entity_has_its_own_calendar(rules: Rules) -> None:
    kept_to = {c: LocalRule(by=time(8), zone="America/New_York", calendar=c) for c in ("TARGET", "Fedwire", "Zengin")}
    friday = date(2026, 9, 4)
    european, american = rules.cut_off(kept_to["TARGET"], friday, 1), rules.cut_off(kept_to["Fedwire"], friday, 1)
    assert (european.day, american.day) == (date(2026, 9, 7), date(2026, 9, 8))  # Labor Day
    assert american == CutOff(
        rule=kept_to["Fedwire"], day=american.day, at=datetime(2026, 9, 8, 12, tzinfo=UTC)
    )  # fmt: skip
    with pytest.raises(KeyError):
        rules.cut_off(kept_to["Zengin"], friday, 1)


def test_subjects_begin_on_the_most_urgent_lane_that_an_interface_names(tmp_path: Path) -> None:
    folder = group(tmp_path)
    assert "lane" not in (folder / "interfaces/odoo-books.yaml").read_text()
    edit(folder, "interfaces/bank-de.yaml", "connection: bank-de", "connection: bank-de\nlane: bulk")
    for name, lane, entities in (("urgent", "critical", "[DE]"), ("slow", "bulk", "[DE, CH]")):
        text = f"connection: odoo-main\nlane: {lane}\nentities: {entities}\n"
        (folder / f"interfaces/{name}.yaml").write_text(text)
    rules = Rules.from_bundle(bundle_of(folder, AT))
    assert rules.lanes_of("odoo-main") == {"DE": "critical", "CH": "bulk"}
    assert rules.lanes_of("bank-de")["DE"] == "bulk"
    assert rules.lanes_of("stripe-de") == {}
    assert connections_of(folder, rules, secrets=False)["odoo-main"].lanes == {"DE": "critical", "CH": "bulk"}


def test_a_watched_folder_is_relative_to_the_landscape_wherever_a_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = group(tmp_path / "landscape")
    rules = Rules.from_bundle(bundle_of(folder, AT))
    monkeypatch.chdir(tmp_path)
    watched = connections_of(Path("landscape"), rules, secrets=False)["bank-de"].config.folder
    assert watched == str(folder / "inbox/bank-de")
    edit(folder, "connections/bank-de.yaml", "folder: inbox/bank-de", "folder: /srv/bank-de")
    rules = Rules.from_bundle(bundle_of(folder, AT))
    assert connections_of(folder, rules, secrets=False)["bank-de"].config.folder == "/srv/bank-de"


def test_an_operation_goes_to_the_connection_that_serves_the_entity(rules: Rules) -> None:
    assert rules.serves("US", "reconcile").connection == "odoo-main"
    with pytest.raises(KeyError):
        rules.serves("US", "send_payment_file")


@pytest.mark.parametrize(
    "connection, interface, effective",
    [
        ("act", "act", "act"),
        ("act", "propose", "propose"),
        ("propose", "act", "propose"),
        ("observe", "act", "observe"),
    ],
)
def test_the_lower_of_connection_and_interface_holds(
    tmp_path: Path, connection: str, interface: str, effective: str
) -> None:
    group(tmp_path)
    edit(tmp_path, "connections/odoo-main.yaml", "mode: act", f"mode: {connection}")
    edit(tmp_path, "interfaces/odoo-books.yaml", "mode: act", f"mode: {interface}")
    assert Rules.from_bundle(bundle_of(tmp_path, AT)).mode("odoo-main", "reconcile", "DE") == effective


def test_a_mode_may_be_raised_one_entity_at_a_time(tmp_path: Path) -> None:
    group(tmp_path)
    text = (tmp_path / "interfaces/odoo-books.yaml").read_text()
    (tmp_path / "interfaces/odoo-de.yaml").write_text(text + "entities: [DE]\n")
    (tmp_path / "interfaces/odoo-books.yaml").write_text(
        text.replace("mode: act", "mode: propose") + "entities: [CH, US]\n"
    )
    rules = Rules.from_bundle(bundle_of(tmp_path, AT))
    modes = {entity: rules.mode("odoo-main", "reconcile", entity) for entity in ("DE", "CH", "")}
    assert modes == {"DE": "act", "CH": "propose", "": "propose"}


def test_what_nobody_declared_is_observed(rules: Rules) -> None:
    assert rules.mode("odoo-main", "send_payment_file") == "observe"
    assert rules.mode("nobody", "reconcile") == "observe"


def test_a_connection_speaks_only_for_the_entities_that_use_it(rules: Rules) -> None:
    users = {c: [e.id for e in rules.users_of(c)] for c in ("stripe-ch", "bank-us", "odoo-main", "people", "nobody")}
    everybody = ["DE", "CH", "US"]
    expected = {"stripe-ch": ["CH"], "bank-us": ["US"], "odoo-main": everybody, "people": everybody, "nobody": []}
    assert users == expected


def test_a_limit_is_the_entitys_own_then_everybodys_then_the_default(tmp_path: Path) -> None:
    group(tmp_path)
    edit(tmp_path, "rules/limits.yaml", '{ "*": 0 }', '{ "*": 5, CH: 7 }')
    rules = Rules.from_bundle(bundle_of(tmp_path, AT))
    name = "overpayment_tolerance_minor"
    assert [rules.limit(name, entity, 1) for entity in ("DE", "CH")] == [5, 7]
    assert rules.limit("another", "DE", 1) == 1


def test_in_production_whatever_is_new_begins_in_observe(tmp_path: Path) -> None:
    group(tmp_path)
    edit(tmp_path, "nostro.yaml", "environment: dev", "environment: prod")
    acting = Bundle.from_bytes(bundle_of(tmp_path, AT))
    assert "Connection odoo-main is new and in act: in production it begins in observe." in leaps(None, acting)
    watching = acting.model_copy(
        update={
            "connections": tuple(c.model_copy(update={"mode": "observe"}) for c in acting.connections),
            "interfaces": tuple(i.model_copy(update={"mode": "observe"}) for i in acting.interfaces),
        }
    )
    assert leaps(None, watching) == []
    assert leaps(watching, acting) == []
    assert leaps(None, acting.model_copy(update={"environment": "test"})) == []


def test_in_production_another_operation_or_company_under_an_interface_in_act_begins_in_observe_too(
    tmp_path: Path,
) -> None:
    group(tmp_path)
    edit(tmp_path, "nostro.yaml", "environment: dev", "environment: prod")
    acting = Bundle.from_bytes(bundle_of(tmp_path, AT))
    odoo = next(one for one in acting.interfaces if "reconcile" in one.operations)
    others = [one for one in acting.interfaces if one is not odoo]
    fewer = odoo.model_copy(update={"operations": tuple(one for one in odoo.operations if one != "reconcile")})

    def with_interfaces(*those: Interface) -> Bundle:
        return acting.model_copy(update={"interfaces": (*others, *those)})

    told = leaps(with_interfaces(fewer), acting)
    assert len(told) == len(odoo.entities or acting.entities)
    assert told[0].startswith(f"Interface {odoo.id} does reconcile for ")
    assert "and is in act: in production that begins in observe" in told[0]
    first = (odoo.entities or tuple(entity.id for entity in acting.entities))[0]
    alone = leaps(with_interfaces(odoo.model_copy(update={"entities": (first,)})), acting)
    assert len(alone) == len(odoo.operations) * (len(told) - 1)
    apart = odoo.model_copy(update={"id": "apart", "operations": ("reconcile",)})
    assert leaps(with_interfaces(fewer, apart), acting) == [], "it was there before, under an interface of its own"
    resting = tuple(one.model_copy(update={"mode": "observe"}) for one in acting.connections)
    assert leaps(with_interfaces(fewer), acting.model_copy(update={"connections": resting})) == []


def test_every_limit_that_processes_ask_for_is_listed_and_no_other() -> None:
    asked = {
        name
        for path in (Path(__file__).parents[2] / "src/nostro").rglob("*.py")
        for name in re.findall(r'limit\("(\w+)", ', path.read_text(encoding="utf-8"))
    }
    assert asked == set(LIMITS)
