# A machine needs Python >= 3.11, make and g++; everything else comes from requirements.lock into .venv.
# Targets are short on purpose; what needs more than three lines lives in tools/.
PY := .venv/bin/python
JOBS ?= 2
NATIVE := $(shell find native CMakeLists.txt pyproject.toml -not -name '*~')
.DEFAULT_GOAL := help
.PHONY: help setup run demo test check format sanitize bench fuzz hazards kills lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed ## .venv with the locked dependencies and the package; skipped when nothing changed
	@:
.venv/.locked: requirements.lock
	@sh tools/setup.sh dependencies
.venv/.installed: .venv/.locked $(NATIVE)
	@sh tools/setup.sh package

run: setup ## the embedded venue on ports 8000..; make run ARGS="--port-base 9000 --data-dir D"
	@exec .venv/bin/quantumcore run $(ARGS)

demo: setup ## a venue with simulated participants and a live table
	@exec .venv/bin/quantumcore demo $(ARGS)

test fuzz: export PYTHONDONTWRITEBYTECODE = # every venue that a test starts would compile the package again
test: setup ## the whole suite; what measures time runs afterwards, alone
	$(PY) -m pytest -n $(JOBS) --dist loadgroup -m "not serial" $(ARGS)
	$(if $(wildcard tests/performance/test_*.py),$(PY) -m pytest -m serial $(ARGS))

check: setup ## format, lint, types, stubs, layers, native warnings: all of them, then the verdict
	@sh tools/check.sh

format: setup ## let ruff and clang-format write
	$(PY) -m ruff format . && $(PY) -m ruff check --fix-only --quiet .
	find native -name '*.[ch]pp' | xargs .venv/bin/clang-format -i

sanitize: setup ## native/stress under ASan+UBSan, TSan and Valgrind; ONLY="asan" for one
	@sh tools/sanitize.sh $(or $(ONLY),asan tsan valgrind plain)

bench: setup ## figures with the machine beside them; make bench ARGS="core --json"
	@exec .venv/bin/quantumcore bench $(ARGS)

fuzz: setup ## the property and fuzz tests with many more examples and no time limit
	QC_TEST_PROFILE=fuzz $(PY) -m pytest -n $(JOBS) --dist loadgroup -m fuzz --timeout 0 $(ARGS)

hazards: setup ## bring each mistake of docs/reference/hazards.md back and see it caught; ONLY="B1 G3"
	@$(PY) tools/hazards.py $(if $(CHANGED),--changed $(CHANGED)) $(ONLY)

kills: setup ## kill -9 a venue under load again and again and count what is lost; make kills ARGS="--kills 20 --seed 7"
	@$(PY) -m tests.support.kills $(ARGS)

lock: ## write requirements.lock anew from pyproject.toml
	@sh tools/lock.sh

clean: ## remove .venv and everything built
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
