# Daybook. `make help` tells what there is.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
CSS := app/static/dist/daybook.css

.PHONY: help
help:  ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: serve
serve: $(VENV)/.service $(CSS)  ## Set up what is missing and serve on http://127.0.0.1:8000
	@$(BIN)/python manage.py demo
	@exec $(BIN)/python manage.py serve

.PHONY: test
test: $(VENV)/.development $(CSS) chromium  ## Set up what is missing and run every test
	$(BIN)/pytest -n $(WORKERS)
	$(BIN)/pytest -n $(WORKERS) --postgres=system -m postgres

.PHONY: faults
faults: $(VENV)/.development  ## Kill, cut and fill what the service needs, hundreds of times (a quarter of an hour)
	$(BIN)/pytest -rA --show-capture=stdout tests/faults

.PHONY: mutants
mutants: $(VENV)/.development  ## Change the ledger's code in small ways: a test must fail each time (a quarter of an hour)
	$(BIN)/pytest -n $(WORKERS) tests/mutation

.PHONY: check
check: format-check lint types imports test  ## Everything that must pass before a push

.PHONY: format
format: $(VENV)/.development  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: format-check lint types imports
format-check: $(VENV)/.development
	$(BIN)/ruff format --check .
lint: $(VENV)/.development
	$(BIN)/ruff check .
types: $(VENV)/.development
	$(BIN)/mypy
imports: $(VENV)/.development
	$(BIN)/lint-imports

.PHONY: bench bench-peers wrk
bench: $(VENV)/.development $(CSS) wrk  ## Measure the service and its history (half an hour; nothing else should run)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks --history

bench-peers: $(VENV)/.development $(CSS) wrk  ## Measure other model servers beside it (installs them first)
	$(BIN)/python -m benchmarks.peers.install
	$(BIN)/python -m benchmarks --peers
	$(BIN)/python -m benchmarks --latency

wrk:
	@./setup/install-wrk

.PHONY: lock
lock: $(VENV)/.development  ## Resolve the requirements anew, with hashes, for Python 3.11 to 3.14
	for name in requirements requirements-demo requirements-dev requirements-node requirements-parquet; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-emit-index-url --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; \
	done
	for peer in benchmarks/peers/*-server; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-emit-index-url --custom-compile-command "make lock" $$peer/requirements.in \
	    -o $$peer/requirements.txt || exit 1; \
	done
	npm install --package-lock-only --ignore-scripts

.PHONY: clean
clean:  ## Remove what was set up; the data in instance/ stays
	rm -rf $(VENV) node_modules app/static/dist

$(VENV)/bin/python:
	@./setup/make-venv $(PYTHON) $(VENV)

$(VENV)/.service: $(VENV)/bin/python requirements.txt requirements-demo.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements.txt -r requirements-demo.txt
	@touch $@

# Parquet is apart: the other tests run as the service does without it.
$(VENV)/.development: $(VENV)/.service requirements-dev.txt requirements-parquet.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements.txt -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade \
	  --target $(VENV)/parquet -r requirements-parquet.txt
	@touch $@

$(CSS): package.json package-lock.json assets/daybook.scss | $(VENV)/bin/python
	@./setup/build-assets $(VENV)

.PHONY: chromium
chromium:
	@./setup/install-chromium
