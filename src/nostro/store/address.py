"""Where a database is: its URL, looked at before anybody connects by it, and why it can't be reached.

What libpq says of a URL that it can't take quotes pieces of it, and a sign that is not escaped makes the rest of a
password a host, a port or a token. So nobody connects by such a URL, and nothing of it is ever repeated.
"""

from __future__ import annotations

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from nostro.model.failures import DatabaseUnavailable, LandscapeRefused

_PORTS = range(1, 65_536)
_FORM = (
    "Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in user and password write % as %25, @ as %40, "
    "/ as %2F and : as %3A."
)


def demand_address(url: str) -> None:
    """Raises `LandscapeRefused`, which repeats nothing of it, for a URL that is none or has an unescaped password."""
    flaw = _flaw(url)
    if flaw:
        raise LandscapeRefused(f"The database's URL can't be taken: {flaw}.", _FORM)


def _flaw(url: str) -> str:
    try:
        told = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except (ProgrammingError, ValueError):
        return "PostgreSQL's own reader does not understand it"
    hosts, ports = told.get("host", "").split(","), told.get("port", "").split(",")
    if any("@" in host[1:] for host in hosts):  # a first one names an abstract socket
        return "there is an @ in what would be its host"
    if any(port and not (port.isdecimal() and int(port) in _PORTS) for port in ports):
        return "what would be its port is no number from 1 to 65535"
    return "there is an @ in what would be its database" if "@" in told.get("dbname", "") else ""


def unreachable(error: BaseException) -> DatabaseUnavailable:
    """The failure of somebody who could not begin, with what PostgreSQL or the network said."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "").rstrip(".")
    return DatabaseUnavailable(f"PostgreSQL can't be reached{f': {said[:400]}' if said else ''}.", _REMEDY)


_REMEDY = "Check the database URL and that it is running."
