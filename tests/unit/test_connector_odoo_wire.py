"""Odoo's two protocols, and what its refusals mean."""

import json
from decimal import Decimal
from typing import Any

import pytest

from nostro.connectors.kit.manifest import Access
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import LOGIN, VERSION, money, open_session, render, say, search, understand
from nostro.model.calls import HttpReply, HttpRequest, Message, Reply
from nostro.model.failures import FailureKind
from nostro.model.money import InexactAmountError, Money
from tests.conformance.houses import OPENED

OLD = OdooConfig(database="odoo18", login="nostro", protocol="jsonrpc")
NEW = OdooConfig(database="odoo19")
CREATE = say("account.move", "create", vals_list=[{"amount": Decimal("12.30")}], context={"allowed_company_ids": [1]})


def _rendered(message: Message, config: OdooConfig) -> HttpRequest:
    return render(message, "NOSKEY", config, Access("https://odoo.example/", {"api_key": "key"}, {"uid": 7}))


def _args(message: Message) -> list[Any]:
    envelope = json.loads(_rendered(message, OLD).body)
    assert (envelope["jsonrpc"], envelope["method"]) == ("2.0", "call")
    args: list[Any] = envelope["params"]["args"]
    return args


def test_json_2_sends_named_arguments_to_a_path_with_a_bearer_key() -> None:
    request = _rendered(CREATE, NEW)
    assert (request.method, request.url) == ("POST", "https://odoo.example/json/2/account.move/create")
    assert request.headers["authorization"] == "bearer key"
    assert request.headers["x-odoo-database"] == "odoo19"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"vals_list": [{"amount": 12.3}], "context": {"allowed_company_ids": [1]}}


def test_json_rpc_sends_ids_and_values_by_position_and_the_rest_by_name() -> None:
    assert _args(CREATE)[:3] == ["odoo18", 7, "key"]
    assert _args(CREATE)[3:] == [
        "account.move",
        "create",
        [[{"amount": 12.3}]],
        {"context": {"allowed_company_ids": [1]}},
    ]
    assert _args(say("account.move", "action_post", ids=[4]))[3:] == ["account.move", "action_post", [[4]], {}]
    found = _args(search("account.move", [["id", "=", 4]], "name", limit=1))[5:]
    assert found == [[], {"domain": [["id", "=", 4]], "fields": ["name"], "limit": 1}]


def test_what_is_passing_is_sent_and_stays_out_of_the_digest() -> None:
    first = Message("account.payment.register/action_create_payments", {"context": {}}, passing={"ids": [1]})
    second = Message("account.payment.register/action_create_payments", {"context": {}}, passing={"ids": [2]})
    assert first.digest == second.digest
    assert json.loads(_rendered(first, NEW).body)["ids"] == [1]
    assert _args(second)[5] == [[2]]


def test_a_decimal_that_no_json_number_can_carry_is_refused_before_it_is_sent() -> None:
    exact = say("account.move", "create", vals_list=[{"amount": Decimal("123456789012.34")}])
    assert b"123456789012.34" in _rendered(exact, NEW).body
    with pytest.raises(TypeError):
        _rendered(say("account.move", "create", vals_list=[{"amount": Decimal("0.1234567890123456789")}]), NEW)


def test_a_message_with_a_float_has_no_digest() -> None:
    with pytest.raises(TypeError):
        _ = say("account.move", "create", vals_list=[{"amount": 12.3}]).digest


def test_the_version_is_asked_for_as_each_protocol_tells_it() -> None:
    assert _rendered(Message(VERSION), NEW).url == "https://odoo.example/web/version"
    assert json.loads(_rendered(Message(VERSION), OLD).body)["params"] == {
        "service": "common",
        "method": "version",
        "args": [],
    }


def test_json_rpc_opens_a_session_for_the_users_id_and_json_2_needs_none() -> None:
    dialogue = open_session(OLD)
    call = next(dialogue)
    assert json.loads(_rendered(call.message, OLD).body)["params"]["args"] == ["odoo18", "nostro", "key", {}]  # type: ignore[union-attr]  # an Ask
    assert call.message.target == LOGIN  # type: ignore[union-attr]  # an Ask
    with pytest.raises(StopIteration) as end:
        dialogue.send(Reply(7, OPENED))
    assert end.value.value == {"uid": 7}
    with pytest.raises(StopIteration) as end:
        next(open_session(NEW))
    assert end.value.value == {}


def _rpc_error(name: str) -> HttpReply:
    data = {"name": name, "message": "about Customer 001", "debug": "Traceback"}
    return HttpReply(200, {}, json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": data}}).encode())


@pytest.mark.parametrize(
    "name,status,kind",
    [
        ("odoo.exceptions.AccessDenied", 401, FailureKind.DENIED),
        ("werkzeug.exceptions.Unauthorized", 401, FailureKind.DENIED),
        ("odoo.exceptions.AccessError", 403, FailureKind.UNAUTHORISED),
        ("odoo.exceptions.UserError", 422, FailureKind.CONFLICT),
        ("odoo.exceptions.ValidationError", 422, FailureKind.INVALID),
        ("odoo.exceptions.RedirectWarning", 500, FailureKind.CONFLICT),
        ("odoo.exceptions.MissingError", 404, FailureKind.NOT_FOUND),
        ("odoo.exceptions.LockError", 409, FailureKind.UNAVAILABLE),
        ("builtins.ValueError", 500, FailureKind.INVALID),
        ("builtins.TypeError", 500, FailureKind.INVALID),
        ("psycopg2.errors.SerializationFailure", 500, FailureKind.UNAVAILABLE),
        ("psycopg2.OperationalError", 500, FailureKind.AMBIGUOUS),
        ("builtins.MemoryError", 500, FailureKind.AMBIGUOUS),
    ],
)
def test_refusals_are_classified_by_name_and_an_unknown_name_is_ambiguous(
    name: str, status: int, kind: FailureKind
) -> None:
    body = json.dumps({"name": name, "message": "about Customer 001", "arguments": [], "debug": ""}).encode()
    for reply in (HttpReply(status, {}, body), _rpc_error(name)):
        content, failure, sentence = understand(CREATE, reply)
        assert (content, failure) == (None, kind)
        assert "Customer 001" not in sentence


@pytest.mark.parametrize(
    "status,body,kind",
    [
        (500, b"<html>Internal Server Error</html>", FailureKind.AMBIGUOUS),
        (502, b"<html>", FailureKind.AMBIGUOUS),
        (503, b"", FailureKind.AMBIGUOUS),
        (504, b"", FailureKind.AMBIGUOUS),
        (429, b"<html>", FailureKind.LIMITED),
        (404, b"<!DOCTYPE html> No database is selected", FailureKind.UNAVAILABLE),
        (415, b"<!doctype html>", FailureKind.INVALID),
        (400, b"Invalid JSON data", FailureKind.INVALID),
        (200, b"<html>a proxy's login page</html>", FailureKind.AMBIGUOUS),
        (200, b"", FailureKind.AMBIGUOUS),
        (200, b'{"jsonrpc": "2.0", "error": {"code": 100}}', FailureKind.AMBIGUOUS),
        (200, b"[" * 200_000, FailureKind.AMBIGUOUS),
    ],
)
def test_without_a_name_the_status_counts(status: int, body: bytes, kind: FailureKind) -> None:
    assert understand(CREATE, HttpReply(status, {}, body))[1] is kind


@pytest.mark.parametrize(
    "body,content",
    [
        (b"null", None),
        (b"false", False),
        (b"[22, 23]", [22, 23]),
        (b'{"jsonrpc": "2.0", "id": 1}', None),
        (b'{"jsonrpc": "2.0", "id": 1, "result": null}', None),
        (b'{"jsonrpc": "2.0", "id": 1, "result": [{"id": 1}]}', [{"id": 1}]),
        (b'{"res_id": 4, "name": "Payments"}', {"res_id": 4, "name": "Payments"}),
    ],
)
def test_a_method_that_returns_nothing_has_succeeded(body: bytes, content: object) -> None:
    assert understand(CREATE, HttpReply(200, {}, body)) == (content, None, "")


def test_amounts_lose_the_noise_of_floats_and_nothing_else() -> None:
    content, _, _ = understand(CREATE, HttpReply(200, {}, b"[0.30000000000000004, 1234567.89, 5, 1e2]"))
    assert [money(value, "EUR") for value in content] == [
        Money.of("0.30", "EUR"),
        Money.of("1234567.89", "EUR"),
        Money.of("5.00", "EUR"),
        Money.of("100.00", "EUR"),
    ]
    with pytest.raises(InexactAmountError):
        money(Decimal("0.305"), "EUR")
    assert money(Decimal("500.0"), "JPY") == Money.of(500, "JPY")
