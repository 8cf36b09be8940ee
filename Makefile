.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A marker per requirements file: made again when the file changes, so that a second run is quick.
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo up test drill soak bench lint format requirements clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## Set everything up, run a real flash sale over HTTP, and prove that it came out right
	@$(BIN)/python -m shop.local demo

up: $(RUN) ## Run the whole stack in the foreground, with a demo sale open, until Ctrl-C
	@exec $(BIN)/python -m shop.local up

test: $(RUN) ## Run all tests on real PostgreSQL, Redis protocol and Celery workers (ARGS=… for pytest)
	@$(BIN)/python -m pytest $(or $(ARGS),--numprocesses 2 --dist loadfile)

drill: $(RUN) ## Break each part of the stack under load, and show what was lost, doubled or oversold (ARGS=…)
	@$(BIN)/python -m shop.local drill $(ARGS)

soak: $(RUN) ## Load everything at once for ten minutes; was every duty on time? (ARGS="--minutes 60")
	@$(BIN)/python -m shop.local soak $(ARGS)

bench: $(BENCH) ## Measure the product beside its peers; needs wrk (ARGS="--only accept --runs 5")
	@$(BIN)/python -m bench $(ARGS)

lint: $(DEV) ## Check format, lint, types, import contracts and missing migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check

format: $(DEV) ## Format the code and apply safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

requirements: $(DEV) ## Pin the requirements anew from pyproject.toml
	@$(PIP) install uv
	@CUSTOM="make requirements"; pin="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade pyproject.toml"; \
	$$pin --extra local --extra test --custom-compile-command "$$CUSTOM" -o requirements.txt && \
	$$pin --constraint requirements.txt --custom-compile-command "$$CUSTOM" -o docker/requirements.txt && \
	$$pin --extra local --extra test --extra lint --constraint requirements.txt --custom-compile-command "$$CUSTOM" -o requirements-dev.txt && \
	$$pin --extra local --extra test --extra bench --constraint requirements.txt --custom-compile-command "$$CUSTOM" -o requirements-bench.txt

clean: ## Remove the environment and all local state
	rm -rf $(VENV) .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with PYTHON=… ($$($(PYTHON) --version) found)." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt | $(BIN)/python
	@echo "Installing the pinned requirements into $(VENV) (once) …"
	@$(PIP) install -r requirements.txt
	@touch $@

$(BENCH): requirements-bench.txt | $(BIN)/python
	@echo "Installing what the benchmark's peers need into $(VENV) (once) …"
	@$(PIP) install -r requirements-bench.txt
	@touch $@

$(DEV): requirements-dev.txt | $(BIN)/python
	@echo "Installing the pinned development tools into $(VENV) (once) …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@
