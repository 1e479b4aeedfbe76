"""A caller of the stand-in Odoo, as the house is one, in the words of the protocol that each version speaks."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import CompanySetup, OdooBooks, OdooSettings, PspJournal
from nostro.sandbox.wire import WireReply, WireRequest

KEY = "NOSAAAAAAAAAAAAAAAA"
JSON = {"content-type": "application/json"}
COMPANIES = (
    CompanySetup("DE", "EUR", psps=(PspJournal("PSP"),), rates=(("USD", Decimal("1.25")),)),
    CompanySetup("CH", "CHF", "CH", psps=(PspJournal("PSP"),)),
)


Json = Any
"""Whatever JSON holds."""


class Refused(Exception):
    """What the stand-in answered instead of a result."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        super().__init__(told["message"])
        self.status, self.name = status, told["name"].rpartition(".")[2]


@dataclass
class House:
    """A caller as the house is one, in the words of the protocol that the version speaks."""

    version: int
    webhook_url: str = ""
    key: str = "key-nostro"
    now: datetime = datetime(2026, 11, 21, 7, 0, 0, 250_000, tzinfo=UTC)
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = OdooSettings(COMPANIES, self.version, webhook_url=self.webhook_url)
        self.books = OdooBooks(settings, FaultPlan(), self.now)
        self.chart = self.books.landscape()["DE"]
        self.context: dict[str, Any] = {"allowed_company_ids": [self.chart["company"]]}
        self.partner = self.act("partner", name="Customer 001")["id"]

    def send(self, path: str, body: object, method: str = "POST", **headers: str) -> WireReply:
        told = {**JSON, "authorization": f"bearer {self.key}", **self.headers}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.books.handle(WireRequest(method, path, (), told, data), self.now)

    def rpc(self, *args: object, service: str = "object", method: str = "execute_kw") -> Json:
        params = {"service": service, "method": method, "args": ["odoo", *args]}
        reply = self.send("/jsonrpc", {"jsonrpc": "2.0", "id": 7, "method": "call", "params": params})
        body = json.loads(reply.body)
        if "error" in body:
            raise Refused(reply.status, body["error"]["data"])
        return body.get("result")

    def call(self, model: str, method: str, ids: list[int] | None = None, **named: Json) -> Json:
        named = {"context": self.context, **named}
        if self.version < 19:
            args = [named.pop("vals_list")] if method == "create" else [ids] if ids is not None else []
            return self.rpc(3 if self.key == "key-nostro" else 2, self.key, model, method, args, named)
        reply = self.send(f"/json/2/{model}/{method}", named | ({} if ids is None else {"ids": ids}))
        if reply.status != 200:
            raise Refused(reply.status, json.loads(reply.body))
        return json.loads(reply.body)

    def act(self, act: str, **wish: Json) -> dict[str, Any]:
        return self.books.apply({"act": act, **wish}, self.now)

    def invoice(self, amount: float = 100, **wish: Json) -> int:
        told = {"company": "DE", "partner": self.partner, "amount": str(amount), "date": "2026-11-20"}
        return int(self.act("invoice", **told | wish)["id"])

    def find(self, model: str, *domain: object, fields: tuple[str, ...] = (), **more: Json) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(
            model, "search_read", domain=list(domain), fields=list(fields), load="", **more
        )
        return found

    def move(self, ident: int) -> dict[str, Any]:
        return self.find("account.move", ["id", "=", ident])[0]

    def line(self, move: int, account: str) -> dict[str, Any]:
        ident = self.chart["clearing"]["PSP"] if account == "clearing" else self.chart["accounts"][account]
        return self.find("account.move.line", ["move_id", "=", move], ["account_id", "=", ident])[0]

    def wizard(self, invoice: int, **vals: Json) -> list[int]:
        told = {"payment_date": "2026-11-20", "journal_id": self.chart["journals"]["PSP"], "communication": KEY, **vals}
        context = {**self.context, "active_model": "account.move", "active_ids": [invoice]}
        made: list[int] = self.call("account.payment.register", "create", vals_list=[told], context=context)
        return made

    def pay(self, invoice: int, **vals: Json) -> dict[str, Any]:
        action = self.call("account.payment.register", "action_create_payments", self.wizard(invoice, **vals))
        return self.find("account.payment", ["id", "=", action["res_id"]])[0]

    def entry(self, date: str, *sides: tuple[str, float]) -> int:
        accounts = self.chart["accounts"] | {"clearing": self.chart["clearing"]["PSP"]}
        lines = [[0, 0, {"account_id": accounts[name], "name": "x", "balance": amount}] for name, amount in sides]
        vals = {"move_type": "entry", "journal_id": self.chart["journals"]["MISC"], "date": date, "ref": KEY}
        made: list[int] = self.call("account.move", "create", vals_list=[{**vals, "line_ids": lines}])
        return made[0]

    def statement_line(self, amount: float, account: int | None = None, **vals: Json) -> dict[str, Any]:
        told = {"journal_id": self.chart["journals"]["BNK1"], "date": "2026-11-20", "payment_ref": "x", "ref": KEY}
        told |= {"amount": amount, **({"counterpart_account_id": account} if account else {}), **vals}
        made = self.call("account.bank.statement.line", "create", vals_list=[told])
        return self.find("account.bank.statement.line", ["id", "=", made[0]])[0]

    def reconcile(self, *lines: dict[str, Any]) -> None:
        assert self.call("account.move.line", "reconcile", [line["id"] for line in lines]) is None
