# Sets Planwright up, runs it and checks it. `make` alone lists what there is.

PYTHON ?= python3
TEST_WORKERS ?= 2
FAULT_WORKERS ?= 3
TEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin

# The extras `studio` and `web` have an environment of their own: see docs/decisions/0003-dependencies.md.
EXTRAS := .venv-extras
EXTRAS_TESTS := tests/server/test_studio.py tests/tools/read/test_web.py

# Stamps: each is newer than the files it stands for, so that a second call has nothing to do.
INSTALLER := $(VENV)/.installer
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BROWSER := $(VENV)/.browser
SERVERS := $(VENV)/.servers
WITH_EXTRAS := $(EXTRAS)/.complete
WHEELHOUSE := build/wheelhouse
WHEELS := $(WHEELHOUSE)/.complete
BASE := build/base.tar

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install install-dev test test-extras test-deployment faults lint types report bench notebook screenshots docs site studio release-check lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## run one request on a demo workspace, with nothing else installed or configured
	@$(BIN)/planwright demo

install: $(RUNTIME) ## create .venv with what running needs

install-dev: $(DEV) ## create .venv with what testing needs too

test: $(DEV) $(BROWSER) $(SERVERS) ## run the tests (TEST_ARGS="tests/tools -x" to choose)
	$(BIN)/pytest -n $(TEST_WORKERS) --dist loadgroup $(TEST_ARGS)

test-extras: $(WITH_EXTRAS) ## run the tests that need the extras `studio` and `web`; one that is skipped has failed
	$(EXTRAS)/bin/python -m pytest -p tests.no_skips $(EXTRAS_TESTS) $(TEST_ARGS)

# As root, on Debian: it installs podman where there is none.
test-deployment: $(DEV) $(WHEELS) $(BASE) ## do what docs/deployment.md says, on machines made of containers
	DEPLOYMENT_BASE=$(BASE) RELEASE_WHEELHOUSE=$(WHEELHOUSE) \
	  $(BIN)/python -m pytest -p tests.no_skips tests/deploy/test_machine.py tests/deploy/test_image.py $(TEST_ARGS)

# FAULTS_SEED repeats a run, FAULTS_KILL=30 and the like bound a family, FAULTS_ONLY="complex, 3" picks a point.
faults: $(DEV) ## kill, stop and cut off every part at every point, and compare (some twenty minutes)
	FAULTS=full $(BIN)/pytest -n $(FAULT_WORKERS) --dist loadgroup -rP tests/faults $(TEST_ARGS)

lint: $(DEV) ## check style, format and import directions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

# Both are told to stay offline: pyright asks for its newest version otherwise.
types: export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
types: export PYRIGHT_PYTHON_FORCE_VERSION :=
types: export PYRIGHT_PYTHON_PYLANCE_VERSION :=
types: $(DEV) ## check the types, twice
	$(BIN)/mypy
	$(BIN)/pyright

report: $(DEV) ## print the figures that tests prove
	$(BIN)/pytest -m figure -s -q --no-header

bench: $(DEV) ## measure everything that docs/performance.md tells of (an hour)
	$(BIN)/python -m tests.nodes.planning.critical_path
	$(BIN)/python -m tests.nodes.planning.streamed_plans
	$(BIN)/python -m tests.bench.streamed_plans
	$(BIN)/python -m tests.bench.complex_runs
	$(BIN)/python -m tests.bench.overheads
	$(BIN)/python -m tests.bench.demo_request
	$(BIN)/python -m tests.bench.dispatch
	$(BIN)/python -m tests.bench.limits
	$(BIN)/python -m tests.bench.cold_start
	$(BIN)/python -m tests.bench.postgres_cost
	$(BIN)/python -m tests.bench.large_lists
	$(BIN)/python -m tests.bench.processes
	$(BIN)/python -m tests.bench.streams
	$(BIN)/python -m tests.bench.soak
	$(BIN)/python -m tests.bench.growth
	$(BIN)/python -m tests.bench.peers.compare

notebook: $(DEV) ## run the notebooks and store their outputs
	$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py
	$(BIN)/pytest --nbmake --overwrite notebooks

screenshots: $(DEV) $(BROWSER) ## take the pictures of the web page anew
	$(BIN)/python -m tests.page.pictures

docs: $(DEV) ## write what is generated anew: the configuration’s page, the concepts’ pictures, the clients’ types
	$(BIN)/python -m tests.docs.configuration
	$(BIN)/python -m tests.docs.concept_pictures
	$(BIN)/python -m tests.docs.event_types

# A page that is in no menu, a link or an anchor that leads nowhere: each ends the build.
SITE ?= build/site
site: $(DEV) ## build the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --site-dir $(SITE)
	@echo "Open $(SITE)/index.html"

# Both would ask others otherwise: LangGraph’s command line reports its use, its server looks for a newer release.
studio: export LANGGRAPH_CLI_NO_ANALYTICS := 1
studio: export LANGGRAPH_NO_VERSION_CHECK := true
studio: $(WITH_EXTRAS) ## open the graph in LangGraph Studio, with the server's routes beside it
	$(EXTRAS)/bin/langgraph dev

# What it installs comes out of $(WHEELHOUSE) alone; only filling that reads an index.
release-check: $(DEV) $(WHEELS) ## build wheel and sdist into dist, and try them where there is nothing but Python
	RELEASE_WHEELHOUSE=$(WHEELHOUSE) $(BIN)/pytest tests/release $(TEST_ARGS)

# Pins stay where they are; `make lock UPGRADE=--upgrade` moves them.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --custom-compile-command "make lock" $(UPGRADE)

lock: $(INSTALLER) ## write the locks anew from pyproject.toml
	$(COMPILE) --group installer --output-file requirements-uv.lock
	$(COMPILE) pyproject.toml --group build --output-file requirements.lock
	$(COMPILE) pyproject.toml --group build --group dev --constraint requirements.lock \
	  --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml --extra studio --extra web --group build --group test --constraint requirements.lock \
	  --output-file requirements-extras.lock

clean: ## remove the environments and every cache
	rm -rf $(VENV) $(EXTRAS) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip brings uv, uv brings the rest: seconds instead of half a minute. uv does not read pip's
# settings, so an index named to pip is named to it as well; where that is not enough, pip installs the
# same lock. Either way every file is checked against its hash.
INDEX := $(if $(PIP_INDEX_URL),--default-index $(PIP_INDEX_URL))
define install
@echo "Installing $(1) into $(2) (once)"
@$(BIN)/uv pip install --quiet --compile-bytecode --python $(2)/bin/python $(INDEX) --require-hashes --requirement $(1) \
  || { echo "uv reaches no index; pip takes over"; \
  $(2)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(1); }
@$(BIN)/uv pip install --quiet --python $(2)/bin/python --no-deps --no-build-isolation --editable .
endef

$(INSTALLER): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Planwright needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	  echo "Name one that is: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.lock
	@touch $@

$(RUNTIME): requirements.lock pyproject.toml server/__init__.py | $(INSTALLER)
	$(call install,requirements.lock,$(VENV))
	@touch $@

$(WHEELS): requirements.lock | $(INSTALLER)
	@echo "Fetching the wheels of requirements.lock into $(WHEELHOUSE) (once)"
	@rm -rf $(WHEELHOUSE)
	@$(BIN)/pip download --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
	  --requirement requirements.lock --dest $(WHEELHOUSE)
	@touch $@

# Debian's Chromium, for the tests of the web page.
$(BROWSER): tests/page/install_chromium.sh | $(INSTALLER)
	@tests/page/install_chromium.sh
	@touch $@

# nginx, Caddy, PgBouncer and kubectl, for the tests of the deployment.
$(SERVERS): tests/deploy/install_servers.sh | $(INSTALLER)
	@tests/deploy/install_servers.sh
	@touch $@

# What the containers of the tests of docs/deployment.md begin as.
$(BASE): tests/deploy/make_base.sh
	@tests/deploy/make_base.sh $@

# The development lock holds every pin of the runtime lock.
$(DEV): requirements-dev.lock pyproject.toml server/__init__.py | $(INSTALLER)
	$(call install,requirements-dev.lock,$(VENV))
	@touch $(RUNTIME) $@

$(WITH_EXTRAS): requirements-extras.lock pyproject.toml server/__init__.py | $(INSTALLER)
	@$(BIN)/python -m venv $(EXTRAS)
	$(call install,requirements-extras.lock,$(EXTRAS))
	@touch $@
