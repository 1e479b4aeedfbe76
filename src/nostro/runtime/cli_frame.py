"""What every command of `nostro` has in common: where the landscape is, how it speaks, and how it ends.

Exit codes: 0 done, 1 found something wrong or could not run, 2 was given what it can't take, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import orjson
import typer

from nostro.landscape.reading import read_landscape
from nostro.landscape.schema import HouseFile
from nostro.model.failures import Failure, LandscapeRefused, OutOfService
from nostro.runtime.cli import INTERRUPTED as INTERRUPTED  # noqa: PLC0414 - commands take all endings from here
from nostro.runtime.cli import LASTING, Interrupt, Terminated
from nostro.runtime.interrupt import CommandInterrupt
from nostro.runtime.output import Output
from nostro.runtime.state import state_folder
from nostro.runtime.telemetry import explain_failure, redact

T = TypeVar("T")
DONE, WRONG = 0, 1
LOG = "nostro.log"
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
Ending = int | None
Answer = Ending | Coroutine[Any, Any, Ending]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where in the code a failure arose.")]


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that every command has."""

    landscape: Annotated[
        Path,
        typer.Option("--landscape", metavar="DIR", envvar="NOSTRO_LANDSCAPE", help="The landscape's folder."),
    ] = Path()
    as_json: JsonOption = False
    debug: DebugOption = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What a command is given besides its own arguments. `lasting`: it runs until it is asked to end."""

    folder: Path
    output: Output
    debug: bool = False
    lasting: bool = False
    interrupt: CommandInterrupt = field(default_factory=CommandInterrupt, compare=False)

    def landscape(self) -> Path:
        """The landscape's folder; raises `LandscapeRefused` when there is none."""
        if not (self.folder / "nostro.yaml").is_file():
            raise LandscapeRefused(
                f"There is no landscape in {self.folder.resolve()}: nostro.yaml is missing.",
                "Go into its folder, name it with --landscape or NOSTRO_LANDSCAPE, or begin one with `nostro init`.",
            )
        return self.folder.resolve()

    def state(self) -> Path:
        """The landscape's state folder: what nostro.yaml names, else one chosen by the landscape's path."""
        house = self.house()
        return state_folder(self.landscape(), named=house.state if house else "")

    def house(self) -> HouseFile | None:
        """nostro.yaml, if it can be understood."""
        told = read_landscape(self.landscape()).values.get("nostro.yaml")
        return told if isinstance(told, HouseFile) else None


def framed(command: Callable[..., Answer]) -> Callable[..., None]:
    """The command as typer takes it: its first parameter is the frame, and it gains the options that all share.

    A parameter whose type is a dataclass stands for options of its own, one a field. The command may be a coroutine
    function. What it returns is the exit code (None: 0); what it raises is told to the person.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    spread = {p.name: p.annotation for p in own if isinstance(p.annotation, type) and is_dataclass(p.annotation)}
    options = [parameter.replace(kind=_KEYWORD) for parameter in own if parameter.name not in spread]
    for kind in (*spread.values(), Shared):
        options += _options(kind)

    def call(**given: Any) -> None:  # noqa: ANN401 - typer has checked each by its annotation
        shared = _gather(Shared, given)
        told = {name: _gather(kind, given) for name, kind in spread.items()} | given
        frame = Frame(shared.landscape, Output(json=shared.as_json), shared.debug, command.__name__ in LASTING)
        code = ending(frame, lambda: command(frame, **told))
        if code:
            raise typer.Exit(code)

    call.__doc__, call.__name__ = _flowing(command.__doc__ or ""), command.__name__
    call.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # PEP 362 lets a callable say it
    call.__annotations__ = {option.name: option.annotation for option in options}
    return call


def _flowing(told: str) -> str:
    """A docstring whose paragraphs are as wide as the terminal, not as our source is."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in told.split("\n\n"))


def _options(kind: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        default = inspect.Parameter.empty if one.default is MISSING else one.default
        yield inspect.Parameter(one.name, _KEYWORD, default=default, annotation=hints[one.name])


def _gather(kind: type[T], given: dict[str, Any]) -> T:
    assert is_dataclass(kind)
    return kind(**{one.name: given.pop(one.name) for one in fields(kind)})


def ending(frame: Frame, command: Callable[[], Answer]) -> int:
    """Runs a command to its end and returns the exit code. SIGTERM ends it as Ctrl-C does, and one that lasts with 0.

    The handler is our own, since asyncio's would only mark the task: a prompt that blocks has to end at once.
    """
    before = {number: signal.signal(number, frame.interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for handler in before.values():
            if isinstance(handler, Interrupt):
                handler.demand_none()
        answer = command()
        done = frame.interrupt.run(answer) if isinstance(answer, Coroutine) else answer
        sys.stdout.flush()  # a full disk shows here at the latest
        return done or DONE
    except KeyboardInterrupt as signalled:
        return _interrupted(frame, signalled)
    except Failure as failure:
        frame.output.failure(failure)
        _debug(frame)
        return failure.exit_code
    except typer.Exit as asked:
        return asked.exit_code
    except BrokenPipeError:
        _drop_output()
        return WRONG
    except (Exception, BaseExceptionGroup) as error:  # the last resort: a person gets a sentence and no traceback
        first = _first(error)
        if isinstance(first, KeyboardInterrupt):
            return _interrupted(frame, first)
        if not isinstance(first, Exception):
            raise
        told = first if isinstance(first, Failure) else _of_system(first) or _unexpected(frame, first)
        frame.output.failure(told)
        _debug(frame)
        return told.exit_code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(frame: Frame, by: KeyboardInterrupt) -> int:
    """What was cut in the middle of a call is collected at the very end, and Python would complain of it then."""
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    frame.output.note("Interrupted.")
    return DONE if frame.lasting and isinstance(by, Terminated) else INTERRUPTED


def _drop_output() -> None:
    """Nobody takes what is still to be written, and Python's own flush at the end would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _of_system(error: Exception) -> Failure | None:
    """The sentence for what a person can mend outside: a full disk, a folder that isn't theirs."""
    remedy = _SYSTEM.get(error.errno or 0) if isinstance(error, OSError) else None
    if remedy is None or not isinstance(error, OSError):
        return None
    if error.filename is None:
        _drop_output()  # no name: it was the output itself
    place = error.filename if isinstance(error.filename, str) else "The output"
    return OutOfService(f"{place} can't be written: {error.strerror}.", remedy)


_SYSTEM = {
    errno.ENOSPC: "Make room there, and run it again.",
    errno.EDQUOT: "Make room there, and run it again.",
    errno.EROFS: "Name another place, or have it made writable.",
    errno.EACCES: "Name another place, or have it made yours.",
}


def _first(error: BaseException) -> BaseException:
    """What went wrong first, where tasks that ran side by side failed together; first of all, an interrupt."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(KeyboardInterrupt) or error).exceptions[0]
    return error


def _debug(frame: Frame) -> None:
    if frame.debug:
        traceback.print_exc()


def _unexpected(frame: Frame, error: Exception) -> Failure:
    """The sentence for a failure that nobody foresaw; where it arose goes to the log, its values nowhere."""
    told = dict(redact(None, "", explain_failure(None, "", {"event": "unexpected", "exc_info": error})))
    told |= {"timestamp": datetime.now(UTC).isoformat(), "command": next(iter(sys.argv[1:]), "")}
    where = "--debug shows where it arose."
    with contextlib.suppress(Failure, OSError):
        log = frame.state() / LOG
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:  # noqa: PTH123 - the mode of a new file
            file.write(orjson.dumps(told) + b"\n")
        where = f"Where it arose is in {log}; --debug shows it here."
    what = f"This should not have happened ({type(error).__name__}). Each step was kept whole or not at all."
    return Failure(what, where)


def register(app: typer.Typer, command: Callable[..., Answer], *shown: str, name: str = "") -> None:
    """Adds a command, by default under the function's name, with what one types at the end of its help."""
    app.command(name or command.__name__, epilog=examples(*shown))(framed(command))


def examples(*lines: str) -> str:
    """The end of a command's help: what one types."""
    return f"{'Example' if len(lines) == 1 else 'Examples'}: {'  ·  '.join(lines)}"
