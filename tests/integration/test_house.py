"""What is looked at before a house or a demo begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from nostro.model.failures import OutOfService
from nostro.runtime import house
from nostro.runtime.demo.place import prepared
from nostro.store.embedded import EmbeddedServer
from tests.integration.serving import free_port


def test_a_new_database_is_not_begun_where_it_would_fill_the_disk_and_one_that_is_there_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "NEW_DATABASE_BYTES", 10**18)
    with pytest.raises(OutOfService, match="MB are free") as refused:
        house._own_server(tmp_path)
    assert "Nothing was begun" in refused.value.remedy
    (tmp_path / house.DATABASE_FOLDER).mkdir()
    assert isinstance(house._own_server(tmp_path), EmbeddedServer)


def test_demos_that_start_side_by_side_choose_other_ports_although_they_listen_only_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    begin = free_port()
    with prepared(begin, begin) as one, prepared(begin, begin) as other:
        ports = [one.door, one.health, one.sandbox, other.door, other.health, other.sandbox]
        assert sorted(set(ports)) == ports
        assert one.state != other.state
    with prepared(begin, begin) as after:
        assert after.door == ports[0]
