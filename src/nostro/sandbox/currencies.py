"""How many decimals a currency has: by ISO 4217 in bank files, and by Stripe's own table in its API."""

from decimal import Decimal

_ISO_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_STRIPE_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"


def iso_exponent(currency: str) -> int:
    """Decimals of a currency after ISO 4217, as camt files write it."""
    return 0 if currency in _ISO_ZERO.split() else 3 if currency in _THREE.split() else 2


def stripe_exponent(currency: str) -> int:
    """Decimals of a currency in Stripe's API (page "Supported currencies", zero- and three-decimal currencies).

    It differs from ISO 4217: ISK and UGX have two decimals there (always 00), MGA none.
    """
    return 0 if currency.upper() in _STRIPE_ZERO.split() else 3 if currency.upper() in _THREE.split() else 2


def iso_minor(minor: int, currency: str) -> int:
    """An amount in Stripe's minor units of a currency, in ISO's."""
    return int(minor * 10 ** iso_exponent(currency.upper()) // 10 ** stripe_exponent(currency))


def decimal_text(minor: int, currency: str) -> str:
    """`1234` EUR as `12.34`, 1234 JPY as `1234`: an unsigned amount as bank files write it."""
    return str(Decimal(minor).scaleb(-iso_exponent(currency)))
