"""Elements that differ from others before them in nothing but their texts: read without a parser.

What the parser makes of an element follows from its markup, which is taken as it stands: tags, attributes, blanks in
between, to the byte. Only the text of an innermost element may be another one, and a plain one: no markup, reference or
control character is in it, no blank around it, and it is short. So whatever is read so, the parser would have read so,
and what it would have refused it gets to see. A pattern's cuts are the parser's own: it is shown the element with
numbers instead of its texts, and where a number comes out, the text of that number belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from xml.parsers import expat

from nostro.formats.iso20022.listening import Cut, Reached, listen
from nostro.formats.iso20022.places import Place
from nostro.formats.iso20022.told import Shape, Told

LONGEST = 20_000
"""So many characters may an element have to be read so."""
TIMES = 16
"""So often is an element's markup met before a pattern is made of it: making one costs as much as 30 readings."""
_PATTERNS = 16
"""So many patterns has one place."""
_WEIGHT = 50
"""As many remembered places as this does a pattern weigh."""
_MET = 1_000
_TEXT = re.compile(r"(?<=>)[^\s\x00-\x1f<>&][^<>&\x00-\x1f]*(?=</)")
_PLAIN = r"([^\s\x00-\x1f<>&][^<>&\x00-\x1f]{0,9999}+)(?<!\s)"
_NUMBER = "\ue000"
Picker = Callable[[Sequence[str]], Sequence[str]]


class Pattern:
    """The markup of an element and what it is cut into. `lines`: so many it takes, with the blanks before it."""

    __slots__ = ("_constants", "_cuts", "_pickers", "lines", "match")

    def __init__(self, markup: Sequence[str], cuts: Sequence[Cut], lines: int) -> None:
        self.match = re.compile(_PLAIN.join(map(re.escape, markup))).match
        self.lines = lines
        pool = {_number(text): text for text in range(len(markup) - 1)}
        pickers: dict[int, Picker] = {}
        self._cuts: list[tuple[Cut, Shape | None, Picker]] = []
        for cut in cuts:
            texts = cut.told.values if cut.told else ()
            if id(texts) not in pickers:
                pickers[id(texts)] = _picker([pool.setdefault(text, len(pool)) for text in texts])
            self._cuts.append((cut, cut.told.shape if cut.told else None, pickers[id(texts)]))
        self._constants = tuple(pool)[len(markup) - 1 :]

    def cuts(self, found: re.Match[str], line: int) -> Iterator[Cut]:
        """What an element whose blanks begin in this line is cut into."""
        texts = found.groups() + self._constants
        for (path, begun, depth, _, attributes, so_far), shape, pick in self._cuts:
            told = None if shape is None else Told(shape, pick(texts))
            yield Cut(path, begun and begun + line - 1, depth, told, attributes, so_far)


class Alike:
    """The patterns of one place, the last that fitted first, and what markup was met there how often."""

    __slots__ = ("met", "patterns")

    def __init__(self) -> None:
        self.met: dict[int, int] = {}
        self.patterns: Sequence[Pattern] = ()

    def fitting(self, text: str, at: int) -> tuple[Pattern, re.Match[str]] | None:
        """The pattern that fits what stands here."""
        for place, pattern in enumerate(self.patterns):
            if found := pattern.match(text, at):
                if place:
                    self.patterns = (pattern, *(other for other in self.patterns if other is not pattern))
                return pattern, found
        return None

    def meet(self, text: str, place: Place) -> None:
        """An element that no pattern fits, as the parser accepted it behind another one of its place."""
        if len(self.met) > _MET:
            self.met.clear()
        markup = _TEXT.split(text)
        key = hash(tuple(markup))
        times = self.met[key] = self.met.get(key, 0) + 1
        if times == TIMES and place.root.room(_WEIGHT) and (pattern := _pattern(markup, place)):
            self.patterns = (pattern, *self.patterns[: _PATTERNS - 1])


def _pattern(markup: Sequence[str], place: Place) -> Pattern | None:
    """None where more than tags stands between the texts, or anything but one element of the place."""
    between = "".join(markup)
    if _NUMBER in between or "<!" in between or "<?" in between:
        return None
    numbers = [_number(text) for text in range(len(markup) - 1)]
    whole = "".join(part for pair in zip(markup, (*numbers, ""), strict=True) for part in pair)
    cuts, reached, parser = list[Cut](), Reached(), expat.ParserCreate("utf-8")
    parser.buffer_text = True
    listen(parser, place.up, cuts, reached)
    try:
        parser.Parse(whole.encode(), True)  # noqa: FBT003 - expat's own order of arguments
    except expat.ExpatError:
        return None
    texts = {text for cut in cuts if cut.told for text in cut.told.values if _NUMBER in text}
    return Pattern(markup, cuts, reached.line - 1) if reached.place is place and texts <= set(numbers) else None


def _number(text: int) -> str:
    return f"{_NUMBER}{text}{_NUMBER}"


def _picker(places: Sequence[int]) -> Picker:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda texts: tuple([texts[place] for place in places])
