"""Pages as real Odoo 18 and 19 sent them, and the facts in them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.connectors.kit.reading import ReadItem, ReceiptView
from nostro.connectors.odoo import CONNECTOR
from nostro.connectors.odoo.config import OdooConfig
from tests.conformance.receipts import CONNECTION, entity
from tests.golden.pairs import FOLDER, hold_to, meaning

PAGES = sorted((FOLDER / "odoo").glob("*.1[89].json"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_of_a_real_odoo_means_what_it_meant(page: Path) -> None:
    feed, version, _ = page.name.split(".")
    received_at = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    config = OdooConfig(database=f"odoo{version}")
    view = ReceiptView(
        "00", CONNECTION, f"poll:{feed}", "", received_at, lambda: iter([page.read_bytes()]), config, (entity(3),)
    )
    items = list(CONNECTOR.read(view))
    assert any(isinstance(item, ReadItem) for item in items)
    assert all(item.unknown_fields == 0 for item in items if isinstance(item, ReadItem))
    hold_to(page.with_suffix(".facts"), meaning(items))
