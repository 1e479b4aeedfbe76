"""Odoo's two protocols behind one way of saying things: `Message("model/method", {named arguments})`.

JSON-2 (19 and later) and JSON-RPC (18) take the same models, methods and values; they differ in envelope, in where ids
and `vals_list` go, and in how they say no. Texts are translated and reworded between versions: only names classify.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nostro.connectors.kit.dialogue import asked
from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.manifest import Access
from nostro.connectors.odoo.config import OdooConfig
from nostro.model.calls import Exchange, HttpReply, HttpRequest, Message
from nostro.model.failures import FailureKind
from nostro.model.money import InexactAmountError, Money, exponent

Row = Mapping[str, Any]
"""One record as `read` returns it: empty is false, a many2one is `[id, label]`."""

VERSION = "common/version"
LOGIN = "common/authenticate"
_NOISE = Decimal("0.000001")

ERRORS: Mapping[str, FailureKind] = {
    name: kind
    for kind, names in {
        FailureKind.UNAUTHORISED: "odoo.exceptions.AccessError werkzeug.exceptions.Forbidden",
        FailureKind.DENIED: "odoo.exceptions.AccessDenied werkzeug.exceptions.Unauthorized 401",
        FailureKind.CONFLICT: "odoo.exceptions.UserError odoo.exceptions.RedirectWarning",
        FailureKind.INVALID: """odoo.exceptions.ValidationError werkzeug.exceptions.NotFound
            werkzeug.exceptions.BadRequest werkzeug.exceptions.UnprocessableEntity builtins.ValueError
            builtins.TypeError builtins.KeyError builtins.IndexError builtins.AttributeError 400 415""",
        FailureKind.NOT_FOUND: "odoo.exceptions.MissingError",
        FailureKind.UNAVAILABLE: """odoo.exceptions.LockError odoo.exceptions.ConcurrencyError
            psycopg2.errors.SerializationFailure psycopg2.errors.LockNotAvailable
            psycopg2.errors.DeadlockDetected 404""",  # 404 "No database is selected": Odoo itself never saw it
        FailureKind.LIMITED: "429",
    }.items()
    for name in names.split()
}
"""By exception name, else by HTTP status. A name that isn't here, and any other status, is ambiguous."""


def say(model: str, method: str, **named: Any) -> Message:  # noqa: ANN401 - JSON
    """A call by named arguments; `ids` and `context` among them."""
    return Message(f"{model}/{method}", named)


def search(model: str, domain: list[Any], fields: str, **named: Any) -> Message:  # noqa: ANN401 - JSON
    """`search_read`, fields separated by spaces."""
    return say(model, "search_read", domain=domain, fields=fields.split(), **named)


def in_company(company: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The context of a call for one company."""
    return {"allowed_company_ids": [company], **more}


def as_told(company: int) -> dict[str, Any]:
    """The context of what is booked just as we say it: 18 adds an account's default taxes to entries too."""
    return in_company(company, skip_computed_taxes=True)


def ref(value: Any) -> int:  # noqa: ANN401 - a many2one
    """The id of a many2one, 0 when it is empty."""
    return int(value[0] if isinstance(value, list) else value or 0)


def label(value: Any) -> str:  # noqa: ANN401 - a many2one
    """The label of a many2one: of a currency its ISO code."""
    return str(value[1]) if isinstance(value, list) else ""


def money(value: Any, currency: str) -> Money:  # noqa: ANN401 - a number of Odoo's JSON
    """An amount without the noise of Odoo's float; raises `InexactAmountError` when it really is too fine."""
    told = Decimal(str(value))
    exact = told.quantize(Decimal(1).scaleb(-exponent(currency)))
    if abs(told - exact) > _NOISE:
        raise InexactAmountError(f"An amount is finer than {currency} allows.")
    return Money.of(exact, currency)


def render(message: Message, _: str, config: OdooConfig, access: Access) -> HttpRequest:
    """The message in the connection's protocol. Odoo takes no idempotency key.

    What a target says behind `?` is for whoever reads the receipt.
    """
    model, method = message.target.partition("?")[0].split("/")
    named, url = {**message.body, **message.passing}, access.url.rstrip("/")
    headers = {"content-type": "application/json"}
    if config.protocol == "jsonrpc":
        return HttpRequest("POST", f"{url}/jsonrpc", headers, _numbers(_envelope(model, method, named, config, access)))
    headers |= {"authorization": f"bearer {access.secrets['api_key']}", "x-odoo-database": config.database}
    if message.target == VERSION:
        return HttpRequest("GET", f"{url}/web/version", headers, b"")
    return HttpRequest("POST", f"{url}/json/2/{model}/{method}", headers, _numbers(named))


def _envelope(model: str, method: str, named: dict[str, Any], config: OdooConfig, access: Access) -> dict[str, Any]:
    key, uid = access.secrets["api_key"], access.session.get("uid", 0)
    if model == "common":
        args: list[Any] = [config.database, config.login, key, {}] if method == "authenticate" else []
        return _call("common", method, args)
    # 18 wants these two by position: `vals_list` by name is executed, fails afterwards and is rolled back.
    place = next((name for name in ("ids", "vals_list") if name in named), "")
    positional = [named.pop(place)] if place else []
    return _call("object", "execute_kw", [config.database, uid, key, model, method, positional, named])


def _call(service: str, method: str, args: list[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "call", "id": 1, "params": {"service": service, "method": method, "args": args}}


def _numbers(value: object) -> bytes:
    return json.dumps(value, default=_number).encode()


def _number(value: object) -> float:
    """A decimal as the JSON number that Odoo wants; raises `TypeError` where a float could not carry it."""
    if isinstance(value, Decimal) and Decimal(repr(float(value))) == value:
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON number of the same value")


def understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    """What a reply means; the HTTP status counts only where no exception is named."""
    try:
        content = exact_json(reply.body)
    except (ValueError, RecursionError):
        content = None
    fault = _fault(content, reply.status)
    if fault is None and 200 <= reply.status < 300 and (content is not None or reply.body.strip() == b"null"):
        return unwrapped(content), None, ""
    name = str((fault or {}).get("name", ""))
    kind = ERRORS.get(name) or (ERRORS.get(str(reply.status)) if not name else None) or FailureKind.AMBIGUOUS
    return None, kind, f"Odoo answered {reply.status} {name}".strip() + "."


def _fault(content: object, status: int) -> Row | None:
    """The exception that a reply names: in JSON-RPC below `error.data`, in JSON-2 the body itself."""
    if not isinstance(content, dict):
        return None
    if "jsonrpc" in content:
        error = content.get("error")
        return (error.get("data") or {"name": "unnamed"}) if isinstance(error, dict) else None
    return content if status >= 300 and "name" in content else None


def unwrapped(content: Any) -> Any:  # noqa: ANN401 - the method's return value
    """The return value, out of JSON-RPC's envelope where there is one (18 leaves `result` out for None)."""
    return content.get("result") if isinstance(content, dict) and "jsonrpc" in content else content


def open_session(config: OdooConfig) -> Exchange[Mapping[str, Any]]:
    """The user's id, which JSON-RPC wants in every call; wrong credentials give none, and every call is then denied."""
    if config.protocol == "json2":
        return {}
    reply = yield from asked(Message(LOGIN))
    return {"uid": reply.content} if reply.ok and reply.content else {}
