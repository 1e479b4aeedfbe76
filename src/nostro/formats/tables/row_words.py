"""What words in a row say of it: that it is a balance or a sum and no movement, and whether its money has moved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from nostro.formats.tables.cells import Cell, name_of, text
from nostro.model.statements import EntryState

_ROWS: Mapping[str, str] = {
    "OPBD": """
        opening balance | beginning balance | starting balance | start balance | previous balance | initial balance |
        balance brought forward | balance b/f | brought forward | saldo inicial | saldo anterior | saldo iniziale |
        saldo precedente | solde initial | solde precedent | ancien solde | solde anterieur | anfangssaldo |
        saldovortrag | alter saldo | alter kontostand | letzter kontostand | beginsaldo | vorig saldo | oud saldo |
        saldo poczatkowe | pocatecni zustatek | nyito egyenleg | ingaende saldo | ingaaende saldo | algsaldo |
        likutis pradziai | likutis laikotarpio pradziai | sakuma atlikums | sold initial""",
    "CLBD": """
        closing balance | ending balance | end balance | final balance | new balance | balance carried forward |
        balance c/f | carried forward | saldo final | saldo finale | saldo actual | solde final | nouveau solde |
        solde actuel | endsaldo | schlusssaldo | neuer saldo | neuer kontostand | eindsaldo | nieuw saldo |
        saldo koncowe | konecny zustatek | zaro egyenleg | utgaende saldo | utgaaende saldo | loppsaldo |
        likutis pabaigai | likutis laikotarpio pabaigai | beigu atlikums | sold final""",
    "sum": """
        turnover | transactions total | total credits | total debits | total credit | total debit | total deposits |
        total withdrawals | total movimientos | totale movimenti | total des operations | umsatzsumme | apyvarta |
        kaive | apgrozijums | obroty""",
}
_LABELS = {name_of(label): meaning for meaning, labels in _ROWS.items() for label in labels.split("|")}
_DATED = re.compile(
    r"[\s:]*(?:\b(?:as of|as at|as on|on|at|al|au|a|per|vom|zum|am|op|na|dne|den)\b)?[\s\d./:-]*$", re.IGNORECASE
)
"""What may stand behind a label: the day that it is of."""

_STATES: Mapping[EntryState, str] = {
    "booked": """
        booked | posted | completed | complete | completata | cleared | reconciled | settled | executed | processed |
        success | successful | succeeded | paid | done | ok | approved | refunded | partially refunded | reversed |
        gebucht | umsatz gebucht | abgeschlossen | ausgefuhrt | erledigt | comptabilise | comptabilisee | execute |
        executee | effectue | contabilizzato | contabilizzata | eseguito | eseguita | contabilizado | contabilizada |
        realizado | realizada | ejecutado | ejecutada | concluido | concluida | efetivado | efetivada | geboekt |
        verwerkt | uitgevoerd | voltooid | zaksiegowana | zaksiegowano | rozliczona | rozliczono | wykonana |
        zrealizowana | zauctovano | provedeno | zuctovano | konyvelt | teljesitve | bokford | genomford | bogfort |
        gennemfort | udfort | utfort | bokfort | kirjattu | decontat | inregistrat""",
    "pending": """
        pending | authorised | authorized | authorisation | authorization | hold | on hold | held | in progress |
        processing | uncleared | unsettled | scheduled | expected | open | vorgemerkt | umsatz vorgemerkt |
        umsatz vorgemerkt und nicht gebucht | vormerkung |
        in bearbeitung | offen | reserviert | ausstehend | en attente | en cours | a venir | in attesa | in sospeso |
        non contabilizzato | autorizzato | pendiente | en proceso | retenido | pendente | em processamento |
        autorizado | in behandeling | gereserveerd | openstaand | oczekujaca | oczekuje | w realizacji | blokada |
        rezervace | cekajici | fuggoben | zarolt | reserverad | vantande | vantar | reserveret | afventer |
        reservert | odottaa | in asteptare""",
    "information": """
        reverted | declined | failed | failure | cancelled | canceled | rejected | refused | denied | expired | voided |
        void | abandoned | abgelehnt | abgebrochen | fehlgeschlagen | storniert | refuse | refusee | rejete | rejetee |
        annule | annulee | echoue | annullato | annullata | rifiutato | rifiutata | respinto | respinta | anulado |
        anulada | rechazado | rechazada | fallido | fallida | cancelado | cancelada | recusado | recusada | geweigerd |
        geannuleerd | mislukt | odrzucona | odrzucono | anulowana | zamitnuto | zruseno | elutasitva | avvisad |
        avbruten | makulerad | afvist | annulleret | avvist | hylatty | respins | anulat""",
}
_WORDS: Mapping[str, EntryState] = {state: state for state in get_args(EntryState)} | {
    name_of(word): state for state, words in _STATES.items() for word in words.split("|")
}


def balance_of_row(cells: Iterable[Cell]) -> str:
    """`OPBD`, `CLBD` or `sum` where one of these cells says so by nothing but a label (and its day); else empty."""
    for cell in cells:
        said = text(cell) if isinstance(cell, str) else ""
        if found := _LABELS.get(name_of(said)) or _LABELS.get(name_of(_DATED.sub("", said))):
            return found
    return ""


def state_of(said: str) -> EntryState | None:
    """Whether the money has moved, by the word of a status; None for a word that nobody here knows.

    A payment that was declined or undone before it was booked is information: no money moved.
    """
    return _WORDS.get(name_of(said)) if name_of(said) else "booked"
