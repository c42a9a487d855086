# `make` alone lists the commands. Each one makes the environment that it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# A file of tests to a worker, the longest first; `make test WORKERS=0` runs all in one process.
WORKERS ?= 4
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
CODE := dags plugins include tests bench
export PYTHONPATH := $(CURDIR)

.PHONY: help demo init verify bi test quick lint format docs bench screenshot lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.run ## the whole line on this machine, 24 hours of it; ONCE=1 stops after the summary
	@exec $(BIN)/python -m include.demo $(if $(ONCE),--once)

init: $(VENV)/.run ## database, pools and settings of the Airflow that AIRFLOW_HOME names
	@exec $(BIN)/python -m include.entra_logs.airflow_side.init

verify: $(VENV)/.run ## recompute from raw and tables what the ledger claims
	@exec $(BIN)/python -m include.entra_logs verify

bi: $(VENV)/.run ## DuckDB with the views open on the lake
	@exec $(BIN)/python -m include.bi

test: $(VENV)/.dev .tools/.azurite ## the whole suite; what this machine lacks is skipped aloud
	@CI_FULL=1 $(BIN)/python -m pytest $(PARALLEL) --durations=25

quick: $(VENV)/.dev ## the part of the suite that takes minutes
	@$(BIN)/python -m pytest $(PARALLEL) -q -m "not slow and not airflow and not azurite and not spark and not browser"

lint: $(VENV)/.dev ## format, rules, types, compose file
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml

format: $(VENV)/.dev ## mend what can be mended by a tool
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

docs: $(VENV)/.dev ## the generated pages anew: DAGs, data dictionary, settings
	@$(BIN)/python -m include.entra_logs.docs.dags
	@$(BIN)/python -m include.entra_logs.docs.dictionary
	@$(BIN)/python -m include.entra_logs.docs.settings

bench: $(VENV)/.dev $(VENV)-bench/.done ## figures side by side
	@exec $(BIN)/python -m bench

screenshot: $(VENV)/.dev ## the picture of the README anew (needs Chromium)
	@exec $(BIN)/python -m tests.browser.screenshot

lock: | $(BIN)/uv ## both lock files anew from requirements*.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header -o requirements.lock requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header -c requirements.lock -o requirements-dev.lock requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header -o requirements-bench.lock requirements-bench.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header -c requirements.lock -o requirements-docker.lock requirements-docker.txt

# The peer that is measured beside this project, in an environment of its own.
$(VENV)-bench/.done: requirements-bench.lock | $(BIN)/uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(VENV)-bench
	$(BIN)/uv pip install --quiet --python $(VENV)-bench/bin/python --require-hashes -r requirements-bench.lock
	@touch $@

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

# The runtime alone (demo, init, verify, bi); with it, what tests, lint and docs need.
$(VENV)/.run: requirements.lock | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

# Azurite, Azure's storage emulator, for the tests; where it cannot be had they are skipped and say so.
.tools/.azurite: tests/tools/package.json tests/tools/package-lock.json tests/tools/.npmrc
	@mkdir -p .tools
	@cp $^ .tools/
	@if ! command -v npm >/dev/null; then \
	  echo "npm is missing: tests on Azurite will be skipped"; \
	elif npm ci --silent --ignore-scripts --prefix .tools; then \
	  touch $@; \
	else \
	  rm -rf .tools/node_modules; \
	  echo "npm could not get Azurite (npm ci --prefix .tools says why): tests on Azurite will be skipped"; \
	fi
