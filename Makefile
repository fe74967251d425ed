# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# How uv reaches the package index here; written by scripts/venv.sh.
-include .venv/uv.mk

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/oncall-recovery
REPORTS := tests/output/junit
# What the targets below start; `make clean` brings these down.
CLUSTERS := dev test bench
# Stories that can run beside the others: they share no cluster with them, or do not mind.
APART := tests/e2e/alerting tests/e2e/auto tests/e2e/database tests/e2e/git tests/e2e/test_cluster_lifecycle.py \
	tests/e2e/test_convergence.py tests/e2e/test_hotfix_going_back.py tests/e2e/test_rollout_guard.py tests/e2e/test_wire.py \
	tests/e2e/test_archive.py tests/e2e/test_incident.py tests/e2e/test_incident_notify.py tests/e2e/test_triage.py
# Not in `make test`: the scenarios take too long (`make scorecard` tells them all), and two kills of a restore leave
# something behind on a slow machine, which is still to be mended.
LONG := tests/e2e/test_scenarios.py tests/e2e/database/test_kill.py
LINT := formatters codeqa yamllint typing antsibull-nox-config docs-check license-check extra-checks ansible-lint \
	changelog workflows

# What .venv has; `nox -s integration` runs the targets with all versions.
CORE = $(shell .venv/bin/ansible --version | sed -nE "1s/.*core ([0-9]+\.[0-9]+).*/\1/p")

OLDEST_CORE := 2.17

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
export ANSIBLE_HOME := $(CURDIR)/.ansible
export UV_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: help
help:  ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*  ## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.PHONY: demo
demo: venv  ## break an application on a real cluster and roll it back, before your eyes
	@python -m tests.demo

.PHONY: demo-auto
demo-auto: venv  ## the same with nobody there: an alert rolls it back
	@python -m tests.auto

.PHONY: scorecard
scorecard: venv  ## tell all scenarios of failures, or those in the folder SCENARIOS, and score what was done
	@python -m tests.scorecard $(SCENARIOS) $(ARGS)

.PHONY: test
test: venv  ## unit, lint, sanity, integration and e2e, with the time each took
	@python -m scripts.stages

.PHONY: unit
unit: venv  ## unit tests, in seconds
	@pytest tests/unit --junit-xml=$(REPORTS)/unit.xml $(ARGS)

.PHONY: lint
lint: venv  ## ruff, mypy, yamllint, ansible-lint, documentation, licences, workflows; changes no file
	@CI=true nox -s $(LINT)

.PHONY: format
format: venv  ## let ruff lay out the Python files and mend what it can
	@ruff format . && ruff check --fix .

.PHONY: sanity
sanity: venv  ## ansible-test sanity and units, with every ansible-core that this Python runs
	@nox -s sanity units

.PHONY: sanity-ends
sanity-ends: venv  ## the same with the oldest and the newest of them, as far as `make unit` does not do it
	@nox -s "sanity($(OLDEST_CORE))" "sanity($(CORE))" "units($(OLDEST_CORE))"

.PHONY: integration
integration: cluster-test  ## integration targets on the real cluster; TARGET=one, CORE=2.17
	@nox -s "integration($(CORE))" $(if $(TARGET),-- $(TARGET))

.PHONY: e2e
e2e: cluster-test  ## whole stories on the real cluster
	@pytest tests/e2e $(APART:%=--ignore=%) $(LONG:%=--ignore=%) --junit-xml=$(REPORTS)/e2e.xml $(ARGS)

.PHONY: e2e-long
e2e-long: venv  ## the quick half of the scenarios, and restores that are killed
	@pytest $(LONG) $(ARGS)

.PHONY: e2e-apart
e2e-apart: venv  ## the stories that can run beside the others
	@pytest $(APART) $(LONG:%=--ignore=%) --junit-xml=$(REPORTS)/e2e-apart.xml $(ARGS)

.PHONY: bench
bench: venv  ## measure the modules against kubectl and kubernetes.core
	@python -m scripts.kubernetes_core $(CACHE)/collections
	@ANSIBLE_COLLECTIONS_PATH=$(ANSIBLE_COLLECTIONS_PATH):$(CACHE)/collections \
		PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH) python -m tests.bench $(ARGS)

.PHONY: docs
docs: venv  ## the documentation as a site, in docs/_build/html
	@scripts/docs.sh

.PHONY: archive
archive: venv  ## the archive that Galaxy gets, here
	@python -m scripts.archive

.PHONY: importer
importer: venv  ## what Galaxy would say of the archive, in a minute; a warning is an error
	@nox -s importer

.PHONY: cluster
cluster: venv  ## a real Kubernetes on this machine
	@python -m tests.cluster up

.PHONY: cluster-test
cluster-test: venv  ## the one that integration and e2e start by themselves
	@python -m tests.cluster up --name test

.PHONY: env
env: venv  ## for your shell: eval "$(make -s env)"
	@scripts/env.sh

.PHONY: venv
venv: .venv/.installed  ## .venv with Ansible, the collection, its requirements and the tools for these targets

.venv/.installed: scripts/venv.sh constraints.txt requirements-dev.txt requirements.txt meta/ee-requirements.txt
	@scripts/venv.sh

.PHONY: constraints
constraints: venv  ## move the tools to their newest versions
	@scripts/constraints.sh

.PHONY: clean
clean:  ## bring the clusters down and remove what make put into the checkout
	@for name in $(CLUSTERS); do python3 -m tests.cluster down --name $$name; done
	@rm -rf .ansible .mypy_cache .nox .pytest_cache .ruff_cache .venv docs/_build tests/output
	@find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: clean-cache
clean-cache: clean  ## and what is kept between checkouts: built binaries, images, ansible-test's environments
	@rm -rf "$(CACHE)"
