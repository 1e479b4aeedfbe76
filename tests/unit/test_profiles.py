"""What banks and schemes take: each rule, addresses by settlement date, and the letters that are written instead."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.profiles import PROFILES, Finding, ProfileRefused, check, profile, refuse
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party, valid_iban
from nostro.model.remittance import Adjustment, Document
from nostro.model.statements import Exchange, References, Source

DAY = date(2026, 11, 30)
STRUCTURED = Address(street="Rue", building="4", postcode="75001", town="Paris", country="FR")
HYBRID = Address(town="Paris", country="FR", lines=("Rue 4",))
LINES = Address(country="FR", lines=("Rue 4", "75001 Paris"))


def payment(**changes: object) -> Instruction:
    told = Instruction(
        amount=Amount(value=Decimal("12.34"), currency="EUR"),
        references=References(end_to_end="E-1"),
        execution_date=DAY,
        debtor=Party(name="House"),
        debtor_account=BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX"),
        creditor=Party(name="Supplier 017", address=STRUCTURED),
        creditor_account=BankAccount(iban="FR1420041010050500013M02606", bic="BNPAFRPPXXX"),
        remittance=("INV/2026/00012",),
        source=Source(where=""),
    )
    return told.model_copy(update=changes)


def supplier(address: Address | None = STRUCTURED, name: str = "Supplier 017") -> Instruction:
    return payment(creditor=Party(name=name, address=address))


def found(told: Instruction, name: str = "sepa", day: date | None = None) -> list[str]:
    return [f"{one.field}: {one.rule}" for one in check([told], profile(name), day)]


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_that_comes_with_the_house_can_be_read_and_takes_a_plain_payment(name: str) -> None:
    assert profile(name).name == name
    assert found(payment(), name) == []


def test_a_profile_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(FormatRefused, match="sepa"):
        profile("other")


@pytest.mark.parametrize(
    "name, last_day, first_day", [
        ("sepa", date(2026, 11, 14), date(2026, 11, 15)),
        ("dk", date(2026, 11, 14), date(2026, 11, 15)),
        ("cbpr", date(2026, 11, 13), date(2026, 11, 14)),
        ("sps", date(2026, 11, 13), date(2026, 11, 14)),
    ],
)  # fmt: skip
def test_lines_without_fields_are_refused_from_the_schemes_day_on(name: str, last_day: date, first_day: date) -> None:
    assert found(supplier(LINES), name, last_day) == []
    assert found(supplier(LINES), name, first_day) == ["creditor.address: address.unstructured"]
    assert found(supplier(STRUCTURED), name, first_day) == []


def test_fields_with_lines_are_taken_only_where_the_bank_takes_them() -> None:
    assert found(supplier(HYBRID), "sepa") == ["creditor.address: address.hybrid"]
    assert found(supplier(HYBRID), "dk") == []
    theirs = profile("cbpr").model_copy(update={"hybrid": True})
    assert check([supplier(HYBRID)], theirs) == []
    [refused] = check([supplier(HYBRID)], profile("sepa"))
    [lines] = check([supplier(LINES)], profile("sepa"), date(2026, 11, 30))
    assert ["hybrid: true" in one.remedy for one in (refused, lines)] == [True, False]


def test_fields_without_town_or_country_are_no_address() -> None:
    assert found(supplier(Address(street="Rue", country="FR"))) == ["creditor.address.town: address.incomplete"]
    assert found(supplier(Address(town="Paris"))) == ["creditor.address.country: address.incomplete"]


def test_payees_across_borders_need_an_address_and_we_ourselves_need_none() -> None:
    assert found(supplier(None), "sepa") == []
    assert found(supplier(None), "cbpr") == ["creditor.address: address.none"]


def test_banks_are_named_where_the_scheme_does_not_find_them_by_the_account() -> None:
    unnamed = BankAccount(iban="FR1420041010050500013M02606")
    told = payment(debtor_account=unnamed, creditor_account=unnamed)
    assert found(told, "sepa") == []
    assert found(told, "sps") == ["debtor_account.bic: bank"]
    assert found(told, "cbpr") == ["debtor_account.bic: bank", "creditor_account.bic: bank"]


def test_a_later_day_gives_the_worklist_of_payees_that_would_fail() -> None:
    payees = [supplier(STRUCTURED), supplier(LINES), supplier(HYBRID)]
    assert [one.payment for one in check(payees, profile("dk"), date(2026, 11, 1))] == []
    (late,) = check(payees, profile("dk"), date(2027, 1, 4))
    assert late == Finding(
        payment=1, end_to_end="E-1", field="creditor.address", rule="address.unstructured",
        sentence="dk refuses an unstructured address for settlement on 2027-01-04.",
        remedy="Give street, postcode, town and country as fields.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes, expected", [
        ({"amount": None}, "amount: amount"),
        ({"amount": Amount(value=Decimal(0), currency="EUR")}, "amount: amount"),
        ({"amount": Amount(value=Decimal("1.005"), currency="EUR")}, "amount: amount.digits"),
        ({"amount": Amount(value=Decimal("1.00"), currency="USD")}, "amount: amount.currency"),
        ({"amount": Amount(value=Decimal("1000000000.00"), currency="EUR")}, "amount: amount.largest"),
        ({"execution_date": None}, "execution_date: execution_date"),
        ({"debtor": None}, "debtor.name: name"),
        ({"creditor_account": None}, "creditor_account: account"),
        ({"creditor_account": BankAccount(other="77")}, "creditor_account.iban: iban.only"),
        ({"creditor_account": BankAccount(iban="FR1420041010050500013M02607")}, "creditor_account.iban: iban"),
        ({"creditor_account": BankAccount(iban="DE89370400440532013000", bic="X")}, "creditor_account.bic: bic"),
        ({"creditor": Party(name="S" * 71)}, "creditor.name: length"),
        ({"creditor": Party(name="株式会社")}, "creditor.name: letters"),
        ({"references": References(end_to_end="E" * 36)}, "end_to_end: length"),
        ({"references": References(end_to_end="Ä-1")}, "end_to_end: letters"),
        ({"references": References(end_to_end="/E")}, "end_to_end: slashes"),
        ({"references": References(end_to_end="A//B")}, "end_to_end: slashes"),
        ({"charge_bearer": "DEBT"}, "charge_bearer: charge_bearer"),
        ({"service_level": "URGP"}, "service_level: service_level"),
        ({"remittance": ("a", "b")}, "remittance: remittance.lines"),
        ({"remittance": ("R" * 141,)}, "remittance: length"),
        ({"documents": (Document(number="INV/1"),), "remittance": ()}, "documents: place"),
        ({"equivalent": Amount(value=Decimal("1.00"), currency="EUR")}, "equivalent: place"),
        ({"exchange": Exchange(rate=Decimal("1.1"))}, "exchange: place"),
        ({"purpose": "own purpose"}, "purpose: place"),
        ({"category_purpose": "own purpose"}, "category_purpose: place"),
        ({"instructions": ("HOLD",)}, "instructions: place"),
        ({"agents": (BankAccount(bic="COBADEFFXXX"),)}, "agents: place"),
        ({"references": References(structured="RF18539007547034")}, "remittance: remittance.either"),
        ({"references": References(structured="RF19539"), "remittance": ()}, "references.structured: reference"),
    ],
)  # fmt: skip
def test_each_rule_names_the_field_that_breaks_it(changes: dict[str, object], expected: str) -> None:
    assert found(payment(**changes)) == [expected]


@pytest.mark.parametrize(
    "iban, reference, expected", [
        ("CH4431999123000889012", "210000000003139471430009017", []),
        ("CH4431999123000889012", "210000000003139471430009018", ["references.structured: reference"]),
        ("CH4431999123000889012", "", ["references.structured: reference.qr"]),
        ("CH9300762011623852957", "210000000003139471430009017", ["references.structured: reference.qr"]),
        ("CH9300762011623852957", "", []),
    ],
)  # fmt: skip
def test_a_qr_iban_is_paid_with_a_qr_reference_and_no_other_account_is(
    iban: str, reference: str, expected: list[str]
) -> None:
    told = payment(
        creditor_account=BankAccount(iban=iban),
        references=References(end_to_end="E-1", structured=reference),
        remittance=(),
    )
    assert found(told, "sps") == expected


def test_a_collection_needs_its_mandate_whole() -> None:
    mandate = Mandate(mandate_id="MA-1", sequence="RCUR", creditor_id="DE98ZZZ09999999999")
    assert found(payment(method="direct_debit", mandate=mandate, local_instrument="B2B")) == [
        "mandate.signed_on: mandate"
    ]
    assert len(found(payment(method="direct_debit", local_instrument="CORE"))) == 4


MANDATE = Mandate(mandate_id="MA-1", signed_on=DAY, sequence="RCUR", creditor_id="DE98ZZZ09999999999")


@pytest.mark.parametrize(
    "changes, field", [
        ({"local_instrument": ""}, "local_instrument"),
        ({"local_instrument": "INST"}, "local_instrument"),
        ({"mandate": MANDATE.model_copy(update={"sequence": "RPRE"})}, "mandate.sequence"),
        ({"mandate": MANDATE.model_copy(update={"creditor_id": "ZZZ09999999999"})}, "mandate.creditor_id"),
        ({"others": {"original_debtor_agent": "Bank 005"}}, "others.original_debtor_agent"),
        ({"others": {"original_debtor_account": "DE1"}}, "others.original_debtor_account"),
    ],
)  # fmt: skip
def test_the_rulebook_of_collections_holds(changes: dict[str, object], field: str) -> None:
    told = payment(method="direct_debit", local_instrument="CORE", mandate=MANDATE)
    moved = {"original_debtor_agent": "SMNDA", "original_debtor_account": "DE89370400440532013000"}
    assert found(told) == found(told.model_copy(update={"others": moved})) == []
    assert found(told.model_copy(update=changes)) == [f"{field}: rulebook"]
    assert found(told.model_copy(update=changes), "iso") == []


def test_swiss_texts_are_in_letters_that_can_be_seen() -> None:
    """SIX's pain.001.001.09.ch.03: Basic Latin, Latin-1 and Extended-A without Unicode's category C."""
    line = payment(remittance=("first\nsecond",))
    assert found(line, "sps") == []
    assert profile("sps").written("first\nsecond") == "first second"
    assert found(payment(remittance=("soft\u00adhyphen",)), "sps") == ["remittance: letters"]
    strange = Address(town="Paris", country="FR", others={"BldgNm": "\u682a"})
    assert found(supplier(strange), "sps") == ["creditor.address.BldgNm: form"]


@pytest.mark.parametrize(
    "changes, field", [
        ({"agents": (BankAccount(bic="COBADEFFXXX"),) * 2}, "agents"),
        ({"documents": (Document(number="1"),), "references": References(structured="OWN-1")}, "documents"),
        ({"documents": (Document(number="1"), Document(number="2"))}, "documents"),
        ({"instructions": ("HOLD", "PHOB", "TELB")}, "instructions"),
        ({"purpose": "own purpose"}, "purpose"),
    ],
)  # fmt: skip
def test_swiss_payments_hold_what_their_message_has_a_place_for(changes: dict[str, object], field: str) -> None:
    assert found(payment(**changes), "sps") == [f"{field}: place"]
    one = {"agents": (BankAccount(bic="COBADEFFXXX"),), "documents": (Document(number="1"),), "instructions": ("HOLD",)}
    assert found(payment(**one, purpose="GDDS"), "sps") == []


def test_a_file_holds_no_more_payments_than_the_bank_takes() -> None:
    few = profile("sps").model_copy(update={"payments_per_file": 2})
    assert [one.rule for one in check([payment()] * 3, few)] == ["payments_per_file"]


def test_what_is_refused_tells_every_finding_and_a_remedy() -> None:
    with pytest.raises(ProfileRefused) as refused:
        refuse([payment(), payment(amount=None, debtor=None)], profile("sepa"))
    assert [one.payment for one in refused.value.findings] == [1, 1]
    lines = refused.value.sentence.splitlines()
    assert [line.startswith("payment 2 (E-1), ") for line in lines] == [True, True]
    for line, one in zip(lines, refused.value.findings, strict=True):
        assert all(part in line for part in (one.field, f"({one.rule})", one.sentence, one.remedy))
    with pytest.raises(ProfileRefused, match="And 2 more") as many:
        refuse([payment(amount=None)] * 12, profile("sepa"))
    assert "validate" in many.value.remedy
    with pytest.raises(ProfileRefused) as alone:
        refuse([payment(amount=None)], profile("sepa"))
    assert alone.value.remedy == alone.value.findings[0].remedy


@pytest.mark.parametrize(
    "name, text, written", [
        ("sepa", "Müller & Söhne", "Muller + Sohne"),
        ("dk", "Müller Straße", "Mueller Strasse"),
        ("sepa", "Łódź Œuvre Ærø", "Lodz OEuvre AEro"),
        ("sepa", "Αθήνα", "Athina"),
        ("sepa", "София", "Sofiya"),
        ("sepa", "“Quoted” – twice", "'Quoted' - twice"),
        ("sps", "Zürich €", "Zürich €"),
        ("iso", "株式会社", "株式会社"),
    ],
)  # fmt: skip
def test_letters_that_are_not_taken_are_written_in_those_that_are(name: str, text: str, written: str) -> None:
    assert profile(name).written(text) == written
    assert found(supplier(name=text), name) == []


@pytest.mark.parametrize("iban, valid", [
    ("DE89370400440532013000", True), ("FR1420041010050500013M02606", True), ("DE88370400440532013000", False),
    ("DE8937040044", False), ("89DE370400440532013000", False),
])  # fmt: skip
def test_an_iban_has_check_digits(iban: str, valid: bool) -> None:  # noqa: FBT001 - the expected answer
    assert valid_iban(iban) is valid


def test_a_file_is_named_as_the_bank_wants_it() -> None:
    assert profile("dk").file_name_of("pain001", "M-1", DAY, "101500") == "pain001_20261130_101500_M-1.xml"


def bank(**changes: object) -> BankAccount:
    return BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX").model_copy(update=changes)


EUR = Amount(value=Decimal("1.00"), currency="EUR")
BELOW = Amount(value=Decimal("-1.00"), currency="EUR")


@pytest.mark.parametrize(
    "changes, field", [
        ({"priority": "URG"}, "priority"),
        ({"purpose": "P" * 36}, "purpose"),
        ({"category_purpose": "P" * 36}, "category_purpose"),
        ({"others": {"cheque_type": "X"}}, "others.cheque_type"),
        ({"others": {"rate_type": "X"}}, "others.rate_type"),
        ({"others": {"contract": "C" * 36}}, "others.contract"),
        ({"others": {"currency_of_transfer": "usd"}}, "others.currency_of_transfer"),
        ({"creditor": Party(name="S", ids={"LEI": "5493001kjtiigc8y1r12"})}, "creditor.ids"),
        ({"creditor": Party(name="S", ids={"CUST": "7" * 36})}, "creditor.ids"),
        ({"creditor": Party(name="S", ids={"S" * 36: "7"})}, "creditor.ids"),
        ({"creditor": Party(name="S", country="France")}, "creditor.country"),
        ({"creditor": Party(name="S", address=Address(country="de"))}, "creditor.address.country"),
        ({"creditor": Party(name="S", address=Address(lines=tuple("12345678")))}, "creditor.address.lines"),
        ({"creditor": Party(name="S", address=Address(others={"PstBx": "1" * 17}))}, "creditor.address.PstBx"),
        ({"ultimate_debtor": Party(name="U", country="d")}, "ultimate_debtor.country"),
        ({"creditor_account": bank(currency="eur")}, "creditor_account.currency"),
        ({"creditor_account": bank(clearing_id="1" * 36)}, "creditor_account.clearing_id"),
        ({"creditor_account": BankAccount(other="1", scheme="S" * 36)}, "creditor_account.scheme"),
        ({"agents": (BankAccount(other="77-1"),)}, "agents"),
        ({"agents": (bank(bic="COBA"),)}, "agents"),
        ({"agents": (bank(iban="DE00370400440532013000"),)}, "agents"),
        ({"agents": (bank(clearing_id="1" * 36),)}, "agents.clearing_id"),
        ({"exchange": Exchange(rate=Decimal("0.12345678901"))}, "exchange.rate"),
        ({"exchange": Exchange(rate=Decimal(123456789012))}, "exchange.rate"),
        ({"exchange": Exchange(rate=Decimal(0))}, "exchange.rate"),
        ({"references": References(structured="S" * 36)}, "references.structured"),
        ({"references": References(others={"UETR": "EB6305C9-1F7F-49DE-AED0-16487C27B42D"})},
         "references.others.UETR"),
        ({"instructions": ("I" * 141,)}, "instructions"),
        ({"documents": (Document(number="D" * 36),)}, "documents.number"),
        ({"documents": (Document(type="D" * 36),)}, "documents.type"),
        ({"documents": (Document(due=BELOW),)}, "documents"),
        ({"documents": (Document(tax=Amount(value=Decimal("0.000001"), currency="EUR")),)}, "documents"),
        ({"documents": (Document(adjustments=(Adjustment(amount=EUR, reason="R" * 5),)),)}, "documents.adjustments"),
        ({"documents": (Document(adjustments=(Adjustment(amount=EUR, text="T" * 141),)),)}, "documents.adjustments"),
        ({"documents": (Document(adjustments=(Adjustment(amount=BELOW),)),)}, "documents.adjustments"),
    ],
)  # fmt: skip
def test_what_the_message_has_no_form_for_is_found_before_anything_is_written(
    changes: dict[str, object], field: str
) -> None:
    assert found(payment(**changes), "iso") == [f"{field}: form"]


def test_forms_at_their_limits_are_taken() -> None:
    told = payment(
        priority="HIGH", purpose="P" * 35, agents=(BankAccount(owner="Bank 005"), bank()), instructions=("I" * 140,),
        exchange=Exchange(rate=Decimal("0.1234567890")), ultimate_debtor=Party(name="U", country="DE"),
        references=References(structured="S" * 35, others={"UETR": "eb6305c9-1f7f-49de-aed0-16487c27b42d"}),
        creditor=Party(name="S", ids={"LEI": "5493001KJTIIGC8Y1R12", "S" * 35: "7" * 35},
                       address=Address(lines=tuple("1234567"), country="DE", others={"PstBx": "1" * 16})),
        creditor_account=BankAccount(other="1", scheme="S" * 35, currency="EUR", clearing_id="1" * 35),
        documents=(Document(number="D" * 35, due=Amount(value=Decimal("9999999999999.99999"), currency="EUR"),
                            adjustments=(Adjustment(amount=EUR, reason="R" * 4, text="T" * 140),)),),
        others={"cheque_type": "DRFT", "rate_type": "SPOT", "contract": "C" * 35, "currency_of_transfer": "USD"},
    )  # fmt: skip
    assert found(told, "iso") == []


def test_an_amount_of_more_digits_than_the_standard_takes_is_found() -> None:
    whole = Amount(value=Decimal("12345678901234567.89"), currency="EUR")
    assert found(payment(amount=whole), "iso") == ["amount: amount.digits"]


@pytest.mark.parametrize(
    "changes, field", [({"sequence": "LAST"}, "sequence"), ({"amended_from": "M" * 36}, "amended_from")]
)
def test_a_mandates_codes_and_ids_have_their_forms(changes: dict[str, object], field: str) -> None:
    mandate = Mandate(mandate_id="MA-1", signed_on=DAY, sequence="RCUR", creditor_id="DE98ZZZ09999999999")
    told = payment(method="direct_debit", mandate=mandate.model_copy(update=changes))
    assert found(told, "iso") == [f"mandate.{field}: form"]
