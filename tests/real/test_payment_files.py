"""Every message about payments at hand is read whole, says what stands in it, and bears being cut and garbled."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

from lxml import etree

from nostro.formats.catalogue import recognise, tell
from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.message_parts import MessageItem
from nostro.formats.reading import BEGINNING_BYTES, Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Reject

STATEMENTS = frozenset({"camt.052", "camt.053", "camt.054"})
KINDS = {
    "camt.026": "investigation", "camt.028": "investigation", "camt.029": "investigation", "camt.035": "investigation",
    "camt.056": "payment_cancellation", "camt.057": "notice_to_receive", "camt.058": "notice_to_receive",
    "pacs.002": "payment_status", "pacs.003": "interbank_payment", "pacs.004": "payment_return",
    "pacs.008": "interbank_payment", "pacs.009": "interbank_payment", "pacs.010": "interbank_payment",
    "pain.001": "payment_initiation", "pain.002": "payment_status", "pain.008": "payment_initiation",
    "pain.013": "payment_initiation", "pain.014": "payment_status", "remt.001": "remittance_advice",
}  # fmt: skip
PAYMENTS = ("CdtTrfTxInf", "DrctDbtTxInf", "CdtTrfTx", "TxInf", "TxInfAndSts", "Itm", "OrgnlItm", "IntrBk", "OrigRefs")
MISCOUNTED = {
    "pacs.008.001.07.xml": {"CtrlSum", "TtlIntrBkSttlmAmt"},
    "pacs.009.001.07.xml": {"CtrlSum", "TtlIntrBkSttlmAmt"},
    "pain.001.001.03.xml": {"NbOfTxs", "CtrlSum"},
    "pain.001.001.04.xml": {"NbOfTxs"},
    "pain.001.001.05.xml": {"NbOfTxs", "CtrlSum"},
    "pain.001.001.06.xml": {"NbOfTxs", "CtrlSum"},
    "pain.001.001.07.xml": {"NbOfTxs", "CtrlSum"},
    "pain.001.001.08.xml": {"NbOfTxs", "CtrlSum"},
    "pain.001.001.09.xml": {"NbOfTxs"},
}
"""Samples whose headers were not brought up to date with the payments in them: theirs are wrong, ours are counted."""


def files(shared: Path) -> Iterator[tuple[str, Path]]:
    for folder in sorted((shared / "data" / "bank" / "iso20022").iterdir()):
        if folder.name not in STATEMENTS | {"xsd"}:
            for path in sorted(folder.rglob("*.xml")):
                yield folder.name, path


def read(path: Path) -> list[MessageItem]:
    return list(read_messages([path.read_bytes()]))


def names(path: Path) -> Counter[str]:
    """How often each element name is met, by a walk that knows nothing of messages."""
    return Counter(
        element.tag.rpartition("}")[2] for element in etree.parse(path).iter() if isinstance(element.tag, str)
    )


def test_every_file_is_read_whole(shared: Path) -> None:
    found = list(files(shared))
    assert len(found) == 104
    for folder, path in found:
        head, *inside, end = read(path)
        assert isinstance(head, MessageHead), path
        assert isinstance(end, MessageEnd), path
        assert (head.kind, head.format[:8]) == (KINDS[folder], folder), path
        assert head.message_id, path
        assert head.created_at, path
        assert not [item for item in inside if isinstance(item, Reject)], path
        for told in (item for item in inside if isinstance(item, Instruction)):
            assert Instruction.model_validate(told.model_dump()) == told, path
        there = names(path)
        payments = [one for one in inside if isinstance(one, Instruction) or getattr(one, "level", "") == "transaction"]
        assert len(payments) == max((there[name] for name in PAYMENTS if there[name]), default=len(payments)), path


def test_amounts_are_those_that_stand_in_the_file(shared: Path) -> None:
    for folder, path in files(shared):
        amounts = {
            (Decimal(str(element.text)), element.get("Ccy"))
            for element in etree.parse(path).iter("{*}*")
            if element.get("Ccy")
        }
        for item in read(path):
            if isinstance(item, Instruction):
                told = item.amount or item.equivalent
                if folder not in ("camt.035", "camt.028"):
                    assert told, path
                assert told is None or (told.value, told.currency) in amounts, path


def test_every_payment_of_an_initiation_names_both_sides_and_itself_unless_it_says_that_it_does_not(
    shared: Path,
) -> None:
    for folder, path in files(shared):
        unnamed = re.search(rb"EndToEndId>\s*(?:NOT ?PROVIDED|NON ?REF|/)\s*<", path.read_bytes(), re.IGNORECASE)
        for item in read(path):
            if isinstance(item, Instruction) and folder in ("pain.001", "pain.008", "pain.013", "pacs.008"):
                assert item.debtor, path
                assert item.creditor or item.creditor_account, path
                assert item.references.end_to_end or unnamed, path


def test_headers_that_count_wrongly_are_told_and_no_others(shared: Path) -> None:
    for _, path in files(shared):
        (end,) = [item for item in read(path) if isinstance(item, MessageEnd)]
        failed = {check.name for check in end.checks if not check.ok}
        assert failed <= MISCOUNTED.get(path.name, set()), path


def test_statuses_are_told_at_their_levels(shared: Path) -> None:
    told = {
        path.name: [(one.level, one.status) for one in read(path) if isinstance(one, PaymentStatus)]
        for folder, path in files(shared)
        if folder == "pain.002"
    }
    assert told["test-pain-parse-0020110-01.xml"] == [("message", "RVMC"), ("group", "RVMC"), ("transaction", "RVNM")]
    rejected = [("message", "ACTC"), ("group", "RJCT"), *[("transaction", "RJCT")] * 3]
    assert told["pain_002_transaction_rejected.xml"] == rejected
    assert told["pain002-epo_p_0_0_0_2018031510491259.xml"] == [("message", "ACTC")]


def test_each_file_is_recognised_by_content_and_no_file_of_another_family_is(shared: Path) -> None:
    ours = {path for _, path in files(shared)}
    for path in sorted((shared / "data").glob("[be]*/**/*")):
        if not path.is_file() or "xsd" in path.parts or path.suffix == ".zip":
            continue
        found = recognise(Beginning(path.read_bytes()[:BEGINNING_BYTES]))
        assert (found is not None and found.name.startswith("iso20022")) == (path in ours), path


def test_cut_and_garbled_files_end_in_time_and_lose_nothing_silently(shared: Path) -> None:
    chance = random.Random(4)  # noqa: S311 - a seed, so that a failure can be repeated
    for _, path in files(shared):
        whole = path.read_bytes()
        payments = sum(isinstance(item, Instruction | PaymentStatus) for item in read(path))
        for broken in garbled(whole, chance):
            try:
                items = [item for told in tell(partial(iter, [broken])) for item in told.items]
            except FormatRefused:
                continue
            if whole.startswith(broken) and items and not any(isinstance(item, MessageEnd) for item in items):
                assert any(isinstance(item, Reject) for item in items), path
            assert sum(isinstance(item, Instruction | PaymentStatus) for item in items) <= payments * 2 + 2, path


def garbled(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    """The bytes cut, with one byte changed, with a piece doubled, and with a piece moved."""
    for _ in range(3):
        at, to = sorted((chance.randrange(len(whole)), chance.randrange(len(whole))))
        yield whole[:at]
        yield whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :]
        yield whole[:to] + whole[at:]
        yield whole[to:] + whole[:at]
        yield whole[:at] + whole[to:]
