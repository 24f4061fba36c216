# One door to every chore. `make demo` and `make test` set up all they need by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config.toml
MUTANTS := .mutants
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help licences demo init doctor run test check mutants bench soak soak-health picture transcripts catalogue lock clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: $(VENV)/run.ok  ## see it work: no token, no network
	@$(BIN)/python -m bot demo

run: $(VENV)/run.ok  ## run the bot for real, with config.toml
	@$(BIN)/python -m bot run --config $(CONFIG)

init: $(VENV)/run.ok  ## write config.toml, asking for the bot's token
	@$(BIN)/python -m bot init $(CONFIG)
	@echo "Here, that is make doctor; then make run starts the bot."

doctor: $(VENV)/run.ok  ## ask storage, Telegram and the petitions site whether they answer
	@$(BIN)/python -m bot check --config $(CONFIG)

# More workers than small machines have cores: many tests wait for a clock or a server. Each begins
# with neighbours, which share what is costly to start. In a fresh checkout the tests are compiled
# before, once and not by each worker.
test: $(VENV)/dev.ok $(VENV)/axe-core  ## run the tests
	@$(BIN)/python -m compileall -q -j 0 bot handlers storage
	@[ -d tests/__pycache__ ] || ls tests/test_*.py tests/*/test_*.py | PYTHONDONTWRITEBYTECODE= \
		xargs -n 99 -P 2 $(BIN)/python -m pytest --collect-only -qq -p no:cacheprovider >/dev/null
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 5 --dist worksteal

check: $(VENV)/dev.ok  ## lint, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: $(MUTANTS)/ok  ## break things one by one: which does no test notice? (ARGS="--sample 60")
	@$(MUTANTS)/bin/python tests/mutants.py $(ARGS)

bench: $(VENV)/dev.ok  ## measure, and print ratios against peers
	@for file in tests/bench/bench_*.py; do PYTHONPATH=.:tests $(BIN)/python $$file || exit 1; done

soak: $(VENV)/dev.ok  ## crashes, floods and faults at full size (long)
	@for file in tests/bench/soak_*.py; do PYTHONPATH=.:tests $(BIN)/python $$file || exit 1; done

soak-health: $(VENV)/dev.ok  ## how soon each kind of deafness and muteness is known (ten minutes)
	PYTHONPATH=.:tests $(BIN)/python tests/bench/soak_health.py

picture: $(VENV)/dev.ok  ## take the README's picture of the chat anew
	DRAW_PICTURES=1 $(BIN)/python -m pytest -q tests/demo/test_demo.py

transcripts: $(VENV)/dev.ok  ## write down what eight people and the bot say to each other
	PRINT_TRANSCRIPTS=build/transcripts.html $(BIN)/python -m pytest -q tests/handlers/test_walks.py
	@echo build/transcripts.html

catalogue: $(VENV)/dev.ok  ## bring the translations' catalogues up to date with the source
	PYTHONPATH=. $(BIN)/python tests/catalogues.py

licences: $(VENV)/dev.ok  ## list what is installed with the bot, and under which licences
	@PYTHONPATH=. $(BIN)/python tests/licences.py

lock:  ## renew the lock files from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--upgrade pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	echo asyncpg | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate - -c requirements-dev.lock -o requirements-postgres.lock
	echo hatchling | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate - -c requirements-dev.lock -o requirements-build.lock

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(MUTANTS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.ok: requirements.lock | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# What looks at the demo's page for barriers; without npm its test is skipped with a line.
$(VENV)/axe-core: | $(VENV)/bin/python
	-@cd $(VENV) && npm pack --silent axe-core@4.14.1 >/dev/null && \
		echo "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745  axe-core-4.14.1.tgz" | sha256sum --check --quiet && \
		mkdir axe-core && tar -xzf axe-core-4.14.1.tgz -C axe-core --strip-components=1

$(VENV)/dev.ok: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.ok

# Apart from what the tests need, so that nobody else waits for it.
$(MUTANTS)/ok: requirements-dev.lock
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(MUTANTS)/bin/pip install --quiet --disable-pip-version-check cosmic-ray==8.7.0 pytest-cov==7.1.0
	@touch $@
