"""One Odoo database as a system: requests in, replies and webhooks out, books for those who judge."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from nostro.sandbox.faults import STARTED, FaultPlan
from nostro.sandbox.odoo import chart, protocols
from nostro.sandbox.odoo.acts import ACTS
from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.entries import SALES
from nostro.sandbox.odoo.errors import Fault, fault_of
from nostro.sandbox.odoo.methods import find
from nostro.sandbox.odoo.methods import value as value_of
from nostro.sandbox.odoo.protocols import Asked
from nostro.sandbox.odoo.schema import FIELDS, on_the_wire
from nostro.sandbox.odoo.settings import OdooSettings, OdooUser
from nostro.sandbox.odoo.tables import Row, Tables
from nostro.sandbox.wire import Delivery, WireReply, WireRequest

_SUPERUSER = OdooUser("__system__", "", accountant=True, admin=True)
_FIRST_UID = 2
_HOOKED = {
    "account.move": "amount_residual amount_total currency_id id invoice_date name partner_id payment_state state",
    "account.payment": "amount currency_id id memo name state",
}
"""Models with a base_automation rule, and the fields that its webhook sends."""
_BOOKS = {
    "moves": "account.move",
    "lines": "account.move.line",
    "payments": "account.payment",
    "statement_lines": "account.bank.statement.line",
    "partials": "account.partial.reconcile",
    "partners": "res.partner",
    "transactions": "payment.transaction",
}


class OdooBooks:
    """An Odoo database with books of its own. Every change goes through `apply`; same operations, same books."""

    def __init__(self, settings: OdooSettings, plan: FaultPlan, opened: datetime) -> None:
        self.settings = settings
        self.plan = plan
        self._tables = Tables()
        self._hints: list[Delivery] = []
        self._hinted = 0
        self._accepted: set[int] = set()
        self._tables.begin()
        chart.open_books(self._superuser(opened), settings)
        self._users = {user.key: (_FIRST_UID + place, user) for place, user in enumerate(settings.users)}

    # Requests of the house

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        """Answer one request. `now` is business time; each call is one database transaction."""
        if request.path in {"/web/version", "/json/version"}:
            return self._version(request.path)
        if request.path == "/jsonrpc":
            return self._json_rpc(request, now)
        if request.path.startswith("/json/2/") and self.settings.version >= 19:
            return self._json_2(request, now)
        return protocols.html(404, "Not Found")

    def changes_books(self, request: WireRequest) -> bool:
        """Whether the request calls a method that writes; a refused one uses up ids and is kept as well."""
        try:
            if request.path.startswith("/json/2/"):
                return not find(*request.path.split("/")[3:5]).reads
            if request.path == "/jsonrpc":
                params = json.loads(request.body)["params"]
                return params["service"] == "object" and not find(*params["args"][3:5]).reads
        except (Fault, ValueError, KeyError, TypeError, IndexError):
            pass
        return False

    def _version(self, path: str) -> WireReply:
        if self.settings.version >= 19:
            return protocols.reply({"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"})
        if path == "/json/version":
            return protocols.html(303, "Redirecting...", location="/web/login?redirect=%2Fjson%2Fversion%3F")
        return protocols.html(404, "Not Found")

    def _json_rpc(self, request: WireRequest, now: datetime) -> WireReply:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return protocols.html(
                400 if self.settings.version < 19 else 415, "Request inferred type is compatible with ['http']"
            )
        try:
            body = json.loads(request.body)
        except ValueError:
            return WireReply(400, {"content-type": "text/html; charset=utf-8"}, b"Invalid JSON data")
        ident = body.get("id") if isinstance(body, dict) else None
        try:
            return protocols.reply_json_rpc(ident, self._service(body["params"], request, now))
        except (LookupError, TypeError, ValueError) as wrong:
            return protocols.fault_json_rpc(ident, fault_of(wrong), self.settings.version)

    def _service(self, params: Mapping[str, Any], request: WireRequest, now: datetime) -> object:
        service, method, args = params["service"], params["method"], params["args"]
        if (service, method) == ("common", "version"):
            version = self.settings.version
            told = {"server_version": f"{version}.0", "server_serie": f"{version}.0", "protocol_version": 1}
            return {**told, "server_version_info": [version, 0, 0, "final", 0, ""]}
        if args[0] != self.settings.database:
            raise Fault("OperationalError", f'FATAL:  database "{args[0]}" does not exist')
        if service == "common" and method in {"authenticate", "login"}:
            uid, user = self._users.get(args[2], (0, _SUPERUSER))
            return uid if uid and user.login == args[1] and self._holds(uid) else False
        if (service, method) != ("object", "execute_kw"):
            raise Fault("KeyError", str(service))
        uid, _ = self._users.get(args[2], (0, _SUPERUSER))
        if uid == 0 or uid != args[1] or not (uid in self._accepted or self._holds(uid)):
            raise Fault("AccessDenied", "Access Denied")
        self._accepted.add(uid)  # this protocol remembers what it accepted, until Odoo is restarted
        return self._call(protocols.read_json_rpc(params), request, now)

    def _holds(self, uid: int) -> bool:
        return not self._tables.of("res.users")[uid].get("revoked")

    def _json_2(self, request: WireRequest, now: datetime) -> WireReply:
        if (refused := protocols.refuse_form(request, self.settings.database)) is not None:
            return refused
        try:
            asked = protocols.read_json_2(request)
            if asked.secret not in self._users or not self._holds(self._users[asked.secret][0]):
                raise Fault("Unauthorized", "Invalid apikey")
            return protocols.reply(self._call(asked, request, now))
        except (LookupError, TypeError, ValueError) as wrong:
            return protocols.fault_json_2(fault_of(wrong))

    def _call(self, asked: Asked, request: WireRequest, now: datetime) -> object:
        started = datetime.fromisoformat(request.headers[STARTED]) if STARTED in request.headers else now
        uid, user = self._users[asked.secret]
        if asked.reads:
            call = Call(self._tables, user, uid, self.settings.version, now, asked.context)
            return find(asked.model, asked.method).run(call, asked.model, asked.ids, asked.arguments)
        told = {name: getattr(asked, name) for name in ("model", "method", "ids", "arguments", "context")}
        return self.apply({"act": "call", "key": asked.secret, **told}, started)["result"]

    # Every change

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """One database transaction: `op["act"]` is `call` (a user's method call) or a key of `ACTS`. Raises Fault."""
        self._tables.begin()
        try:
            result = self._perform(op, now)
        except Exception:  # whatever went wrong: the database transaction is taken back whole
            if self.settings.version < 19:
                self._hint(now)  # 18 sends inside the transaction: phantoms of what is rolled back
            self._tables.rollback()
            raise
        self._hint(now)
        return result

    def _perform(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        if op["act"] == "call":
            uid, user = self._users[op["key"]]
            call = Call(self._tables, user, uid, self.settings.version, now, op["context"])
            method = find(op["model"], op["method"])
            return {"result": method.run(call, op["model"], list(op["ids"]), op["arguments"])}
        wish = {key: value for key, value in op.items() if key != "act"}
        row = ACTS[op["act"]](self._superuser(now), wish)
        return {key: _plain(value) for key, value in row.items()}

    def _superuser(self, now: datetime) -> Call:
        return Call(self._tables, _SUPERUSER, 1, self.settings.version, now)

    # Time and webhooks

    def tick(self, now: datetime) -> None:
        """Nothing in Odoo happens by itself here."""

    def next_due(self) -> datetime | None:
        """When the next webhook wants to be sent."""
        return min((hint.due for hint in self._hints), default=None)

    def take_deliveries(self, now: datetime) -> list[Delivery]:
        """Webhooks to send now: once, unsigned, never again."""
        taken = [hint for hint in self._hints if hint.due <= now]
        self._hints = [hint for hint in self._hints if hint.due > now]
        return taken

    def report(self, reference: str, status: int | None, now: datetime) -> None:
        """Odoo only logs how a webhook went."""

    def _hint(self, now: datetime) -> None:
        """What the base_automation rules say of written invoices and payments: twice when created, else once a call."""
        if not self.settings.webhook_url:
            return
        for model, ident in dict.fromkeys(self._tables.written):
            row = self._tables.of(model).get(ident)
            if row is None or model not in _HOOKED or row.get("move_type", "out_invoice") not in SALES:
                continue
            for _ in range(2 if row["create_date"] == row["write_date"] == now else 1):
                self._hinted += 1
                delays = self.plan.webhook_delays(f"odoo-{self._hinted}")
                headers = {"content-type": "application/json", "user-agent": "python-requests/2.31.0"}
                body = json.dumps(_payload(model, row), sort_keys=True).encode()
                for delay in delays[:1]:
                    due = now + timedelta(seconds=delay)
                    self._hints.append(Delivery(self.settings.webhook_url, headers, body, due))

    # Books

    def landscape(self) -> dict[str, Any]:
        """Ids of companies, journals and ledger accounts, for whoever writes the landscape."""
        return chart.landscape(self._superuser(datetime.now(UTC)))

    def books(self) -> dict[str, Any]:
        """Everything as Odoo holds it, amounts as text: for the demo and the tests, never for the house."""
        call = self._superuser(datetime.min.replace(tzinfo=UTC))
        told: dict[str, Any] = {"kind": "odoo", "version": self.settings.version, "database": self.settings.database}
        for name, model in _BOOKS.items():
            kinds = FIELDS[model]
            told[name] = [
                {field: _plain(value_of(call, model, row, field)) for field in kinds if field != "display_name"}
                for row in self._tables.of(model).values()
            ]
        told["companies"] = chart.landscape(call)
        return told


def _payload(model: str, row: Row) -> dict[str, Any]:
    """What a webhook says: no event id, no signature, references bare, microseconds kept."""
    told = {name: on_the_wire(FIELDS[model][name], row[name], None) for name in _HOOKED[model].split()}
    moment = row["write_date"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    action = {"_action": "Send Webhook Notification(#310)", "_id": row["id"], "_model": model}
    return {**told, **action, "write_date": moment}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field's value
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
