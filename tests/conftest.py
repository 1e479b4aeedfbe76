"""What every test can ask for. Databases are in tests/databases.py."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest
import structlog
from hypothesis import settings

from tests.databases import database_url, migrated_template, postgres_server, postgres_url

__all__ = ["database_url", "migrated_template", "postgres_server", "postgres_url", "shared"]

TESTS = Path(__file__).parent
NO_SOCKETS = {"unit", "property", "golden", "tidy"}
LONGEST = ("test_demo", "test_cli", "crash", "simulation", "test_damaged_files", "integration", "real")
PROOFS = {
    *("test_acknowledged", "test_adversities", "test_full_disk", "test_interrupted", "test_judged", "test_kills"),
    *("test_overload", "test_restore", "test_traces", "test_upgrade", "test_demo_naive", "test_demo_observe"),
}
"""What takes long beside what it proves; others bear the marker themselves."""

settings.register_profile("gate", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("quick", settings.get_profile("gate"), max_examples=25)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("NOSTRO_PROPERTIES", "gate"))
"""The gate tries the same examples each time, so that it says yes or no; `make search` looks for new ones."""

PLAINLY = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAINLY])
"""By itself structlog draws every local variable of every frame, which takes a second an exception. Tests read what is
logged: it has no colours, wherever they run."""


def _part(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, name in enumerate(LONGEST) if name in item.path.parts or item.path.stem == name), 9)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest ones begin, so that none of them is left for one core when all others are done."""
    items.sort(key=_rank)
    for item in items:
        if item.path.stem in PROOFS:
            item.add_marker(pytest.mark.proof)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files beside the repository; where it has to be there, its absence is a failure."""
    return shared_beside(TESTS.parent)


def shared_beside(repository: Path) -> Path:
    """Another folder of that name doesn't count: the files are in its `data`."""
    folder = repository.parent / "shared"
    if (folder / "data").is_dir():
        return folder
    if os.environ.get("NOSTRO_REQUIRE_SHARED") == "1":
        pytest.fail("../shared/data is missing, and NOSTRO_REQUIRE_SHARED=1 demands it")
    pytest.skip("../shared/data is missing: NOT tested against the real files")


@pytest.fixture(autouse=True)
def _no_sockets_in_pure_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    if _part(request.path) not in NO_SOCKETS:
        yield
        return

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a test of pure code reached for the network")

    with (
        patch.object(socket.socket, "connect", refuse),
        patch.object(socket.socket, "connect_ex", refuse),
        patch.object(socket.socket, "bind", refuse),
        patch.object(socket, "getaddrinfo", refuse),
    ):
        yield
