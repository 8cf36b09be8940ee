.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A marker per requirements file: made again when the file changes, so that a second run is quick.
RUN := $(VENV)/.run-installed
TEST := $(VENV)/.test-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
AUDIT := $(VENV)-audit
DOCS := $(VENV)-docs
# Three, for two cores: one of them mostly waits for what it has started.
TOGETHER := --numprocesses 3 --no-loadscope-reorder
WITHOUT_BENCH := $(addprefix --ignore=tests/,e2e/test_bench.py e2e/test_bench_peers.py integration/bench unit/bench)
# What is compiled as it is imported is kept, also where the environment says otherwise (many an image
# does): every process of the stack and of the tests would compile it again.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo up test test-all drill soak bench lint format docs pictures audit requirements clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## Set everything up, run a real flash sale over HTTP, and prove that it came out right
	@$(BIN)/python -m proof demo

up: $(RUN) ## Run the whole stack in the foreground, with a demo sale open, until Ctrl-C
	@exec $(BIN)/python -m shop.local up

test: $(TEST) ## Run the product's tests on real PostgreSQL, Redis protocol and Celery workers (ARGS=… for pytest)
	@$(BIN)/python -m pytest $(or $(ARGS),$(TOGETHER) $(WITHOUT_BENCH))

test-all: $(TEST) ## … and those of the benchmark and its peers, which want wrk; each with all examples
	@$(BIN)/python -m pytest $(TOGETHER) --hypothesis-profile=thorough

drill: $(RUN) ## Break each part of the stack under load, and show what was lost, doubled or oversold (ARGS=…)
	@$(BIN)/python -m proof drill $(ARGS)

soak: $(RUN) ## Load everything at once for ten minutes; was every duty on time? (ARGS="--minutes 60")
	@$(BIN)/python -m proof soak $(ARGS)

bench: $(BENCH) ## Measure the product beside its peers; needs wrk (ARGS="--only accept --runs 5")
	@$(BIN)/python -m bench $(ARGS)

lint: $(DEV) ## Check format, docstrings, types, import contracts, dead code, spelling and missing migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/vulture
	@$(BIN)/codespell
	@$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check

format: $(DEV) ## Format the code and apply safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(DOCS)/.installed ## Build the documents as a site in site/, and check every link in them
	@$(DOCS)/bin/python ops/docs_site.py
	@echo "To read them: $(PYTHON) -m http.server --bind 127.0.0.1 --directory site 8080"

pictures: $(RUN) ## Draw the pictures of docs/architecture.md anew from the code
	@$(BIN)/python -m ops.pictures

audit: $(AUDIT)/.installed ## Look for known faults in what is pinned and for undeclared imports, and write sbom.json
	@$(AUDIT)/bin/python ops/audit.py

# All together first: they are installed into one environment, so that no two files may disagree.
requirements: $(DEV) ## Pin the requirements anew from pyproject.toml, with the hashes of their files
	@$(PIP) install uv
	@export UV_CUSTOM_COMPILE_COMMAND="make requirements"; all=$(VENV)/all-requirements.txt; \
	pin="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade"; \
	$$pin pyproject.toml --all-extras -o $$all && \
	pin="$$pin --generate-hashes --constraint $$all" && \
	$$pin --group docs -o requirements-docs.txt && \
	pin="$$pin pyproject.toml" && \
	$$pin -o docker/requirements.txt && \
	$$pin --extra local -o requirements.txt && \
	$$pin --extra local --extra test -o requirements-test.txt && \
	$$pin --extra local --extra lint -o requirements-dev.txt && \
	$$pin --extra local --extra bench -o requirements-bench.txt && \
	$$pin --extra local --extra audit -o requirements-audit.txt

clean: ## Remove the environment and all local state
	rm -rf $(VENV) $(AUDIT) $(DOCS) site sbom.json .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with PYTHON=… ($$($(PYTHON) --version) found)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Each file has the hashes of what it names, so that pip takes nothing else. What somebody waits for is
# compiled as it is imported: a third of it ever is.
$(RUN): requirements.txt | $(BIN)/python
	@echo "Installing what the product needs into $(VENV) (once) …"
	@$(PIP) install --no-compile --require-hashes -r requirements.txt
	@touch $@

$(TEST): requirements-test.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements-test.txt
	@touch $@

# An environment of its own: what these tools bring along would change what the product loads.
$(AUDIT)/.installed: requirements-audit.txt | $(BIN)/python
	@echo "Installing what looks through the dependencies into $(AUDIT) (once) …"
	@$(BIN)/python -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-audit.txt
	@touch $@

$(DOCS)/.installed: requirements-docs.txt | $(BIN)/python
	@echo "Installing what makes a site of the documents into $(DOCS) (once) …"
	@$(BIN)/python -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-docs.txt
	@touch $@

$(BENCH): requirements-bench.txt | $(BIN)/python
	@echo "Installing what the benchmark's peers need into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements-bench.txt
	@touch $@

$(DEV): requirements-dev.txt | $(BIN)/python
	@echo "Installing the pinned development tools into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
