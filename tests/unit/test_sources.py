"""Balances, details and charges say where they stand, so that a person can be shown the bytes that they came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from lxml import etree

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.statements import Balance, Charge, Detail, Entry, Source, StatementEnd
from tests.fuzz.run import GOLDEN, ours
from tests.golden.test_formats import declared

CAMT = """<Document><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">none</Amt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="EUR">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<Chrgs><Amt Ccy="EUR">0.10</Amt></Chrgs><Chrgs><Amt Ccy="EUR">0.20</Amt></Chrgs>
<NtryDtls><TxDtls><Amt Ccy="EUR">3.00</Amt></TxDtls></NtryDtls>
<NtryDtls>
<TxDtls><Amt Ccy="EUR">4.00</Amt>
<Chrgs><Rcrd><Tp><Cd>A</Cd></Tp></Rcrd><Rcrd><Amt Ccy="EUR">0.30</Amt></Rcrd></Chrgs></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


def test_an_xpath_leads_to_the_very_element() -> None:
    tree = etree.fromstring(CAMT)
    items = list(read_camt([CAMT.encode()]))
    (entry,) = (item for item in items if isinstance(item, Entry))
    (end,) = (item for item in items if isinstance(item, StatementEnd))
    assert [_amount_at(tree, one.source) for one in end.balances] == ["7.00"]
    assert [_amount_at(tree, one.source, entry) for one in entry.details] == ["3.00", "4.00"]
    assert [one.source.line for one in entry.details if one.source] == [6, 8]
    charges = (*entry.charges, *entry.details[1].charges)
    assert [_amount_at(tree, one.source, entry) for one in charges] == ["0.10", "0.20", "0.30"]


def _amount_at(tree: etree._Element, source: Source | None, entry: Entry | None = None) -> str:
    assert source is not None
    path = f"{entry.source.where}/{source.where}" if entry else source.where
    (found,) = cast("list[etree._Element]", tree.xpath(path))
    return str(found.findtext("Amt"))


LINES = {
    "bai2/statement.bai": ["03", "03"],
    "cfonb120/payee_exchange_and_return.cfonb": ["01", "FEE", "07"],
    "coda/totals_with_details.cod": ["1", "21", "8"],
    "mt/mt940.sta": [":60F:", ":62F:", ":64:"],
    "norma43/statement.n43": ["11", "33"],
    "ofx/statement.ofx": ["<LEDGERBAL>", "<AVAILBAL>"],
    "qif/splits_accounts_and_lists.qif": ["$"],
}


@pytest.mark.parametrize("file", LINES)
def test_a_line_leads_to_the_very_record(file: str) -> None:
    path = GOLDEN / file
    lines = path.read_text(encoding="latin-1").splitlines()
    said = {lines[source.line - 1] for source in _sources(path) if source.line}
    for mark in LINES[file]:
        assert any(mark in line for line in said), (mark, said)


def test_nothing_that_is_read_lacks_its_place() -> None:
    kinds = set[type]()
    for path in ours():
        for one in _objects(path):
            kinds.add(type(one))
            assert one.source is not None, (path, one)
    assert kinds == {Balance, Charge, Detail}


def _sources(path: Path) -> Iterator[Source]:
    yield from (one.source for one in _objects(path) if one.source)


def _objects(path: Path) -> Iterator[Balance | Charge | Detail]:
    with suppress(FormatRefused):  # some of them are refused, for want of a profile
        for document in tell(lambda: iter([path.read_bytes()]), path.name, declared(path)):
            for item in document.items:
                yield from _inside(item)


def _inside(item: Item) -> Iterator[Balance | Charge | Detail]:
    match item:
        case StatementEnd():
            yield from item.balances
        case Entry():
            yield from item.charges
            yield from item.details
            for detail in item.details:
                yield from detail.charges
        case Instruction():
            yield from item.charges
