# Sendtrace: set up, run, check, test. `make help` lists the targets.
#
# Stamps under .venv remember what is installed, so that a second call starts at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV ?= uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
JOBS ?= auto
PYTEST_ARGS ?=
BENCH ?=

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

.PHONY: run
run: .venv/installed-runtime ## Set up and start the relay with its state under ./var
	@exec $(BIN)/sendtrace serve

.PHONY: demo
demo: .venv/installed-runtime ## Start the relay with a simulated internet and sample mail
	@exec $(BIN)/sendtrace demo

.PHONY: test
test: .venv/installed-dev ## Set up and run every check and every test
	@scripts/system-packages tests || true
	@status=0; \
	$(MAKE) --no-print-directory --keep-going check || status=1; \
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile $(PYTEST_ARGS) || status=1; \
	scripts/system-packages --report tests || status=1; \
	exit $$status

.PHONY: check check-format check-lint check-types check-imports
check: check-format check-lint check-types check-imports ## Formatting, lint, types and import contracts

check-format: .venv/installed-dev
	@$(BIN)/ruff format --check

check-lint: .venv/installed-dev
	@$(BIN)/ruff check

check-types: .venv/installed-dev
	@$(BIN)/mypy

check-imports: .venv/installed-dev
	@$(BIN)/lint-imports

.PHONY: format
format: .venv/installed-dev ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: bench
bench: .venv/installed-dev ## Measure beside other relays, about 25 minutes (BENCH="end_to_end drain": these only)
	@scripts/system-packages bench || true
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: build
build: .venv/installed-dev ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation

.PHONY: lock
lock: ## Resolve the dependencies anew (needs uv on the path)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	$(COMPILE) --upgrade pyproject.toml --all-extras --output-file requirements.lock
	$(COMPILE) --upgrade pyproject.toml --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --upgrade --group build --constraint requirements-dev.lock --output-file requirements-build.lock

.PHONY: clean
clean: ## Remove everything that was made here, except ./var with its mail
	rm -rf .venv .bench dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@scripts/make-venv .venv

.venv/installed-runtime: requirements.lock requirements-build.lock pyproject.toml | .venv/bin/python
	@echo "Installing what Sendtrace needs into .venv"
	@if [[ ! -e .venv/installed-dev ]]; then \
	  $(PIP) install --quiet --require-hashes -r requirements.lock -r requirements-build.lock; \
	fi
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing what the checks and tests need into .venv"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
