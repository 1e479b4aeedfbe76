"""What a payment settles: remittance lines, creditor references and the documents of `RmtInf`."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.formats.iso20022.told import Layers, Shape, Told, amount_of
from nostro.formats.reading import Unreadable
from nostro.model.money import Amount
from nostro.model.remittance import Adjustment, Document

_PLACES = ("RmtInf", "UndrlygCstmrCdtTrf/RmtInf", "OrgnlTxRef/RmtInf")
_LINES = 1_000
_REFERENCE = ("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef")
_NUMBER = ("Nb", "RfrdDocNb")
_AMOUNTS = {
    "due": ("RfrdDocAmt/DuePyblAmt",),
    "discount": ("RfrdDocAmt/DscntApldAmt/Amt", "RfrdDocAmt/DscntApldAmt"),
    "remitted": ("RfrdDocAmt/RmtdAmt",),
    "credited": ("RfrdDocAmt/CdtNoteAmt",),
    "tax": ("RfrdDocAmt/TaxAmt/Amt", "RfrdDocAmt/TaxAmt"),
}
_SUMMARY_ONLY = Document()


def settled(layers: Layers) -> tuple[str, tuple[str, ...]]:
    """The first creditor reference (ISO 11649, Swiss QR and the like), and what the payer wrote.

    That is free lines, then document numbers, further references and text of structured blocks.
    """
    lines, reference = layers.texts(*_LINES_AT), ""
    for block in _structured(layers):
        lines += [said for document in block.blocks("RfrdDocInf") if (said := document.text(*_NUMBER))]
        reference = reference or block.text(*_REFERENCE)
        lines += [said for said in block.texts(*_REFERENCE) if said != reference]
        lines += block.texts("AddtlRmtInf")
    return reference, tuple(lines[:_LINES])


def plain_lines(shape: Shape) -> Sequence[int] | None:
    """Where the lines stand in pieces that are built so; None where structured blocks say something, too."""
    if any(map(shape.holds, _BLOCKS_AT)):
        return None
    return next((lines for path in _LINES_AT if (lines := shape.every((path,)))), [])[:_LINES]


_LINES_AT = (*(f"{place}/Ustrd" for place in _PLACES), "Ustrd")
_BLOCKS_AT = (*(f"{place}/Strd" for place in _PLACES), "Strd")


def documents(layers: Layers) -> tuple[Document, ...]:
    """The documents of every structured block, with the block's amounts where it names one document."""
    found = [document for block in _structured(layers) for document in _documents(layers, block)]
    return tuple(found[:_LINES])


def _documents(layers: Layers, block: Told) -> list[Document]:
    named = [_document(layers, one) for one in block.blocks("RfrdDocInf")]
    amounts: dict[str, object] = {
        name: said for name, paths in _AMOUNTS.items() if (said := _amount(layers, block, *paths))
    }
    if adjustments := _adjustments(layers, block):
        amounts["adjustments"] = adjustments
    on = Layers((block,), layers.flaws).day("RfrdDocRltdDt")
    if len(named) <= 1 and (amounts or on):
        first = named[0] if named else _SUMMARY_ONLY
        return [first.model_copy(update={**amounts, "on": first.on or on})]
    return named


def _adjustments(layers: Layers, block: Told) -> tuple[Adjustment, ...]:
    """`AdjstmntAmtAndRsn`: what was kept back or added, and why."""
    found = []
    for told in block.blocks("RfrdDocAmt/AdjstmntAmtAndRsn"):
        if amount := _amount(layers, told, "Amt"):
            direction = _DIRECTIONS.get(told.text("CdtDbtInd"), "")
            found.append(
                Adjustment(amount=amount, direction=direction, reason=told.text("Rsn"), text=told.text("AddtlInf"))
            )
    return tuple(found[:_LINES])


_DIRECTIONS = {"CRDT": "credit", "DBIT": "debit"}


def _document(layers: Layers, told: Told) -> Document:
    return Document(
        number=told.text(*_NUMBER),
        type=told.text("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "Tp/Prtry", "RfrdDocTp/Cd", "RfrdDocTp/Prtry"),
        on=Layers((told,), layers.flaws).day("RltdDt"),
    )


def _amount(layers: Layers, block: Told, *paths: str) -> Amount | None:
    path = next((path for path in paths if block.text(path)), "")
    try:
        return amount_of(block, path) if path else None
    except Unreadable as unreadable:
        layers.flaws.append((path, str(unreadable)))
        return None


def _structured(layers: Layers) -> list[Told]:
    return layers.blocks(*_BLOCKS_AT)
