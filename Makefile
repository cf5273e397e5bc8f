PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
NPM := src/propylon/dashboard/npm
ASSETS := src/propylon/dashboard/assets
DIST ?= dist
export PATH := $(PATH):/usr/sbin:$(subst $() ,:,$(wildcard /usr/lib/postgresql/*/bin))

# $(call need,COMMAND,APT PACKAGE): there already, or installed when we may, or a failure that says what to do.
need = @command -v $(1) >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	&& apt-get install -y -qq --no-install-recommends $(2); } || { echo "$(1) is missing: install the package $(2)" >&2; exit 1; }

.PHONY: help setup assets run test check format docs screenshots release bench soak ci clean

help: ## What make can do
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(STAMP) ## Create .venv with everything; again when pyproject.toml changes

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q --disable-pip-version-check -e . --group dev
	@touch $@

# What pages load beside our own files. Where npm is missing the dashboard runs without them, and says so at its start.
assets: ## Copy htmx, uPlot and a font from the npm registry, as the lock file has them
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(ASSETS)/made; \
	else echo "npm is missing, so the dashboard runs without htmx, uPlot and its font" >&2; fi

$(ASSETS)/made: $(NPM)/package.json $(NPM)/package-lock.json
	npm ci --silent --prefix $(NPM)
	@mkdir -p $(ASSETS)
	cp $(NPM)/node_modules/htmx.org/dist/htmx.min.js $(ASSETS)
	cp $(NPM)/node_modules/uplot/dist/uPlot.iife.min.js $(NPM)/node_modules/uplot/dist/uPlot.min.css $(ASSETS)
	cp $(NPM)/node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 $(ASSETS)/inter.woff2
	@touch $@

run: setup assets ## A gateway with a sample API to try; prints what to do next
	$(BIN)/propylon demo

test: setup ## All tests
	$(call need,redis-server,redis-server)
	$(call need,redis-sentinel,redis-sentinel)
	$(call need,initdb,postgresql)
	$(call need,npm,npm)
	$(call need,chromium,chromium)
	@$(MAKE) --no-print-directory assets
	$(BIN)/pytest -n 2

check: setup ## Formatting, lint, types, import directions, structure
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/structure

format: setup ## Put the code into its one form
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

docs: setup ## Write the pages that are made from code
	$(BIN)/python -c 'from propylon.settings import settings_reference_markdown as page; print(page(), end="")' > docs/settings.md

screenshots: setup assets ## Pictures of the main pages for docs/dashboard.md
	$(call need,chromium,chromium)
	$(BIN)/python -m tests.kit.screenshots docs/images

# The bill lists what the wheel brought into an empty environment, $(DIST)/installed. Its own tool wrote it by the schema;
# checking it against that again would take 11 s of 12.
release: setup ## Wheel, sdist and bill of materials in dist; ALLOW_DIRTY=1 also from what is not committed
	@changed=$$(git status --porcelain) || exit 1; [ -z "$$changed" ] || [ "$(ALLOW_DIRTY)" = 1 ] || { printf '%s\n' \
		"no release is made of uncommitted changes: commit these, or say ALLOW_DIRTY=1" "$$changed" >&2; exit 1; }
	$(call need,npm,npm)
	@$(MAKE) --no-print-directory assets
	rm -rf $(DIST)/propylon-* $(DIST)/installed
	@export SOURCE_DATE_EPOCH; SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	&& $(BIN)/python -m build --no-isolation --outdir $(DIST) . \
	&& $(BIN)/python -m venv --without-pip $(DIST)/installed \
	&& $(BIN)/python -m pip -q --disable-pip-version-check --python $(DIST)/installed/bin/python \
		install --no-compile $(DIST)/propylon-*.whl \
	&& $(BIN)/cyclonedx-py environment --output-reproducible --no-validate --pyproject pyproject.toml \
		-o "$$(echo $(DIST)/propylon-*.tar.gz | sed 's/tar.gz$$/cdx.json/')" $(DIST)/installed/bin/python
	@cd $(DIST) && sha256sum propylon-*

bench: setup ## Cost per request against nginx, as ratios in one run
	$(call need,nginx,nginx-light)
	$(call need,haproxy,haproxy)
	$(call need,wrk,wrk)
	$(BIN)/python -m bench

soak: setup ## The long runs: kills, restarts, many keys, a fleet
	$(call need,redis-server,redis-server)
	$(call need,initdb,postgresql)
	$(BIN)/python -m bench.soak

ci: check test ## What has to pass before a merge

clean: ## Remove what make and the tools made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist $(ASSETS) $(NPM)/node_modules
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
