"""What Stripe answers when it refuses (page "Errors")."""

from nostro.sandbox.psp.shapes import Thing


class Refused(Exception):
    """A request that Stripe answers with an error object."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error", **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.error: Thing = {"message": message, "type": kind, **more}


def unknown(what: str, ident: str, param: str = "id") -> Refused:
    """No object of this id."""
    return Refused(404, f"No such {what}: '{ident}'", code="resource_missing", param=param)


def wrong(param: str, message: str, code: str = "parameter_invalid_integer") -> Refused:
    """A parameter that can't be taken."""
    return Refused(400, message, code=code, param=param)
