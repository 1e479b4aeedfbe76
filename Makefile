# Everything here runs on a machine with only Python >= 3.11, make and a package index.
# Paths are relative throughout: make can't hold a path with spaces, the shell can.
.DEFAULT_GOAL := help
.PHONY: help install demo check quick test prove search fuzz lock clean crash golden simulate mutants bench bench-install overload
.NOTPARALLEL:
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
# Tests start hundreds of processes: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
QUICK := tests/unit tests/property tests/golden tests/integration/test_engine.py tests/integration/test_reading.py
UV_VERSION := 0.13.8
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --extra dev --custom-compile-command "make lock" pyproject.toml

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

install: ## set up .venv from the lock file (seconds when nothing changed)
	@sh .ci/install

demo: install ## two days of business against the sandbox; ARGS=--once ends with the books closed
	@exec $(BIN)/nostro demo $(ARGS)

check: install ## format, lint, types, import contracts, tidy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict src tests bench
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/tidy

quick: install ## the part of the tests that takes a minute: pure code, and the engine's core
	NOSTRO_PROPERTIES=quick $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" $(QUICK) $(ARGS)

test: install ## all but the long ones: real files, integration and simulation included
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not proof" $(ARGS)

prove: install ## the long ones, which mostly wait: the demo, a credit from the terminal, kills, restore, upgrade, overload, a full disk
	$(BIN)/python -m pytest -q -n 4 --dist worksteal -m proof $(ARGS)

crash: install ## ROUNDS= rounds of SIGKILL, Ctrl-C and SIGTERM; by their number stopped clocks, cuts, restarts, fail-overs, full disks
	NOSTRO_CRASH_ROUNDS=$(or $(ROUNDS),20) NOSTRO_CRASH_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s tests/crash $(ARGS)

overload: install ## flood a house with ten times what it can take for SECONDS= seconds
	NOSTRO_OVERLOAD_SECONDS=$(or $(SECONDS),300) $(BIN)/python -m pytest -q -s tests/crash/test_overload.py $(ARGS)

golden: install ## decide the golden log anew, read and write the golden files; read the difference before you commit it
	NOSTRO_GOLDEN=write $(BIN)/python -m pytest -q tests/golden/test_golden_log.py tests/golden/test_formats.py
	@git --no-pager diff --stat -- tests/golden/log tests/golden/formats 2>/dev/null || true

simulate: install ## the whole house from SEEDS= seeds (FIRST= to begin with), JOBS= at a time; the first failing one is shrunk and told
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1) $(if $(JOBS),--jobs $(JOBS)) --keep $(ARGS)

mutants: install ## break guarantees on purpose and see which quick test notices (ARGS=NAME for one, ARGS=--all for every one)
	$(BIN)/python -m tests.mutants.run $(ARGS)

search: install ## look for new counterexamples to the properties, ROUNDS= times (the gate tries the same ones each time)
	@for round in $$(seq $(or $(ROUNDS),10)); do \
		NOSTRO_PROPERTIES=search $(BIN)/python -m pytest -q -n 2 --timeout 900 tests/property $(ARGS) || exit 1; done

fuzz: install ## damage real files and ours for SECONDS= seconds, from seed FIRST= on; ONLY= names a part of their paths
	@exec $(BIN)/python -m tests.fuzz.run --seconds $(or $(SECONDS),3600) --first $(or $(FIRST),1) $(if $(ONLY),--only $(ONLY))

lock: install ## resolve pyproject.toml into requirements.lock again (ARGS=--upgrade takes newer versions)
	@$(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"
	$(LOCK) --output-file requirements.lock $(ARGS)
	$(LOCK) --extra bench --constraint requirements.lock --output-file requirements-bench.lock $(ARGS)
	@$(BIN)/python -m pip uninstall --quiet --yes uv
	@$(MAKE) install

bench-install: install ## the rivals that `nostro bench` measures beside us
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: \
		--require-hashes -r requirements-bench.lock

bench: bench-install ## measure a claim, e.g. make bench NAME=engine ARGS=--json
	@exec $(BIN)/nostro bench $(or $(NAME),engine) $(ARGS)

clean: ## remove .venv and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
