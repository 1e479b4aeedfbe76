"""What Odoo answers when it refuses: an exception's name, and the HTTP status that JSON-2 gives it (JSON-RPC: 200)."""

from typing import Final

_HOMES: Final = {
    "odoo.exceptions": "AccessDenied AccessError MissingError UserError ValidationError RedirectWarning",
    "werkzeug.exceptions": "Unauthorized NotFound BadRequest UnprocessableEntity",
    "psycopg2": "OperationalError",
}
_STATUS: Final = {
    "AccessDenied": 401,
    "Unauthorized": 401,
    "AccessError": 403,
    "MissingError": 404,
    "NotFound": 404,
    "BadRequest": 400,
    "UserError": 422,
    "ValidationError": 422,
    "UnprocessableEntity": 422,
}


class Fault(ValueError):
    """A call that Odoo refuses; its database transaction is rolled back. `kind` is the exception's class, bare.

    What nobody there caught (RedirectWarning, ValueError, TypeError...) is a 500, which so does not mean "transient".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = _STATUS.get(kind, 500)
        self.name = f"{next((home for home, kinds in _HOMES.items() if kind in kinds.split()), 'builtins')}.{kind}"


def fault_of(wrong: Exception) -> Fault:
    """A fault as it is, anything else as what nobody there caught."""
    return wrong if isinstance(wrong, Fault) else Fault(type(wrong).__name__, str(wrong))
