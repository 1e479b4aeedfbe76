"""Exchange rates of central banks and tax authorities: ECB, BNR, BoE, HMRC, SNB, BAZG, Fed.

Way in: `rates_xml.read_rates_xml`, `rates_csv.read_rates_csv`: bytes in; one table a day (or period) and rejects out.
May not be here: input and output of any kind, arithmetic with rates.
"""
