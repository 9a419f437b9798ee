# `make help` lists what there is. Nothing but Python 3.11 or newer has to be there before.

PYTHON ?= python3
BIN := .venv/bin
SET_UP := .venv/.set-up
BENCH := .venv-bench/.set-up
UV := uv==0.13.9
RUNNERS ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint fast faults faults-long bench bench-peers lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(SET_UP) ## Make .venv from the lock; again only when the lock has changed

# umask: the embedded PostgreSQL of root runs as another user, who has to read its programs.
$(SET_UP): requirements-dev.lock pyproject.toml hatch_build.py package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Todoke needs Python 3.11 or newer. Name one: make setup PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	umask 022 && $(PYTHON) -m venv .venv
	umask 022 && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	umask 022 && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Show an evacuation order reach everybody in a town that does not exist
	$(BIN)/todoke demo

test: lint ## Check everything: lint, types, tests
	$(BIN)/pytest -n $(RUNNERS)

fast: setup ## Run the tests that failed last, or else all, without lint
	$(BIN)/pytest -n $(RUNNERS) -q --last-failed

lint: setup ## Check style, types, and the container files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict -d "{extends: default, rules: {line-length: {max: 120}}}" compose.yaml
	$(BIN)/hadolint Dockerfile

FAULTS = $(BIN)/python -m tests.faults $(if $(CYCLES),--cycles $(CYCLES)) $(if $(SEED),--seed $(SEED)) \
  $(if $(ONLY),--only $(ONLY))

faults: setup ## Break things, and check that nobody is lost or told twice: [CYCLES=40] [SEED=…] [ONLY=1,24]
	$(FAULTS)

faults-long: setup ## The same with 500 kills and the rows that take long: [CYCLES=500] [SEED=…] [ONLY=1,24]
	$(FAULTS) --long

bench: setup bench-peers ## Measure everything and write docs/benchmarks.md: an hour, 15 GB in bench-data
	$(BIN)/python -m bench.all

bench-peers: $(BENCH) ## Make .venv-bench with what benchmarks compare with: task queues, limiters, an R-tree

# arq asks for a Redis client older than taskiq's; it runs on the newer one, so it comes without its wishes.
$(BENCH): requirements-bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-bench.txt
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'arq==0.28.*'
	@touch $@

lock: setup ## Take in the newest packages pyproject.toml allows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Take away what was made, except data
	rm -rf console/static/vendor tests/browser/vendor
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
