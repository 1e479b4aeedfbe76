"""`nostro bench`: what we claim about speed, measured here, beside what others do.

The benchmarks live in the source tree's `bench` folder, beside the package: an installed wheel hasn't got them.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from nostro.model.failures import OutOfService, Refused
from nostro.runtime.cli_frame import Frame, register
from nostro.runtime.output import clean, table

TREE = Path(__file__).parents[3]
RIVALS = ("all", "one", "none")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. The defaults are what the claims are made with, but for the long run: it takes 600 s."""

    seconds: Annotated[float, typer.Option(min=0.5, help="How long each figure is measured.")] = 20.0
    warm_seconds: Annotated[float, typer.Option(min=0.0, help="How long each side runs before.")] = 5.0
    long_seconds: Annotated[
        float, typer.Option(min=0.0, help="One more, long run: does it keep its pace (engine).")
    ] = 0.0
    instances: Annotated[int, typer.Option(min=100, help="Instances that wait (inflight).")] = 1_000_000
    facts: Annotated[int, typer.Option(min=1000, help="Facts of history (inflight, scale, replay).")] = 10_000_000
    workers: Annotated[str, typer.Option(help="Worker processes to try, e.g. 1,2,4.")] = "1,2"
    under_way: Annotated[int, typer.Option(min=10, help="Instances kept under way at once (engine, scale).")] = 4000
    rivals: Annotated[str, typer.Option(help="all: their whole sweeps; one: each at its best; none.")] = "all"
    history: Annotated[bool, typer.Option(help="Keep the result in bench/history.")] = True


def add_to(app: typer.Typer) -> None:
    """The command."""
    register(app, bench, "nostro bench engine --json", "nostro bench engine --seconds 3 --workers 1 --rivals one")


def bench(
    frame: Frame,
    name: Annotated[str, typer.Argument(help="engine, ingest, inflight, replay, scale, parse or write.")],
    sizes: Sizes,
) -> None:
    """Measure a claim about speed, beside what others do, on a PostgreSQL of its own."""
    runner, report = _module("run"), _module("report")
    chosen = asdict(sizes) | {"workers": _numbers(sizes.workers), "rivals": _one_of(sizes.rivals)}
    history = report.HISTORY if chosen.pop("history") else None
    parameters = report.Parameters(**chosen)

    def note(sentence: str) -> None:  # beside --json too: it takes minutes, and standard output stays one object
        frame.output.aside.print(clean(sentence))

    for told in runner.run(name, parameters, note, history):
        if name in runner.FILE_BENCHES and frame.output.json:
            sys.stdout.write(f"{json.dumps(told)}\n")
        else:
            frame.output.show(told, partial(_draw, told=told))


def _module(name: str) -> Any:  # noqa: ANN401 - a module outside the package
    if not (TREE / "bench" / "run.py").is_file():
        raise OutOfService("The benchmarks aren't here: they come with the source tree.", "Run it from a checkout.")
    if str(TREE) not in sys.path:
        sys.path.insert(0, str(TREE))
    return importlib.import_module(f"bench.{name}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise Refused(f"--workers {text} isn't a list of numbers.", "Write it as 1,2,4.")
    return numbers


def _one_of(rivals: str) -> str:
    if rivals not in RIVALS:
        raise Refused(f"--rivals {rivals} isn't known.", f"It is one of {', '.join(RIVALS)}.")
    return rivals


def _draw(console: Console, told: Mapping[str, Any]) -> None:
    rows = [("Nostro", f"{told['ours']:g}", "")]
    rows += [(name, f"{value:g}", f"{told['ratios'].get(name, 0):g}") for name, value in told["baselines"].items()]
    console.print(table(told["bench"], {"who": "left", told["unit"]: "right", "we are times it": "right"}, rows))
    promises = [
        (name, f"{limit['measured']:g}", limit["reach"], "yes" if limit["holds"] else "no")
        for name, limit in told["limits"].items()
    ]
    if promises:
        columns = {"promised": "left", "measured": "right", "reach": "right", "holds": "left"}
        console.print(table("", columns, promises))
    context = told["context"]
    console.print(f"{context['cores']} cores, fdatasync {context['fdatasync']} us, commit {context['commit']}")
