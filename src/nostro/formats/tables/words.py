"""What banks call the columns of their tables, in the languages of Europe and the Americas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nostro.formats.tables.cells import name_of
from nostro.model.money import EXPONENTS

_NAMES: Mapping[str, str] = {
    "booking_date": """
        date | booking date | transaction date | posting date | post date | posted date | date posted | completed date
        | trans date | entry date | process date | started date | buchungstag | buchungsdatum | buchung | datum |
        transaktionsdatum | auftragsdatum | fecha | fecha operacion | fecha de operacion | f operacion | fecha
        contable | data | data operazione | data contabile | data registrazione | data movimento | data lancamento |
        date operation | date de l operation | date d operation | date de comptabilisation | date comptable | dateop |
        boekdatum | boekingsdatum | transactiedatum | dato | bogforingsdato | bokforingsdag | bokforingsdatum | data
        operacji | data ksiegowania | datum zauctovani | paivamaara | kirjauspaiva | konyveles datuma | tranzakcio
        datuma | date processed | created | date comptabilisation | date de l execution | date d execution | date
        execution | fecha contabilizacion | data lanc | data mov | data operacao | reskontradatum | bokforingsdato |
        bokfort dato | datum provedeni | datum uctovania | data tranzactiei | data inregistrarii | kuupaev | datums |
        uitvoeringsdatum | kjopsdato | date time | datetime""",
    "value_date": """
        value date | valuta | valutadatum | wertstellung | wertstellungsdatum | valutadag | rentedatum | fecha valor |
        f valor | data valuta | datum valuty | data valutei | arvopaiva | erteknap | data valor | date valeur | date
        de valeur | dateval | interest date | rentedato | data waluty | effective date | value dt | val date""",
    "amount": """
        amount | transaction amount | betrag | umsatz | betrag eur | betrag (eur) | betrag in eur | importe | importo
        | montant | bedrag | bedrag (eur) | bedrag eur | belop | belob | beloeb | belopp | valor | kwota | net amount |
        net | netto | amt | montant de l operation | importe eur | importo eur | zauctovana castka | objem | suma |
        kwota operacji | bedrag in eur | montant operation | amount (gbp) | amount (eur)
        | amount (usd) | castka | osszeg | summa | maara |
        tranzakcio osszege | buchungsbetrag | umsatz in eur""",
    "debit": """
        debit | debits | debit amount | withdrawal | withdrawals | money out | paid out | payments out | soll |
        belastung | belastungen | cargo | cargos | debe | dare | addebiti | addebito | uscite | debet | payment |
        lastschrift | debits (eur) | withdrawal amt | ut | outflow | ausgang | ausgaben | depense | depenses |
        obciazenia | ut fra konto | ud af konto""",
    "credit": """
        credit | credits | credit amount | deposit | deposits | money in | paid in | payments in | haben | gutschrift
        | gutschriften | abono | abonos | haber | avere | accrediti | accredito | entrate | ingresos | receipt |
        deposit amt | inn | inflow | eingang | einnahmen | recette | recettes | uznania | inn pa konto |
        ind pa konto""",
    "direction": """
        d/c | dc | c/d | debit/credit | credit/debit | cr/dr | dr/cr | drcr | af bij | af/bij | soll/haben | s/h | d/k
        | dk | debe/haber | cargo/abono | debit/kredit | debet/credit | deebet/kreedit | in/out | direction |
        soll-haben | debit credit indicator | bevetel/kiadas | sens | credit debit indicator | debit or credit |
        cdtdbtind | creditdebet""",
    "balance": """
        balance | running balance | saldo | solde | kontostand | saldo eur | saldo contabile | balance after | closing
        balance | saldo po operacji | saldo na transakci | saldo na trn | available balance | account balance |
        bokfort saldo | running bal | current balance | new balance | saldo disponible | egyenleg | konyvelt egyenleg
        | zustatek | saldo neu | atlikums | jaak | saldo nach buchung | guthaben""",
    "fee": """
        fee | fees | fee amount | total fee | total fees | gebuhr | gebuhren | frais | commissione | commissioni |
        comision | comisiones | comissao | poplatek | poplatky | avgift | gebyr | prowizja""",
    "status": """
        status | state | transaction status | transaktionsstatus | buchungsstatus | stato | statut | estado | estatus
        | stav | stan | statusz | tila | etat""",
    "currency": """
        currency | devise du compte | account currency | kontowahrung | mena uctu | valiuta | valuuta | ccy | wahrung
        | waehrung | divisa | moneda | devise | munt | muntsoort | moeda | valutakode | waluta | curr | currency code
        | mena | whg | buchungswahrung | devizanem | penznem | tranzakcio devizaneme | valutacode""",
    "bank_account": """
        account | account number | account no | own account | auftragskonto | rekening | rekeningnummer | compte |
        cuenta | conto | iban auftragskonto | numero de compte | iban/bban | rachunek | my account | from account |
        szamlaszam | client account | kliendi konto | klienta konts | saskaitos nr | numer rachunku | cislo uctu |
        rekeningnr""",
    "counterparty": """
        partner name | naam / omschrijving | counterparty | counter party | counterparty name | payee | payer |
        beneficiary | name | merchant | beneficiary / payer | empfanger | auftraggeber | auftraggeber/empfanger |
        begunstigter/zahlungspflichtiger | beguenstigter/zahlungspflichtiger | naam tegenpartij | naam | tegenpartij |
        beneficiario | ordenante | ordinante | beneficiaire | nom | nadawca/odbiorca | kontrahent | naam van de
        tegenpartij | nom de la contrepartie | nom contrepartie | nazev protiuctu | nazov protiuctu | gegenpartei |
        empfanger/auftraggeber | beneficiary/payer | payer/beneficiary | payee/payer | gavejas | saaja/maksja |
        sanemejs/maksatajs | nombre | name zahlungsbeteiligter | ellenoldali nev | partner neve |
        tegenrekeninghouder""",
    "payer": """
        payer name | debtor name | debtor | zahlungspflichtige/r | zahlungspflichtiger | zahlungspflichtige*r |
        auftraggebername | name auftraggeber | nom du donneur d ordre | nombre ordenante | nazwa nadawcy | nadawca""",
    "payee": """
        payee name | creditor name | creditor | zahlungsempfanger*in | zahlungsempfanger/in | empfangername | name
        empfanger | zahlungsempfanger | nom du beneficiaire | nombre beneficiario | nazwa odbiorcy | odbiorca""",
    "counterparty_account": """
        rekeningnummer tegenpartij | rekening tegenpartij | compte de la contrepartie | counterparty iban |
        contrepartie de l operation | iban tegenpartij | gegenkonto | gegenkonto iban | iban gegenkonto | protiucet |
        cislo protiuctu | cuenta contrapartida | payee account number | counterparty account number | konto
        kontrahenta | numer rachunku kontrahenta | bank account | counterparty account | partner account |
        kontonummer/iban | iban | iban zahlungsbeteiligter | tegenrekening | tegenrekening iban/bban | compte
        contrepartie | rachunek nadawcy/odbiorcy | kontonummer | beneficiary account | account (counterparty) |
        ellenoldali szamlaszam | partner szamlaszama | partner iban | tegenrekeningnummer""",
    "counterparty_bic": """
        bic tegenpartij | bic contrepartie | counterparty bic | bic | swift | bic (swift-code) | blz | bic/swift""",
    "remittance": """
        label | description | memo | details | detail | narrative | purpose | verwendungszweck | buchungstext |
        concepto | concepto ampliado | causale | descrizione | descrizione operazione | descrizione operazioni |
        descrizione movimento | libelle | libelle court | libelle operation |
        communication | communications | omschrijving | omschrijving-1 |
        omschrijving-2 | omschrijving-3 | mededelingen | mededeling | text | tekst | particulars | transaction details
        | transaction description | message | observaciones | descricao | historico | tytul | opis operacji | tytul
        operacji | vorgang/verwendungszweck | zprava pro prijemce | payment reference | beschreibung | rubrik | motif
        | booking text | message for payee | poznamka | popis | additional information | vrije mededeling |
        communication libre | paaiskinimai | selgitus | viesti | meddelande | melding | besked | detalii | descripcion
        | payment purpose | zahlungszweck | kozlemeny | narration | transaction remarks | remarks |
        beskrivning | beskrivelse | forklaring | movimiento | mas datos""",
    "reference": """
        reference | transaction id | operation number | transaction reference | ref | id | fitid | bank reference |
        referencia | riferimento | referentie | transaction number | numero d operation | transfer
        reference | payment id | transactiereferentie | archiveringscode | reference number | volgnr | banki azonosito
        | zkb reference | n° de transaction | transaktionscode | codice transazione | id de transaccion |
        numer transakcji""",
    "structured": """
        gestructureerde mededeling | communication structuree | structured communication | structured reference |
        variable symbol | variable symbol 1 | variabilni symbol | variabilni symbol 1 | vs | viitenumber | viite""",
    "end_to_end": """
        end to end id | end-to-end reference | end to end reference | endtoendid | kundenreferenz (end-to-end) |
        kundenreferenz | ende-zu-ende-referenz | end-to-end-referenz""",
    "original_amount": """
        local amount | amount currency | original amount | foreign amount | foreign currency amount |
        ursprungsbetrag""",
    "original_currency": "local currency | original currency | foreign currency | fremdwahrung",
    "mandate": "mandate | mandatsreferenz | mandate reference | machtigingskenmerk | machtigingsnummer",
    "code": """
        type | transaction type | transaction code | umsatzart | code | trntype | mutatiesoort | umsatztyp | forgalom
        tipusa | tranzakcio tipusa | betaalwijze | typ | vorgang""",
}
_GIVING_WAY = """
    date | datum | data | fecha | dato | created | date time | datetime | started date | transaction date | trans date |
    transaktionsdatum | transactiedatum | data operazione | data operacji | data movimento | data mov | data operacao |
    fecha operacion | fecha de operacion | f operacion | date operation | date de l operation | date d operation |
    dateop | tranzakcio datuma | datum provedeni | data tranzactiei | auftragsdatum | kjopsdato | uitvoeringsdatum |
    amount | valor | transaction amount | name | naam | nom | nombre | account | account number | iban | bank account |
    kontonummer | available balance | saldo disponible | id | ref | type | bic"""
"""Names that mean a thing only where no other column of the same table says it better."""
WORDS: Mapping[str, str] = {
    name_of(name): meaning for meaning, names in _NAMES.items() for name in names.split("|") if name_of(name)
}
"""A column's name, without case and blanks, and what stands in it."""

GIVING_WAY = frozenset(name_of(name) for name in _GIVING_WAY.split("|"))

_BESIDE = re.compile(
    r"\s*[(\[]([^)\]]*)[)\]]\s*$|\s+(?:(?i:(?:en |in )?euros?)|[€£$]|" + "|".join(EXPONENTS) + r")\s*$"
)
_NUMBERED = re.compile(r"[\s_-]*\d$")


def meaning_of(name: str) -> str:
    """What stands in a column of that name, with or without brackets or a currency behind it; empty: nobody knows.

    Texts have a number behind them where there are several: `Beschreibung1`.
    """
    found = WORDS.get(name_of(name)) or WORDS.get(name_of(_BESIDE.sub("", name)), "")
    return found or ("remittance" if WORDS.get(name_of(_NUMBERED.sub("", name))) == "remittance" else "")


def names_columns(names: Iterable[str]) -> bool:
    """Whether these are the names of a table's columns, of days and of amounts among them."""
    found = {meaning_of(name) for name in names if len(name) < _LONGEST}
    return bool(found & {"booking_date", "value_date"}) and ("amount" in found or {"debit", "credit"} <= found)


_LONGEST = 80


def gives_way(name: str) -> bool:
    """Whether another column of the same meaning is believed first: the day of booking before that of the order, the
    other side's name before anybody's, an amount before one `(foreign currency)`.
    """
    if name_of(name) not in WORDS:
        return not currency_in(name) and not any(sign in name for sign in "€$£")
    return name_of(name) in GIVING_WAY


def currency_in(name: str) -> str:
    """The currency that a column's name tells: `Amount (EUR)`, `Betrag EUR`, `Betrag (€)`, `Débit euros`."""
    said = re.sub(r"EUROS?\b|€", " EUR ", name.upper()).replace("£", " GBP ")
    return next((word for word in re.findall(r"[A-Z]{3,}", said) if word in EXPONENTS), "")
