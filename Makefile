# Every target sets up what it needs: all it takes is Python 3.11 or later (and make, and bash).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up down test lint synth bench bench-detection simulate-audit rekey-fleet lockdown-fleet verify-independent openapi lock clean
.DELETE_ON_ERROR:

PYTHON ?= python3
STAGES := local test live
UNITS := authorizer contain_evidence agent_api agent_keys operator_api price_feed dev
BIN := .venv/bin
VENV := .venv/.created
PACKAGES := .venv/.packages
PROJECT := .venv/.project
CDK := node_modules/.package-lock.json
INDEPENDENT := build/independent/.installed
INDEPENDENT_NPM := $(addprefix local/independent_verification/,package.json package-lock.json)
SOURCES := $(shell find app.py cdk.json infra functions src requirements -name '*.py' -o -name '*.txt' -o -name '*.json' 2>/dev/null)

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(PROJECT) $(CDK) ## start the gateway here, play an agent's day, leave it running
	@$(BIN)/python -m local demo

up: $(PROJECT) $(CDK) ## start the gateway on this machine, or update it if it runs
	@$(BIN)/python -m local up

down: $(PROJECT) ## stop it and remove what it left
	@$(BIN)/python -m local down

test: $(PROJECT) $(CDK) ## run every test, with a gateway of its own
	@$(BIN)/pytest --numprocesses 3

lint: $(PROJECT) ## check style, format and types
	@failed=0; for check in "ruff check" "ruff format --check" mypy; do \
	  echo "$$check"; $(BIN)/$$check || failed=1; \
	done; exit $$failed

synth: $(STAGES:%=build/synth/%/manifest.json) ## write the CloudFormation templates of every stage to build/synth
	@echo "Templates are in build/synth: $(STAGES)"

bench: $(PROJECT) ## measure bundles, start-up, decisions, what a transaction costs, and the audit log
	@$(BIN)/python -m bench

bench-detection: $(PROJECT) ## compare the detector with the guide's rule on public data in DATA=folder
	@$(BIN)/python -m bench.detection "$(DATA)"

simulate-audit: $(PROJECT) ## run 10,000 random schedules of crashes and races against the audit writer's code
	@SCHEDULES=10000 $(BIN)/pytest --timeout=900 tests/simulation

rekey-fleet: $(PROJECT) $(CDK) ## move 200 working agents to a new root of secrets on a gateway of its own
	@AGENTS=200 $(BIN)/pytest --timeout=900 tests/journey/test_root.py

lockdown-fleet: $(PROJECT) $(CDK) ## lock 200 paying agents down on a gateway of its own, and lift that in stages
	@AGENTS=200 $(BIN)/pytest --timeout=900 tests/journey/test_lockdown.py

verify-independent: $(INDEPENDENT) ## have verifiers that others wrote check an audit log, sound and tampered with
	@$(BIN)/python -m local.independent_verification build/independent

openapi: $(PROJECT) ## write the OpenAPI documents of both APIs to docs/openapi
	@$(BIN)/python -m local.openapi

lock: $(PACKAGES) ## pin dependencies again with hashes; UPGRADE=1 moves to newer versions
	@for unit in $(UNITS) independent; do echo "requirements/$$unit.txt"; \
	  $(BIN)/uv pip compile pyproject.toml --extra $$unit --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
	    --quiet --output-file requirements/$$unit.txt || exit 1; done
	@for folder in . local/independent_verification; do echo "$$folder/package-lock.json"; \
	  PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --package-lock-only --silent \
	    --omit-lockfile-registry-resolved --prefix $$folder || exit 1; done

clean: ## remove what was built and installed; the running gateway needs `make down` first
	rm -rf .venv node_modules build cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis

# CloudFormation templates need no AWS account, no credentials and no Docker.
build/synth/%/manifest.json: $(SOURCES) | $(PROJECT) $(CDK)
	@echo "Synthesizing stage $* ..."
	@$(BIN)/node node_modules/aws-cdk/bin/cdk synth -c stage=$* -o build/synth/$* --quiet

$(VENV):
	@for candidate in "$(PYTHON)" python3.13 python3.12 python3.11 python3.14; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  have=$$("$(PYTHON)" --version 2>/dev/null); \
	  echo "Portcullis needs Python 3.11 or later; $(PYTHON) is $${have:-missing}." >&2; \
	  echo "Install one from python.org/downloads or your package manager, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.13" >&2; \
	  exit 1; \
	fi; \
	echo "Creating .venv with $$("$$found" --version) ..."; \
	"$$found" -m venv --clear .venv || { \
	  echo "Python's venv module is missing or broken. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(PACKAGES): requirements/dev.txt $(VENV)
	@total=$$(grep -c '^[a-z]' $<); echo "Installing $$total locked packages, which takes about a minute ..."; set -o pipefail; \
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --progress-bar off -r $< | awk -v total=$$total ' \
	  /^(Collecting|Processing)/ { if (++n % 20 == 0) { printf "  %d of %d fetched\n", n, total; fflush() } } \
	  /^Installing/ { print "  unpacking ..."; fflush() }'
	@touch $@

$(PROJECT): pyproject.toml $(PACKAGES)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(CDK): package.json package-lock.json | $(PACKAGES)
	@echo "Installing the CDK command line ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent
	@touch $@

$(INDEPENDENT): requirements/independent.txt $(INDEPENDENT_NPM) .npmrc | $(PROJECT)
	@echo "Installing Go and the verifiers of others ..."
	@rm -rf $(@D) && mkdir -p $(@D)/npm && cp $(INDEPENDENT_NPM) .npmrc $(@D)/npm
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --target $(@D)/python -r $<
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --prefix $(@D)/npm
	@touch $@
