# make demo: see it run. make test: all tests. The other targets are for people who work on skypact.
PYTHON ?= python3.13 python3.12 python3.11 python3
PEERS ?= asterix-decoder libasterix stonesoup filterpy
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
HASHED := install --require-hashes --no-deps --only-binary :all:
ITSELF := install --no-deps --no-build-isolation --editable .

.PHONY: demo test install peers soak lint format docs lock clean

demo: .venv/.core
	$(BIN)/skypact demo

test: .venv/.all
	$(BIN)/python -m pytest

install: .venv/.all
	$(BIN)/skypact doctor --warm

peers: $(PEERS:%=.peers/%/.built)

soak: .venv/.all
	$(BIN)/python tools/soak.py

lint: .venv/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.all
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build/html

# Each stamp names the state of the environment; a step is repeated when what it was made from has changed.
.venv/.made:
	python=$$(sh tools/python.sh $(PYTHON)) && "$$python" -m venv .venv
	touch $@

.venv/.core: requirements/core.txt pyproject.toml | .venv/.made
	$(PIP) $(HASHED) --requirement requirements/core.txt
	$(PIP) $(ITSELF)
	touch $@

.venv/.all: requirements/all.txt .venv/.core
	$(PIP) $(HASHED) --requirement requirements/all.txt
	touch $@

define ENVIRONMENT
python=$$(sh tools/python.sh $(PYTHON)) && "$$python" -m venv --clear $(@D)
$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
touch $@
endef

# The rivals of the benchmarks and oracles of the tests, each in an environment of its own.
.peers/%/.built: benchmarks/peers/%.txt
	$(ENVIRONMENT)

.peers/uv/.built: requirements/uv.txt
	$(ENVIRONMENT)

# The locks hold versions and hashes for every supported Python and platform, and no addresses.
LOCK := .peers/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command "make lock"
lock: .peers/uv/.built
	$(LOCK) pyproject.toml requirements/build.in --output-file requirements/core.txt
	$(LOCK) pyproject.toml requirements/build.in --all-extras --output-file requirements/all.txt

clean:
	rm -rf .venv build dist docs/_build .mypy_cache .pytest_cache .ruff_cache
