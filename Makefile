# Each target sets up everything that it needs: Python and make are enough for `run`; apt and npm bring the browser
# and the real servers of the tests.
PYTHON ?= python3
# Compiled once, not by every process of a run and of the tests: some machines have it off.
unexport PYTHONDONTWRITEBYTECODE
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.dev
# The real servers whose findings have all been looked at; name others to try them.
SERVERS ?= atproto glewlwyd oidc-provider oidc-provider-fapi2 oidc-provider-signed oidc-provider-7 idpyoidc lemonldap-ng

.PHONY: run test own-tests test-servers servers-page faults-page lint matrix benchmark clean

run: $(READY) ## Run the suite against its own reference server; the path of the report comes last.
	@$(BIN)/par-conformance run $(TARGET)

test: $(DEV) ## The suite's own tests, and its style beside them.
	@$(MAKE) --no-print-directory --jobs 2 lint own-tests

# One more at a time than the two cores, for some of them wait. What is drawn is the same each time: a change is judged,
# not luck. `pytest tests` by hand draws anew.
own-tests: $(DEV)
	$(BIN)/pytest tests -n 3 --dist worksteal --hypothesis-profile ci -m "not whole and not emulators"

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

matrix: $(DEV) ## Every fault, right variant, broken stage and hostile server against the checks.
	$(BIN)/pytest tests/test_matrix.py tests/test_variants.py tests/test_broken_stages.py tests/hostile -n 2 --dist worksteal

faults-page: $(DEV) ## docs/faults.md: every fault against every check, so that nothing else may turn.
	$(BIN)/python -m conformance.matrix --write docs/faults.md

benchmark: $(DEV) ## What has a limit in time.
	$(BIN)/python -m tests.benchmark

test-servers: $(DEV) ## The suite against the emulators of vendors, and real servers that others wrote (npm, apt, pip).
	$(BIN)/pytest tests -n 2 -m emulators
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
