# Two commands for a stranger: `make demo` and `make test`. `make` alone lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PY := .venv/bin/python
UV := .venv/bin/uv
HOST := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q GPU && echo gpu || echo cpu)
LOCK := requirements/$(HOST).lock
LOCKED := .venv/locked-$(HOST)
READY := .venv/ready-$(HOST)
# What `make fast` compiled is compiled again when its source is younger: nobody edits a file and runs the old one.
FAST := .venv/fast
UP_TO_DATE = $(READY) $(wildcard $(FAST))
# Torch with two threads collapses when a neighbour holds a core.
export OMP_NUM_THREADS ?= 1
DEMO_ARGS ?=
CHAOS_ARGS ?=
CLAIMS ?= $(filter-out chaos,$(basename $(notdir $(shell grep -ls __main__ bench/*.py))))
PYTEST_ARGS ?=

.PHONY: help setup demo test test-fast check bench base fast plain lock chaos chaos-fast clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(READY)  ## make .venv with everything locked (about a minute and 6.5 GB the first time)
	@echo "Ready: .venv/bin/impresario --help" >&2

demo: $(UP_TO_DATE)  ## a hospital in a box: two days and two nights on real Kafka and real vLLM (DEMO_ARGS="--reports 60 --seed 7")
	@$(PY) -m demo $(DEMO_ARGS)

test: $(UP_TO_DATE)  ## unit, integration and journey tests on the real parts (up to 15 minutes)
	@$(PY) -m pytest tests/unit tests/integration tests/journey $(PYTEST_ARGS)

test-fast: $(UP_TO_DATE)  ## unit tests (under a minute)
	@$(PY) -m pytest -q tests/unit $(PYTEST_ARGS)

check: $(READY)  ## lint, format, types, and the order of the rooms
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

bench: $(UP_TO_DATE)  ## every claim measured at laptop size; figures go to bench/results (CLAIMS="night durable" chooses)
	@mkdir -p bench/results; set -o pipefail; for claim in $(CLAIMS); do echo "== bench.$$claim" >&2; \
	  $(PY) -m bench.$$claim | tee bench/results/$$(date +%F)-$$claim.txt || exit 1; done

chaos: $(UP_TO_DATE)  ## pull every plug on real Kafka and look what is lost: 33 rows (CHAOS_ARGS="kill --kills 20")
	@$(PY) -m bench.chaos $(CHAOS_ARGS)

chaos-fast: $(UP_TO_DATE)  ## the part of it that make test plays, and some hundred simulated schedules (minutes)
	@$(PY) -m pytest -q tests/integration/test_connectors_crash.py tests/integration/test_connectors_simulation.py \
	  tests/integration/test_connectors_restored.py tests/integration/test_connectors_stat.py tests/unit/test_connectors_chaos_*.py

base: $(UP_TO_DATE)  ## train the small base model of the demo again from its seed (into var/base; about an hour on two quiet cores)
	@$(PY) -m demo.make_base --out var/base

fast: $(FAST)  ## compile what reads messages and checks facts: some twice as fast (a C compiler, about two minutes)
	@echo "Compiled: reading and checking. make plain undoes it." >&2

plain:  ## run everything as plain Python again
	@rm -rf build $(FAST) && find . -name '*.so' -not -path './.venv/*' -delete

lock: $(READY)  ## pin the requirements of CPU and GPU hosts anew from pyproject.toml
	@for host in cpu gpu; do \
	  $(UV) pip compile -q --no-header --no-annotate --generate-hashes --no-emit-find-links --no-emit-index-url \
	    pyproject.toml --extra $$host --extra dev -o requirements/$$host.lock || exit 1; done

clean: plain  ## remove .venv, var and every cache of this folder
	rm -rf .venv var *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(LOCKED): $(LOCK)
	@python=$$(for name in "$${PYTHON:-python3}" python3.13 python3.12 python3.11; do \
	    "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo "$$name"; break; }; done); \
	  [ -n "$$python" ] || { echo "Impresario needs Python 3.11, 3.12 or 3.13 and found none: install one, or say which with" \
	    "PYTHON=/path/to/python3 make setup." >&2; exit 2; }; \
	  [ -x $(PY) ] || "$$python" -m venv .venv || { rm -rf .venv; echo "Python could not make a virtual environment: install its" \
	    "venv module (Debian: apt install python3-venv)." >&2; exit 2; }
	@echo "Setting up .venv from $(LOCK): about a minute and 6.5 GB the first time, seconds later on." >&2
	@$(PY) -m pip install -q --disable-pip-version-check "uv>=0.9,<1"
	@[ -t 2 ] || quiet=-q; $(UV) pip sync $$quiet --compile-bytecode --python $(PY) $(LOCK) || { echo "The locked packages could not be installed: is the" \
	  "package index reachable and are 7 GB free? Then run make setup again." >&2; exit 3; }
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(UV) pip install -q --no-deps --python $(PY) -e .
	@touch $@

$(FAST): setup.py $(wildcard ingest/*.py engine/*.py engine/lexicon/*.py) | $(READY)
	@command -v $${CC:-cc} >/dev/null && $(PY) -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' \
	  || { echo "make fast needs a C compiler and Python's headers (Debian: apt install gcc python3-dev)." >&2; exit 2; }
	@echo "Compiling what reads and checks: about two minutes." >&2
	@$(PY) setup.py -q build_ext --inplace -j 2 >build.log 2>&1 || { cat build.log >&2; rm -f build.log; exit 3; }
	@rm -f build.log && touch $@
