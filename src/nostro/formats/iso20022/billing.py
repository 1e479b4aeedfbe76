"""Services that a bank bills (camt.086, "Bank Services Billing"): each becomes an `Instruction` with its charge."""

from __future__ import annotations

from nostro.formats.iso20022.actors import bank_account, party
from nostro.formats.iso20022.instruction import referred
from nostro.formats.iso20022.told import Layers, Table
from nostro.model.messages import Instruction
from nostro.model.statements import Source

_AMOUNTS = ("OrgnlChrgPric/Amt", "OrgnlChrgSttlmAmt/Amt", "BalReqrdAcctAmt/Amt")
_OTHERS = Table(
    {
        "service": ("SvcDtl/BkSvc/Id",),
        "service_code": ("SvcDtl/BkSvc/CmonCd/Id", "SvcDtl/BkSvc/SubSvc/Id", "SvcDtl/BkSvc/SvcTp"),
        "volume": ("SvcDtl/Vol",),
        "unit_price": ("Pric/UnitPric/Amt", "Pric/UnitPric"),
        "payment_method": ("PmtMtd",),
        "positive": ("OrgnlChrgPric/Sgn",),
        "tax": ("TaxDsgnt/Cd",),
        "statement": ("StmtId",),
        "statement_status": ("Sts",),
    }
)


def billed_service(layers: Layers, source: Source) -> Instruction:
    """`Svc`: the charge as its amount, without sign (`positive`); who is billed is the debtor."""
    found = referred(layers, source)
    described = layers.text("SvcDtl/BkSvc/Desc")
    billed = {
        "amount": layers.soft_amount(*_AMOUNTS),
        "group": layers.text("StmtId"),
        "debtor": party(layers, "Rcvr"),
        "creditor": party(layers, "Sndr"),
        "debtor_account": bank_account(layers, "AcctChrtcs/CshAcct", "AcctChrtcs/AcctSvcr"),
        "remittance": (described,) if described else (),
    }
    return found.model_copy(update={**billed, "others": {**found.others, **layers.fields(_OTHERS)}})
