"""What linters miss. Each test's name is the sentence that it proves; a failure lists every place."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
LINES_OF_A_FUNCTION = 60
LINES_OF_A_FILE = 400

BARE_WORDS = {
    *("account", "common", "data", "date", "helper", "helpers", "item", "items", "manager", "misc", "process_data"),
    *("record", "records", "status", "thing", "things", "transaction", "util", "utils"),
}
WORDS_NOWHERE = re.compile(r"(?:^|_)(?:utils?|helpers?|manager)(?:_|$)|(?:Utils?|Helpers?|Manager)(?=[A-Z]|$)")

PURE = {"model", "formats", "reconciliation", "ledger", "governance", "connectors", "processes"}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4"}
IMPURE_NAMES = {"open", "input", "print", "breakpoint", "exec", "eval"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "mkdir", "unlink"}

SOCKETS = {"aiohttp", "asyncssh", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket", "ssl", "urllib3"}
SOCKETS |= {"urllib.request", "websockets"}
SOCKETS_ALLOWED = ("nostro.egress", "nostro.sandbox", "nostro.runtime.demo.naive", "nostro.runtime.ports")
DRIVER = {"psycopg", "psycopg_pool"}

CLOCK_IN_SQL = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|gen_random_uuid)\s*\("
    r"|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
THE_CLOCK = "database_clock"  # the one statement that reads the machine's time, for Now
HOSTS = [f"{name}.{end}" for name, end in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("pypa", "io")]]
INDEX_OPTIONS = [f"--{name}" for name in ("index-url", "extra-index-url", "find-links", "trusted-host")]
NO_TEXT = {".png", ".ico", ".woff2", ".pdf", ".zip", ".gz"}


@cache
def files(suffix: str, *folders: str) -> tuple[Path, ...]:
    """Every file of the checkout with this suffix, caches and .venv left out."""
    found: list[Path] = []
    for folder in folders or (".",):
        for here, below, names in os.walk(ROOT / folder):
            below[:] = sorted(name for name in below if name == ".ci" or not name.startswith((".", "__pycache__")))
            found += [Path(here) / name for name in sorted(names) if name.endswith(suffix)]
    return tuple(found)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def module_of(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, also those that a `from` may mean, with the line."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def started_by_name() -> set[str]:
    """Modules that are started, not imported: console scripts, and names in strings (`module:attribute`)."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    strings = {
        node.value
        for path in files(".py", "src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("nostro.")
    }
    return {text.split(":")[0] for text in [*scripts.values(), *strings]}


def test_every_module_is_imported_by_another_or_started_by_name() -> None:
    wanted = started_by_name()
    for path in files(".py", "src"):
        wanted |= {name for name, _ in imports_of(path) if name != module_of(path)}
    dead = [module_of(path) for path in files(".py", "src") if path.name not in {"__init__.py", "__main__.py"}]
    assert [name for name in dead if name not in wanted] == []


def names_given(path: Path) -> Iterator[tuple[str, int]]:
    yield path.stem, 1
    yield path.parent.name, 1
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno


def test_no_module_class_or_function_bears_a_word_that_says_nothing() -> None:
    assert [
        f"{at(path, line)} {name}"
        for path in files(".py", "src", "tests")
        for name, line in names_given(path)
        if (name.strip("_").lower() in BARE_WORDS and not of_the_database(path, name)) or WORDS_NOWHERE.search(name)
    ] == []


def of_the_database(path: Path, name: str) -> bool:
    """Where databases are driven, a transaction is a database transaction and nothing else."""
    return name.lower() == "transaction" and path.name in {"database.py", "dispatch_world.py"}


def links_of(text: str) -> Iterator[str]:
    prose = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    yield from re.findall(r"\[[^\]]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)", prose)


def test_every_relative_link_in_the_documentation_leads_somewhere() -> None:
    assert [
        f"{path.relative_to(ROOT)} -> {link}"
        for path in files(".md")
        for link in links_of(path.read_text(encoding="utf-8"))
        if not re.match(r"[a-z][a-z0-9+.-]*:|#", link) and not (path.parent / link.split("#")[0]).exists()
    ] == []


def test_every_runbook_that_is_named_is_there() -> None:
    naming = re.compile(r"""docs/operate/([\w-]+)\.md|\brunbook="([\w-]+)"|Runbook: `([\w-]+)`""")
    texts = (path.read_text(encoding="utf-8") for path in (*files(".py", "src"), *files(".md")))
    named = {name for text in texts for found in naming.findall(text) for name in found if name}
    assert sorted(name for name in named if not (ROOT / "docs/operate" / f"{name}.md").is_file()) == []


def test_no_function_is_longer_than_the_ratchet() -> None:
    assert [
        f"{at(path, node.lineno)} {node.name}: {length} lines"
        for path in files(".py", "src", "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_OF_A_FUNCTION
    ] == []


def test_no_file_is_longer_than_the_ratchet() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {length} lines"
        for path in files(".py", "src", "tests")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > LINES_OF_A_FILE
    ] == []


def is_broad(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def test_every_broad_except_says_why_on_its_line() -> None:
    assert [
        at(path, node.lineno)
        for path in files(".py", "src", "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        if is_broad(node) and "#" not in path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
    ] == []


def test_every_silenced_check_has_its_reason_beside_it() -> None:
    silenced = re.compile(r"# (?:noqa(?!: [A-Z0-9]+(?:, ?[A-Z0-9]+)* +-{1,2} \w)|type: ignore(?!\[[\w, -]+\]  # \w))")
    assert [
        at(path, number)
        for path in files(".py", "src", "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if silenced.search(line) and path != Path(__file__)
    ] == []


def test_no_file_holds_what_a_merge_left_undecided() -> None:
    left = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    texts = [path for path in files("") if path.suffix not in NO_TEXT]
    assert [
        str(path.relative_to(ROOT)) for path in texts if left.search(path.read_text(encoding="utf-8", errors="replace"))
    ] == []


def test_no_file_names_a_registry_host() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files("")
        if path.suffix not in NO_TEXT
        for word in [*HOSTS, *(INDEX_OPTIONS if path.name == "requirements.lock" else [])]
        if word in path.read_text(encoding="utf-8", errors="replace")
    ] == []


def impure_call(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in IMPURE_NAMES | IMPURE_CALLS else None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr if node.func.attr in IMPURE_CALLS | FILE_METHODS else None
    return None


def test_pure_packages_ask_no_clock_and_no_chance_and_open_no_file() -> None:
    assert [
        f"{at(path, node.lineno)} {called}"
        for package in sorted(PURE)
        for path in files(".py", f"src/nostro/{package}")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and (called := impure_call(node))
    ] == []


def statements_of(path: Path) -> Iterator[tuple[str, str]]:
    """Each statement's name (empty in a migration) and its text without comments."""
    name, lines = "", list[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-- name:"):
            yield name, "\n".join(lines)
            name, lines = line.removeprefix("-- name:").strip(), []
        lines.append(line.split("--")[0])
    yield name, "\n".join(lines)


def test_no_statement_asks_the_database_for_time_or_chance() -> None:
    assert [
        f"{path.relative_to(ROOT)} {name}: {found.group()}"
        for path in files(".sql", "src")
        for name, text in statements_of(path)
        for found in CLOCK_IN_SQL.finditer(text)
        if name != THE_CLOCK
    ] == []


def is_one_of(name: str, packages: set[str] | tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_client_sockets_are_opened_in_egress_and_the_few_places_that_the_design_names() -> None:
    assert [
        f"{at(path, line)} {name}"
        for path in files(".py", "src")
        if not is_one_of(module_of(path), SOCKETS_ALLOWED)
        for name, line in imports_of(path)
        if is_one_of(name, SOCKETS)
    ] == []


def test_only_the_store_speaks_to_the_database_driver() -> None:
    assert [
        f"{at(path, line)} {name}"
        for path in files(".py", "src")
        if not is_one_of(module_of(path), ("nostro.store",))
        for name, line in imports_of(path)
        if name in DRIVER
    ] == []


def test_nothing_in_the_source_waits_to_be_finished() -> None:
    unfinished = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
    assert [
        at(path, number)
        for path in (*files(".py", "src"), *files(".sql", "src"), *files(".json", "src"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if unfinished.search(line)
    ] == []


def test_every_package_is_named_in_the_import_contracts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = " ".join(project["tool"]["importlinter"]["contracts"][0]["layers"])
    named = set(re.findall(r"nostro(?:\.\w+)+", layers))
    folders = [path.parent for path in files("__init__.py", "src/nostro") if path.parent != SRC / "nostro"]
    one_by_one = {"connectors", "processes"}
    below = [path for path in folders if path.parent.name in one_by_one and path.parent.parent == SRC / "nostro"]
    top = [path for path in folders if path.parent == SRC / "nostro" and path.name not in one_by_one]
    assert [name for path in (*top, *below) if (name := module_of(path / "__init__.py")) not in named] == []


def test_every_package_says_what_it_is_for() -> None:
    packages = files("__init__.py", "src")
    assert [str(path.relative_to(ROOT)) for path in packages if not ast.get_docstring(tree(path))] == []


def test_setting_up_leaves_stdout_to_the_command_that_needs_it() -> None:
    said = [line.strip() for line in (ROOT / ".ci/install").read_text().splitlines() if "echo " in line]
    assert [line for line in said if not re.search(r'>&2$|>"\$stamp"$', line)] == []
    assert len(said) > 5
