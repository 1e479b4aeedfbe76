"""What FatturaPA's schema lets an element hold: no package carries it, so that its forms are told here.

Agenzia delle Entrate, "Schema del file xml FatturaPA" 1.2.2: letters, digits and lengths of each element that is
written, and what an element can't be without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nostro.formats.einvoice.paths import Places
from nostro.formats.einvoice.strict import Flaw
from nostro.formats.xml import Element, local


class _Form(NamedTuple):
    pattern: re.Pattern[str]
    remedy: str


def _ascii(least: int, most: int) -> _Form:
    return _Form(re.compile(rf"[\x00-\x7f]{{{least},{most}}}"), f"{least} to {most} letters without accents.")


def _latin(most: int) -> _Form:
    return _Form(re.compile(rf"[\x00-\xff]{{1,{most}}}"), f"1 to {most} letters of Latin-1.")


def _code(pattern: str, remedy: str) -> _Form:
    return _Form(re.compile(pattern, re.ASCII), remedy)


_CAPITALS_2 = _code(r"[A-Z]{2}", "Two capitals.")
_AMOUNT = _code(r"-?\d{1,11}\.\d{2}", "At most 11 digits and two decimals.")
_LONG_AMOUNT = _code(r"-?\d{1,11}\.\d{2,8}", "At most 11 digits and two to eight decimals.")
_RATE = _code(r"\d{1,2}\.\d{2}|100\.00", "0 to 100 with two decimals.")
_DAY = _code(r"(19[7-9]|[2-9]\d\d)\d-\d\d-\d\d", "A day from 1970 on.")
_LINE = _code(r"[1-9]\d{0,3}", "1 to 9999.")
_YES = _code(r"SI", "SI, or nothing.")
_NATURA = _code(r"N[1-7](\.\d)?", "N1 to N7.")
_FORMS: Mapping[str, _Form] = {
    **dict.fromkeys(("IdPaese", "Provincia", "Nazione", "ProvinciaAlbo", "Ufficio"), _CAPITALS_2),
    **dict.fromkeys(("ImportoTotaleDocumento", "ImportoRitenuta", "ImportoBollo", "ImportoContributoCassa",
                     "ImponibileCassa", "ImponibileImporto", "Imposta", "ImportoPagamento", "CapitaleSociale",
                     "ScontoPagamentoAnticipato"), _AMOUNT),
    **dict.fromkeys(("PrezzoUnitario", "PrezzoTotale", "Importo", "Arrotondamento"), _LONG_AMOUNT),
    **dict.fromkeys(("AliquotaIVA", "AliquotaRitenuta", "AlCassa", "Percentuale"), _RATE),
    **dict.fromkeys(("Data", "DataDDT", "DataInizioPeriodo", "DataFinePeriodo", "DataScadenzaPagamento",
                     "DataLimitePagamentoAnticipato", "DataIscrizioneAlbo"), _DAY),
    **dict.fromkeys(("NumeroLinea", "RiferimentoNumeroLinea"), _LINE),
    **dict.fromkeys(("Art73", "BolloVirtuale", "Ritenuta"), _YES),
    **dict.fromkeys(("ProgressivoInvio", "UnitaMisura", "AlgoritmoCompressione", "FormatoAttachment"), _ascii(1, 10)),
    **dict.fromkeys(("Numero", "IdDocumento", "NumItem", "NumeroDDT", "NumeroREA", "RiferimentoAmministrazione"),
                    _ascii(1, 20)),
    **dict.fromkeys(("CodiceCUP", "CodiceCIG"), _ascii(1, 15)),
    **dict.fromkeys(("CodicePagamento", "NumeroIscrizioneAlbo"), _ascii(1, 60)),
    **dict.fromkeys(("Indirizzo", "Comune", "Nome", "Cognome", "AlboProfessionale", "NomeAttachment"), _latin(60)),
    **dict.fromkeys(("Denominazione", "IstitutoFinanziario"), _latin(80)),
    **dict.fromkeys(("CodiceCommessaConvenzione", "DescrizioneAttachment", "RiferimentoNormativo"), _latin(100)),
    **dict.fromkeys(("Causale", "Beneficiario"), _latin(200)),
    "Descrizione": _latin(1_000),
    "NumeroCivico": _ascii(1, 8),
    "Titolo": _ascii(2, 10),
    "CodiceTipo": _ascii(1, 35),
    "Telefono": _ascii(5, 12),
    "CodiceValore": _Form(re.compile(r".{1,35}", re.DOTALL), "1 to 35 letters."),
    "IdCodice": _Form(re.compile(r".{1,28}", re.DOTALL), "1 to 28 letters."),
    "CodEORI": _Form(re.compile(r".{13,17}", re.DOTALL), "13 to 17 letters."),
    "Email": _code(r"(?=.{7,256}$).+@.+\.+.+", "An e-mail address."),
    "CodiceDestinatario": _code(r"[A-Z0-9]{6,7}", "Capitals and digits."),
    "CodiceFiscale": _code(r"[A-Z0-9]{11,16}", "11 to 16 capitals and digits."),
    "CAP": _code(r"\d{5}", "Five digits; 00000 abroad."),
    "Divisa": _code(r"[A-Z]{3}", "A currency of ISO 4217."),
    "Quantita": _code(r"\d{1,12}\.\d{2,8}", "Not below nothing; at most 12 digits and eight decimals."),
    "GiorniTerminiPagamento": _code(r"\d{1,3}", "0 to 999."),
    "IBAN": _code(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}", "An IBAN."),
    "BIC": _code(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?", "A BIC."),
    "Natura": _NATURA,
    "TipoDocumento": _code(r"TD(0[1-6]|1[6-9]|2\d)", "TD01 to TD06, or TD16 to TD29."),
    "RegimeFiscale": _code(r"RF(0[124-9]|1\d|20)", "RF01 to RF20."),
    "TipoRitenuta": _code(r"RT0[1-6]", "RT01 to RT06."),
    "CausalePagamento": _code(r"[A-EG-IL-Z]|L1|M1|M2|O1|V1", "A letter of the form 770: A to Z."),
    "TipoCassa": _code(r"TC(0[1-9]|1\d|2[0-2])", "TC01 to TC22."),
    "TipoCessionePrestazione": _code(r"SC|PR|AB|AC", "SC, PR, AB or AC."),
    "EsigibilitaIVA": _code(r"[DIS]", "D, I or S."),
    "CondizioniPagamento": _code(r"TP0[1-3]", "TP01 to TP03."),
    "ModalitaPagamento": _code(r"MP(0[1-9]|1\d|2[0-3])", "MP01 to MP23."),
    "SoggettoEmittente": _code(r"CC|TZ", "CC or TZ."),
    "SocioUnico": _code(r"S[UM]", "SU or SM."),
    "StatoLiquidazione": _code(r"L[SN]", "LS or LN."),
}  # fmt: skip
_RELATED = ("DatiOrdineAcquisto", "DatiContratto", "DatiConvenzione", "DatiRicezione", "DatiFattureCollegate")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_RELATED, ("IdDocumento",)),
    "IdFiscaleIVA": ("IdPaese", "IdCodice"),
    "RappresentanteFiscale": ("DatiAnagrafici/IdFiscaleIVA", "DatiAnagrafici/Anagrafica"),
    "IscrizioneREA": ("Ufficio", "NumeroREA", "StatoLiquidazione"),
    "DatiRitenuta": ("TipoRitenuta", "ImportoRitenuta", "AliquotaRitenuta", "CausalePagamento"),
    "DatiBollo": ("BolloVirtuale",),
    "DatiCassaPrevidenziale": ("TipoCassa", "AlCassa", "ImportoContributoCassa", "AliquotaIVA"),
    "DatiDDT": ("NumeroDDT", "DataDDT"),
    "CodiceArticolo": ("CodiceTipo", "CodiceValore"),
    "ScontoMaggiorazione": ("Tipo",),
    "DatiRiepilogo": ("AliquotaIVA", "ImponibileImporto", "Imposta"),
    "DettaglioPagamento": ("ModalitaPagamento", "ImportoPagamento"),
    "Allegati": ("NomeAttachment", "Attachment"),
}
_BLANKS = re.compile(r"[\t\n\r]")


def facet_flaws(root: Element) -> Iterator[Flaw]:
    """Where a written document breaks the forms of its schema."""
    places = Places()
    for element in root.iter("{*}*"):
        name = local(element)
        form = _FORMS.get(name)
        if form is not None and not len(element) and not form.pattern.fullmatch(_BLANKS.sub(" ", element.text or "")):
            yield Flaw(places.where(element), "the schema", form.remedy)
        for needed in _NEEDED.get(name, ()):
            if element.find(needed) is None:
                yield Flaw(f"{places.where(element)}/{needed}", "the schema", "It is needed there: give it.")
