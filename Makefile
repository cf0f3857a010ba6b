# Two commands on a fresh machine: `make demo` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .venv/bin
INSTALLED := .venv/.installed
PYTEST_WORKERS ?= 2

.PHONY: help setup demo test test-slow bench check docs lock programs

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## make .venv with everything in it; does nothing when it is up to date

$(INSTALLED): requirements.lock pyproject.toml scripts/make-environment
	scripts/make-environment
	@touch $@

demo: setup ## both halves on made-up people: from files to families, from links to effects, in demo/
	$(BIN)/families-first demo

programs: setup
	@scripts/ensure-system-programs

test: check programs ## every check and every test but the slow ones
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile

test-slow: programs ## the proofs that take minutes
	$(BIN)/pytest -m slow --timeout 3600

bench: setup ## speed and quality against plain Splink and plain DuckDB
	$(BIN)/python -m benchmarks

check: setup ## lint, format, types, the rooms' import contracts, and the documentation's links
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zensical build --strict --clean

docs: setup ## build the documentation into site/
	$(BIN)/python scripts/write-reference
	$(BIN)/zensical build --strict --clean

lock: ## resolve requirements.lock again from pyproject.toml (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv on the path; nothing else here does." >&2; exit 1; }
	uv pip compile pyproject.toml --group dev --universal --python-version 3.12 --generate-hashes \
	  --no-header --output-file requirements.lock
