# make train   the first result: install what it needs, build the kernels, run main_np.py
# make compare the same beside PyTorch
# make test    everything installed, the whole suite
# make bench   how fast a training step is, side by side
# make kernel K=add  builds one kernel and times it beside its reference, torch, and a saved build
# make wasm    the kernels as WebAssembly, with which the page of np-nn draw trains
# make faults  kills, full disks and failing ones while checkpoints are written
# make docs    the documentation as a website, notebooks executed
# make stress  10,000 predictions from 8 threads beside a training
# make browser 200 digits drawn on the pages of np-nn draw: picture and answer as np-nn predict has
# make fuzz    200,000 mutated files and options: each is read, or refused in one line
# make bits    the same bits by every compiler and on every machine that can be run here: a table
# make arm     the kernels' tests on an emulated Arm processor
# make lint    ruff, mypy (types of the public names), and import-linter: who may import whom

PYTHON ?= python3
VENV   ?= .venv
RUN     = $(VENV)/bin/python
# What an installation depends on: when it changes, pip runs again.
BUILD   = pyproject.toml setup.py $(shell find kernels -type f ! -name '*.md')

.PHONY: train compare test bench kernel wasm bits docs faults browser fuzz stress arm lint clean

train: $(VENV)/.base
	$(RUN) main_np.py $(ARGS)

compare: $(VENV)/.torch
	$(RUN) main_torch.py
	$(RUN) -m np_nn.compare $(ARGS)

# A worker per core. One that has run out of tests takes half of those that another has left, from
# the end, so that tests that share a fixture mostly run where it was made.
PARALLEL = --numprocesses=auto --maxprocesses=8 --dist=worksteal

test: $(VENV)/.test
	$(RUN) -m pytest $(PARALLEL) --durations=10 $(ARGS)

bench: $(VENV)/.test
	$(RUN) benchmarks/run.py $(ARGS)

# The installed kernels may be older than the sources: the kernel is built apart from them.
kernel:
	@test -e $(VENV)/.test || $(MAKE) $(VENV)/.test
	$(RUN) benchmarks/kernel.py '$(K)' $(ARGS)

# Emulators and cross compilers are used where they are; a row without one names its package.
bits: $(VENV)/.test
	$(RUN) -m tests.support.targets $(ARGS)

wasm: $(VENV)/.wasm
	$(RUN) kernels/wasm/build.py $(ARGS)

docs: $(VENV)/.docs wasm
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/html
	@echo "The documentation: build/html/index.html"

faults: $(VENV)/.test
	$(RUN) -m tests.support.faults --kernels numpy
	$(RUN) -m tests.support.faults $(ARGS)

browser: $(VENV)/.test
	$(RUN) -m tests.support.drawing $(ARGS)
	$(RUN) -m pytest tests/programs/test_browser.py tests/programs/test_draw.py

fuzz: $(VENV)/.test
	$(RUN) -m tests.support.fuzz $(ARGS)

stress: $(VENV)/.test
	$(RUN) -m tests.support.stress $(ARGS)

arm: $(VENV)/.test
	$(RUN) -m tests.support.arm $(PARALLEL) $(ARGS)

lint: $(VENV)/.lint
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-logo --no-cache

clean:
	rm -rf $(VENV) build *.egg-info np_nn/_kernels np_nn/visualize/draw/train.wasm

$(RUN):
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)

# A stamp for each set of extras: pip is only called when the stamp is older than BUILD.
$(VENV)/.base: EXTRAS =
$(VENV)/.torch: EXTRAS = [torch]
$(VENV)/.test: EXTRAS = [test]
$(VENV)/.docs: EXTRAS = [docs]

$(VENV)/.base $(VENV)/.torch $(VENV)/.test $(VENV)/.docs: $(BUILD) | $(RUN)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.$(EXTRAS)'
	@touch $@

$(VENV)/.lint: Makefile | $(RUN) # no kernels need be built for this
	$(RUN) -m pip install --quiet --disable-pip-version-check \
		'ruff>=0.12' 'import-linter>=2.17' 'mypy>=1.15' 'numpy>=2.2'
	@touch $@

$(VENV)/.wasm: Makefile | $(RUN)
	$(RUN) -m pip install --quiet --disable-pip-version-check ziglang
	@touch $@

# The kernels' tests under the address and undefined-behaviour sanitizers, in a copy, so that
# no sanitized build is ever left here.
.PHONY: sanitize
sanitize: $(VENV)/.test
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	cp -r np_nn kernels tests setup.py pyproject.toml README.md LICENSE "$$copy" && \
	rm -rf "$$copy/np_nn/_kernels" && cd "$$copy" && \
	NP_NN_STRICT=1 NP_NN_SANITIZE=1 $(abspath $(RUN)) setup.py --quiet build_ext --inplace && \
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 NP_NN_STRICT=1 \
	$(abspath $(RUN)) -m pytest -p no:cacheprovider --capture=sys tests/kernels

# The notebooks are pages of the documentation, executed with their full settings.
.PHONY: notebooks
notebooks: docs
	@echo "The notebooks: build/html/notebooks/README.html"
