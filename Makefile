# make book and make test set up everything by themselves, in .venv, with pip alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help book test test-fast check lint verify setup clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

book: setup  ## build all editions into _book/
	$(BIN)/workbook build

test: setup  ## run all tests
	$(BIN)/pytest

test-fast: setup  ## run the quick tests: no whole book, no kernel, no browser
	$(BIN)/pytest -m "not slow"

check: setup  ## find faults in the chapters without running them
	$(BIN)/workbook check

lint: setup  ## check the style of the Python code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/workbook tangle --check

verify: setup $(VENV)/.verify  ## validate the finished books (installs validators)
	$(BIN)/workbook verify
	$(BIN)/pytest $(wildcard tests/tools/test_verify*.py) tests/tools/test_layout.py \
	  tests/tools/test_site_script.py

setup: $(VENV)/.ready .workbook/fonts  ## make .venv and install what is needed

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "setting up $(VENV) (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV) || { \
	  $(PYTHON) -m pip install --quiet --target $(VENV)-tool virtualenv && \
	  PYTHONPATH=$(VENV)-tool $(PYTHON) -m virtualenv --quiet --clear $(VENV); }
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable '.[build,chapters,test]'
	@touch $@

# The faces of the printed book, also where Quarto looks for them (font-paths in _quarto.yml).
.workbook/fonts: $(VENV)/.ready
	@$(BIN)/python -c 'from workbook.render import typefaces; typefaces.folder()'
	@touch $@

$(VENV)/.verify: $(VENV)/.ready requirements-verify.lock package-lock.json scripts/install-validators
	@$(PIP) install --requirement requirements-verify.lock
	scripts/install-validators
	@touch $@

clean:  ## remove the books and the caches, not .venv
	rm -rf _book .workbook
