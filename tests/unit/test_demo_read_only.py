import json

import pytest

from nostro.egress.transport import NotSent
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.failures import BrokenPromise
from nostro.runtime.demo.read_only import Guard, only_asks

ODOO = "https://odoo.example.com"


def post(path: str, body: object = None) -> HttpRequest:
    return HttpRequest("POST", f"{ODOO}{path}", {}, json.dumps(body).encode())


def rpc(*args: object, service: str = "object", method: str = "execute_kw") -> HttpRequest:
    return post("/jsonrpc", {"params": {"service": service, "method": method, "args": list(args)}})


class Recorded:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        self.sent.append(f"{request.url} {timeout_seconds}")
        return HttpReply(200, {}, b"[]")


@pytest.mark.parametrize("method", ["search_read", "read", "search_count", "fields_get"])
def test_questions_pass_in_both_protocols(method: str) -> None:
    assert only_asks(post(f"/json/2/account.move/{method}"))
    assert only_asks(post(f"/behind/a/proxy/json/2/account.move/{method}"))
    assert only_asks(rpc("db", 2, "key", "account.move", method, []))
    assert only_asks(rpc("db", "login", "key", {}, service="common", method="authenticate"))


@pytest.mark.parametrize(
    "method", ["create", "write", "unlink", "action_post", "action_create_payments", "reconcile", "load", "name_create"]
)
def test_whatever_writes_or_is_not_known_is_refused_in_both_protocols(method: str) -> None:
    assert not only_asks(post(f"/json/2/account.move/{method}"))
    assert not only_asks(rpc("db", 2, "key", "account.move", method, []))


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", f"{ODOO}/web/hook/0c2b", {}, b""),
        post("/web/hook/search_read"),
        post("/web/session/authenticate"),
        post("/jsonrpc"),
        HttpRequest("POST", f"{ODOO}/jsonrpc", {}, b"no json"),
        rpc("db", 2, "key", "account.move", "search_read", method="execute"),
        rpc("db", 2, "key", "account.move"),
        post("/xmlrpc/2/object"),
        post("/search_read"),
    ],
)
def test_odd_doors_stay_shut(request_: HttpRequest) -> None:
    assert not only_asks(request_)


@pytest.mark.asyncio
async def test_a_refused_call_never_leaves_and_fails_the_whole_run() -> None:
    guard, wire = Guard(), Recorded()
    odoo = guard.over(wire, "odoo")
    await odoo.send(post("/json/2/account.move/search_read"), 5.0)
    guard.hold()
    with pytest.raises(NotSent):
        await odoo.send(post("/json/2/account.move/create"), 5.0)
    assert len(wire.sent) == 1
    assert guard.questions == {"odoo": 1}, "what was held back is no question"
    with pytest.raises(BrokenPromise, match=r"account\.move/create"):
        guard.hold()


@pytest.mark.asyncio
async def test_elsewhere_only_get_passes() -> None:
    guard, wire = Guard(), Recorded()
    psp = guard.over(wire, "stripe")
    await psp.send(HttpRequest("GET", "https://api.example.com/v1/charges", {}, b""), 5.0)
    with pytest.raises(NotSent):
        await psp.send(HttpRequest("POST", "https://api.example.com/v1/refunds", {}, b""), 5.0)
    assert len(wire.sent) == 1
