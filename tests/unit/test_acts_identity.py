from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nostro.acts.identity import TRIES, Terminal, hash_passphrase, identify, login
from nostro.landscape.schema import PersonEntry
from nostro.model.failures import ActRefused

NOW = datetime(2026, 8, 31, 8, tzinfo=UTC)
PHRASE = "four words are enough"
PEOPLE = (
    PersonEntry(id="first", roles=("clerk",), os_user="login-one"),
    PersonEntry(id="second", roles=("clerk",), os_user="login-two"),
    PersonEntry(id="third", roles=("clerk",), passphrase=hash_passphrase(PHRASE)),
)


class At:
    """A terminal with somebody at it, and how long it made him wait."""

    def __init__(self, folder: Path, who: str = "login-one", says: str = PHRASE) -> None:
        self.waited: list[float] = []
        self.asked = 0
        self.says = says
        self.terminal = Terminal(self._ask, self.waited.append, folder / "state" / "tries.json", who)

    def _ask(self, _: str) -> str:
        self.asked += 1
        return self.says

    def tries(self, claimed: str, now: datetime = NOW) -> str:
        return identify(claimed, PEOPLE, self.terminal, now)


@pytest.fixture
def at(tmp_path: Path) -> Callable[..., At]:
    return lambda **who: At(tmp_path, **who)


def test_a_login_is_whoever_has_it_and_nobody_else(at: Callable[..., At]) -> None:
    assert at().tries("") == "first"
    assert at().tries("first") == "first"
    with pytest.raises(ActRefused, match="login-one"):
        at().tries("second")
    with pytest.raises(ActRefused, match="--as"):
        at(who="somebody").tries("")


def test_a_claimed_id_alone_makes_nobody_that_person(at: Callable[..., At]) -> None:
    for claimed in ("second", "third", "nobody", "engine"):
        with pytest.raises(ActRefused):
            at(says="").tries(claimed)


def test_a_passphrase_proves_who_one_is_at_any_login(at: Callable[..., At]) -> None:
    terminal = at(who="somebody")
    assert terminal.tries("third") == "third"
    assert terminal.waited == []


def test_a_login_is_never_asked_for_a_passphrase(at: Callable[..., At]) -> None:
    terminal = at()
    terminal.tries("first")
    assert terminal.asked == 0


def test_a_wrong_passphrase_is_refused_slower_each_time_and_then_not_looked_at(at: Callable[..., At]) -> None:
    terminal = at(says="wrong")
    for _ in range(TRIES):
        with pytest.raises(ActRefused, match="wrong"):
            terminal.tries("third")
    assert terminal.waited == sorted(terminal.waited)
    assert len(set(terminal.waited)) == TRIES
    right = at()
    with pytest.raises(ActRefused, match="Too many"):
        right.tries("third")
    assert right.asked == 0


def test_after_a_quarter_of_an_hour_the_name_opens_again(at: Callable[..., At]) -> None:
    for _ in range(TRIES):
        with pytest.raises(ActRefused):
            at(says="wrong").tries("third")
    assert at().tries("third", NOW + timedelta(minutes=16)) == "third"


def test_the_right_passphrase_forgives_the_wrong_ones_before(at: Callable[..., At]) -> None:
    for _ in range(2):
        for _ in range(TRIES - 1):
            with pytest.raises(ActRefused):
                at(says="wrong").tries("third")
        assert at().tries("third") == "third"


def test_a_try_that_is_cut_off_counts(tmp_path: Path) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    cut = Terminal(interrupted, lambda _: None, tmp_path / "tries.json", "x")
    for _ in range(TRIES):
        with pytest.raises(KeyboardInterrupt):
            identify("third", PEOPLE, cut, NOW)
    with pytest.raises(ActRefused, match="Too many"):
        identify("third", PEOPLE, cut, NOW)


def test_the_file_of_wrong_tries_is_its_owners_alone(at: Callable[..., At]) -> None:
    terminal = at(says="wrong")
    with pytest.raises(ActRefused):
        terminal.tries("third")
    assert terminal.terminal.tries.stat().st_mode & 0o777 == 0o600
    assert "wrong" not in terminal.terminal.tries.read_text()


def test_the_login_is_the_operating_systems_word_and_not_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = login()
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert login() == before
