# Everything here works on a fresh clone with Python >= 3.11, gcc, cargo and Debian's apt.
# Steps of `check` are listed in tools/check.py, rings of tests in tests/README.md.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
RINGS := probes house unit simulation conformance live
RING_PATHS := $(foreach ring,$(RINGS),$(wildcard tests/$(ring)))

NATIVE := $(shell find native -name target -prune -o -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' \) -print 2>/dev/null)

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: build demo test check emulation sequences bench explore planted clean test-needs check-needs

build: $(VENV)/.built

$(VENV)/.made: tools/make-venv constraints.txt
	tools/make-venv $(VENV)
	$(PY) -m pip install --quiet maturin
	touch $@

$(VENV)/.built: $(VENV)/.made pyproject.toml $(NATIVE)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/maturin develop --release
	$(PY) -m compileall -q src
	touch $@

$(VENV)/.needs: $(VENV)/.made pyproject.toml | $(VENV)/.built
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/maturin develop --release --extras test,check
	touch $@

demo: build
	$(PY) examples/two_engines.py

test-needs: $(VENV)/.needs
	tools/install-programs strace gdb gcc

check-needs: $(VENV)/.needs

check: check-needs
	$(PY) tools/check.py

test: test-needs
	$(PY) tools/check.py
	cargo test --quiet --manifest-path native/Cargo.toml --package utrace-sys
	$(PY) -m pytest $(RING_PATHS)
	$(PY) -m pytest tests/emulation -m core

# Minutes, or as long as asked for: make explore HOURS=1
HOURS := 0
explore: $(VENV)/.needs
	$(PY) -m tests.simulation --hours $(HOURS)

# Which scheduler finds each of the planted bugs, after how many interleavings.
planted: $(VENV)/.needs
	$(PY) -m tests.simulation --planted

# All that strace and gdb see under `utrace run`, against what they see natively: minutes; `test` has the core of it.
emulation: test-needs
	$(PY) -m pytest tests/emulation

# Random sequences of ptrace requests under `utrace run`, against the kernel: make sequences SECONDS=600,
# or by number: make sequences SEEDS=1-60
SECONDS := 60
SEEDS :=
sequences: $(VENV)/.needs
	$(PY) -m tests.emulation.sequences $(if $(SEEDS),--seeds $(SEEDS),--seconds $(SECONDS))

bench: build
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/maturin develop --release --extras bench
	tools/install-programs strace gcc
	$(PY) -m benches

clean:
	rm -rf $(VENV) build dist native/target
	find src -name '*.so' -delete
	find . -name __pycache__ -prune -exec rm -rf {} +
