"""A landscape's folder read into values. Whatever is wrong becomes a finding with file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from nostro.landscape.schema import (
    FILES,
    FOLDERS,
    POSTING,
    REQUIRED,
    CalendarsFile,
    ConnectionFile,
    EntitiesFile,
    HouseFile,
    InterfaceFile,
    LimitsFile,
    PeopleFile,
)
from nostro.landscape.sources import Finding, Source, Unreadable, read_source
from nostro.model.failures import near
from nostro.model.statements import Source as Pointer

M = TypeVar("M", bound=BaseModel)
_LIMIT_BYTES = 1_048_576
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(slots=True)
class Landscape:
    """What was read. `values` holds a model for each file that could be understood; `posting` is the table's text."""

    folder: Path
    sources: dict[str, Source] = field(default_factory=dict)
    values: dict[str, BaseModel] = field(default_factory=dict)
    posting: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def house(self) -> HouseFile:
        """nostro.yaml."""
        return self._of("nostro.yaml", HouseFile)

    @property
    def entities(self) -> EntitiesFile:
        """entities.yaml."""
        return self._of("entities.yaml", EntitiesFile)

    @property
    def people(self) -> PeopleFile:
        """people.yaml."""
        return self._of("people.yaml", PeopleFile)

    @property
    def limits(self) -> LimitsFile:
        """rules/limits.yaml, or none."""
        return self._of("rules/limits.yaml", LimitsFile, LimitsFile())

    @property
    def calendars(self) -> CalendarsFile:
        """rules/calendars.yaml, or none."""
        return self._of("rules/calendars.yaml", CalendarsFile, CalendarsFile())

    @property
    def connections(self) -> Mapping[str, ConnectionFile]:
        """connections/*.yaml by id, the file's name."""
        return {stem: value for stem, value in self._in("connections") if isinstance(value, ConnectionFile)}

    @property
    def interfaces(self) -> Mapping[str, InterfaceFile]:
        """interfaces/*.yaml by id, the file's name."""
        return {stem: value for stem, value in self._in("interfaces") if isinstance(value, InterfaceFile)}

    def _of(self, file: str, kind: type[M], otherwise: M | None = None) -> M:
        found = self.values.get(file, otherwise)
        if not isinstance(found, kind):
            raise KeyError(file)
        return found

    def _in(self, folder: str) -> Iterator[tuple[str, BaseModel]]:
        for file, value in sorted(self.values.items()):
            if file.startswith(f"{folder}/"):
                yield Path(file).stem, value


def read_landscape(folder: Path) -> Landscape:
    """Everything in the folder. `findings` tells what could not be understood; cross-checks are `check`'s."""
    landscape = Landscape(folder)
    for file in REQUIRED:
        if not (folder / file).is_file():
            landscape.findings.append(
                Finding(file, 1, "This file is missing.", "`nostro init` writes a landscape to start from.")
            )
    for file, model in FILES.items():
        if (folder / file).is_file():
            _take(landscape, file, model)
    for name, model in FOLDERS.items():
        for path in sorted((folder / name).glob("*")):
            file = f"{name}/{path.name}"
            if path.suffix == ".yaml" and _ID.fullmatch(path.stem):
                _take(landscape, file, model)
            elif not path.name.startswith("."):
                remedy = "Call it ID.yaml, with an id of small letters, digits and dashes."
                landscape.findings.append(Finding(file, 1, "This file's name is not taken.", remedy))
    _take_posting(landscape)
    return landscape


def _take(landscape: Landscape, file: str, model: type[BaseModel]) -> None:
    source = _source(landscape, file)
    if source is None:
        return
    try:
        landscape.values[file] = _located(model.model_validate(source.value), source)
    except ValidationError as error:
        landscape.findings += explained(source, error, model)


def _located(value: BaseModel, source: Source) -> BaseModel:
    """What was read; each legal entity with its place."""
    if not isinstance(value, EntitiesFile):
        return value
    placed = [
        entity.model_copy(
            update={"source": Pointer(where=f"{source.file}: entities[{n}]", line=source.line(("entities", n)))}
        )
        for n, entity in enumerate(value.entities)
    ]
    return value.model_copy(update={"entities": tuple(placed)})


def _take_posting(landscape: Landscape) -> None:
    if not (landscape.folder / POSTING).is_file():
        remedy = "Without it nothing would ever be booked. `nostro init` writes one to start from."
        landscape.findings.append(Finding(POSTING, 1, "The posting policy is missing.", remedy))
    elif _source(landscape, POSTING) is not None:
        landscape.posting = (landscape.folder / POSTING).read_text(encoding="utf-8")


def _source(landscape: Landscape, file: str) -> Source | None:
    path = landscape.folder / file
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= _LIMIT_BYTES else None
        if text is None:
            landscape.findings.append(Finding(file, 1, "The file is larger than 1 MB.", "Split it."))
        else:
            landscape.sources[file] = read_source(file, text)
    except Unreadable as error:
        landscape.findings.append(error.finding)
    except (OSError, UnicodeDecodeError) as error:
        why = f"This can't be read ({type(error).__name__})."
        landscape.findings.append(Finding(file, 1, why, "It has to be a readable file in UTF-8."))
    return landscape.sources.get(file)


def explained(
    source: Source, error: ValidationError, model: type[BaseModel], under: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Pydantic's errors as findings for a person. No value is repeated: it may be a secret."""
    flaws = error.errors(include_url=False, include_input=False)
    below = {flaw["loc"][:n] for flaw in flaws for n in range(len(flaw["loc"]))}
    for told in flaws:
        if told["type"] == "too_short" and told["loc"] in below:
            continue  # what is in it was wrong, so pydantic counted nothing
        place = (*under, *told["loc"])
        named = _named(source, place)
        sentence, remedy = _said(told["type"], str(told["msg"]), dict(told.get("ctx", {})))
        if told["type"] == "extra_forbidden":
            remedy = _meant(str(told["loc"][-1]), model) or remedy
        yield source.finding(place, f"{named}{sentence}.".strip(), remedy)


def _named(source: Source, place: tuple[str | int, ...]) -> str:
    """`entities[1].zone`: the place as far as the file has it, and the last step."""
    kept: tuple[str | int, ...] = ()
    for step in place:
        if (*kept, step) in source.lines or step == place[-1]:
            kept = (*kept, step)
    named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in kept)
    return named.removeprefix(".")


def _said(kind: str, message: str, context: Mapping[str, Any]) -> tuple[str, str]:
    match kind:
        case "missing":
            return " is missing", "Add it."
        case "extra_forbidden":
            return " is not known here", "Remove it, or see docs/look-up/landscape.md for what there is."
        case "string_type":
            return " has to be text", "Put it in quotes: numbers lose their leading zeros otherwise."
        case "literal_error" | "enum":
            return " has another value than it may have", f"Use {context.get('expected', 'one of the known ones')}."
        case "string_pattern_mismatch":
            return " is not written as it has to be", f"It has to match {context.get('pattern', '')}"
        case "value_error" | "assertion_error":
            return f": {context.get('error', message)}", ""
        case _:
            return f" can't be taken: {message}", ""


def _meant(name: str, model: type[BaseModel]) -> str:
    """A known name that looks like the unknown one, anywhere below the model."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    known = sorted({field for part in parts for field in part.get("properties", {})})
    return near(name, known).strip()
