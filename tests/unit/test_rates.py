"""Rates as each publisher writes them: exact, with direction, unit, day and purpose."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.rates.publishers import RateItem
from nostro.formats.rates.rates_csv import read_rates_csv
from nostro.formats.rates.rates_xml import read_rates_xml
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.rates import RateTable
from nostro.model.statements import Reject

ECB = """<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates</gesmes:subject><Cube>
<Cube time="2026-08-31"><Cube currency="USD" rate="1.1684"/><Cube currency="JPY" rate="186.75"/></Cube>
<Cube time="2026-08-28"><Cube currency="USD" rate="1.1700"/></Cube></Cube></gesmes:Envelope>"""
BNR = """<DataSet xmlns="http://www.bnr.ro/xsd"><Body><OrigCurrency>RON</OrigCurrency><Cube date="2026-08-31">
<Rate currency="EUR">5.0767</Rate><Rate currency="HUF" multiplier="100">1.2936</Rate></Cube></Body></DataSet>"""
HMRC = """<exchangeRateMonthList Period="01/Aug/2026 to 31/Aug/2026">
<exchangeRate><countryName>Abu Dhabi</countryName><currencyCode>AED</currencyCode><rateNew>4.82</rateNew></exchangeRate>
<exchangeRate><countryName>Dubai</countryName><currencyCode>AED</currencyCode><rateNew>4.82</rateNew></exchangeRate>
<exchangeRate><countryName>Eurozone</countryName><currencyCode>EUR</currencyCode><rateNew>1.1564</rateNew></exchangeRate>
</exchangeRateMonthList>"""
BAZG = """<wechselkurse xmlns="https://www.backend-rates.bazg.admin.ch/xmldaily"><datum>31.08.2026</datum>
<zeit>02:00:00</zeit><gueltigkeit>01.09.2026</gueltigkeit>
<devise code="eur"><land_en>Euro Member</land_en><waehrung>1 EUR</waehrung><kurs>0.94445</kurs></devise>
<devise code="jpy"><waehrung>100 JPY</waehrung><kurs>0.56</kurs></devise></wechselkurse>"""
SNB = """<rss xmlns:cb="http://www.cbwiki.net/wiki/index.php/Specification_1.2/"><channel><title>SNB</title>
<item><cb:statistics><cb:institutionAbbrev>SNB</cb:institutionAbbrev><cb:exchangeRate><cb:observation>
<cb:value>0.9378</cb:value><cb:unit>CHF</cb:unit><cb:unit_mult>1</cb:unit_mult></cb:observation>
<cb:baseCurrency>CHF</cb:baseCurrency><cb:targetCurrency>EUR</cb:targetCurrency>
<cb:observationPeriod><cb:period>2026-08-31</cb:period></cb:observationPeriod></cb:exchangeRate></cb:statistics></item>
<item><cb:statistics><cb:exchangeRate><cb:observation><cb:value>0.5727</cb:value><cb:unit>CHF</cb:unit>
<cb:unit_mult>-2</cb:unit_mult></cb:observation><cb:baseCurrency>CHF</cb:baseCurrency>
<cb:targetCurrency>JPY</cb:targetCurrency><cb:observationPeriod><cb:period>2026-08-31</cb:period>
</cb:observationPeriod></cb:exchangeRate></cb:statistics></item></channel></rss>"""
FED = """<message:MessageGroup xmlns:message="http://www.SDMX.org/message" xmlns:frb="http://www.federalreserve.gov/c"
 xmlns:kf="http://www.federalreserve.gov/H10"><frb:DataSet id="H10">
<kf:Series SERIES_NAME="RXI_N.B.JA" CURRENCY="JPY"><frb:Obs TIME_PERIOD="2026-08-28" OBS_VALUE="147.1" OBS_STATUS="A"/>
<frb:Obs TIME_PERIOD="2026-08-31" OBS_VALUE="-9999" OBS_STATUS="ND"/></kf:Series>
<kf:Series SERIES_NAME="RXI$US_N.B.EU" CURRENCY="USD"><frb:Obs TIME_PERIOD="2026-08-28" OBS_VALUE="1.1559"/></kf:Series>
<kf:Series SERIES_NAME="JRXWTFB_N.B"><frb:Obs TIME_PERIOD="2026-08-28" OBS_VALUE="118.7"/></kf:Series>
</frb:DataSet></message:MessageGroup>"""


def read_xml(text: str) -> list[RateItem]:
    return list(read_rates_xml([text.encode()]))


def read_csv(text: str) -> list[RateItem]:
    return list(read_rates_csv([text.encode()]))


def tables(items: list[RateItem]) -> list[RateTable]:
    assert [item for item in items if isinstance(item, Reject)] == []
    return [item for item in items if isinstance(item, RateTable)]


def worth(table: RateTable, currency: str) -> Fraction:
    found = table.rate(currency)
    assert found is not None
    return found.in_base


def test_the_ecb_tells_what_a_euro_buys() -> None:
    newest, before = tables(read_xml(ECB))
    assert (newest.publisher, newest.base, newest.on) == ("ECB", "EUR", date(2026, 8, 31))
    assert [(rate.currency, rate.value, rate.per) for rate in newest.rates] == [
        *(("USD", Decimal("1.1684"), 1), ("JPY", Decimal("186.75"), 1)),
    ]
    assert worth(newest, "USD") == Fraction(10000, 11684)
    assert before.on == date(2026, 8, 28)
    assert str(before.rates[0].value) == "1.1700"
    assert newest.purposes == ("booking", "vat", "revaluation")


def test_the_bnr_tells_what_a_hundred_forints_cost() -> None:
    (told,) = tables(read_xml(BNR))
    assert (told.base, told.rates[1].per, told.rates[1].quoted) == ("RON", 100, "base_for_currency")
    assert worth(told, "HUF") == Fraction("0.012936")
    assert worth(told, "EUR") == Fraction("5.0767")


def test_hmrc_s_rates_hold_for_a_month_and_are_for_vat() -> None:
    (told,) = tables(read_xml(HMRC))
    assert (told.valid_from, told.valid_to, told.frequency) == (date(2026, 8, 1), date(2026, 8, 31), "monthly")
    assert [rate.currency for rate in told.rates] == ["AED", "EUR"]
    assert told.purposes == ("vat",)
    assert worth(told, "EUR") == 1 / Fraction("1.1564")


def test_the_swiss_customs_rates_are_valid_the_day_after() -> None:
    (told,) = tables(read_xml(BAZG))
    assert (told.on, told.valid_from) == (date(2026, 8, 31), date(2026, 9, 1))
    assert worth(told, "JPY") == Fraction("0.0056")
    assert told.purposes == ("vat",)


def test_monthly_averages_of_the_swiss_customs_are_told_as_such() -> None:
    monthly = BAZG.replace("xmldaily", "xmlavgmonth").replace("01.09.2026", "01.09.2026 - 30.09.2026")
    (told,) = tables(read_xml(monthly))
    assert (told.frequency, told.observed) == ("monthly", "average")
    assert (told.valid_from, told.valid_to) == (date(2026, 9, 1), date(2026, 9, 30))


def test_the_snb_tells_francs_for_a_unit_or_a_hundred() -> None:
    (told,) = tables(read_xml(SNB))
    assert worth(told, "EUR") == Fraction("0.9378")
    assert worth(told, "JPY") == Fraction("0.005727")


def test_the_fed_quotes_some_currencies_the_other_way_round() -> None:
    (told,) = tables(read_xml(FED))
    assert told.on == date(2026, 8, 28)
    assert worth(told, "EUR") == Fraction("1.1559")
    assert worth(told, "JPY") == 1 / Fraction("147.1")


def test_the_ecb_s_csv_of_a_day_and_of_its_history() -> None:
    daily, history = (
        "Date, USD, JPY, \n31 August 2026, 1.1684, 186.75, \n",
        "Date,USD,CYP,JPY,\n2026-08-31,1.1684,N/A,186.75,\n",
    )
    for content in (daily, history):
        (told,) = tables(read_csv(content))
        assert told.on == date(2026, 8, 31)
        assert [(rate.currency, str(rate.value)) for rate in told.rates] == [("USD", "1.1684"), ("JPY", "186.75")]


def test_the_bank_of_england_names_its_series() -> None:
    items = read_csv("DATE,XUDLUSS,IUDBEDR,XUDLBK89\n28 Aug 2026,1.3404,4.0,9.6\n31 Aug 2026,,4.0,9.7\n")
    (reject,) = (item for item in items if isinstance(item, Reject))
    assert (reject.where, reject.line) == ("column 3", 1)
    first, second = (item for item in items if isinstance(item, RateTable))
    assert [rate.currency for rate in first.rates] == ["USD", "CNY"]
    assert [rate.currency for rate in second.rates] == ["CNY"]


def test_the_bank_of_englands_website_writes_titles_and_years_of_two_digits() -> None:
    title = "Spot exchange rate, Euro into Sterling              [a] [a] [a]             XUDLERS"
    first, second = tables(read_csv(f'Date,"{title}"\n31 Aug 26,1.1564\n31 Dec 99,1.6100\n'))
    assert (first.on, second.on) == (date(2026, 8, 31), date(1999, 12, 31))
    assert [(rate.currency, str(rate.value)) for rate in first.rates] == [("EUR", "1.1564")]


def test_hmrc_s_csv_tells_the_dates_on_each_line() -> None:
    head = "Country/Territories,Currency,Currency Code,Currency Units per £1,Start date,End date\n"
    (told,) = tables(read_csv(head + '"Eurozone, all",Euro,EUR,1.1564,01/08/2026,31/08/2026\n'))
    assert (told.valid_from, told.valid_to) == (date(2026, 8, 1), date(2026, 8, 31))
    assert worth(told, "EUR") == 1 / Fraction("1.1564")


def test_the_fed_s_csv_names_its_series_in_the_sixth_line() -> None:
    content = (
        '"Series Description","SPOT EXCHANGE RATE - EURO AREA","JAPAN -- SPOT EXCHANGE RATE, YEN/US$"\n'
        '"Unit:","Currency:_Per_EUR","Currency:_Per_USD"\n"Multiplier:","1","1"\n"Currency:","USD","JPY"\n'
        '"Unique Identifier: ","H10/H10/RXI$US_N.B.EU","H10/H10/RXI_N.B.JA"\n'
        '"Time Period","RXI$US_N.B.EU","RXI_N.B.JA"\n2026-08-28,1.1559,147.1\n2026-08-31,ND,ND\n'
    )
    (told,) = tables(read_csv(content))
    assert worth(told, "EUR") == Fraction("1.1559")
    assert worth(told, "JPY") == 1 / Fraction("147.1")


def test_the_snb_s_portal_tells_averages_and_the_month_s_end_apart() -> None:
    content = (
        '"CubeId";"devkum"\n"PublishingDate";"2026-09-01 09:00"\n\n"Date";"D0";"D1";"Value"\n'
        '"2026-08";"M0";"EUR1";"0.9378"\n"2026-08";"M0";"JPY100";"0.57"\n"2026-08";"M1";"EUR1";"0.9401"\n'
    )
    average, end = tables(read_csv(content))
    assert (average.observed, end.observed) == ("average", "period_end")
    assert (average.valid_from, average.valid_to) == (date(2026, 8, 1), date(2026, 8, 31))
    assert worth(average, "JPY") == Fraction("0.0057")


@pytest.mark.parametrize("rate", ["1,1684", "-1", "0", "1e3", "abc", "1" * 40])
def test_a_rate_that_is_none_is_rejected_and_the_rest_is_kept(rate: str) -> None:
    table, reject = read_xml(BNR.replace("5.0767", rate))
    assert isinstance(table, RateTable)
    assert [one.currency for one in table.rates] == ["HUF"]
    assert isinstance(reject, Reject)
    assert (reject.where, reject.why) == ("Cube[1]", "the rate of EUR is no positive decimal number")


def test_a_day_that_is_none_is_rejected_and_the_others_are_kept() -> None:
    first, second = read_xml(ECB.replace("2026-08-31", "2026-02-31"))
    assert isinstance(first, Reject)
    assert isinstance(second, RateTable)


@pytest.mark.parametrize("whole", [ECB, BNR, HMRC, BAZG, SNB, FED])
def test_a_cut_document_keeps_what_was_whole_and_says_so(whole: str) -> None:
    for end in range(1, len(whole) - 1, 7):
        try:
            items = read_xml(whole[:end])
        except FormatRefused:
            continue
        assert isinstance(items[-1], Reject)


HMRC_CSV = """Country/Territories,Currency,Currency Code,Currency Units per £1,Start date,End date%s
Eurozone,Euro,EUR,1.15,01/08/2026,31/08/2026%s\nJapan,Yen,JPY,217.5,01/08/2026,31/08/2026%s\n"""


@pytest.mark.parametrize("further", [("", "", ""), (",Amount in EUR,Amount in GBP", ",,", ",,")])
def test_a_csv_of_hmrc_may_end_without_a_line_end(further: tuple[str, str, str]) -> None:
    content = HMRC_CSV % further
    assert read_csv(content[:-1]) == read_csv(content)
    assert isinstance(read_csv(content[:-1])[-1], RateTable)


@pytest.mark.parametrize(
    "content",
    [
        HMRC_CSV % ("", "", ""),
        HMRC_CSV % (",Amount in EUR,Amount in GBP", ",,", ",,"),
        "Date, USD, JPY, \n31 August 2026, 1.1684, 186.75, \n",
        "DATE,XUDLUSS,XUDLBK89\n28 Aug 2026,1.3404,9.6\n31 Aug 2026,1.3405,9.75\n",
        "Country/Territories,Currency,Currency Code,Currency Units per £1\n,Euro,EUR,1.15\nJapan,Yen,JPY,217.5\n",
        '"Series Description","a","b"\n"Time Period","RXI$US_N.B.EU","RXI_N.B.JA"\n2026-08-28,1.1559,147.1\n',
        '"CubeId";"devkum"\n"Date";"D0";"D1";"Value"\n"2026-08";"M0";"EUR1";0.9378\n"2026-08";"M0";"JPY100";0.575\n',
    ],
)
def test_a_csv_that_is_cut_within_its_last_value_tells_no_other_rate(content: str) -> None:
    def rates(items: list[RateItem]) -> set[tuple[object, ...]]:
        return {
            (told.on, rate.currency, rate.value)
            for told in items
            if isinstance(told, RateTable)
            for rate in told.rates
        }  # fmt: skip

    whole = rates(read_csv(content))
    for missing in range(1, len(content.splitlines()[-1])):
        items = read_csv(content[:-missing])
        assert rates(items) <= whole
        assert rates(items) == whole or any(isinstance(item, Reject) for item in items)


@pytest.mark.parametrize(
    "content,name",
    [
        *((ECB, "rates_xml"), (BNR, "rates_xml"), (HMRC, "rates_xml_others"), (BAZG, "rates_xml_others")),
        *((SNB, "rates_xml_others"), (FED, "rates_xml_others"), ("Date,USD,JPY,\n2026-08-31,1,2,\n", "rates_csv")),
        *(("DATE,XUDLUSS\n31 Aug 2026,1.2\n", "rates_csv_others"), ("Date,Amount,Text\n", ""), ("Date,USD;x\n", "")),
        *(("<rss><item/></rss>", ""), ("<Envelope><Body/></Envelope>", "")),
    ],
)
def test_each_is_recognised_by_what_it_says(content: str, name: str) -> None:
    found = recognise(Beginning(content.encode()))
    assert (found.name if found and found.name.startswith("rates") else "") == name


@pytest.mark.parametrize("content", ["", "a,b,c\n", "<other/>", "<Envelope"])
def test_what_is_no_table_of_rates_is_refused(content: str) -> None:
    for read in (read_xml, read_csv):
        with pytest.raises(FormatRefused):
            read(content)


@pytest.mark.parametrize("name", ["x:", "x:-1"])
def test_an_element_that_is_but_a_prefix_is_broken_xml(name: str) -> None:
    items = read_xml(f"<exchangeRateMonthList><{name}>1</{name}></exchangeRateMonthList>")
    assert isinstance(items[-1], Reject)
