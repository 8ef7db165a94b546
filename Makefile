# Two commands do everything: `make compare` and `make test`. Both set up what they need in .venv first.
# Without make, README.md has the same steps in plain pip.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
TAG = $(shell $(PYTHON) -c 'import sys; print("py%d%d" % sys.version_info[:2])')
CONSTRAINTS = $(wildcard constraints/$(TAG).txt)
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
RUNS ?= 500
SEED ?= 7
JOBS ?= auto
ENSEMBLE ?= both

.DEFAULT_GOAL := help
.PHONY: help compare test test-all test-browser check calibrate evidence findings clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

compare: $(VENV)/run.stamp  ## compare the entry points: table on screen, figures and data in results/compare
	$(BIN)/transition-sim compare --ensemble $(ENSEMBLE) --runs $(RUNS) --seed $(SEED) --out results/compare --force

test: $(VENV)/test.stamp  ## run the tests, in a few minutes
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not browser"

test-all: $(VENV)/test.stamp  ## run all tests, the slow ones too
	$(BIN)/python -m pytest -n $(JOBS) -m "not browser"

test-browser: $(VENV)/browser.stamp  ## drive the pages in a real Chromium (which must be installed, and npm)
	CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest -n $(JOBS) tests/browser

check: $(VENV)/test.stamp  ## lint, format, types, and the shipped models and scenarios
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/transition-sim check models/*.mdl models/uncertainties.yaml models/claims.yaml models/evidence.yaml models/levers.yaml scenarios/*/*.yaml

calibrate: $(VENV)/run.stamp  ## make the calibrated ensembles anew: scenarios/ensembles (about a minute)
	$(BIN)/transition-sim calibrate --out scenarios/ensembles --force

evidence: $(VENV)/run.stamp  ## hold the model against published targets, with figures in results/evidence
	$(BIN)/transition-sim model evidence --out results/evidence --force

findings: $(VENV)/run.stamp  ## compute claims and loops anew and write them into models/README.md
	$(BIN)/transition-sim model findings --write models/README.md

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist results .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/run.stamp: pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; name it with make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(PIP_INSTALL) -e '.[test]'
	@touch $@

$(VENV)/browser.stamp: $(VENV)/test.stamp tests/browser/package-lock.json
	@command -v npm >/dev/null || { echo "npm was not found; the browser tests take an accessibility checker from it" >&2; exit 1; }
	$(PIP_INSTALL) -e '.[test,browser]'
	cd tests/browser && npm ci --no-audit --no-fund --silent
	@touch $@
