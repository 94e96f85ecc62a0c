# make train   install the dependencies, build the kernels, run main_np.py
# make compare run the same training in PyTorch, and compare the two
# make test    install everything, run the whole test suite
# make check   train five published rows; fail if one is off its committed result
# make bench   time a training step against other libraries
# make kernel K=add  build one kernel; time it against its reference, torch and saved builds
# make wasm    build the WebAssembly module with which the page of np-nn draw trains
# make faults  interrupt the writing of checkpoints; kill ranks of a team, and resume on others
# make docs    build the documentation as a website, with executed notebooks
# make ipynb   write the notebooks as .ipynb files with a Colab badge into build/ipynb
# make stress  make 10,000 predictions from 8 threads during a training
# make browser draw 200 digits on the pages of np-nn draw; compare them with np-nn predict
# make fuzz    try 200,000 mutated files and options: each is read, or refused in one line
# make bits    compare the bits of all compilers and machines that can run here, in a table
# make arm     the kernels' tests on an emulated Arm processor
# make lint    ruff, mypy (types of the public names), and import-linter: who may import whom

PYTHON ?= python3
VENV   ?= .venv
RUN     = $(VENV)/bin/python
# Files that an installation depends on: pip runs again when one changes.
BUILD   = pyproject.toml setup.py $(shell find kernels -type f ! -name '*.md')

.PHONY: train compare test check bench kernel wasm bits docs faults browser fuzz stress arm lint clean

train: $(VENV)/.base
	$(RUN) main_np.py $(ARGS)

compare: $(VENV)/.torch
	$(RUN) main_torch.py
	$(RUN) -m np_nn.compare $(ARGS)

# A worker per core. An idle worker takes half of another one's remaining tests, from the end, so
# that tests that share a fixture mostly run in the worker that created it.
PARALLEL = --numprocesses=auto --maxprocesses=8 --dist=worksteal

test: $(VENV)/.test
	$(RUN) -m pytest $(PARALLEL) --durations=10 $(ARGS)

check: $(VENV)/.base
	$(RUN) -m np_nn.reproduce --check $(ARGS)

bench: $(VENV)/.test
	$(RUN) benchmarks/run.py $(ARGS)

# Built separately: the installed kernels may be older than the sources.
kernel:
	@test -e $(VENV)/.test || $(MAKE) $(VENV)/.test
	$(RUN) benchmarks/kernel.py '$(K)' $(ARGS)

# Emulators and cross compilers are used if installed; a row without one names its package.
bits: $(VENV)/.test
	$(RUN) -m tests.support.targets $(ARGS)

wasm: $(VENV)/.wasm
	$(RUN) kernels/wasm/build.py $(ARGS)

docs: $(VENV)/.docs wasm
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/html
	@echo "The documentation: build/html/index.html"

faults: $(VENV)/.test
	$(RUN) -m tests.support.faults --kernels numpy --rank-kills 0
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

# A stamp for each set of extras: pip runs only if the stamp is older than BUILD.
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

# The kernels' tests under the address and undefined-behaviour sanitizers, in a copy, so that no
# sanitized build is left here.
.PHONY: sanitize
sanitize: $(VENV)/.test
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	cp -r np_nn kernels tests setup.py pyproject.toml README.md LICENSE "$$copy" && \
	rm -rf "$$copy/np_nn/_kernels" && cd "$$copy" && \
	NP_NN_STRICT=1 NP_NN_SANITIZE=1 $(abspath $(RUN)) setup.py --quiet build_ext --inplace && \
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 NP_NN_STRICT=1 \
	$(abspath $(RUN)) -m pytest -p no:cacheprovider --capture=sys tests/kernels

# The notebooks are pages of the documentation, and are executed with their full settings.
.PHONY: notebooks ipynb
ipynb: $(VENV)/.docs
	PYTHONPATH=. $(RUN) docs/ipynb.py $(ARGS)

notebooks: docs
	@echo "The notebooks: build/html/notebooks/README.html"
