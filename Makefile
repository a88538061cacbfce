# `make help` lists what there is to do. Every target honours the PAYGLOT_ settings of the environment.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz chaos check format bench migrate conformance openapi lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLIENTS := $(VENV)/.clients-installed
CASES ?= 2000
# One more than there are cores, because some tests wait. Each keeps a database and perhaps a browser; beyond four, they
# wait for each other.
TEST_PROCESSES ?= $(shell n=$$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)); [ $$n -gt 4 ] && n=4; echo $$n)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything in it; the others call this when needed

demo: $(STAMP) ## start Payglot with a demo merchant on http://127.0.0.1:8000 and print what to try
	@exec $(BIN)/payglot demo

test: $(STAMP) $(CLIENTS) ## run every test; ARGS="-k name" passes arguments to pytest
	@$(BIN)/python -m tools.browser
	@PYTHONDONTWRITEBYTECODE= exec $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal $(ARGS)

fuzz: $(STAMP) ## send each dialect thousands of requests that its OpenAPI document allows or forbids; CASES=5000
	@exec $(BIN)/python -m pytest -n $(TEST_PROCESSES) tests/fuzz --fuzz-cases $(CASES) -rP $(ARGS)

chaos: $(STAMP) ## kill, cut and freeze a real installation under load, and print each reliability goal; ARGS="--short"
	@exec $(BIN)/python -m tests.chaos $(ARGS)

check: $(STAMP) ## lint, formatting, types, import rules, and the benchmark goals that noise cannot touch
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -f bench/goals.py ]; then echo "$(BIN)/python -m bench.goals --check"; exec $(BIN)/python -m bench.goals --check; fi

format: $(STAMP) ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure throughput and latency beside the machine's own limit
	@exec $(BIN)/python -m bench $(ARGS)

migrate: $(STAMP) ## bring the database to the current schema
	@exec $(BIN)/payglot migrate

conformance: $(STAMP) ## run the tests that show what conforms, and write docs/conformance.md
	$(BIN)/python -m tools.conformance -n $(TEST_PROCESSES)

openapi: $(STAMP) ## write docs/openapi anew
	$(BIN)/python -m tools.openapi

lock: ## resolve the dependencies anew (needs uv and npm)
	uv pip compile pyproject.toml --group dev --all-extras $(LOCK_OPTIONS) -o requirements.lock $(ARGS)
	uv pip compile pyproject.toml --all-extras -c requirements.lock $(LOCK_OPTIONS) -o requirements-runtime.lock
	uv pip compile --group build -c requirements.lock $(LOCK_OPTIONS) -o requirements-build.lock
	uv pip compile tests/clients/python/requirements.in $(LOCK_OPTIONS) -o tests/clients/python/requirements.lock $(ARGS)
	cd tests/clients/node && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

clean: ## remove .venv and caches; your data directory stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@set -e; \
	for python in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then echo "Payglot needs Python 3.11 or newer, and none was found; name one with make PYTHON=..." >&2; exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then echo "$$found lacks the venv module; on Debian and Ubuntu, install python3-venv" >&2; exit 1; fi; \
	echo "Setting up $(VENV) (once; a minute or two)"; \
	"$$found" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	$(BIN)/python -m compileall -q src tests; \
	touch $(STAMP)

# Meanwhile pytest compiles the tests, which each of its processes would do again.
$(CLIENTS): $(STAMP) $(wildcard tests/clients/*/*lock*)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only --quiet >/dev/null 2>&1 & \
	$(BIN)/python -m tests.clients.packages; wait
	@touch $(CLIENTS)
