# Everything starts from a clean checkout: each target makes the environment that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs
INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt

.PHONY: help install demo test test-slow test-matrix test-oldest test-newest fuzz coverage mutation lint format docs bench clean

help:
	@echo "make demo       learn codes from the shipped data, print the table, write the picture"
	@echo "make test       run the whole test suite"
	@echo "make test-slow  run the tests marked slow"
	@echo "make test-matrix  the suite under the arithmetic of other processors (MATRIX=--quick for a part)"
	@echo "make test-oldest  the suite with the oldest versions that pyproject.toml allows"
	@echo "make test-newest  the suite with the newest versions there are"
	@echo "make fuzz       ten thousand damaged files, and more random examples (SEED=1 for which)"
	@echo "make coverage   which lines and branches of skhash the suite runs; 95 % or more"
	@echo "make mutation   which small changes to metrics and losses no test finds"
	@echo "make lint       ruff, ruff format, mypy"
	@echo "make docs       build the documentation into docs/_build/html"
	@echo "make bench      run the benchmarks (they look for more data under SKHASH_DATA)"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "skhash needs Python 3.11 or later: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) (once; a few minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and on its own, at its pinned version: nothing later may pull another build
	@$(INSTALL) torch
	@$(INSTALL) -e '.[dev]'
	@touch $@

$(DOCS_STAMP): $(STAMP)
	@$(INSTALL) -e '.[docs]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python examples/plot_cifar100_demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n auto

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

test-matrix: $(STAMP)
	$(BIN)/python tools/test_matrix.py $(MATRIX)

# environments of their own: exactly the lower bounds of pyproject.toml, and the newest releases but
# for torch's build
test-oldest:
	@test -x .venv-oldest/bin/uv || { $(PYTHON) -m venv .venv-oldest && .venv-oldest/bin/pip install --quiet uv; }
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct -e '.[dev]'
	.venv-oldest/bin/python -m pytest -n auto

test-newest:
	@test -x .venv-newest/bin/python || $(PYTHON) -m venv .venv-newest
	.venv-newest/bin/pip install --quiet $$(grep '^torch==' constraints.txt)
	.venv-newest/bin/pip install --quiet --upgrade --upgrade-strategy eager \
		$$(grep '^torch==' constraints.txt) -e '.[dev]'
	.venv-newest/bin/python -m pytest -n auto

SEED ?= 1

fuzz: $(STAMP)
	SKHASH_FUZZ=10 SKHASH_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest --hypothesis-seed=$(SEED) -n auto \
		$$(grep -rlE 'SKHASH_FUZZ|hypothesis' tests --include='test_*.py')

coverage: $(STAMP)
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered

mutation: $(STAMP)
	@$(INSTALL) mutmut
	OMP_NUM_THREADS=1 $(BIN)/mutmut run
	$(BIN)/mutmut results

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DOCS_STAMP)
	$(BIN)/sphinx-build -b html -W --keep-going docs docs/_build/html

bench: $(STAMP)
	@$(INSTALL) -e '.[bench]'
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) mutants .coverage docs/_build docs/auto_examples demo_output .pytest_cache .mypy_cache .ruff_cache
