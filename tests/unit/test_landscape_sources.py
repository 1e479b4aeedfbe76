from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.landscape.secrets import SecretReference, resolve_all
from nostro.landscape.sources import Unreadable, read_source
from nostro.model.failures import LandscapeRefused


def test_values_are_plain_and_exact() -> None:
    text = 'a: NO\nb: 08:00\nc: 1.50\nd: 0x1F\ne: 2026-01-01\nf: [1, true, ~]\ng: "0123"\n'
    told = {
        "a": "NO",
        "b": "08:00",
        "c": Decimal("1.50"),
        "d": 31,
        "e": "2026-01-01",
        "f": [1, True, None],
        "g": "0123",
    }
    assert read_source("x", text).value == told


def test_each_part_has_its_line_and_what_is_missing_has_its_parents() -> None:
    source = read_source("x", "a:\n  - b: 1\n    c:\n      d: 2\n")
    lines = [
        source.line(place) for place in ((), ("a",), ("a", 0, "c"), ("a", 0, "c", "d"), ("a", 0, "nowhere"), ("z",))
    ]
    assert lines == [1, 1, 3, 4, 2, 1]


@pytest.mark.parametrize(
    "text, line",
    [
        ("a: 1\na: 2\n", 2),
        ("a: 1\nb: !!python/object:os.system x\n", 2),
        ("a: &x {q: 1}\nb:\n  <<: *x\n", 3),
        ("a: [1\nb: 2\n", 2),
        ("a: *nowhere\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("? [1, 2]\n: x\n", 1),
    ],
)
def test_what_is_no_plain_yaml_is_refused_at_its_line(text: str, line: int) -> None:
    with pytest.raises(Unreadable) as told:
        read_source("x.yaml", text)
    assert (told.value.finding.file, told.value.finding.line) == ("x.yaml", line)


def test_a_small_file_cannot_become_a_huge_one() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for one, before in zip("bcdefgh", "abcdefg", strict=True):
        text += f"{one}: &{one} [{','.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(Unreadable, match="values"):
        read_source("x", text)


@given(st.text())
def test_any_text_is_read_or_refused_and_never_a_crash(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert read_source("x", text).line(()) >= 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"])), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"])), json_values))
def test_json_is_read_as_what_it_says(told: dict[str, object]) -> None:
    assert read_source("x", json.dumps(told)).value == told


def test_secrets_come_from_the_environment_or_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("two\n")
    (tmp_path / "key").chmod(0o600)
    found = resolve_all({"a": "env:ONE", "b": "file:key"}, tmp_path, "dev", {"ONE": "one"})
    assert found == {"a": "one", "b": "two"}


@pytest.mark.parametrize("reference", ["env:MISSING", "file:nothing", "file:open", "file:empty", "file:."])
def test_a_secret_that_is_not_there_or_open_to_others_is_refused(tmp_path: Path, reference: str) -> None:
    for name, mode in (("open", 0o644), ("empty", 0o600)):
        (tmp_path / name).write_text("x" if name == "open" else "")
        (tmp_path / name).chmod(mode)
    with pytest.raises(LandscapeRefused) as told:
        SecretReference.parse(reference).resolve(tmp_path, {})
    assert told.value.remedy


@pytest.mark.parametrize("text", ["sk_live_x", "env:", "env:A B", "file:", "vault:x", "", "ENV:A", "env:A\n"])
def test_whatever_is_no_reference_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="named") as told:
        SecretReference.parse(text)
    assert "sk_live" not in str(told.value)


def test_a_live_key_never_reaches_a_test_house(tmp_path: Path) -> None:
    with pytest.raises(LandscapeRefused) as told:
        resolve_all({"api_key": "env:K"}, tmp_path, "test", {"K": "sk_live_0123456789"})
    assert "sk_live_0123456789" not in str(told.value)


def test_all_secrets_that_are_missing_are_named_at_once(tmp_path: Path) -> None:
    references = {"api_key": "env:ONE", "webhook_1": "env:TWO", "webhook_2": "env:THREE"}
    with pytest.raises(LandscapeRefused) as told:
        resolve_all(references, tmp_path, "test", {"TWO": "whsec"})
    assert [name for name in ("ONE", "TWO", "THREE") if name in told.value.sentence] == ["ONE", "THREE"]
