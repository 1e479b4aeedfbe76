"""What the landscape says about an Odoo connection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nostro.model.base import Value


class OdooConfig(Value):
    """`transaction_seconds` is how long a database transaction there can last after its client is gone.

    With workers that is `limit_time_real` (120 s) and a margin; a threaded server has no limit, so the landscape states
    one.
    """

    database: str
    login: str = ""
    protocol: Literal["json2", "jsonrpc"] = "json2"
    database_uuid: str = ""
    overlap_seconds: int = Field(default=130, ge=1)
    transaction_seconds: int = Field(default=135, ge=1)
    page_size: int = Field(default=200, ge=2, le=1000)

    @property
    def identity(self) -> str:
        """The database as facts name it: pinned by its uuid where that is known."""
        return self.database_uuid or self.database
