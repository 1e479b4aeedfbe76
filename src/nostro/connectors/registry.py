"""Every connector there is. Adding one is a folder, a line here, and its package among the layers in pyproject.toml."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.connectors import bank_files, odoo, people, stripe
from nostro.connectors.kit.manifest import Connector

_ALL: tuple[Connector, ...] = (odoo.CONNECTOR, stripe.CONNECTOR, bank_files.CONNECTOR, people.CONNECTOR)
CONNECTORS: Mapping[str, Connector] = {connector.name: connector for connector in _ALL}
"""By kind, as a landscape names them."""
