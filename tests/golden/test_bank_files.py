"""Bank files and the facts in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.connectors.bank_files.manifest import CONNECTOR, BankFilesConfig
from nostro.connectors.kit.reading import ReceiptView
from tests.golden.pairs import FOLDER, hold_to, meaning
from tests.unit.test_bank_files import entity

FILES = sorted(path for path in (FOLDER / "bank_files").iterdir() if path.suffix in (".xml", ".sta"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bank_file_means_what_it_meant(path: Path) -> None:
    received_at = datetime(2026, 9, 1, 6, tzinfo=UTC)
    view = ReceiptView(
        "00", "bank", "file", path.name, received_at, lambda: iter([path.read_bytes()]), BankFilesConfig(folder="in"),
        (entity(),),
    )  # fmt: skip
    hold_to(path.with_suffix(".facts"), meaning(CONNECTOR.read(view)))
