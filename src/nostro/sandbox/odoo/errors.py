"""What Odoo answers when it refuses: an exception's name, and the HTTP status that JSON-2 gives it (JSON-RPC: 200)."""

from typing import Final

STATUS: Final[dict[str, int]] = {
    "odoo.exceptions.AccessDenied": 401,
    "odoo.exceptions.AccessError": 403,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.UserError": 422,
    "odoo.exceptions.ValidationError": 422,
    "werkzeug.exceptions.Unauthorized": 401,
    "werkzeug.exceptions.NotFound": 404,
    "werkzeug.exceptions.BadRequest": 400,
    "werkzeug.exceptions.UnprocessableEntity": 422,
}
"""Everything else (RedirectWarning, ValueError, TypeError...) is a 500, which therefore does not mean "transient"."""


class Fault(Exception):
    """A call that Odoo refuses; its database transaction is rolled back."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def user_error(message: str) -> Fault:
    """A business rule says no."""
    return Fault("odoo.exceptions.UserError", message)


def validation_error(message: str) -> Fault:
    """A constraint says no."""
    return Fault("odoo.exceptions.ValidationError", message)


def access_error(message: str) -> Fault:
    """No rights, or another company's."""
    return Fault("odoo.exceptions.AccessError", message)


def missing(model: str, ident: object, uid: int) -> Fault:
    """The record is gone."""
    text = f"Record does not exist or has been deleted.\n(Record: {model}({ident},), User: {uid})"
    return Fault("odoo.exceptions.MissingError", text)


def value_error(message: str) -> Fault:
    """A bad field, operator, selection or calendar date: a Python error that nobody caught."""
    return Fault("builtins.ValueError", message)


def type_error(message: str) -> Fault:
    """An argument too many or too few."""
    return Fault("builtins.TypeError", message)
