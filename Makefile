# Everything a newcomer, a contributor and CI run. `make help` lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Tests that start instances: most of their time is processes coming up, killed, coming up again.
PROCESSES := tests/integration tests/browser

# Where it is set, every process that a test starts compiles all of Holdfast anew: a second each.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test test-processes check format bench bench-resilience bench-brownout bench-memory bench-policy bench-review bench-drift bench-anomalies bench-blast bench-console bench-watched bench-proofs mcp-conformance calm-conformance sim pages docs pin clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Holdfast needs Python 3.11 or newer; run: make PYTHON=python3.12 <target>"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing hashed requirements into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -I -S tools/check_startup_hooks.py $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## make the virtual environment in .venv from hashed requirements

demo: $(STAMP) ## run the example system and take the tour (ONCE=1 ends after it)
	@$(BIN)/python examples/document-review/demo.py $(if $(ONCE),--once)

test: $(STAMP) ## run every test that needs no instance running: some minutes
	$(BIN)/python -m pytest -n 2 tests $(PROCESSES:%=--ignore=%)

test-processes: $(STAMP) ## run the tests on whole instances, with real clients and a real browser
	$(BIN)/python -m pytest -n 2 $(PROCESSES)

check: $(STAMP) ## lint, types, import contracts, house rules, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -I -S tools/check_startup_hooks.py $(VENV)
	$(BIN)/python -m pytest -q -p no:randomly tests/house
	$(BIN)/zensical build --strict --clean

format: $(STAMP) ## format and apply safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## measure CPU per request against nginx and other gateways in one run
	$(BIN)/python benchmarks/gateway/run.py

bench-resilience: $(STAMP) ## fault injection and overload on real processes, beside other gateways
	$(BIN)/python benchmarks/resilience/run.py --write-docs

bench-brownout: $(STAMP) ## how soon goodput is back after trouble, in virtual time, beside LiteLLM's Router
	$(BIN)/python benchmarks/brownout/run.py --write-docs

bench-memory: $(STAMP) ## memory over a million calls and with ten thousand open streams
	$(BIN)/python benchmarks/memory/run.py --write-docs

bench-policy: $(STAMP) ## what a decision costs with up to a thousand policies
	$(BIN)/python benchmarks/policy/run.py --write-docs

bench-review: $(STAMP) ## what a review of up to 10,000 nodes costs, rule by rule
	$(BIN)/python benchmarks/review/run.py --write-docs

bench-drift: $(STAMP) ## spans a second by format, and how much planted drift is found by sampling rate
	$(BIN)/python benchmarks/drift/run.py --write-docs

bench-anomalies: $(STAMP) ## false alarms and finds on made-up traffic, and on NAB where HOLDFAST_NAB names it
	$(BIN)/python benchmarks/anomalies/run.py

bench-blast: $(STAMP) ## blast radius: predicted against injected failures, and time by size
	$(BIN)/python benchmarks/blast/measured.py --write-docs
	$(BIN)/python benchmarks/blast/run.py --write-docs

bench-console: $(STAMP) ## how long the console takes with a million calls stored
	$(BIN)/python benchmarks/console/run.py --write-docs

bench-watched: $(STAMP) ## what twenty watchers of the console cost the gateway's throughput
	$(BIN)/python benchmarks/console/watched.py --write-docs

bench-proofs: $(STAMP) ## how long proofs take by size
	$(BIN)/python benchmarks/proofs/run.py --write-docs

mcp-conformance: $(STAMP) ## the official MCP suite against the gateway (needs npm); renews its page
	$(BIN)/python tools/mcp_conformance.py --write-docs

calm-conformance: $(STAMP) ## our verdicts on CALM documents beside the reference's; renews the page
	$(BIN)/python tools/calm_conformance.py --write-docs

sim: $(STAMP) ## replay a whole simulated day of the gateway: make sim SEED=42
	$(BIN)/python -m holdfast.testing.simulate --day --seed $(or $(SEED),1)

sim-soak: $(STAMP) ## run new seeds for so long: make sim-soak MINUTES=10
	$(BIN)/python -m holdfast.testing.simulate --quiet --minutes $(or $(MINUTES),10) --seed $(or $(SEED),$$(date +%s))

mutants: $(STAMP) ## plant bugs and see that the simulator finds them
	$(BIN)/python tools/mutants.py

pages: $(STAMP) ## write the generated reference pages anew
	$(BIN)/python tools/generate_pages.py

docs: $(STAMP) ## build the documentation into site/
	$(BIN)/zensical build --strict --clean

pin: ## renew the hashed requirements from pyproject.toml (needs uv)
	uv lock --upgrade
	uv export --quiet --no-emit-project --all-extras --group dev --format requirements-txt --no-header -o requirements/dev.txt

clean: ## remove what was built
	rm -rf $(VENV) site build dist .pytest_cache .ruff_cache .hypothesis
