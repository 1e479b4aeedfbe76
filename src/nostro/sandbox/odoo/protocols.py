"""Two ways to ask: `/jsonrpc` (always 200, errors in the body) and, from 19 on, `/json/2/<model>/<method>`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.methods import bind, find
from nostro.sandbox.wire import WireReply, WireRequest

_CLOSE = {"connection": "close"}
_JSON = {"content-type": "application/json; charset=utf-8", **_CLOSE}
_HTML = {"content-type": "text/html; charset=utf-8", **_CLOSE}
_TRACE: Final = 'Traceback (most recent call last):\n  File "/odoo/http.py", line 1963, in _transactioning\n'


@dataclass(frozen=True, slots=True)
class Asked:
    """One method call, whichever way it came. `secret` is an API key, `uid` what the sender says it belongs to."""

    secret: str
    uid: int | None
    model: str
    method: str
    ids: list[int]
    arguments: Mapping[str, Any]
    context: Mapping[str, Any]
    reads: bool


def read_json_rpc(params: Mapping[str, Any]) -> Asked:
    """`object.execute_kw(db, uid, key, model, method, args, kwargs)`. `create` wants its values by position."""
    _db, uid, secret, model, method, *rest = params["args"]
    args: list[Any] = list(rest[0]) if rest else []
    kwargs: dict[str, Any] = dict(rest[1]) if len(rest) > 1 else {}
    context = kwargs.pop("context", None) or {}
    try:
        found = find(model, method)
    except Fault as fault:
        names = {"unknown model": "UserError", "unknown method": "AttributeError"}
        text = f"Object {model} doesn't exist" if fault.kind == "unknown model" else fault.message
        raise Fault(names.get(fault.kind, fault.kind), text) from None
    ids: list[int] = []
    if found.on_records:
        first = args.pop(0) if args else []
        ids = first if isinstance(first, list) else [first]
    by_name = method == "create" and not args
    arguments = bind(found, args, kwargs)
    if by_name:
        raise Fault("IndexError", "tuple index out of range")
    return Asked(secret, uid, model, method, ids, arguments, context, found.reads)


def read_json_2(request: WireRequest) -> Asked:
    """`POST /json/2/<model>/<method>` with a bearer key: an object of named arguments, with `ids` and `context`."""
    _, _, _, model, method = request.path.split("/")
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        text = "User not authenticated, use an API Key with a Bearer Authorization header."
        raise Fault("Unauthorized", text)
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as wrong:
        raise Fault("BadRequest", f"could not parse the body as json: {wrong}") from None
    given: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
    context, ids = given.pop("context", None) or {}, given.pop("ids", [])
    try:
        found = find(model, method)
    except Fault as fault:
        if fault.kind == "unknown model":
            raise Fault("NotFound", f"the model '{model}' does not exist") from None
        if fault.kind == "unknown method":
            raise Fault("NotFound", fault.message) from None
        raise
    if ids and not found.on_records:
        text = f"cannot call {model}.{method} with ids"
        raise Fault("UnprocessableEntity", text)
    try:
        arguments = bind(found, (), given)
    except Fault as fault:
        raise Fault("UnprocessableEntity", fault.message) from None
    return Asked(secret, None, model, method, ids, arguments, context, found.reads)


def refuse_form(request: WireRequest, database: str) -> WireReply | None:
    """What the web server in front of JSON-2 refuses before Odoo looks at it: method, database, content type."""
    if request.headers.get("x-odoo-database", database) != database:
        text = "No database is selected and the requested URL was not found in the server-wide controllers."
        return html(404, text)
    if request.method != "POST" or request.path.count("/") != 4:
        return fault_json_2(Fault("NotFound", "Did you mean POST /json/2/<model>/<method>?"))
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return html(415, "Request inferred type is compatible with ['http'] but the route is type='json2'.")
    return None


def reply(result: object) -> WireReply:
    """A bare result, as JSON-2 gives it."""
    return WireReply(200, _JSON, dumped(result))


def reply_json_rpc(ident: object, result: object) -> WireReply:
    """A result in its JSON-RPC envelope, which is empty when the method returned nothing."""
    told = {} if result is None else {"result": result}
    return WireReply(200, _JSON, dumped({"jsonrpc": "2.0", "id": ident, **told}))


def fault_json_rpc(ident: object, fault: Fault, version: int) -> WireReply:
    """An error in its JSON-RPC envelope: HTTP 200, and a `code` that means nothing."""
    error = {"code": 200 if version < 19 else 0, "message": "Odoo Server Error", "data": _told(fault)}
    return WireReply(200, _JSON, dumped({"jsonrpc": "2.0", "id": ident, "error": error}))


def fault_json_2(fault: Fault) -> WireReply:
    """An error with the HTTP status of its exception."""
    more = {"www-authenticate": "Bearer "} if fault.status == 401 else {}
    return WireReply(fault.status, {**_JSON, **more}, dumped(_told(fault)))


def html(status: int, text: str, **headers: str) -> WireReply:
    """A page for people, which is what machines get when they miss the door."""
    body = f"<!doctype html>\n<html lang=en>\n<title>{status}</title>\n<p>{text}</p>\n"
    return WireReply(status, {**_HTML, **headers}, body.encode())


def dumped(value: object) -> bytes:
    """JSON as Odoo writes it: amounts are floats."""
    return json.dumps(value, default=_plain, ensure_ascii=True).encode()


def _plain(value: object) -> float:
    assert isinstance(value, Decimal), f"{type(value).__name__} has no place in a reply"
    return float(value)


def _told(fault: Fault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "message": fault.message,
        "arguments": [fault.message],
        "context": {},
        "debug": f"{_TRACE}{fault.name}: {fault.message}\n",
    }
