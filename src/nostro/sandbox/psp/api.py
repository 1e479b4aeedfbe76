"""The HTTP surface: parameters in brackets, pages of a list, expansion, and one function per endpoint.

Source: Stripe API reference, pages "Pagination", "Expanding responses", "Metadata", and list and create of each object.
"""

import copy
import operator
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from nostro.sandbox.psp.errors import Refused, unknown, wrong
from nostro.sandbox.psp.events import EventLog
from nostro.sandbox.psp.ledger import Ledger
from nostro.sandbox.psp.payments import Payments, found
from nostro.sandbox.psp.payouts import Payouts
from nostro.sandbox.psp.shapes import Thing

_PAGING = "limit starting_after expand"
_FILTERS = {
    "payment_intents": "created customer",
    "charges": "created customer payment_intent",
    "refunds": "created charge payment_intent",
    "disputes": "created charge payment_intent",
    "payouts": "created arrival_date status",
    "balance_transactions": "created currency payout source type",
    "events": "created type types",
}
"""What a list can be asked for, per collection."""
_WISHES = {
    "payment_intents": "amount currency metadata description customer receipt_email capture_method confirm"
    " payment_method payment_method_types automatic_payment_methods",
    "refunds": "amount charge payment_intent metadata reason",
}
"""What can be said when something is created, per collection."""
_COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_EDITABLE = "metadata description receipt_email"


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints over one account's objects."""

    payments: Payments
    payouts: Payouts
    ledger: Ledger
    events: EventLog

    def answer(self, method: str, path: str, parameters: Thing, now: datetime) -> Thing:
        """The body of a 200 reply, or `Refused`. The path is without `/v1/`."""
        expand = _listed(parameters.pop("expand", []))
        reply = copy.deepcopy(self._answer(method, path, parameters, now))
        for trail in expand:
            self._expand(reply, trail.split("."), trail)
        return reply

    def _answer(self, method: str, path: str, parameters: Thing, now: datetime) -> Thing:
        if path == "balance" and method == "GET":
            return self._balance()
        collection = next((name for name in _FILTERS if path == name or path.startswith(f"{name}/")), None)
        if collection is None:
            raise Refused(404, f"Unrecognized request URL ({method}: /v1/{path}).")
        ident, _, move = path[len(collection) + 1 :].partition("/")
        match method, bool(ident), move:
            case "GET", False, "":
                return self._page(collection, parameters, now)
            case "GET", True, "":
                return found(self._collection_of(collection, now), collection.rstrip("s"), ident)
            case "POST", False, "" if collection in _WISHES:
                return self._create(collection, _checked(parameters, _WISHES[collection]), now)
            case "POST", True, "":
                return self._edit(collection, ident, _checked(parameters, _EDITABLE), now)
            case "POST", True, "capture" if collection == "payment_intents":
                intent = found(self.payments.intents, "payment_intent", ident)
                return self.payments.capture(intent, _checked(parameters, "amount_to_capture"), now)
            case _:
                raise Refused(404, f"Unrecognized request URL ({method}: /v1/{path}).")

    # Writing

    def _create(self, collection: str, wish: Thing, now: datetime) -> Thing:
        wish = wish | {"metadata": _metadata(wish)}
        if collection == "payment_intents":
            intent = self.payments.intend(_priced(wish), now)
            return self.payments.confirm(intent, wish, now) if wish.get("confirm") == "true" else intent
        if "amount" in wish:
            wish["amount"] = _whole("amount", wish["amount"])
        return self.payments.refund(wish, now)

    def _edit(self, collection: str, ident: str, wish: Thing, now: datetime) -> Thing:
        thing = found(self._collection_of(collection, now), collection.rstrip("s"), ident)
        for key in ("description", "receipt_email"):
            if key in wish and key in thing:
                thing[key] = wish[key] or None
        return self.payments.annotate(thing, _metadata(wish), now) if "metadata" in wish else thing

    # Reading

    def _collection_of(self, collection: str, now: datetime) -> dict[str, Thing]:
        if collection == "balance_transactions":
            return {line["id"]: line for line in self.ledger.lines}
        if collection == "events":
            return {event["id"]: event for event in self.events.kept(now)}
        return self.objects[collection]

    @property
    def objects(self) -> dict[str, dict[str, Thing]]:
        """What can be written, by collection and id."""
        return {
            "payment_intents": self.payments.intents,
            "charges": self.payments.charges,
            "refunds": self.payments.refunds,
            "disputes": self.payments.disputes,
            "payouts": self.payouts.payouts,
        }

    def _page(self, collection: str, parameters: Thing, now: datetime) -> Thing:
        _checked(parameters, f"{_FILTERS[collection]} {_PAGING}")
        limit = _whole("limit", parameters.get("limit", "10"))
        if not 1 <= limit <= 100:
            raise wrong("limit", "This value must be between 1 and 100 (inclusive).")
        wanted = {key: value for key, value in parameters.items() if key not in _PAGING.split()}
        things = [thing for thing in self._collection_of(collection, now).values() if self._fits(thing, wanted)]
        things.sort(key=lambda thing: thing["created"])  # stable: what came later in one second stays later
        things.reverse()
        if (after := parameters.get("starting_after")) is not None:
            places = {thing["id"]: place for place, thing in enumerate(things)}
            if after not in places:
                raise unknown("object", after, "starting_after")
            things = things[places[after] + 1 :]
        more, url = len(things) > limit, f"/v1/{collection}"
        return {"object": "list", "data": things[:limit], "has_more": more, "url": url}

    def _fits(self, thing: Thing, wanted: Thing) -> bool:
        return all(self._meets(thing, key, value) for key, value in wanted.items())

    def _meets(self, thing: Thing, key: str, value: object) -> bool:
        match key:
            case "created" | "arrival_date" if isinstance(value, dict):
                return all(_bounds(thing[key], bound, int(limit)) for bound, limit in value.items())
            case "created" | "arrival_date":
                return bool(thing[key] == int(str(value)))
            case "types" | "type" if thing["object"] == "event":
                return any(_matches(thing["type"], kind) for kind in _listed(value))
            case "payout":
                return self.ledger.paid_out_by.get(thing["id"]) == value
            case _:
                return bool(thing.get(key) == value)

    def _balance(self) -> Thing:
        balances = self.ledger.balances()

        def per_currency(place: str) -> list[Thing]:
            return [
                {"amount": held[place], "currency": currency, "source_types": {"card": held[place]}}
                for currency, held in sorted(balances.items())
            ]

        reserved = {"available": per_currency("reserved"), "pending": []}
        return {
            "object": "balance",
            "available": per_currency("available"),
            "livemode": False,
            "pending": per_currency("pending"),
            "risk_reserved": reserved,
        }

    def _expand(self, thing: object, trail: list[str], whole: str) -> None:
        """Put the object in the place of its id, along a trail such as `data.source.payment_intent`."""
        if isinstance(thing, list):
            for item in thing:
                self._expand(item, trail, whole)
            return
        if not isinstance(thing, dict) or trail[0] not in thing:
            raise Refused(400, f"This property cannot be expanded ({whole}).", param="expand")
        step, rest = trail[0], trail[1:]
        if isinstance(thing[step], str) and (target := self._by_id(thing[step])) is not None:
            thing[step] = copy.deepcopy(target)
        if rest and thing[step] is not None:
            self._expand(thing[step], rest, whole)

    def _by_id(self, ident: str) -> Thing | None:
        if ident.startswith("txn_"):
            return self.ledger.line(ident)
        places = (*self.objects.values(), self.payouts.reserves)
        return next((place[ident] for place in places if ident in place), None)


# Parameters


def parameters_of(encoded: str) -> Thing:
    """`created[gte]=5&types[]=a&types[1]=b&metadata[k]=v` as nested mappings and lists of strings."""
    parameters: Thing = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        first, *deeper = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        if not deeper:
            parameters[first] = value
        elif deeper[0] == "" or deeper[0].isdigit():
            parameters.setdefault(first, []).append(value)
        else:
            inner = parameters.setdefault(first, {})
            if not isinstance(inner, dict):
                raise Refused(400, f"Invalid parameter: {name}", param=first)
            inner[deeper[0]] = value
    return parameters


def _checked(parameters: Thing, known: str) -> Thing:
    strange = next((key for key in parameters if key not in known.split()), None)
    if strange is not None:
        raise Refused(400, f"Received unknown parameter: {strange}", code="parameter_unknown", param=strange)
    return parameters


def _priced(wish: Thing) -> Thing:
    for needed in ("amount", "currency"):
        if needed not in wish:
            raise Refused(400, f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    amount = _whole("amount", wish["amount"])
    if amount < 1:
        raise wrong("amount", "This value must be greater than or equal to 1.")
    if len(wish["currency"]) != 3:
        raise Refused(400, f"Invalid currency: {wish['currency']}.", param="currency")
    return wish | {"amount": amount, "currency": wish["currency"].lower()}


def _metadata(wish: Thing) -> dict[str, str]:
    """At most 50 keys of 40 characters with values of 500 (page "Metadata")."""
    metadata = wish.get("metadata") or {}
    for key, value in metadata.items():
        if len(key) > 40 or len(value) > 500:
            raise Refused(400, f"Metadata {key[:40]}: keys have at most 40 characters, values 500.", param="metadata")
    if len(metadata) > 50:
        raise Refused(400, "You can have up to 50 keys in metadata.", param="metadata")
    return dict(metadata)


def _whole(param: str, value: str | int) -> int:
    try:
        return int(value)
    except ValueError:
        raise wrong(param, f"Invalid integer: {value}") from None


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _bounds(at: int, bound: str, limit: int) -> bool:
    if bound not in _COMPARE:
        raise Refused(400, f"Received unknown parameter: created[{bound}]", code="parameter_unknown")
    return bool(_COMPARE[bound](at, limit))


def _matches(kind: str, wanted: str) -> bool:
    """`charge.*` names a family (page "List all events")."""
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted
