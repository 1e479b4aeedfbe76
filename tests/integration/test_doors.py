"""Where one listens: the door where it is told to, health on the loopback interface whatever is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from nostro.model.failures import OutOfService
from nostro.runtime import cli_run
from tests.integration.serving import free_port

pytestmark = pytest.mark.asyncio
BESIDE = "127.0.0.2"
"""An address of this machine at which only who listens on every one answers."""


async def answers(port: int) -> bool:
    """Whether somebody listens there too."""
    try:
        _, writer = await asyncio.open_connection(BESIDE, port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def opened(*_: object) -> AsyncIterator[Any]:
    """A house or a worker without anything in it."""
    yield SimpleNamespace(door=Starlette(), health=Starlette())


@contextmanager
def unsignalled(_: object) -> Iterator[tuple[asyncio.Event, list[int]]]:
    """The tests' own process hears its signals itself."""
    yield asyncio.Event(), []


@pytest.mark.skipif(sys.platform != "linux", reason="NOT tested: only Linux has 127.0.0.2 without being told")
async def test_health_answers_on_the_loopback_interface_alone_wherever_the_door_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = {}
    door, health = free_port(), free_port()

    async def work(*_: object) -> None:
        heard.update({"door": await answers(door), "health": await answers(health)})

    for name, instead in (("open_house", opened), ("open_worker", opened), ("_signals", unsignalled)):
        monkeypatch.setattr(cli_run, name, instead)
    for name in ("configure_logs", "settle_memory"):
        monkeypatch.setattr(cli_run, name, lambda *_: None)
    output = SimpleNamespace(note=lambda _: None)
    frame: Any = SimpleNamespace(landscape=str, state=str, output=output, interrupt=None)
    await cli_run._run(frame, cli_run.Doors(door, health, "0.0.0.0"), work)  # noqa: S104 - what is tried
    assert heard == {"door": True, "health": False}


@pytest.mark.parametrize("host", ["203.0.113.1", "nowhere.invalid"])
async def test_an_address_of_another_machine_is_no_taken_port(host: str) -> None:
    with pytest.raises(OutOfService, match=f"{host} is no IPv4 address of this machine") as refused:
        cli_run.Doors(free_port(), None, host).demand()
    assert "--host" in refused.value.remedy
