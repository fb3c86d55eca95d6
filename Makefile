# Each target sets up everything that it needs: Python and make are enough for `run`; apt and npm bring the browser
# and the real servers of the tests.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev
# The real servers whose findings have all been looked at; name others to try them.
SERVERS ?= oidc-provider

# Tests of parts that are still being built; `make test-all` runs them too.
UNSETTLED := $(addprefix --ignore=tests/,test_matrix.py hostile test_baseline.py test_dialects.py test_browser_leg.py \
	test_browser_person.py test_pdf.py test_ci.py test_compare.py test_attestation.py test_facts.py \
	test_report_browser.py test_report_allure.py test_report_html.py test_command_line.py test_no_leaks.py \
	test_bridge.py test_report_har.py test_parsers_fuzzed.py)

.PHONY: test-all run test test-servers servers-page lint matrix clean

run: $(READY) ## Run the suite against its own reference server; the path of the report comes last.
	@$(BIN)/par-conformance run $(TARGET)

test: $(DEV) lint ## The suite's own tests.
	$(BIN)/pytest tests -n 2 --dist worksteal $(UNSETTLED)

test-all: $(DEV) lint ## The tests of unsettled parts too.
	$(BIN)/pytest tests -n 2 --dist worksteal

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

matrix: $(DEV) ## Every fault against every check.
	$(BIN)/python -m conformance.matrix

test-servers: $(DEV) ## The suite against real servers that others wrote (npm, apt, pip).
	$(BIN)/python -m conformance.bench --at-once 2 $(SERVERS)

servers-page: $(DEV) ## docs/servers.md, from the last runs of test-servers.
	$(BIN)/python -m conformance.bench --recorded --write docs/servers.md $(SERVERS)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	$(BIN)/python -m conformance.browser.install
	@touch $@

$(DEV): $(READY) pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev
	@touch $@

clean:
	rm -rf $(VENV)
