"""Releases of Nostro as folders of source: what stands here, what a git reference names, a next one made from it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parents[2]
SOURCE = HERE / "src"
MIGRATIONS = Path("nostro", "store", "migrations")


def copied(folder: Path) -> Path:
    """A copy of the source that stands here."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return folder


def archived(reference: str, folder: Path) -> Path:
    """The source as git has it under a reference."""
    command = ["git", "-C", str(HERE), "archive", reference, "src"]  # git finds its own place on PATH
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def changed(source: Path, changes: Mapping[str, tuple[str, str]]) -> None:
    """Replace texts in a copy, each of which is there once: file -> what stands there, what shall stand there."""
    for name, (before, after) in changes.items():
        path = source / "nostro" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} does not say once: {before}"
        path.write_text(text.replace(before, after), encoding="utf-8")
