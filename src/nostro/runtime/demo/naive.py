"""The integration that many teams write first: act on each webhook and file, try again on any error, remember nothing.

It is meant to be fair: it verifies signatures, works company by company, pages, leaves unfinished files alone, matches
only open invoices, goes on when a match fails, and answers 500 so that Stripe sends an event again. It does not
- remember which events, statements and payouts it has seen, or compare a statement with those before it;
- ask whether an effect happened before it tries again;
- fetch what a lost webhook would have said, or read anything but camt.053;
- book refunds, chargebacks, reserves and exchange differences. Nobody counts those against it.
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx

RETRIES = 3
PAUSE_SECONDS = 0.02
WITHOUT_CENTS = {"jpy"}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Company:
    """What the script has been told of one company: ids in Odoo, and its Stripe account."""

    company: int
    bank_journal: int
    psp_journal: int
    general_journal: int
    clearing: int
    fees: int
    receivable: int
    stripe_url: str
    stripe_key: str
    webhook_secret: str


@dataclass(slots=True)
class NaiveScript:
    """The script, with a web server for events (`/de`, `/ch`...) and `read_files` for statements."""

    odoo_key: str
    say: Callable[[str], object] = lambda _line: None
    port: int = 0
    odoo_url: str = ""
    companies: Mapping[str, Company] = field(default_factory=dict)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5.0, trust_env=False))
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen for events."""
        script = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = script.hear(self.path.strip("/"), body, self.headers.get("stripe-signature", ""))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Hook)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def connect(self, odoo_url: str, companies: Mapping[str, Company]) -> None:
        """Tell the script where it works."""
        self.odoo_url, self.companies = odoo_url, companies

    def stop(self) -> None:
        """Close the web server and the client."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._http.close()

    # Events

    def hear(self, name: str, body: bytes, signature: str) -> int:
        """Do what an event asks for, then acknowledge it."""
        parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
        signed = f"{parts.get('t')}.".encode() + body
        mark = hmac.new(self.companies[name].webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mark, parts.get("v1", "")):
            return 401
        event = json.loads(body)
        try:
            if event["type"] == "payment_intent.succeeded":
                self._card_payment(self.companies[name], event["data"]["object"])
            elif event["type"] == "payout.paid":
                self._fees(self.companies[name], event["data"]["object"])
        except (httpx.HTTPError, LookupError) as wrong:
            self.say(f"{event['type']} failed: {wrong}")
            return 500
        return 200

    def _card_payment(self, at: Company, intent: Json) -> None:
        number = intent["metadata"].get("invoice") or intent["description"]
        invoice = self._invoices(at, [["name", "=", number]])[0]
        paid = Decimal(intent["amount_received"]) / (1 if intent["currency"] in WITHOUT_CENTS else 100)
        day = datetime.fromtimestamp(intent["created"], UTC).date().isoformat()
        vals = {"journal_id": at.psp_journal, "amount": float(paid), "payment_date": day, "communication": number}
        context = {"active_model": "account.move", "active_ids": [invoice["id"]]}
        wizard = self._odoo(at, "account.payment.register", "create", context, vals_list=[vals])
        self._odoo(at, "account.payment.register", "action_create_payments", context, ids=wizard)

    def _fees(self, at: Company, payout: Json) -> None:
        lines: list[Json] = []
        more = {"payout": payout["id"], "limit": "100"}
        while more:
            page = self._try("GET", f"{at.stripe_url}/balance_transactions", at.stripe_key, params=more)
            lines += page["data"]
            more = {**more, "starting_after": lines[-1]["id"]} if page["has_more"] else {}
        fee = float(Decimal(sum(line["fee"] for line in lines)) / 100)
        text = f"Stripe fees {payout['id']}"
        day = datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat()
        sides = [(at.fees, fee), (at.clearing, -fee)]
        entry = {"move_type": "entry", "journal_id": at.general_journal, "date": day, "ref": text}
        entry["line_ids"] = [[0, 0, {"account_id": account, "name": text, "balance": sum_}] for account, sum_ in sides]
        made = self._odoo(at, "account.move", "create", vals_list=[entry])
        self._odoo(at, "account.move", "action_post", ids=made)

    # Statements

    def read_files(self, name: str, folder: Path) -> None:
        """Book what lies in a folder; a file that is booked goes to `done`, one that fails stays for the next time."""
        (folder / "done").mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.xml")):
            try:
                root = ET.parse(path).getroot()  # noqa: S314 - as such scripts do; the bank is trusted
                if "camt.053" in root.tag:
                    for entry in root.iterfind(".//{*}Ntry"):
                        self._statement_line(self.companies[name], entry)
                path.rename(folder / "done" / path.name)
            except (ET.ParseError, httpx.HTTPError, LookupError) as wrong:
                self.say(f"{path.name} failed: {wrong}")

    def _statement_line(self, at: Company, entry: ET.Element) -> None:
        def text(path: str) -> str:
            return " ".join(filter(None, (node.text for node in entry.iterfind(path))))

        told = text(".//{*}Ustrd") + " " + text(".//{*}EndToEndId")
        amount = Decimal(text("{*}Amt")) * (-1 if text("{*}CdtDbtInd") == "DBIT" else 1)
        invoice = self._open_invoice(at, told, text(".//{*}Strd//{*}Ref")) if amount > 0 else None
        vals = {"journal_id": at.bank_journal, "date": text("{*}BookgDt/{*}Dt"), "amount": float(amount)}
        vals |= {"payment_ref": told.strip() or text("{*}AddtlNtryInf"), "partner_name": text(".//{*}Dbtr//{*}Nm")}
        if invoice is not None:
            vals |= {"counterpart_account_id": at.receivable, "partner_id": invoice["partner_id"][0]}
        line = self._odoo(at, "account.bank.statement.line", "create", vals_list=[vals])
        if invoice is not None:
            try:
                self._match(at, line[0], invoice["id"])
            except httpx.HTTPError as wrong:
                self.say(f"match failed: {wrong}")

    def _open_invoice(self, at: Company, told: str, reference: str) -> Json | None:
        number = re.search(r"INV/\d{4}/\d+", told)
        known = ["payment_reference", "=", reference] if reference else ["name", "=", number[0] if number else ""]
        return next(iter(self._invoices(at, [known, ["amount_residual", ">", 0]])), None)

    def _match(self, at: Company, line: int, invoice: int) -> None:
        of_either = ["|", ["statement_line_id", "=", line], ["move_id", "=", invoice]]
        domain = [*of_either, ["account_id", "=", at.receivable], ["reconciled", "=", False]]
        found = self._odoo(at, "account.move.line", "search_read", domain=domain, fields=["id"])
        self._odoo(at, "account.move.line", "reconcile", ids=[each["id"] for each in found])

    # Odoo, and trying again

    def _invoices(self, at: Company, domain: list[Any]) -> list[Json]:
        posted = [["company_id", "=", at.company], ["move_type", "=", "out_invoice"], ["state", "=", "posted"]]
        found = self._odoo(at, "account.move", "search_read", domain=[*domain, *posted], fields=["id", "partner_id"])
        return list(found)

    def _odoo(self, at: Company, model: str, method: str, context: Json | None = None, **arguments: object) -> Any:  # noqa: ANN401 - whatever Odoo answers
        body = {**arguments, "context": {"allowed_company_ids": [at.company], **(context or {})}}
        return self._try("POST", f"{self.odoo_url}/json/2/{model}/{method}", self.odoo_key, json=body)

    def _try(self, method: str, url: str, key: str, **content: Any) -> Any:  # noqa: ANN401 - whatever the other side answers
        for left in reversed(range(1 + RETRIES)):
            try:
                headers = {"authorization": f"Bearer {key}"}
                return self._http.request(method, url, headers=headers, **content).raise_for_status().json()
            except (httpx.HTTPError, ValueError):
                if not left:
                    raise
                time.sleep(PAUSE_SECONDS)
        raise AssertionError("unreachable: the last try returns or raises")
