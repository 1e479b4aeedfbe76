"""A database's URL is looked at before anybody connects by it, and nothing of it is told."""

from __future__ import annotations

import pytest

from nostro.model.failures import LandscapeRefused
from nostro.store.address import demand_address

UNESCAPED = [
    "postgresql://nostro:50%off-hidden@db/nostro",
    "postgresql://nostro:p@hidden@db/nostro",
    "postgresql://nostro:p/hidden@db/nostro",
    "postgresql://nostro:12/hidden@db/nostro",
    "postgresql://nostro:x@db:70000/hidden",
    "postgresql://nostro:x@db:hidden/nostro",
    "hidden",
    "mysql://nostro:hidden@db/nostro",
]


@pytest.mark.parametrize("url", UNESCAPED)
def test_a_url_with_an_unescaped_password_is_refused_and_nothing_of_it_is_told(url: str) -> None:
    """libpq would name a piece of the password: as a token, as a host that can't be resolved, as a port."""
    with pytest.raises(LandscapeRefused, match="URL can't be taken") as refused:
        demand_address(url)
    assert "hidden" not in str(refused.value)
    assert refused.value.exit_code == 2
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nostro:50%25off%40x%2Fy@db:5432/nostro?sslmode=require",
        "postgres://db1:5432,db2/nostro?target_session_attrs=read-write",
        "postgresql://postgres:x@/nostro?host=%2Ftmp%2Fnostro-0-0123",
        "postgresql://nostro@/nostro?host=@abstract",
        "postgresql:///nostro",
        "host=db port=5432 dbname=nostro user=nostro password='a b@c'",
    ],
)
def test_a_url_that_postgresql_takes_is_taken(url: str) -> None:
    demand_address(url)
