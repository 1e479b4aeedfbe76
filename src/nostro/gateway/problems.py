"""Problems: what went wrong over HTTP, as RFC 9457 JSON. They say what was kept and what to do, and nothing of ours."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nostro.model.failures import Failure

MEDIA_TYPE = "application/problem+json"


class Problem(Response):
    """A problem as it is answered. `sentence`: what the sender is told, for the log too."""

    sentence = ""


def problem(status: int, detail: str = "", *, retry_after_seconds: int | None = None) -> Problem:
    """A problem with the status' own title (RFC 9457, section 4.2.1: type `about:blank`)."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    headers = {"cache-control": "no-store"}
    if retry_after_seconds is not None:
        headers["retry-after"] = str(retry_after_seconds)
    answer = Problem(orjson.dumps(told), status, headers, MEDIA_TYPE)
    answer.sentence = detail
    return answer


async def refuse(_: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405) as problems."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code)


async def fail(_: Request, error: Exception) -> Response:
    """What nobody expected. Our own failures say their sentence; others might quote what they were given."""
    return problem(500, error.sentence if isinstance(error, Failure) else "Nothing was kept; send it again later.")
