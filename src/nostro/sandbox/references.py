"""Account numbers and payment references with right check digits, made from plain numbers."""

import string

_VALUES = {letter: str(number) for number, letter in enumerate(string.digits + string.ascii_uppercase)}
_QR_CARRY = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)


def iban(country: str, domestic: str) -> str:
    """An IBAN (ISO 13616) from its country and its domestic number."""
    return f"{country}{_check_digits(domestic + country)}{domestic}"


def creditor_reference(text: str) -> str:
    """A structured creditor reference (ISO 11649) such as RF18539007547034."""
    return f"RF{_check_digits(text + 'RF')}{text}"


def qr_reference(number: int) -> str:
    """A Swiss QR reference: 26 digits and a check digit, recursive modulo 10 (Swiss Payment Standards)."""
    digits = f"{number:026d}"
    carry = 0
    for digit in digits:
        carry = _QR_CARRY[(carry + int(digit)) % 10]
    return f"{digits}{(10 - carry) % 10}"


def _check_digits(text: str) -> str:
    """Two digits after ISO 7064 modulo 97-10."""
    number = int("".join(_VALUES[letter] for letter in f"{text}00"))
    return f"{98 - number % 97:02d}"
