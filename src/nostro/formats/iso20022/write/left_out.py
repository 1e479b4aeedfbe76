"""What a payment says that its message can't carry: whoever converts says it aloud."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.model.messages import Instruction

_BOTH = frozenset({
    "method", "amount", "group", "references", "execution_date", "debtor", "debtor_account", "ultimate_debtor",
    "creditor", "creditor_account", "ultimate_creditor", "charge_bearer", "service_level", "local_instrument",
    "category_purpose", "purpose", "priority", "batch_booking", "remittance", "documents", "source",
})  # fmt: skip
_CARRIED: Mapping[str, frozenset[str]] = {
    "pain.001": _BOTH | {"equivalent", "agents", "exchange", "instructions", "others"},
    "pain.008": _BOTH | {"mandate", "others"},
}
_OTHERS: Mapping[str, frozenset[str]] = {
    "pain.001": frozenset({"currency_of_transfer", "cheque_type", "cheque_number", "contract", "rate_type"}),
    "pain.008": frozenset({
        "original_debtor_account", "original_debtor_agent", "original_creditor_id", "original_creditor_name",
    }),
}  # fmt: skip
_REFERENCES = frozenset({"end_to_end", "instruction", "structured", "payment_information", "mandate", "others"})


def left_out(payment: Instruction, message: str) -> tuple[str, ...]:
    """The fields that say something and are not written into a `pain.001` or `pain.008`, in the model's order."""
    told = [name for name, empty in _empty(payment).items() if getattr(payment, name) != empty]
    fields = [name for name in told if name not in _CARRIED[message]]
    references = payment.references
    fields += [f"references.{name}" for name, said in references if said and name not in _REFERENCES]
    fields += [f"references.others.{name}" for name in references.others if name != "UETR"]
    fields += [f"others.{name}" for name in payment.others if name not in _OTHERS[message]]
    return tuple(fields)


def _empty(payment: Instruction) -> dict[str, object]:
    return {name: field.get_default() for name, field in type(payment).model_fields.items()}
