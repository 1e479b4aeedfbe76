"""The stand-in Odoo answers, refuses and hints as the real ones of 18.0 and 19.0 that it was compared with."""

import json
from datetime import timedelta
from typing import Any

import pytest

from nostro.sandbox.wire import WireRequest
from tests.odoo_house import House, Json, Refused


@pytest.fixture(params=[18, 19])
def house(request: pytest.FixtureRequest) -> House:
    return House(request.param)


# Reading


def test_empty_is_false_references_are_pairs_and_amounts_are_floats(house: House) -> None:
    fields = ["ref", "partner_id", "amount_total", "reversed_entry_id"]
    invoice = house.call("account.move", "read", [house.invoice()], fields=fields)[0]
    invoice.pop("id")
    assert invoice == {
        "ref": False,
        "partner_id": [house.partner, "Customer 001"],
        "amount_total": 100.0,
        "reversed_entry_id": False,
    }


@pytest.mark.parametrize(
    "domain,found",
    [
        (["|", ["memo", "=", "a"], ["memo", "=", "b"], ["amount", ">", 1]], 1),
        (["!", ["memo", "=", "a"]], 2),
        ([["memo", "ilike", "A"]], 1),
        ([["memo", "like", "A"]], 0),
        ([["memo", "not in", ["a"]]], 2),
        ([["memo", "=", False]], 1),
        ([["partner_id", "=", "Customer 001"]], 3),
        ([["move_id.ref", "=", "b"]], 1),
        ([["reconciled_invoice_ids", "in", [1]]], {18: 3, 19: 1}),
    ],
)
def test_domains_find_what_odoo_finds(house: House, domain: list[Any], found: Json) -> None:
    house.pay(house.invoice(), communication="b")
    for memo, amount in (("a", 1), (False, 2)):
        vals = {
            "journal_id": house.chart["journals"]["PSP"],
            "memo": memo,
            "amount": amount,
            "partner_id": house.partner,
        }
        house.call("account.payment", "create", vals_list=[vals])
    assert len(house.find("account.payment", *domain)) == (found[house.version] if isinstance(found, dict) else found)


def test_pages_are_ordered_and_companies_kept_apart(house: House) -> None:
    made = [house.invoice() for _ in range(5)]
    house.act("invoice", company="CH", partner=house.partner, amount="1")
    page = house.call("account.move", "search", domain=[], order="write_date desc, id desc", limit=2, offset=1)
    assert page == [made[3], made[2]]
    assert house.call("account.move", "search_count", domain=[], context={}) == 6


def test_a_swiss_invoice_has_no_payment_reference(house: House) -> None:
    swiss = house.act("invoice", company="CH", partner=house.partner, amount="1")
    assert (swiss["payment_reference"], house.move(house.invoice())["payment_reference"]) == (False, "INV/2026/00001")


# Refusals


@pytest.mark.parametrize(
    "case",
    [
        ("account.move", "_post", [1], {}, "AccessError", 403),
        ("account.nope", "read", [1], {}, {18: "UserError", 19: "NotFound"}, 404),
        ("account.move", "nope", [1], {}, {18: "AttributeError", 19: "NotFound"}, 404),
        ("account.move", "search", None, {"domain": [["nope", "=", 1]]}, "ValueError", 500),
        ("account.move", "read", [1], {"fields": ["nope"]}, "ValueError", 500),
        ("account.move", "create", None, {"vals_list": [{"move_type": "zz"}]}, "ValueError", 500),
        ("account.move", "search", None, {"domain": [], "context": {"allowed_company_ids": [9]}}, "AccessError", 403),
        ("account.move", "write", [999], {"vals": {"ref": "x"}}, "MissingError", 404),
        ("account.move", "write", [1], {}, {18: "TypeError", 19: "UnprocessableEntity"}, 422),
        ("account.move", "action_post", [1], {}, "UserError", 422),
        ("account.move", "write", [1], {"vals": {"partner_id": 1}}, "UserError", 422),
        ("account.move", "unlink", [1], {}, "UserError", 422),
        ("account.payment", "create", None, {"vals_list": [{"journal_id": 4, "amount": -1}]}, "ValidationError", 422),
        ("res.partner", "create", None, {"vals_list": [{"name": "x"}]}, "AccessError", 403),
        ("ir.config_parameter", "get_param", None, {"key": "database.uuid"}, "AccessError", 403),
    ],
)
def test_each_refusal_has_its_name_and_its_status(house: House, case: tuple[Json, ...]) -> None:
    model, method, ids, named, name, status = case
    house.invoice()
    with pytest.raises(Refused) as refused:
        house.call(model, method, ids, **named)
    assert refused.value.name == (name[house.version] if isinstance(name, dict) else name)
    assert refused.value.status == (200 if house.version == 18 else status)


def test_an_administrator_is_no_accountant_but_may_read_the_databases_uuid(house: House) -> None:
    house.key = "key-admin"
    assert house.call("ir.config_parameter", "get_param", None, key="database.uuid").startswith("00000000-")
    with pytest.raises(Refused, match="not allowed"):
        house.statement_line(1)


def test_an_administrator_sees_companies_in_which_he_may_not_work(house: House) -> None:
    house.act("hide_company", login="admin", company="CH")
    house.key, swiss = "key-admin", house.books.landscape()["CH"]["company"]
    found: Json = {"domain": [["id", "=", swiss]], "fields": ["name"]}
    assert house.call("res.company", "search_read", **found)[0]["name"] == "CH"
    with pytest.raises(Refused, match="invalid companies"):
        house.call("res.company", "search_read", **found, context={"allowed_company_ids": [swiss]})


def test_a_revoked_key_is_refused_on_19_and_by_18_only_where_it_was_not_in_use(house: House) -> None:
    """JSON-RPC keeps what it accepted (the check is cached) until Odoo is restarted; logging in is refused at once."""
    house.call("account.move", "search", domain=[])
    for login in ("nostro", "admin"):
        house.act("revoke_key", login=login)
    if house.version == 18:
        assert house.call("account.move", "search", domain=[]) == []
        assert house.rpc("nostro", "key-nostro", {}, service="common", method="authenticate") is False
        house.key = "key-admin"
    with pytest.raises(Refused) as refused:
        house.call("account.move", "search", domain=[])
    assert refused.value.name == ("AccessDenied" if house.version == 18 else "Unauthorized")


def test_one_bad_row_leaves_none_of_a_batch(house: House) -> None:
    journal = house.chart["journals"]["BNK1"]
    rows = [{"journal_id": journal, "date": date, "amount": 1} for date in ("2026-11-20", "2026-13-20")]
    with pytest.raises(Refused):
        house.call("account.bank.statement.line", "create", vals_list=rows)
    assert house.books.books()["statement_lines"] == house.books.books()["moves"] == []
    assert house.statement_line(1)["id"] == 2, "an id stays used up"


def test_json_rpc_is_200_whatever_happened_and_wants_new_values_by_position() -> None:
    house = House(18)
    assert house.rpc("nostro", "key-nostro", {}, service="common", method="authenticate") == 3
    assert house.rpc("nostro", "wrong", {}, service="common", method="authenticate") is False
    for secret, name in (("wrong", "AccessDenied"), ("key-nostro", "IndexError")):
        with pytest.raises(Refused) as refused:
            house.rpc(3, secret, "account.move", "create", [], {"vals_list": []})
        assert (refused.value.status, refused.value.name) == (200, name)
    assert house.send("/jsonrpc", b"{bad").status == 400
    assert [house.send(path, b"", "GET").status for path in ("/web/version", "/json/version")] == [404, 303]


def test_json_rpc_leaves_the_result_out_when_there_is_none() -> None:
    house = House(18)
    vals = {"journal_id": house.chart["journals"]["PSP"], "amount": 1, "partner_id": house.partner}
    made = house.call("account.payment", "create", vals_list=[vals])
    args = ["odoo", 3, "key-nostro", "account.payment", "action_post", [made]]
    params = {"service": "object", "method": "execute_kw", "args": args}
    assert json.loads(house.send("/jsonrpc", {"id": 7, "params": params}).body) == {"jsonrpc": "2.0", "id": 7}


def test_json_2_is_strict_about_its_form() -> None:
    house = House(19)
    path = "/json/2/account.move/search"
    assert json.loads(house.send("/web/version", b"", "GET").body)["version"] == "19.0"
    answers = [
        house.send(path, b'{"domain":[]}', authorization="bearer wrong"),
        house.send(path, b'{"domain":[]}', x_odoo_database="other"),
        house.send(path, b'{"domain":[]}', content_type="text/plain"),
        house.send(path, b"{bad"),
        house.send(path, b"[]"),
        house.send(path, {"domain": [], "ids": [1]}),
        house.send(path, b"", "GET"),
        house.send("/json/2/account.move/search_read", {"domain": [], "nope": 1}),
    ]
    assert [answer.status for answer in answers] == [401, 404, 415, 400, 422, 422, 404, 500]
    assert answers[0].headers["www-authenticate"] == "Bearer "
    assert House(18).send(path, b'{"domain":[]}').status == 404


# The world


def test_webhooks_are_hints_doubled_unsigned_and_on_18_sent_for_what_was_rolled_back() -> None:
    for version, hints in ((18, 1), (19, 0)):
        house = House(version, webhook_url="http://door/odoo")
        invoice = house.invoice()
        later = house.now + timedelta(seconds=9)
        told = [json.loads(hint.body) for hint in house.books.take_deliveries(later)]
        assert [(hint["_model"], hint["_id"]) for hint in told] == [("account.move", invoice)] * 2
        draft = house.invoice(post=False)
        house.books.take_deliveries(later)
        house.now += timedelta(seconds=1)
        with pytest.raises(Refused):
            house.call("account.move", "action_post", [draft, invoice])
        assert len(house.books.take_deliveries(later)) == hints


def test_the_same_requests_and_acts_give_the_same_books(house: House) -> None:
    other = House(house.version)
    for one in (house, other):
        one.pay(one.invoice(), amount=40)
        one.statement_line(5)
    assert house.books.books() == other.books.books()


def test_only_requests_that_write_are_kept_for_the_journal() -> None:
    books = House(19).books
    for method, writes in (("create", True), ("action_post", True), ("search_read", False), ("nope", False)):
        assert books.changes_books(WireRequest("POST", f"/json/2/account.move/{method}")) is writes
