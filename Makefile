# Every task of the project; plain `make` lists them. Stamps keep what is done done: a second `make run` starts at once.
# Variables: CONFIG (make run CONFIG=my.toml), ARGS (make test ARGS="-k rotation", make bench ARGS=...), MINUTES and SEED
# (make torture MINUTES=60 SEED=7).

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

CONFIG ?= config.toml
ARGS ?=
MINUTES ?= 10
SEED ?=

PYTHON := .venv/bin/python
# Quiet twice: the steps say what happens, errors still show.
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet --quiet
NODE := scripts/with-node
STAMPS := .venv/made
# Without its python (the system's was upgraded away) the environment is made anew, and nothing in it counts as done.
$(shell [ -x $(PYTHON) ] || rm -rf $(STAMPS))
PAGE := logstream/static/index.html
# hatch_build.py names the same files in Python's words.
PAGE_SOURCES = $(shell find web/src web/public -type f 2>/dev/null) $(wildcard web/*.html web/*.json web/*.ts)
CODE := hatch_build.py logstream tests $(wildcard docs/examples) $(if $(wildcard bench/*.py),bench)
STEP = @printf '==> %s\n'

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# --- The product -----------------------------------------------------------------------------------------------------

.PHONY: run
run: $(STAMPS)/run $(PAGE) ## Install, build the page and start the service on config.toml (CONFIG=...)
	$(STEP) "Starting logstream on $(CONFIG)"
	@exec $(PYTHON) -m logstream serve --config "$(CONFIG)"

.PHONY: build
build: $(STAMPS)/dev $(PAGE) ## Build the wheel and the source distribution into dist/
	$(STEP) "Building wheel and sdist into dist/"
	@$(PYTHON) -m build --no-isolation --outdir dist

# --- Proof -----------------------------------------------------------------------------------------------------------

.PHONY: test test-page test-rest
test: test-page test-rest ## All tests, the page's and Python's (ARGS goes to pytest); installs what they need

test-page: web/node_modules/installed
	$(STEP) "Testing the page (vitest)"
	@cd web && ../$(NODE) npm test

test-rest: $(STAMPS)/dev $(PAGE)
	@scripts/install-test-tools
	$(STEP) "Testing everything else (pytest)"
	@$(PYTHON) -m pytest $(ARGS)

.PHONY: check
check: lint ## Format, lint, types, fast tests, web checks: before every commit
	$(STEP) "Running the fast tests (pytest)"
	@$(PYTHON) -m pytest tests/unit tests/test_*.py

.PHONY: lint lint-format lint-code lint-types lint-image lint-page
lint: lint-format lint-code lint-types lint-image lint-page ## The part of check without Python's tests

lint-format: $(STAMPS)/dev
	$(STEP) "Checking format (ruff)"
	@$(PYTHON) -m ruff format --check .

lint-code: $(STAMPS)/dev
	$(STEP) "Linting (ruff)"
	@$(PYTHON) -m ruff check .

lint-types: $(STAMPS)/dev
	$(STEP) "Checking types (mypy)"
	@$(PYTHON) -m mypy $(CODE)

lint-image: $(STAMPS)/dev
	$(STEP) "Linting the Dockerfile (hadolint)"
	@.venv/bin/hadolint Dockerfile

lint-page: web/node_modules/installed
	$(STEP) "Checking web/: format, lint, types, tests (npm run check)"
	@cd web && ../$(NODE) npm run check

.PHONY: screenshots
screenshots: $(STAMPS)/dev $(PAGE) ## Take the pictures in docs/screenshots anew, of each state of the page
	$(STEP) "Taking pictures of the page (pytest)"
	@SCREENSHOTS=docs/screenshots $(PYTHON) -m pytest tests/browser/test_looks.py

.PHONY: torture
torture: $(STAMPS)/dev $(PAGE) ## Rotate, truncate, kill and cut at random against a model (MINUTES=10 SEED=...)
	$(STEP) "Torturing the service for $(MINUTES) minutes"
	@$(PYTHON) -m tests.torture --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.PHONY: conformance
conformance: $(STAMPS)/dev $(PAGE) ## Run the tests of the conformance list and write docs/conformance.md
	$(STEP) "Testing what the conformance list says (pytest)"
	@$(PYTHON) -m pytest --conformance=docs/conformance.md

.PHONY: bench
bench: $(STAMPS)/dev $(PAGE) ## Benchmarks; each says its method in its header
	$(STEP) "Measuring"
	@$(PYTHON) -m bench $(ARGS)

# --- Upkeep ----------------------------------------------------------------------------------------------------------

# A lock is good for all platforms and all Pythons from 3.11 up, one version of a package for all of them. Versions
# already locked stay; `make lock ARGS=--upgrade` takes new ones.
LOCK = $(PYTHON) -m uv pip compile --quiet --no-config --universal --fork-strategy fewest --python-version 3.11 \
  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

.PHONY: lock
lock: $(STAMPS)/dev ## Write the lock files anew from pyproject.toml (ARGS=--upgrade for new versions)
	$(STEP) "Locking"
	@$(LOCK) -o requirements.lock pyproject.toml
	@$(LOCK) -o requirements-build.lock --group build -c requirements.lock
	@$(LOCK) -o requirements-node.lock --group node
	@$(LOCK) -o requirements-dev.lock --group dev -c requirements.lock -c requirements-build.lock pyproject.toml

.PHONY: clean
clean: ## Remove all that make made; the service's state stays
	rm -rf .venv .node .peers dist logstream/static web/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Steps with a result ---------------------------------------------------------------------------------------------

$(PYTHON):
	@scripts/make-venv .venv

# Editable, and without the page: `make` builds that by its own rule.
$(STAMPS)/run: pyproject.toml requirements.lock requirements-build.lock | $(PYTHON)
	$(STEP) "Installing the locked packages"
	@$(PIP) install --require-hashes -r requirements.lock -r requirements-build.lock
	$(STEP) "Installing logstream from this directory"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements-dev.lock
	$(STEP) "Installing the locked packages of the tests and checks"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

web/node_modules/installed: web/package.json web/package-lock.json | $(PYTHON)
	$(STEP) "Installing the page's locked packages (npm ci)"
	@cd web && ../$(NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): web/node_modules/installed $(PAGE_SOURCES)
	$(STEP) "Building the page (web/ to logstream/static/)"
	@cd web && ../$(NODE) npm run build
