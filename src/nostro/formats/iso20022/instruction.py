"""Payments as ISO 20022 instructs, passes on, requests, returns or takes back, as `Instruction`."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.formats.iso20022.actors import account_of, agent, bank_account, called, identified, intermediaries, party
from nostro.formats.iso20022.documents import documents, settled
from nostro.formats.iso20022.told import Layers, Table, Told, amount_of
from nostro.formats.reading import Unreadable
from nostro.model.base import unchecked
from nostro.model.messages import Instruction, Mandate, Method, RequestTerms
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import all_told
from nostro.model.statements import Charge, Exchange, References, ReturnInformation, Source

_made, _made_references = unchecked(Instruction), unchecked(References)
MOVED = (
    "IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt", "RvsdIntrBkSttlmAmt", "Amt/InstdAmt", "InstdAmt", "RvsdInstdAmt",
    "RtrdInstdAmt", "OrgnlIntrBkSttlmAmt", "OrgnlInstdAmt", "OrgnlTxRef/IntrBkSttlmAmt", "OrgnlTxRef/Amt/InstdAmt",
    "OrgnlTxRef/InstdAmt", "OrgnlPmtInf/Amt/InstdAmt",
)  # fmt: skip
"""Where the amount stands that is moved, asked for or taken back, in every message."""
_REFERENCES = Table({
    "end_to_end": ("PmtId/EndToEndId", "OrgnlEndToEndId", "EndToEndId", "OrgnlPmtInf/Refs/EndToEndId"),
    "instruction": ("PmtId/InstrId", "OrgnlInstrId", "InstrId", "OrgnlPmtInf/Refs/InstrId"),
    "transaction": ("PmtId/TxId", "OrgnlTxId", "TxId", "OrgnlPmtInf/Refs/TxId"),
    "mandate": ("DrctDbtTx/MndtRltdInf/MndtId", "OrgnlTxRef/MndtRltdInf/DrctDbtMndt/MndtId",
                "OrgnlTxRef/MndtRltdInf/MndtId", "MndtRltdInf/MndtId"),
    "account_servicer": ("AcctSvcrRef",),
    "entry": ("OrgnlNtryId",),
})  # fmt: skip
_OF_GROUP = Table(
    {
        "message": ("OrgnlGrpInf/OrgnlMsgId", "OrgnlMsgId", "OrgnlGrpInfAndCxl/OrgnlMsgId"),
        "payment_information": ("PmtInfId", "OrgnlPmtInfId"),
    }
)
_OTHER_REFERENCES = Table(
    {
        "UETR": ("PmtId/UETR", "OrgnlUETR", "UETR", "OrgnlPmtInf/Refs/UETR"),
        "ClrSysRef": ("PmtId/ClrSysRef", "OrgnlClrSysRef", "ClrSysRef"),
        "RtrId": ("RtrId",),
        "RvslId": ("RvslId",),
        "CxlId": ("CxlId", "GrpCxlId", "PmtCxlId"),
        "StsReqId": ("StsReqId",),
        "RmtId": ("RltdRmtInf/RmtId", "RmtId"),
        "Case": ("Case/Id", "RslvdCase/Id", "OrgnlGrpInfAndCxl/Case/Id"),
    }
)
GROUPS = ("PmtInfId", "OrgnlPmtInfId", "CdtId")
EXECUTION = ("ReqdExctnDt", "ReqdColltnDt", "OrgnlReqdExctnDt", "OrgnlReqdColltnDt", "XpctdValDt",
             "OrgnlTxRef/ReqdExctnDt", "OrgnlTxRef/ReqdColltnDt")  # fmt: skip
SETTLEMENT = ("IntrBkSttlmDt", "OrgnlIntrBkSttlmDt", "OrgnlTxRef/IntrBkSttlmDt")
_OTHERS = Table({
    "settlement_method": ("SttlmInf/SttlmMtd",),
    "clearing_system": ("SttlmInf/ClrSys/Cd", "SttlmInf/ClrSys/Prtry"),
    "expires": ("XpryDt/Dt", "XpryDt/DtTm", "XpryDt"),
    "currency_of_transfer": ("Amt/EqvtAmt/CcyOfTrf",),
    "cheque_type": ("ChqInstr/ChqTp",),
    "cheque_number": ("ChqInstr/ChqNb",),
    "cheque_delivery": ("ChqInstr/DlvryMtd/Cd", "ChqInstr/DlvryMtd/Prtry"),
    "contract": ("XchgRateInf/CtrctId",),
    "rate_type": ("XchgRateInf/RateTp",),
    "compensation": ("CompstnAmt",),
    "compensation_currency": ("CompstnAmt@Ccy",),
    "acceptance": ("AccptncDtTm",),
    "requested_message": ("ReqdMsgNmId",),
    "from_date": ("RptgPrd/FrToDt/FrDt", "FrToDt/FrDt"),
    "to_date": ("RptgPrd/FrToDt/ToDt", "FrToDt/ToDt"),
    "group_cancellation": ("OrgnlGrpInfAndCxl/GrpCxl", "GrpCxl", "PmtInfCxl"),
    "original_name": ("OrgnlGrpInf/OrgnlMsgNmId", "OrgnlGrpInfAndCxl/OrgnlMsgNmId"),
    "original_debtor_account": ("DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlDbtrAcct/Id/IBAN",
                                "DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlDbtrAcct/Id/Othr/Id"),
    "original_debtor_agent": ("DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlDbtrAgt/FinInstnId/BICFI",
                              "DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlDbtrAgt/FinInstnId/BIC",
                              "DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlDbtrAgt/FinInstnId/Othr/Id"),
    "original_creditor_id": ("DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlCdtrSchmeId/Id/PrvtId/Othr/Id",
                             "DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlCdtrSchmeId/Id/OrgId/Othr/Id"),
    "original_creditor_name": ("DrctDbtTx/MndtRltdInf/AmdmntInfDtls/OrgnlCdtrSchmeId/Nm",),
    "original_settlement_date": ("OrgnlIntrBkSttlmDt",),
    "underlying_debtor_account": ("UndrlygCstmrCdtTrf/DbtrAcct/Id/IBAN", "UndrlygCstmrCdtTrf/DbtrAcct/Id/Othr/Id"),
    "underlying_creditor_account": ("UndrlygCstmrCdtTrf/CdtrAcct/Id/IBAN", "UndrlygCstmrCdtTrf/CdtrAcct/Id/Othr/Id"),
})  # fmt: skip
_AGENTS = {"instructing_agent": "InstgAgt", "instructed_agent": "InstdAgt", "previous_agent": "PrvsInstgAgt1",
           "forwarding_agent": "FwdgAgt", "instructing_reimbursement_agent": "SttlmInf/InstgRmbrsmntAgt",
           "instructed_reimbursement_agent": "SttlmInf/InstdRmbrsmntAgt",
           "third_reimbursement_agent": "SttlmInf/ThrdRmbrsmntAgt",
           "underlying_debtor_agent": "UndrlygCstmrCdtTrf/DbtrAgt",
           "underlying_creditor_agent": "UndrlygCstmrCdtTrf/CdtrAgt"}  # fmt: skip
_BANKS = {"debtor_agent": "DbtrAgt", "creditor_agent": "CdtrAgt"}
_METHODS: dict[str, Method] = {
    "TRF": "credit_transfer",
    "TRA": "credit_transfer",
    "CHK": "cheque",
    "DD": "direct_debit",
}
_CODED = {"service_level": "SvcLvl", "local_instrument": "LclInstrm", "category_purpose": "CtgyPurp"}
_TYPES = Table({
    **{
        field: tuple(f"{place}PmtTpInf/{name}/{kind}" for place in ("", "OrgnlTxRef/") for kind in ("Cd", "Prtry"))
        for field, name in _CODED.items()
    },
    "purpose": ("Purp/Cd", "Purp/Prtry", "OrgnlTxRef/Purp/Cd", "OrgnlTxRef/Purp/Prtry"),
    "priority": ("PmtTpInf/InstrPrty", "SttlmPrty", "InstrPrty"),
    "charge_bearer": ("ChrgBr",),
    "group": GROUPS,
})  # fmt: skip
_REASONS = ("RtrRsnInf", "RvslRsnInf", "CxlRsnInf", "CxlRsn", "OrgnlGrpInfAndCxl/CxlRsnInf")


def credit_transfer(layers: Layers, source: Source) -> Instruction:
    """`CdtTrfTxInf` of pain.001, pacs.008 and pacs.009 (with the payment that a cover covers). Raises `Unreadable`."""
    return _instruction(layers, source, _METHODS.get(layers.text("PmtMtd"), "credit_transfer"), amount_needed=True)


def direct_debit(layers: Layers, source: Source) -> Instruction:
    """`DrctDbtTxInf` of pain.008, pacs.003 and pacs.010. Raises `Unreadable`."""
    return _instruction(layers, source, "direct_debit", amount_needed=True)


def payment_request(layers: Layers, source: Source) -> Instruction:
    """`CdtTrfTx` of pain.013: who is asked to pay is the debtor. Raises `Unreadable`."""
    found = _instruction(layers, source, "request_to_pay", amount_needed=True)
    return found.model_copy(update={"request": _request(layers)})


def _request(layers: Layers) -> RequestTerms | None:
    """`XpryDt` and `PmtCond`: until when it may be paid, and how."""
    found = RequestTerms(
        expires_at=layers.instant("XpryDt/DtTm"),
        expires_on=layers.day("XpryDt"),
        amount_changeable=flag(layers.text("PmtCond/AmtModAllwd")),
        early_payment=flag(layers.text("PmtCond/EarlyPmtAllwd")),
        guaranteed=flag(layers.text("PmtCond/GrntedPmtReqd")),
        delay_penalty=layers.text("PmtCond/DelyPnlty"),
        early_discount=layers.soft_amount("PmtCond/ImdtPmtRbt/Amt"),
        early_discount_percentage=layers.number("PmtCond/ImdtPmtRbt/Rate"),
    )
    return found if found != RequestTerms() else None


def payment_return(layers: Layers, source: Source) -> Instruction:
    """`TxInf` of pacs.004 and pacs.007. The debtor is who gives back, where the chain of the return is told."""
    return _instruction(layers, source, "", amount_needed=True)


def referred(layers: Layers, source: Source) -> Instruction:
    """A payment that is asked about, announced or taken back: whatever is told of it."""
    return _instruction(layers, source, "", amount_needed=False)


def _instruction(layers: Layers, source: Source, method: Method, *, amount_needed: bool) -> Instruction:
    read = layers.amount if amount_needed else layers.soft_amount
    told, equivalent = read(*MOVED), read("Amt/EqvtAmt/Amt", "OrgnlPmtInf/Amt/EqvtAmt/Amt")
    if amount_needed and told is None and equivalent is None:
        raise Unreadable("there is no amount")
    structured, lines = settled(layers)
    return _made(
        method=method,
        amount=told,
        equivalent=equivalent,
        original_amount=_original_amount(layers, told),
        references=references(layers, structured),
        execution_date=layers.day(*EXECUTION),
        settlement_date=layers.day(*SETTLEMENT),
        **_sides(layers),
        agents=intermediaries(layers),
        **layers.fields(_TYPES),
        batch_booking=flag(layers.text("BtchBookg")),
        mandate=_mandate(layers),
        remittance=lines,
        documents=documents(layers),
        exchange=_exchange(layers, told),
        charges=charges(layers),
        returned=_returned(layers),
        regulatory=_regulatory(layers),
        instructions=_instructions(layers),
        others=_others(layers),
        source=source,
    )


_RETURNED = ("RtrdIntrBkSttlmAmt", "RvsdIntrBkSttlmAmt", "RtrdInstdAmt", "RvsdInstdAmt")
_ORIGINALS = ("OrgnlIntrBkSttlmAmt", "OrgnlInstdAmt", "OrgnlTxRef/IntrBkSttlmAmt")


def _original_amount(layers: Layers, moved: Amount | None) -> Amount | None:
    """What had been moved, where another amount comes back."""
    found = layers.soft_amount(*_ORIGINALS) if layers.holder(*_RETURNED) else None
    return found if found != moved else None


def references(layers: Layers, structured: str = "") -> References:
    """Who calls the payment what. What a group or message is called, its payments are not: only they may say it."""
    known = all_told({**layers.fields(_OF_GROUP), **layers.own.fields(_REFERENCES), "structured": structured})
    return _made_references(**known, others=all_told(layers.own.fields(_OTHER_REFERENCES)))


_SIDES: Mapping[str, tuple[str, ...]] = {
    "debtor": ("Dbtr", "RtrChain/Dbtr", "OrgnlTxRef/Dbtr", "OrgnlPmtInf/Dbtr"),
    "creditor": ("Cdtr", "RtrChain/Cdtr", "OrgnlTxRef/Cdtr", "OrgnlPmtInf/Cdtr"),
    "ultimate_debtor": ("UltmtDbtr", "RtrChain/UltmtDbtr", "OrgnlTxRef/UltmtDbtr", "UndrlygCstmrCdtTrf/Dbtr"),
    "ultimate_creditor": ("UltmtCdtr", "RtrChain/UltmtCdtr", "OrgnlTxRef/UltmtCdtr", "UndrlygCstmrCdtTrf/Cdtr"),
}
_PREFIXES = ("", "RtrChain/", "OrgnlTxRef/", "OrgnlPmtInf/")


def _sides(layers: Layers) -> dict[str, Party | BankAccount | None]:
    found: dict[str, Party | BankAccount | None] = {name: party(layers, *paths) for name, paths in _SIDES.items()}
    return found | accounts(layers)


def accounts(layers: Layers) -> dict[str, Party | BankAccount | None]:
    """The bank accounts of both sides, by the names of their fields."""
    return {f"{name}_account": _side_account(layers, role) for name, role in (("debtor", "Dbtr"), ("creditor", "Cdtr"))}


def _side_account(layers: Layers, role: str) -> BankAccount | None:
    return next((found for prefix in _PREFIXES if (found := account_of(layers, prefix + role))), None)


def own_account(layers: Layers, source: Source) -> Instruction:
    """`Ntfctn/Itm` of camt.057 and 058: money that is expected on a bank account (`Acct`) of ours."""
    found = _instruction(layers, source, "", amount_needed=False)
    told: dict[str, object] = {"creditor": found.creditor or party(layers, "AcctOwnr"), "amount": layers.amount("Amt")}
    if named := layers.own.text("Id", "OrgnlItmId"):
        others = {**found.references.others, "item": named}
        told["references"] = found.references.model_copy(update={"others": others})
    notice = Layers(layers.told[1:]).text("Id", "OrgnlNtfctnId")
    ours = bank_account(layers, "Acct", "AcctSvcr")
    return found.model_copy(update={**told, "group": notice, "creditor_account": ours})


def asked_account(layers: Layers, source: Source) -> Instruction:
    """`RptgReq` of camt.060: the bank account (as the debtor's) of which a statement or report is asked for."""
    ours = bank_account(layers, "Acct", "AcctSvcr")
    found = _instruction(layers, source, "", amount_needed=False)
    told = {"debtor": party(layers, "AcctOwnr"), "debtor_account": ours, "group": layers.text("Id")}
    return found.model_copy(update=told)


def flag(said: str) -> bool | None:
    """Yes or no, as XML Schema writes it; None for anything else."""
    return {"true": True, "1": True, "false": False, "0": False}.get(said.lower())


_MANDATES = ("DrctDbtTx/MndtRltdInf", "OrgnlTxRef/MndtRltdInf/DrctDbtMndt", "OrgnlTxRef/MndtRltdInf", "MndtRltdInf")
_SCHEMES = tuple(
    f"{place}/Id/{holder}/{path}"
    for place in ("DrctDbtTx/CdtrSchmeId", "CdtrSchmeId", "OrgnlTxRef/CdtrSchmeId")
    for holder in ("PrvtId", "OrgId")
    for path in ("Othr/Id", "OthrId/Id")
)


_MANDATE = Table(
    {
        "mandate_id": tuple(f"{place}/MndtId" for place in _MANDATES),
        "sequence": ("PmtTpInf/SeqTp", "OrgnlTxRef/PmtTpInf/SeqTp"),
        "creditor_id": _SCHEMES,
        "amended_from": tuple(f"{place}/AmdmntInfDtls/OrgnlMndtId" for place in _MANDATES),
    }
)
_SIGNED = tuple(f"{place}/DtOfSgntr" for place in _MANDATES)


def _mandate(layers: Layers) -> Mandate | None:
    told, signed_on = layers.fields(_MANDATE), layers.day(*_SIGNED)
    return Mandate(**told, signed_on=signed_on) if told or signed_on else None


def _exchange(layers: Layers, moved: Amount | None) -> Exchange | None:
    """What was instructed where that is not what is moved, and the rate that was told.

    In one currency the banks on the way kept the difference, or a part of it was paid back.
    """
    instructed = layers.soft_amount("InstdAmt", "RtrdInstdAmt")
    rate = layers.number("XchgRate", "XchgRateInf/XchgRate")
    other = instructed if instructed and moved and instructed != moved else None
    if other is None and rate is None:
        return None
    source = other.currency if other and other.currency != (moved or other).currency else ""
    return Exchange(instructed=other, source_currency=source or layers.text("XchgRateInf/UnitCcy"), rate=rate)


def charges(layers: Layers) -> tuple[Charge, ...]:
    """Charges that banks took along the way (`ChrgsInf`)."""
    blocks = ((path, *block) for path in _CHARGES_AT for block in enumerate(layers.own.blocks(path), start=1))
    found = (_charge(layers, block, Source(where=f"{path}[{n}]")) for path, n, block in blocks)
    return tuple(charge for charge in found if charge)[:_CHARGES]


_CHARGES = 100
_CHARGES_AT = ("ChrgsInf", "Chrgs", "RsltnRltdInf/Chrgs")


def _charge(layers: Layers, block: Told, source: Source) -> Charge | None:
    if not block.holds("Amt"):
        return None
    try:
        return Charge(amount=amount_of(block, "Amt"), bearer=layers.text("ChrgBr"), source=source)
    except Unreadable as unreadable:
        layers.flaws.append(("ChrgsInf/Amt", str(unreadable)))
        return None


def _returned(layers: Layers) -> ReturnInformation | None:
    """Why it comes back or is to come back, with what the original was called."""
    block = next(iter(layers.blocks(*_REASONS)), None)
    if block is None:
        return None
    originator = party(Layers((block,)), "Orgtr", "RtrOrgtr", "CxlOrgtr", "RvslOrgtr")
    return ReturnInformation(
        code=block.text("Rsn/Cd", "RtrRsn/Cd", "CxlRsn/Cd", "Cd"),
        proprietary=block.text("Rsn/Prtry", "RtrRsn/Prtry", "CxlRsn/Prtry", "Prtry"),
        text=" ".join(block.texts(*_SAYINGS)),
        original=references(layers),
        originator=called(originator),
    )


_SAYINGS = ("AddtlInf", "AddtlRtrRsnInf", "AddtlCxlRsnInf")


def _regulatory(layers: Layers) -> tuple[str, ...]:
    """Each report to the authorities: who asks, its codes and amounts, and what is said."""
    return tuple(" ".join(said for said in block.values if said) for block in layers.own.blocks("RgltryRptg"))


_INSTRUCTIONS = ("InstrForCdtrAgt", "InstrForNxtAgt", "InstrForDbtrAgt")


def _instructions(layers: Layers) -> tuple[str, ...]:
    """What banks are asked to do: `CODE text`."""
    return tuple(said for name in _INSTRUCTIONS for block in layers.blocks(name) if (said := _instructed(block)))


def _instructed(block: Told) -> str:
    return " ".join(block.texts("Cd", "InstrInf")) or block.text("")


def _others(layers: Layers) -> dict[str, str]:
    told = layers.fields(_OTHERS)
    told |= {name: said for name, element in _AGENTS.items() if (said := agent(layers, element))}
    return told | _nameless(layers) | _roles(layers)


def _nameless(layers: Layers) -> dict[str, str]:
    """Banks of payer and payee that bear neither BIC nor clearing id: what else they are called."""
    found = {name: agent(layers, element) for name, element in _BANKS.items() if not identified(layers, element)}
    return all_told(found)


def _roles(layers: Layers) -> dict[str, str]:
    """Parties that are told as the original payment had them: in a return, the debtor is then who gets money back."""
    own = layers.own
    original = own.holds("OrgnlTxRef/Dbtr") or own.holds("OrgnlTxRef/Cdtr")
    return {"roles": "original"} if original and not own.holds("RtrChain") else {}
