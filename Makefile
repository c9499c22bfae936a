PYTHON ?= python3
VENV := .venv
BENCH_VENV := .bench-venv
BIN := $(VENV)/bin
# What builds the native kernels, of the releases in requirements.lock, in the environment that they are for.
BUILDERS := "scikit-build-core>=0.10,<1" "jaxlib>=0.10.2,<0.11" \
	"onednn-devel-cpu-gomp; sys_platform == 'linux' and platform_machine == 'x86_64'" \
	$(if $(shell command -v cmake),,cmake) $(if $(shell command -v ninja),,ninja)

.PHONY: demo test test-all lint format bench clean

demo: $(VENV)/ready
	$(BIN)/phasewise demo

test: $(VENV)/ready
	KERAS_BACKEND=jax JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n 2 --dist loadfile -m "not extensive" $(TESTS)

test-all: $(VENV)/ready
	KERAS_BACKEND=jax JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lint: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/ready $(BENCH_VENV)/ready
	$(BIN)/python bench/run.py --peer-python $(BENCH_VENV)/bin/python $(if $(ONLY),--only $(ONLY))

$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --compile -c requirements.lock $(BUILDERS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install -q --compile --no-build-isolation -c requirements.lock -e ".[dev]"
	touch $@

$(BENCH_VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install -q --compile -c requirements.lock keras==3.15.1 jax numpy
	touch $@

clean:
	rm -rf $(VENV) $(BENCH_VENV)
