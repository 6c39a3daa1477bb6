# Everything a newcomer needs: `make demo` and `make test`. Needs git, make, python3 and python3-venv, nothing else.
# Nothing is installed twice: the stamps under .venv are newer than what an installation reads while it is current.

PYTHON ?= python3
# Extra words for pip, for example an index that holds CPU-only wheels of torch.
PIP_ARGS ?=
# Extra words for pytest: a file, -x, or -n0 for no workers.
PYTEST_ARGS ?=
# Each keeps to one core, and takes over what others have before them.
WORKERS := --numprocesses auto --maxprocesses 4 --dist worksteal

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs
# What an installation is made of; edgewise itself runs from src.
INPUTS := pyproject.toml hatch_build.py $(wildcard src/edgewise/kernels/native/src/*)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test test-all lint style types format bench docs web clean

help:
	@echo "make demo      install into .venv and run the main job on measured data that ships with the package"
	@echo "make test      the tests of a few minutes, on all cores (at most four)"
	@echo "make test-all  all tests: also doctests and those marked slow"
	@echo "make lint      ruff, pyright and the import contract"
	@echo "make format    let ruff put the code in order"
	@echo "make docs      build the documentation into docs/_build/html, its gallery included"
	@echo "make web       build the script of the page from web/ (needs npm; it is committed, so nothing else does)"
	@echo "make bench     regenerate the figures of the benchmark pages and the rows behind them"
	@echo "make clean     remove .venv and what was built"

demo: $(INSTALLED)
	$(BIN)/edgewise demo

test: $(DEV)
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(PYTEST_ARGS)

test-all: $(DEV)
	$(BIN)/python -m pytest $(WORKERS) --doctest-modules $(PYTEST_ARGS)

lint: style types

style: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache

types: $(DEV)
	$(BIN)/pyright

format: $(DEV)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(DEV)
	$(BIN)/python -m benchmarks

docs: $(DOCS)
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

web: $(DEV)
	$(BIN)/python web/write_types.py > web/src/program.new && mv web/src/program.new web/src/program.ts
	cd web && npm ci --silent --no-audit --no-fund && npm run --silent build

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis edgewise-demo docs/_build docs/gallery docs/reference/generated
	rm -f $(addprefix src/edgewise/kernels/native/,*.so *.dylib *.dll)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet $(PIP_ARGS) --editable .
	touch $@

$(DEV): $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet $(PIP_ARGS) --editable ".[dev]"
	touch $@ $(INSTALLED) $(DOCS)

$(DOCS): $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet $(PIP_ARGS) --editable ".[docs,onnx]"
	touch $@ $(INSTALLED)
