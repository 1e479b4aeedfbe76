"""Which database is on the other side of a connection, and whether it is still the one that it was. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.model.base import Value


class Identity(Value):
    """What the other side says of itself, as far as our key may ask.

    `name`: its own unique name; `expected`: the one that the landscape pins. `copy_of_another`: it says so itself.
    `newest`: the newest id of what is booked there.
    """

    name: str = ""
    expected: str = ""
    copy_of_another: bool = False
    companies: tuple[int, ...] = ()
    newest: int = 0


class Pin(Value):
    """What was seen last, at which address; empty before the first time."""

    url: str = ""
    seen: Identity = Identity()

    def moved_on(self, url: str, seen: Identity) -> Pin:
        """What is seen is right. A name that our key may not read any more stays pinned."""
        return Pin(url=url, seen=seen.model_copy(update={"name": seen.name or self.seen.name}))


def differences(pin: Pin, url: str, seen: Identity) -> Iterator[str]:
    """What speaks for another database than the pinned one, in sentences."""
    if seen.copy_of_another:
        yield "It says of itself that it is neutralised: it is a copy."
    if seen.expected and seen.name and seen.name != seen.expected:
        yield f"The landscape pins {seen.expected}, it calls itself {seen.name}."
    if not pin.url:
        return
    if pin.seen.name and seen.name and seen.name != pin.seen.name:
        yield f"It called itself {pin.seen.name}, and now {seen.name}."
    if url != pin.url:
        yield f"It was reached at {pin.url}, and now at {url}: a copy keeps the name."
    gone = sorted(set(pin.seen.companies) - set(seen.companies))
    if gone:
        yield f"Companies {', '.join(map(str, gone))} are gone, or our user doesn't see them any more."
