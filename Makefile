# What a developer of llmspell types. Needs Python 3.11 or newer with pip, and make; everything else lands in .uv/ and .venv/.

PYTHON ?= python3
UV_VERSION := 0.13.9

UV := .uv/$(UV_VERSION)/bin/uv
BIN := .venv/bin
READY := .venv/.ready

# Behind a proxy that signs with its own authority uv trusts what the system trusts.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
# uv keeps its cache in HOME; where there is none to write to, here.
ifneq ($(shell test -n "$$HOME" -a -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.uv/cache
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-editors check gen pictures bench bench-lsp bench-tui vsix soak mission seed lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv
	@echo "ready: $(BIN)/llmspell"

demo: $(READY) ## run the research example in Lua and in JavaScript and show its trace
	@$(BIN)/llmspell run --trace examples/research/spell.lua
	@$(BIN)/llmspell run --trace examples/research/spell.js

test: $(READY) ## run every test
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-editors: $(READY) ## fetch the editors and test what is made for them inside them; needs Node, npm and Chromium
	@$(BIN)/python -m tests.editors.install
	@$(BIN)/python -m tests.editors.vscode.install
	@LLMSPELL_TEST_EDITORS=1 $(BIN)/python -m pytest tests/editors tests/tui/survival/test_browser.py

check: $(READY) ## style, types, layers, and that no file names a machine
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "check: format with $(BIN)/ruff format ."; exit 1; }
	@said=$$($(BIN)/pyright --warnings 2>&1) || { echo "$$said"; exit 1; }
	@said=$$($(BIN)/lint-imports 2>&1) || { echo "$$said"; exit 1; }
	@$(BIN)/python -m pytest -p no:cacheprovider tests/test_house.py -k "machine or top_level or lock"

gen: $(READY) ## write what is generated: the API's files, README's table of keys, the schema of llmspell.toml
	@$(BIN)/python -m llmspell.api.gen
	@$(BIN)/python -m llmspell_tui.actions
	@$(BIN)/python editors/vscode/settings_schema.py

pictures: $(READY) ## write README's pictures of the terminal interface from a driven session; needs tmux
	@LLMSPELL_PICTURES=tui/pictures $(BIN)/python -m pytest tests/tui/driven -k from_a_save_to

bench: $(READY) ## measure the table of goals, each beside its floor
	@$(BIN)/python tests/benchmarks/run.py

bench-lsp: $(READY) ## measure the language server, beside typescript-language-server
	@$(BIN)/python tests/benchmarks/lsp/run.py

bench-tui: $(READY) ## measure the terminal interface on a terminal of its own
	@$(BIN)/python tests/benchmarks/tui/run.py

vsix: ## package the VS Code extension; needs Node and npm
	@cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd editors/vscode && npm run --silent check && npm run --silent vsix

soak: $(READY) ## the long runs of which `make test` takes a sample
	@$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile=explore

mission: $(READY) ## which rows of the mission have a test
	@$(BIN)/python tests/mission/report.py

seed: $(READY) ## run the scripts of a design document: make seed SEED=FILE
	@test -n "$(SEED)" || { echo "seed: say which document: make seed SEED=path/to/architecture-v2.md"; exit 2; }
	@$(BIN)/python tests/seed/run.py "$(SEED)"

lock: $(UV) ## compile requirements.lock anew from pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group dev --all-extras pyproject.toml --output-file requirements.lock
	@sed -i '1i # Every package with its hashes, compiled from pyproject.toml by `make lock`.' requirements.lock

clean: ## remove what make and the tools have made
	@rm -rf .venv .uv .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# uv follows the package index that pip is configured with.
$(READY): requirements.lock pyproject.toml $(UV)
	@echo "setup: installing into .venv"
	@test -x $(BIN)/python || $(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv
	@index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PYTHON) -m pip config get global.index-url 2>/dev/null)}}; \
	  test -z "$$index" || export UV_DEFAULT_INDEX="$$index"; \
	  $(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --offline --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "setup: $(PYTHON) is not Python 3.11 or newer; name one that is: make setup PYTHON=python3.11"; exit 2; }
	@echo "setup: fetching uv $(UV_VERSION)"
	@$(PYTHON) -m pip install --quiet --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
	  --target .uv/$(UV_VERSION) uv==$(UV_VERSION)
	@touch $@
