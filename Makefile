PYTHON ?= python3
VENV := .venv
BENCH_VENV := .bench-venv
TF_VENV := .bench-tensorflow-venv
TORCH_VENV := .bench-torch-venv
ONEDNN_VENV := .bench-onednn-venv
PEERS := $(BENCH_VENV)/ready $(TF_VENV)/ready $(TORCH_VENV)/ready $(ONEDNN_VENV)/ready
BIN := $(VENV)/bin
# What builds the native kernels, of the releases in requirements.lock, in the environment that they are for.
BUILDERS := "scikit-build-core>=0.10,<1" "jaxlib>=0.10.2,<0.11" \
	"onednn-devel-cpu-gomp; sys_platform == 'linux' and platform_machine == 'x86_64'" \
	$(if $(shell command -v cmake),,cmake) $(if $(shell command -v ninja),,ninja)

.PHONY: demo test test-all lint format bench sanitize clean

demo: $(VENV)/ready
	$(BIN)/phasewise demo

test: $(VENV)/ready
	KERAS_BACKEND=jax JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not extensive" $(TESTS)

test-all: $(VENV)/ready
	KERAS_BACKEND=jax JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/ready $(PEERS)
	$(BIN)/python bench/run.py $(if $(ONLY),--only $(ONLY)) --python jax=$(BENCH_VENV)/bin/python \
		tensorflow=$(TF_VENV)/bin/python torch=$(TORCH_VENV)/bin/python onednn=$(ONEDNN_VENV)/bin/python

$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --compile -c requirements.lock $(BUILDERS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install -q --compile --no-build-isolation -c requirements.lock -e ".[dev]"
	touch $@

# The native kernels with the address sanitizer in them, in a copy of the package, under the tests of them. Leaks are not looked
# for: Python and XLA keep much until the end; `tests/kernels/endurance.py` watches memory.
SANITIZED := build/sanitized
sanitize: $(VENV)/ready
	mkdir -p $(SANITIZED)/src
	cp -r src/phasewise $(SANITIZED)/src/
	cmake -S native -B $(SANITIZED)/native -DPHASEWISE_SANITIZE=ON -DPython3_EXECUTABLE=$(CURDIR)/$(BIN)/python
	cmake --build $(SANITIZED)/native --parallel 2
	cp $(SANITIZED)/native/*.so $(SANITIZED)/src/phasewise/kernels/native/
	LD_PRELOAD="$$($${CXX:-c++} -print-file-name=libasan.so) $$($${CXX:-c++} -print-file-name=libstdc++.so)" \
		ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$(CURDIR)/$(SANITIZED)/src KERAS_BACKEND=jax JAX_PLATFORMS=cpu $(BIN)/python -m pytest -s \
		tests/kernels/test_native_*.py tests/kernels/test_fused_normalization.py

# What `make bench` measures against, each in an environment of its own. One that cannot be made is told and left out.
$(BENCH_VENV)/ready: PACKAGES = -c requirements.lock keras==3.15.1 jax numpy
$(TF_VENV)/ready: PACKAGES = keras==3.15.1 tensorflow-cpu==2.21.0
$(TORCH_VENV)/ready: PACKAGES = numpy torch==2.13.0
$(ONEDNN_VENV)/ready: PACKAGES = onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0

$(PEERS): %/ready: Makefile requirements.lock
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install -q --compile $(PACKAGES) && touch $@ || echo "$* could not be made: the bench does without it"

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(TF_VENV) $(TORCH_VENV) $(ONEDNN_VENV)
