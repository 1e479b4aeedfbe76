"""The rules of a profile, each a function from a payment to what of it would break it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from nostro.formats.profiles.profile import Profile, form_of
from nostro.model.base import Value
from nostro.model.messages import Instruction
from nostro.model.money import NO_CURRENCY, has_digits, plain
from nostro.model.parties import Address, BankAccount, Party, is_mod_97, valid_iban


class Finding(Value):
    """What would break a profile: which payment (from 0), which field, by which rule, and what to do about it."""

    payment: int
    end_to_end: str
    field: str
    rule: str
    sentence: str
    remedy: str


class Broken(NamedTuple):
    """A finding before it is known of which payment. The sentence holds none of the payment's content."""

    field: str
    rule: str
    sentence: str
    remedy: str


Rule = Callable[[Instruction, Profile, date], Iterator[Broken]]
BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
COUNTRY = re.compile(r"[A-Z]{2}")
_RF = re.compile(r"RF\d{2}[A-Z0-9]{1,21}")
_DIGITS = 18
_DIRECT_DEBIT = ("mandate_id", "signed_on", "sequence", "creditor_id")


def amounts(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """An amount above nothing, no finer than its currency, in a currency and of a size that is taken."""
    told = payment.amount or payment.equivalent
    if told is None or told.value <= 0:
        yield Broken("amount", "amount", "The payment has no amount above zero.", "Give it one, or leave it out.")
        return
    if told.currency == NO_CURRENCY:
        yield Broken("amount", "amount.currency", "The amount has no currency.", "Say which one it is in.")
        return
    if told.too_fine:
        remedy = "Make the payable in whole minor units of a currency."
        yield Broken("amount", "amount.digits", f"The amount {told.too_fine}.", remedy)
    if not has_digits(told.value, _DIGITS, _DIGITS):
        yield Broken("amount", "amount.digits", f"The amount has more than {_DIGITS} digits.", "Correct it.")
    if profile.currencies and told.currency not in profile.currencies:
        sentence = f"{told.currency} is not taken, only {', '.join(profile.currencies)}."
        yield Broken("amount", "amount.currency", sentence, "Pay it by another scheme.")
    if profile.largest is not None and told.value > profile.largest:
        sentence = f"The amount is above {plain(profile.largest)}."
        yield Broken("amount", "amount.largest", sentence, "Split the payment, or pay it by another scheme.")


def dates(payment: Instruction, _profile: Profile, _: date) -> Iterator[Broken]:
    """A day on which it is to be executed or collected."""
    if payment.execution_date is None:
        yield Broken("execution_date", "execution_date", "The payment has no execution date.", "Give it one.")


def sides(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """Both sides have a name and a bank account."""
    for field, party, account in _sides(payment):
        if party is None or not party.name.strip():
            yield Broken(f"{field}.name", "name", "There is no name.", "Complete the master data.")
        yield from _numbered(f"{field}_account", account, profile)
        needed = "theirs" if field in _PAYEES[payment.method == "direct_debit"] else "ours"
        if needed in profile.banks_needed and account and not (account.bic or account.clearing_id):
            sentence = "The bank is not named, and the scheme does not find it by the account."
            yield Broken(f"{field}_account.bic", "bank", sentence, "Give its BIC or clearing id.")


def _sides(payment: Instruction) -> tuple[tuple[str, Party | None, BankAccount | None], ...]:
    return (
        ("debtor", payment.debtor, payment.debtor_account),
        ("creditor", payment.creditor, payment.creditor_account),
    )


def _numbered(field: str, account: BankAccount | None, profile: Profile) -> Iterator[Broken]:
    if account is None or not account.identification:
        yield Broken(field, "account", "There is no bank account.", "Complete the master data.")
        return
    if account.iban and not valid_iban(account.identification):
        yield Broken(f"{field}.iban", "iban", "The IBAN's check digits or length are wrong.", "Ask the payee for it.")
    if profile.iban_only and not account.iban:
        yield Broken(f"{field}.iban", "iban.only", "The scheme takes IBANs only.", "Give the IBAN of this account.")
    if account.bic and not BIC.fullmatch(account.bic):
        yield Broken(f"{field}.bic", "bic", "The BIC has not the form of one.", "Correct it, or leave it out.")


def letters(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """Every text is in letters that are taken, replaced where the profile replaces, and no longer than is taken."""
    matches, lengths = profile.text_pattern.fullmatch, profile.lengths
    for field, limit, text in _texts(payment):
        if len(text) <= lengths.get(limit, 0) and matches(text):
            continue
        written = profile.written(text)
        if not profile.text_pattern.fullmatch(written):
            sentence = "The text holds signs that are not taken, and there is nothing to write instead."
            yield Broken(field, "letters", sentence, "Write the name or text in letters that the scheme takes.")
        if len(written) > profile.lengths.get(limit, len(written)):
            sentence = f"The text has {len(written)} signs, {profile.lengths[limit]} are taken."
            yield Broken(field, "length", sentence, "Shorten it.")


def replaced(payment: Instruction, profile: Profile) -> Iterator[Broken]:
    """Texts that would be written in other letters: of a file that is passed on as it is the bank gets these."""
    for field, _, text in _texts(payment):
        if not profile.text_pattern.fullmatch(text) and profile.text_pattern.fullmatch(profile.written(text)):
            sentence = "The text holds signs that are not taken as they stand."
            yield Broken(field, "letters", sentence, "Have the file written anew (nostro convert): it replaces them.")


def identifications(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """Ids are written as they are or not at all: they have to come back unchanged."""
    for field, limit, text in _ids(payment):
        if not profile.id_pattern.fullmatch(text):
            yield Broken(field, "letters", "The id holds signs that are not taken.", "Give it another id.")
        if len(text) > profile.lengths.get(limit, len(text)):
            sentence = f"The id has {len(text)} signs, {profile.lengths[limit]} are taken."
            yield Broken(field, "length", sentence, "Give it a shorter id.")
        if text != text.strip():
            yield Broken(
                field, "blanks", "The id begins or ends with a blank: it would come back without.", "Cut it off."
            )
        if text.startswith("/") or text.endswith("/") or "//" in text:
            sentence = "The id begins or ends with a slash, or holds two: networks would take that for a field's end."
            yield Broken(field, "slashes", sentence, "Give it another id.")


def _ids(payment: Instruction) -> Iterator[tuple[str, str, str]]:
    references = payment.references
    found = {"end_to_end": references.end_to_end, "instruction": references.instruction, "group": payment.group}
    if payment.mandate:
        found |= {"mandate_id": payment.mandate.mandate_id, "creditor_id": payment.mandate.creditor_id}
    yield from ((field, field, text) for field, text in found.items() if text)
    for field, _, account in _sides(payment):
        if account and account.other:
            yield f"{field}_account.other", "other_account", account.other


def _texts(payment: Instruction) -> Iterator[tuple[str, str, str]]:
    for field, party in parties(payment):
        if party:
            yield f"{field}.name", "name", party.name
            yield from address_texts(f"{field}.address", party.address)
    for line in payment.remittance:
        yield "remittance", "remittance", line


def parties(payment: Instruction) -> tuple[tuple[str, Party | None], ...]:
    """Both sides, and whoever stands behind them, by the names of their fields."""
    return (
        ("debtor", payment.debtor), ("creditor", payment.creditor),
        ("ultimate_debtor", payment.ultimate_debtor), ("ultimate_creditor", payment.ultimate_creditor),
    )  # fmt: skip


_ADDRESS = ("street", "building", "postcode", "town", "region")


def address_texts(field: str, address: Address | None) -> Iterator[tuple[str, str, str]]:
    """The texts of an address: each with the name of its field, and of the field that says how long it may be."""
    if address is not None:
        yield from ((f"{field}.{part}", part, said) for part in _ADDRESS if (said := getattr(address, part)))
        yield from ((f"{field}.lines", "address_line", line) for line in address.lines)


def addresses(payment: Instruction, profile: Profile, day: date) -> Iterator[Broken]:
    """Addresses have a form that the scheme takes on the settlement date. Our bank knows ours: we may leave it out."""
    rule = profile.address_rule(day)
    if rule is None:
        return
    for field, party in parties(payment):
        address = party.address if party else None
        form = form_of(address)
        if form == "none" and (field not in _PAYEES[payment.method == "direct_debit"] or "none" in rule.forms):
            continue
        if form not in rule.forms or (form == "hybrid" and not profile.hybrid):
            yield _refused(field, form, profile, day, banks=form in rule.forms)
        elif address is not None:
            yield from _incomplete(field, address, rule.needed if form != "unstructured" else (), rule.lines)


_PAYEES = {False: ("creditor",), True: ("debtor",)}
"""Whose address a scheme asks for: that of the side that isn't ours."""


def _refused(field: str, form: str, profile: Profile, day: date, *, banks: bool) -> Broken:
    """`banks`: the scheme leaves it to its banks whether they take it."""
    taken = "refuses" if form != "none" else "asks for"
    told = "an address" if form == "none" else f"{'an' if form == 'unstructured' else 'a'} {form} address"
    sentence = f"{profile.name} {taken} {told} for settlement on {day}."
    remedy = "Give street, postcode, town and country as fields."
    if banks:
        remedy = f"{remedy} A bank that takes such addresses has a profile of its own (hybrid: true)."
    return Broken(f"{field}.address", f"address.{form}", sentence, remedy)


def _incomplete(field: str, address: Address, needed: Sequence[str], lines: int) -> Iterator[Broken]:
    for part in needed:
        if not getattr(address, part):
            sentence = f"A structured or hybrid address needs the {part}."
            yield Broken(f"{field}.address.{part}", "address.incomplete", sentence, "Complete the master data.")
    if address.country and not COUNTRY.fullmatch(address.country):
        yield Broken(f"{field}.address.country", "country", "The country is no ISO 3166 code.", "Give two letters.")
    if len(address.lines) > lines:
        sentence = f"There are {len(address.lines)} address lines, {lines} are taken."
        yield Broken(f"{field}.address.lines", "address.lines", sentence, "Put parts of it into fields.")


def codes(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """Charge bearer, service level, local instrument and batch booking are ones that are taken."""
    for field, taken in _CODES.items():
        said, known = getattr(payment, field), getattr(profile, taken)
        if said and known and said not in known:
            sentence = f"It is none of {', '.join(known)}."
            yield Broken(field, field, sentence, "Leave it out for the scheme's own, or pay by another scheme.")
    if profile.batch_bookings and payment.batch_booking not in (None, *profile.batch_bookings):
        sentence = f"The bank takes no {'batch' if payment.batch_booking else 'single'} booking."
        yield Broken("batch_booking", "batch_booking", sentence, "Leave it out for the bank's own.")


_CODES = {
    "charge_bearer": "charge_bearers", "service_level": "service_levels", "local_instrument": "local_instruments",
}  # fmt: skip


def remittance(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """Remittance information has a form that is taken, and a creditor reference its check digits."""
    reference, numbers = payment.references.structured, {document.number for document in payment.documents}
    lines = [line for line in payment.remittance if line not in numbers]
    if len(lines) > profile.remittance_lines:
        sentence = f"There are {len(lines)} lines, {profile.remittance_lines} are taken."
        yield Broken("remittance", "remittance.lines", sentence, "Join or shorten them.")
    if profile.remittance_either and lines and (reference or payment.documents):
        sentence = "The scheme takes text or a structured reference, not both."
        yield Broken("remittance", "remittance.either", sentence, "Keep the reference and leave the text out.")
    if reference.startswith("RF") and not (_RF.fullmatch(reference) and is_mod_97(reference)):
        sentence = "The creditor reference's check digits are wrong (ISO 11649)."
        yield Broken("references.structured", "reference", sentence, "Ask the payee for it.")
    if _is_qr(reference) and _check_digit(reference[:-1]) != int(reference[-1]):
        sentence = "The QR reference's check digit is wrong."
        yield Broken("references.structured", "reference", sentence, "Read it from the bill again.")


def _is_qr(reference: str) -> bool:
    """Whether it is written as a QR reference."""
    return len(reference) == _QR_DIGITS and reference.isdecimal()


def qr_references(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """A QR-IBAN is paid with a QR reference, and no other account is (SIX, "Implementation Guidelines QR-bill")."""
    account, reference = payment.creditor_account, payment.references.structured
    if not profile.qr_references or account is None:
        return
    if _is_qr(reference) != bool(_QR_IBAN.fullmatch(account.identification)):
        sentence = "A QR-IBAN needs a QR reference, and no other account takes one."
        yield Broken(
            "references.structured", "reference.qr", sentence, "Take account and reference from the same bill."
        )


_QR_DIGITS = 27
_QR_IBAN = re.compile(r"(?:CH|LI)\d\d3[01]\d{3}[A-Z0-9]{12}")
_CARRY = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)


def _check_digit(digits: str) -> int:
    """Modulus 10, recursive."""
    carry = 0
    for digit in digits:
        carry = _CARRY[(carry + int(digit)) % 10]
    return (10 - carry) % 10


def mandates(payment: Instruction, _profile: Profile, _: date) -> Iterator[Broken]:
    """A direct debit says by which mandate it collects, and how often that was done."""
    if payment.method != "direct_debit":
        return
    for field in _DIRECT_DEBIT:
        if payment.mandate is None or not getattr(payment.mandate, field):
            yield Broken(f"mandate.{field}", "mandate", f"The mandate has no {field}.", "Complete the mandate.")
