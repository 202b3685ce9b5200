# Everything a fresh machine needs is git, Python 3.11+ and make; Go too where the real API server is wanted.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo demo-peers test cluster chaos chaos-peers fuzz bench lock clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED)  ## a virtual environment with the locked dependencies

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tenure needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3-venv"; exit 1; }
	@echo "installing the locked dependencies into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install  ## three sidecars, no cluster: who leads, and what happens when the leader ends (KEEP=1: leave it running)
	@$(BIN)/tenure demo $(if $(KEEP),--keep)

demo-peers: install  ## five that elect among themselves over UDP: a crash, a partition, and how it heals (KEEP=1 as above)
	@$(BIN)/tenure demo --peers $(if $(KEEP),--keep)

test: install  ## all tests, those on real servers included (fetched or built once, etcd and kube-apiserver with Go, democracy.js with npm)
	@$(BIN)/python -m tests.cluster.build || test -z "$$CI"
	@$(BIN)/python -m tests.servers || test -z "$$CI"
	@$(BIN)/python -m tests.democracy || test -z "$$CI"
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

cluster: install  ## build etcd, kube-apiserver, kubectl, client-go candidates and an S3 server into the cache
	@$(BIN)/python -m tests.cluster.build

chaos: install  ## real processes, real faults: SECONDS of them (60) drawn from SEED (a fresh one, printed)
	@$(BIN)/python -m tests.chaos $(if $(SECONDS),--seconds=$(SECONDS)) $(if $(SEED),--seed=$(SEED)) $(if $(JSON),--json=$(JSON)) $(if $(MARKDOWN),--markdown=$(MARKDOWN))

chaos-peers: install  ## the same among peers, over UDP in network namespaces: half alone, half in hybrid mode
	@$(BIN)/python -m tests.chaos.peers $(if $(SECONDS),--seconds=$(SECONDS)) $(if $(SEED),--seed=$(SEED)) $(if $(JSON),--json=$(JSON)) $(if $(MARKDOWN),--markdown=$(MARKDOWN))

fuzz: install  ## feed the decoders and servers INPUTS inputs each that nobody should send (default: 20000)
	@for target in records answers kubeconfig sidecar sidecar-tcp devserver datagrams; do \
		$(BIN)/python -m tests.fuzz $$target --inputs $(or $(INPUTS),20000) || exit 1; done

bench: install  ## measure on the real API server, beside client-go (nothing else should run)
	@$(BIN)/python -m benchmarks

lock: pyproject.toml  ## resolve the dependencies anew
	@$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	@build/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
		--custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements/dev.txt

clean:  ## remove what was built here (the real API server's cache stays)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
