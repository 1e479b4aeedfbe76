"""Files as banks send them, made up in any size: what `parse` and `write` measure with."""

from __future__ import annotations

from collections.abc import Iterator

PARTY = (
    "<Pty><Nm>{name}</Nm><PstlAdr><StrtNm>Main Street</StrtNm><BldgNb>{n}</BldgNb><PstCd>10115</PstCd>"
    "<TwnNm>Berlin</TwnNm><Ctry>DE</Ctry></PstlAdr></Pty>"
)
AMOUNT = '<Amt Ccy="EUR">{value}</Amt>'
CODE = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
CHARGE = (
    '<Chrgs><Rcrd><Amt Ccy="EUR">0.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd>'
    "<Br>SHAR</Br></Rcrd></Chrgs>"
)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
    "<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-08-31T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S1</Id>"
    "<ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-08-31T20:00:00Z</CreDtTm><Acct><Id><IBAN>DE75512108001245126199</IBAN>"
    "</Id><Ccy>EUR</Ccy></Acct>"
)
BALANCE = (
    '<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{value}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-08-31</Dt></Dt></Bal>"
)
TAIL = "</Stmt></BkToCstmrStmt></Document>"
CAMT_ENTRY_BYTES = 2650
"""About as much as one entry takes."""


def camt053(entries: int) -> Iterator[bytes]:
    """A statement of so many collective credits, each with two payments, addresses and charges."""
    total = sum(2 * _minor(n) for n in range(entries))
    yield (HEAD + BALANCE.format(code="OPBD", value="0.00") + BALANCE.format(code="CLBD", value=_major(total))).encode()
    for n in range(entries):
        yield _camt_entry(n).encode()
    yield TAIL.encode()


def _camt_entry(n: int) -> str:
    amount = AMOUNT.format(value=_major(2 * _minor(n)))
    return (
        f"<Ntry><NtryRef>{n}</NtryRef>{amount}<CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        "<BookgDt><Dt>2026-08-31</Dt></BookgDt><ValDt><Dt>2026-08-31</Dt></ValDt>"
        f"<AcctSvcrRef>SV{n:09}</AcctSvcrRef>{CODE}<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>"
        f"{_camt_detail(n, 1)}{_camt_detail(n, 2)}</NtryDtls></Ntry>\n"
    )


def _camt_detail(n: int, part: int) -> str:
    amount = AMOUNT.format(value=_major(_minor(n)))
    return (
        f"<TxDtls><Refs><MsgId>MSG-{n}</MsgId><AcctSvcrRef>SV{n:09}-{part}</AcctSvcrRef><PmtInfId>PI{n}</PmtInfId>"
        f"<InstrId>I{n}-{part}</InstrId><EndToEndId>E2E-{n:09}-{part}</EndToEndId><TxId>TX{n}{part}</TxId></Refs>"
        f"{amount}<CdtDbtInd>CRDT</CdtDbtInd><AmtDtls><InstdAmt>{amount}</InstdAmt><TxAmt>{amount}</TxAmt></AmtDtls>"
        f"{CODE}{CHARGE}<RltdPties><Dbtr>{PARTY.format(name=f'Customer {n:06}', n=n % 99)}</Dbtr><DbtrAcct><Id>"
        f"<IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><Cdtr>{PARTY.format(name='Company 1', n=1)}</Cdtr>"
        "</RltdPties><RltdAgts><DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>"
        f"<RmtInf><Ustrd>Invoice INV/2026/{n:06} part {part}</Ustrd></RmtInf></TxDtls>"
    )


def _minor(n: int) -> int:
    return (n % 900 + 10) * 100 + 25


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def pieces(parts: Iterator[bytes], size: int = 65_536) -> Iterator[bytes]:
    """The same bytes in pieces, as a file is read."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


MT940_ENTRIES = 100
"""So many entries stand in one statement."""


def mt940(entries: int) -> str:
    """Statements of a hundred entries each, with structured information to the account owner."""
    told: list[str] = []
    for first in range(0, entries, MT940_ENTRIES):
        told.append(f":20:STARTUMS\r\n:25:50880050/0194787400888\r\n:28C:{first // MT940_ENTRIES + 1:05}/001\r\n")
        told.append(":60F:C260830EUR1000,00\r\n")
        told += [_mt_entry(n) for n in range(first, min(entries, first + MT940_ENTRIES))]
        told.append(":62F:C260831EUR1000,00\r\n-\r\n")
    return "".join(told)


def _mt_entry(n: int) -> str:
    return (
        f":61:2608310831{'CD'[n % 2]}{n % 900 + 10},25NTRFE2E-{n:09}//SV{n:09}\r\n"
        f":86:166?00GUTSCHRIFT?10931?20EREF+E2E-{n:09}?21SVWZ+INV/2026/{n:06}?22 part of an order\r\n"
        f"?30COBADEFFXXX?31DE89370400440532013000?32Customer {n:06}\r\n"
    )


NACHA_BLOCK = 1_000
"""Entries that are made once and told again and again, so that making them is no part of the time."""


def nacha(entries: int) -> Iterator[bytes]:
    """A payroll of so many credits, in thousands, with control totals that hold."""
    blocks = entries // NACHA_BLOCK
    block = "".join(_nacha_entry(n) for n in range(NACHA_BLOCK)).encode()
    hashed, cents = 2100002 * entries % 10**10, blocks * sum(_minor(n) for n in range(NACHA_BLOCK))
    sums = f"{hashed:010}{0:012}{cents:012}"
    yield f"101 0910000191231380104{'2608311005'}A094101{'BANK':23}{'COMPANY':23}{'':8}\n".encode()
    yield f"5220{'COMPANY':36}1231380104PPD{'PAYROLL':10}{'':6}260902   1091000010000001\n".encode()
    for _ in range(blocks):
        yield block
    yield f"8220{entries:06}{sums}1231380104{'':25}091000010000001\n".encode()
    yield f"9000001{-(-(entries + 4) // 10):06}{entries:08}{sums}{'':39}\n".encode()


def _nacha_entry(n: int) -> str:
    return f"622021000021{n:<17}{_minor(n):010}EMPLOYEE-{n:06}{f'EMPLOYEE {n}':22}  009100001{n:07}\n"


INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>INV/2026/{n:06}</cbc:ID>
<cbc:IssueDate>2026-08-31</cbc:IssueDate><cbc:DueDate>2026-09-30</cbc:DueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PostalAddress><cbc:CityName>Berlin</cbc:CityName><cac:Country>
<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress><cac:PartyTaxScheme>
<cbc:CompanyID>DE123456789</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
<cac:PartyLegalEntity><cbc:RegistrationName>Company 1</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty><cac:AccountingCustomerParty><cac:Party><cac:PostalAddress><cac:Country>
<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress><cac:PartyLegalEntity>
<cbc:RegistrationName>Customer {n:06}</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>
</cac:AccountingCustomerParty><cac:TaxTotal><cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount><cac:TaxSubtotal>
<cbc:TaxableAmount currencyID="EUR">100.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>
</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal><cac:LegalMonetaryTotal>
<cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">100.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">119.00</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">119.00</cbc:PayableAmount></cac:LegalMonetaryTotal>{lines}</Invoice>"""
INVOICE_LINE = """<cac:InvoiceLine><cbc:ID>{n}</cbc:ID><cbc:InvoicedQuantity unitCode="HUR">1</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">10.00</cbc:LineExtensionAmount><cac:Item><cbc:Name>Work {n}</cbc:Name>
<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID>
</cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item><cac:Price><cbc:PriceAmount currencyID="EUR">10.00
</cbc:PriceAmount></cac:Price></cac:InvoiceLine>"""


def invoice(n: int) -> bytes:
    """An invoice of ten lines in UBL that breaks no rule of EN 16931."""
    return INVOICE.format(n=n, lines="".join(INVOICE_LINE.format(n=line) for line in range(1, 11))).encode()
