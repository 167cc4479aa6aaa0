# `make` lists the targets. A fresh machine needs Python 3.11, git, make and a C compiler; the rest is set up in .venv,
# from lock files with hashes. A second run finds everything in place.
SHELL := /bin/bash
export PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate \
	--no-header --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help run test test-fast agents fuzz fault check bench lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

# Stamps hold the fact that a lock file is installed. The development lock holds the product's packages in the same
# versions (`make lock` sees to it), so whoever has it needs no other.
$(VENV)/product.stamp: requirements.lock requirements-tools.lock pyproject.toml .ci/set-up
	@echo "Setting up $(VENV) …"; began=$$SECONDS; \
	if [ -e $(VENV)/dev.stamp ]; then lock=requirements-dev.lock; else lock=requirements.lock; fi; \
	.ci/set-up $$lock && touch $@ && echo "Set up in $$((SECONDS - began)) s."

$(VENV)/dev.stamp: requirements-dev.lock requirements-tools.lock pyproject.toml .ci/set-up
	@echo "Setting up $(VENV) for development …"; began=$$SECONDS; \
	.ci/set-up requirements-dev.lock && touch $@ $(VENV)/product.stamp && echo "Set up in $$((SECONDS - began)) s."

# The stamp goes when npm replaces what it stands in.
AGENTS := .agents/node_modules
$(AGENTS)/agents.stamp: .ci/agents/package.json .ci/agents/package-lock.json .ci/set-up-agents | $(VENV)/dev.stamp
	@echo "Installing the agent clients in .agents …"; began=$$SECONDS; \
	.ci/set-up-agents && touch $@ && echo "Installed in $$((SECONDS - began)) s."

run: $(VENV)/product.stamp ## Set up, then find and import this machine's agent histories
	@began=$$SECONDS; $(BIN)/seasoned up && echo "Done in $$((SECONDS - began)) s. The command is $(BIN)/seasoned."

test: $(VENV)/dev.stamp ## Set up, then run every test; those of agent clients if `make agents` was said
	@began=$$SECONDS; $(BIN)/python -m pytest -q -n 2 && echo "All tests in $$((SECONDS - began)) s."

test-fast: $(VENV)/dev.stamp ## The tests without the slow ones
	@began=$$SECONDS; $(BIN)/python -m pytest -q -n 2 -m "not slow" && echo "Fast tests in $$((SECONDS - began)) s."

agents: $(AGENTS)/agents.stamp ## Install the real agent clients that tests drive (Claude Code, Codex, Gemini)

fault: $(VENV)/dev.stamp ## kill -9 at random points, 200 trials (FAULT_TRIALS=… on each engine)
	@began=$$SECONDS; FAULT_TRIALS=$${FAULT_TRIALS:-100} $(BIN)/python -m pytest -q tests/fault \
	&& echo "Nothing lost, nothing doubled, in $$((SECONDS - began)) s."

# The same seed makes the same files; a failure names the one that it came from.
COUNT ?= 100000
SEED ?= 0
fuzz: $(VENV)/dev.stamp ## 100 000 damaged transcripts through every importer (COUNT=… SEED=…)
	@$(BIN)/python tests/mutations/fuzz.py --count $(COUNT) --seed $(SEED)

check: $(VENV)/dev.stamp ## Style, types and the import contract
	@began=$$SECONDS; $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . \
	&& $(BIN)/pyright --pythonpath $(BIN)/python && $(BIN)/lint-imports && echo "Checked in $$((SECONDS - began)) s."

# Each runs on what the repository holds; HISTORIES gives those that read histories your own (benchmarks/README.md).
HISTORIES ?=
bench: $(VENV)/dev.stamp ## The benchmarks, each beside its reference (HISTORIES=…)
	@for each in benchmarks/*.py; do echo "== $$each"; \
		$(BIN)/python $$each $$(grep -q '"paths"' $$each && echo $(HISTORIES)) || exit 1; done

lock: $(VENV)/product.stamp ## Resolve the dependencies anew
	@export UV_SYSTEM_CERTS=1 UV_NO_CONFIG=1; \
	$(LOCK) pyproject.toml -o requirements.lock && \
	$(LOCK) pyproject.toml --group dev --group bench -c requirements.lock -o requirements-dev.lock && \
	printf '%s\n' 'uv==0.13.8' 'hatchling>=1.26' 'editables' | $(LOCK) - -o requirements-tools.lock

clean: ## Remove the environment and every cache
	@rm -rf $(VENV) $(AGENTS) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
