"""Whether an Odoo is what the landscape says, asked with reads only. A sentence that begins with `note:` is no flaw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nostro.connectors.kit.dialogue import Stopped, answered, asked_once
from nostro.connectors.kit.pins import Identity
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import VERSION, Row, in_company, label, ref, say, search
from nostro.model.calls import Exchange, Message
from nostro.model.entities import LegalEntity
from nostro.model.failures import FailureKind

_WRITTEN = ("account.payment", "account.move", "account.bank.statement.line")


def check(config: OdooConfig, entities: Sequence[LegalEntity]) -> Exchange[Sequence[str]]:
    """Version, pin, companies, journals, clearing accounts and rights; what is wrong, in sentences."""
    shut = yield from _shut(config)
    if shut:
        return [shut]
    flaws = yield from _pin(config)
    try:
        for entity in entities:
            flaws += yield from _entity(entity)
    except Stopped as stop:
        flaws.append(stop.outcome.sentence)
    return flaws


def _shut(config: OdooConfig) -> Exchange[str]:
    """Why nothing else needs to be asked: server, protocol, database or key. Empty when it is open to us."""
    reply = yield from asked_once(Message(VERSION))
    told = reply.content if reply.ok and isinstance(reply.content, dict) else {}
    major = (told.get("version_info") or told.get("server_version_info") or [0])[0]
    if reply.ok and (major < 18 or (major < 19 and config.protocol == "json2")):
        return f"Odoo {major} does not speak {config.protocol}; 18 speaks jsonrpc, 19 and later json2."
    if reply.ok:
        reply = yield from asked_once(search("res.company", [], "name", limit=1))
    if reply.failure is FailureKind.DENIED:
        whose = f" of {config.login}" if config.login else ""
        return f"The API key{whose} is refused: it is wrong, expired or revoked."
    return "" if reply.ok else f"No Odoo with a database {config.database} answers: {reply.sentence}"


def _pin(config: OdooConfig) -> Exchange[list[str]]:
    """A restored or copied Odoo is recognised by its uuid, which only an administrator's key may read."""
    wanted = [["key", "in", ["database.uuid", "database.is_neutralized"]]]
    reply = yield from asked_once(search("ir.config_parameter", wanted, "key value"))
    if not reply.ok:
        return ["note: the key may not read database.uuid, so the connection is unpinned."]
    told = {row["key"]: row["value"] for row in reply.content}
    flaws = ["The database is neutralised: it is a copy."] if told.get("database.is_neutralized") else []
    if config.database_uuid and told.get("database.uuid") != config.database_uuid:
        flaws.append(f"The database is another one: its uuid is {told.get('database.uuid')}.")
    return flaws


def identify(config: OdooConfig) -> Exchange[Identity | None]:
    """Which database this is: three reads. None when one of them can't be answered now; then no other is asked."""
    wanted = [["key", "in", ["database.uuid", "database.is_neutralized"]]]
    told = yield from asked_once(search("ir.config_parameter", wanted, "key value"))
    if told.failure not in (None, FailureKind.UNAUTHORISED):
        return None
    companies = yield from asked_once(search("res.company", [], "id", order="id"))
    if not companies.ok:
        return None
    newest = yield from asked_once(search("account.move", [], "id", order="id desc", limit=1))
    if not newest.ok:
        return None
    parameters = {row["key"]: row["value"] for row in told.content} if told.ok else {}
    return Identity(
        name=str(parameters.get("database.uuid") or ""),
        expected=config.database_uuid,
        copy_of_another=bool(parameters.get("database.is_neutralized")),
        companies=tuple(row["id"] for row in companies.content),
        newest=max((row["id"] for row in newest.content), default=0),
    )


def _entity(entity: LegalEntity) -> Exchange[list[str]]:
    wanted = [["id", "=", entity.odoo_company]]
    asked_for = search("res.company", wanted, "name currency_id", context=in_company(entity.odoo_company))
    reply = yield from asked_once(asked_for)
    if reply.failure not in (None, FailureKind.UNAUTHORISED):
        return [f"{entity.id}: its company could not be read: {reply.sentence}"]
    companies = reply.content if reply.ok else ()  # an administrator sees companies in which he may not work
    if not companies:
        return [f"{entity.id}: the user may not work in company {entity.odoo_company}."]
    flaws = []
    if label(companies[0]["currency_id"]) != entity.currency:
        flaws.append(f"{entity.id}: the company keeps its books in {label(companies[0]['currency_id'])}.")
    flaws += yield from _journals(entity)
    flaws += yield from _clearing(entity)
    flaws += yield from _rights(entity)
    return flaws


def _journals(entity: LegalEntity) -> Exchange[list[str]]:
    banks = {one.odoo_journal: one.currency for one in entity.bank_accounts}
    others = {journal for one in entity.provider_accounts for journal in (one.journal, one.fee_journal)}
    ids = sorted({*banks, *others})
    context = in_company(entity.odoo_company)
    wanted = search("account.journal", [["id", "in", ids]], "type company_id currency_id", context=context)
    rows = yield from _rows(wanted)
    return list(_flaws_of_journals(entity, banks, ids, {row["id"]: row for row in rows}))


def _flaws_of_journals(
    entity: LegalEntity, banks: Mapping[int, str], ids: Sequence[int], rows: Mapping[int, Row]
) -> Iterator[str]:
    for journal in ids:
        row = rows.get(journal)
        if row is None or ref(row["company_id"]) != entity.odoo_company:
            yield f"{entity.id}: its company has no journal {journal}."
        elif journal in banks and row["type"] != "bank":
            yield f"{entity.id}: journal {journal} is of type {row['type']}, not bank."
        elif journal in banks and (label(row["currency_id"]) or entity.currency) != banks[journal]:
            yield f"{entity.id}: journal {journal} is not kept in {banks[journal]}."


def _clearing(entity: LegalEntity) -> Exchange[list[str]]:
    """What the wizard posts to is set at the journal's first payment method line, empty by default."""
    flaws: list[str] = []
    context = in_company(entity.odoo_company)
    for one in entity.provider_accounts:
        inbound = [["journal_id", "=", one.journal], ["payment_type", "=", "inbound"]]
        fields = "payment_account_id payment_type"
        asked_for = search("account.payment.method.line", inbound, fields, context=context, order="sequence, id")
        lines = yield from _rows(asked_for)
        posts_to = ref(lines[0]["payment_account_id"]) if lines else 0
        if posts_to != one.clearing_account:
            flaws.append(
                f"{entity.id}: payments in journal {one.journal} post to account {posts_to or 'none of their own'}, "
                f"not to the clearing account {one.clearing_account}."
            )
        accounts = search("account.account", [["id", "=", one.clearing_account]], "reconcile", context=context)
        rows = yield from _rows(accounts)
        if not rows or not rows[0]["reconcile"]:
            flaws.append(f"{entity.id}: clearing account {one.clearing_account} is missing or can't be reconciled.")
    return flaws


def _rights(entity: LegalEntity) -> Exchange[list[str]]:
    flaws = []
    for model in _WRITTEN:
        context = in_company(entity.odoo_company)
        reply = yield from asked_once(say(model, "has_access", ids=[], operation="create", context=context))
        if not reply.ok:
            return [f"note: {entity.id}: the rights could not be read."]
        if reply.content is not True:
            flaws.append(f"{entity.id}: the user may not create {model} (accounting rights are missing).")
    return flaws


def _rows(message: Message) -> Exchange[list[Row]]:
    rows: list[Row] = yield from answered(message, asked_once)
    return rows
