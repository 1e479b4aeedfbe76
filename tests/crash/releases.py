"""Releases of Nostro as folders of source: the last one, what stands here, a next one made from it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parents[2]
SOURCE = HERE / "src"
MIGRATIONS = Path("nostro", "store", "migrations")
LAST = "NOSTRO_LAST_RELEASE"
"""Names another last release: a git reference."""


class NoHistory(Exception):
    """Git can't say what the last release was."""


def last_release(repository: Path = HERE) -> str:
    """The git reference of what runs where what stands here is installed next. Raises `NoHistory`.

    The newest tagged release (`v1.2.3`) of which this is a successor. Before there is one: what stood on this branch
    before its schema last changed, so that what is tried is a change which houses really live through.
    """
    if told := os.environ.get(LAST, ""):
        return told
    tags = _git(repository, "tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD", "--sort=-v:refname")
    if tags:
        return tags[0]
    if _git(repository, "rev-parse", "--is-shallow-repository") != ["false"]:
        raise NoHistory("This clone is shallow and has no tag of a release: git fetch --unshallow --tags")
    by_parent = ("--first-parent", "-m", "--diff-filter=A", "--format=%H")
    changed = _git(repository, "log", "-1", *by_parent, "--", str("src" / MIGRATIONS))
    return _git(repository, "rev-parse", "--verify", f"{changed[0] if changed else 'HEAD'}^")[0]


def _git(repository: Path, *words: str) -> list[str]:
    try:
        command = ["git", "-C", str(repository), *words]  # git finds its own place on PATH
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory(f"git {words[0]}: {getattr(error, 'stderr', error)}") from error


def copied(folder: Path) -> Path:
    """A copy of the source that stands here."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return folder


def archived(reference: str, folder: Path, repository: Path = HERE) -> Path:
    """The source as git has it under a reference."""
    command = ["git", "-C", str(repository), "archive", reference, "src"]
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
