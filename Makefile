# `make` alone prints what there is. A fresh Debian or Ubuntu needs nothing installed by hand.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Where `make setup` puts Rust.
export PATH := $(PATH):$(HOME)/.cargo/bin
export TASKER_BIN_DIR := $(CARGO_TARGET_DIR)/release
BIN := $(TASKER_BIN_DIR)
FUNCTIONS_URL ?= http://127.0.0.1:$(PORT)/functions/v1
PORT ?= 54321
DB ?= .tasker/dev.db
STORE ?= sqlite
TASKS ?= taskcode/endpoints/*.*s

# ENGINE=v8 or ENGINE=quickjs; by default v8 if its prebuilt library can be had.
ENGINE ?= $(shell tools/engine)
SHIPPED_FEATURES := --no-default-features --features deno-executor/$(ENGINE),tasker-dev/$(ENGINE)
# Built to be tested: guards can be left out on purpose (shared/fault).
FEATURES := $(SHIPPED_FEATURES),tasker-fault/faults
CARGO := cargo
BUILD := $(CARGO) build --release --locked --workspace $(FEATURES)
BUILD_SHIPPED := $(CARGO) build --release --locked --workspace --bins $(SHIPPED_FEATURES)
# Both forms are built in one folder, so that they share what is compiled; those to be shipped are moved here.
SHIPPED_DIR := $(CARGO_TARGET_DIR)/shipped
TEST := $(CARGO) test --release --locked --workspace $(FEATURES)
# What `make unit` tests: neither databases nor processes, and no JavaScript engine to build.
UNIT := tasker-core tasker-fault tasker-flow tasker-seal tasker-http tasker-sql tasker-tables tasks simple-stack-processor \
	wrappedfetch wrappedgapi wrappedkeystore wrappedsupabase wrappedwebhook tasker-tidy

.PHONY: help setup build build-shipped check-shipped check unit deny fuzz test-new-service chaos chaos-short test test-gmail test-gmail-simple bench dev run publish-task debug-db debug-logs debug-clear clean up down image test-compose test-api check-deploy
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'
	@echo "  knobs: ENGINE=v8|quickjs  STORE=sqlite|postgres  FULL=1  QUERY=...  GAPI_KEY_FILE=... GAPI_ADMIN_EMAIL=..."

setup: ## Install missing system packages (and say which)
	@tools/setup

build: setup ## Build all binaries, with the fault hooks that tests switch on
	@echo "engine: $(ENGINE) ($$(tools/engine --why $(ENGINE)))"
	$(BUILD)

build-shipped: setup ## Build all binaries as they are shipped, without fault hooks, into target/shipped
	$(BUILD_SHIPPED)
	@mkdir -p $(SHIPPED_DIR)
	@find $(BIN) -maxdepth 1 -type f -executable -exec mv -f -t $(SHIPPED_DIR) {} +

check-shipped: build-shipped ## Built as it is shipped nothing breaks on purpose; built to be tested it can
	@$(MAKE) --no-print-directory build
	tools/deploy/no-faults $(SHIPPED_DIR) $(BIN)

test-gmail: build ## The main job: search every mailbox of an emulated Workspace, check the result
	$(BIN)/test-gmail --store $(STORE) $(if $(FULL),--max-results 300) $(if $(RESULTS),--max-results $(RESULTS)) $(if $(USERS),--max-users $(USERS))

test-gmail-simple: build ## The same, small: 2 users a domain, 1 message each
	$(BIN)/test-gmail --store $(STORE) --max-users 2 --max-results 1

check: setup ## Format and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets $(FEATURES) -- -D warnings

unit: setup ## Unit tests but the engine's, and tools/tidy: no database, no process
	$(CARGO) test --release --locked $(UNIT:%=-p %) --lib --bin wrappedwebhook \
		--test run_props --test flows --test sealing --test tidy

deny: ## Licences, bans and sources of dependencies (deny.toml), by cargo-deny
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "deny: install it first: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny check licenses bans sources

test: check build ## Everything: format, lints, unit, conformance on both stores, end to end on both
	$(TEST) --lib --bin tasker-dev --bin wrappedwebhook --test '*'
	$(BIN)/test-gmail --store sqlite --max-users 5 --max-results 5
	$(BIN)/test-gmail --store postgres --max-users 5 --max-results 5
	$(BIN)/tasker-chaos --short

test-new-service: build ## What `tasker new service` writes, built in a checkout of its own (minutes)
	$(TEST) --test testkit_tests -- --ignored scaffold::

fuzz: setup ## Parsers of task code's requests, 60 s; all injection texts on Postgres
	FUZZ_SECONDS=60 $(TEST) --lib -- --nocapture nothing_breaks_the_parsers
	INJECTIONS=300 $(TEST) --test wrappedsupabase_tests -- --nocapture injection::

chaos: build ## Break it in every way it promises to survive (SEED=n ONLY=A1,B3 to repeat or choose)
	@tools/setup faketime
	$(BIN)/tasker-chaos $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

chaos-short: build ## The same, small: a few minutes
	$(BIN)/tasker-chaos --short $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

test-api: build ## schemathesis against every service, 5,000 cases and more, on both databases
	API_CASES=$(or $(API_CASES),160) $(TEST) --test testkit_tests -- --nocapture api_schemathesis::

test-compose: check-shipped ## docker-compose.yml on a real Docker Engine: search, kill, check (skips where none can run)
	TASKER_BIN_DIR=$(SHIPPED_DIR) tools/deploy/test-compose

check-deploy: ## Lint the Dockerfiles, docker-compose.yml, the Kubernetes manifests and the scripts
	tools/deploy/check

image: ## The images tasker and tasker-emulator, from source
	docker compose build tasks
	COMPOSE_PROFILES=emulator docker compose build emulator

up: ## tasker in containers: beside a local Supabase if one runs, else on its own (EMULATOR=1: with a Workspace)
	tools/deploy/up

down: ## Stop the containers; the database's volume stays
	COMPOSE_PROFILES=standalone,supabase,emulator,emulator-setup,cli docker compose down --remove-orphans

bench: build ## What calls, runs and claims cost here; prints tables (ONLY=rates,cost STORE=postgres to choose)
	@tools/setup haproxy || echo "bench: without haproxy nothing is said of fleets"
	$(BIN)/tasker-bench $(if $(ONLY),--only $(ONLY)) $(if $(filter-out file,$(origin STORE)),--store $(STORE))

dev: build ## All services on one port, on SQLite; saving a file in taskcode/ publishes it (LIVE=1: for open runs too)
	$(BIN)/tasker-dev --port $(PORT) --db $(DB) --watch-dir taskcode $(if $(LIVE),--live)

run: build ## Each service as a process, on Postgres (DATABASE_URL), behind one port
	$(BIN)/tasker-dev processes --port $(PORT)

publish-task: build ## Publish task code (TASKS=files) to the running tasker
	$(BIN)/tasker --functions-url $(FUNCTIONS_URL) publish $(TASKS)

debug-db: build ## Newest runs and their calls
	$(BIN)/tasker --functions-url $(FUNCTIONS_URL) runs
	$(BIN)/tasker --functions-url $(FUNCTIONS_URL) list

debug-logs: build ## Logs of a run (RUN=id); without RUN the newest runs, to choose from
	$(BIN)/tasker --functions-url $(FUNCTIONS_URL) $(if $(RUN),logs $(RUN),runs)

debug-clear: build ## Forget all runs; functions and secrets stay
	$(BIN)/tasker clear --yes --database-url $(or $(DATABASE_URL),sqlite:$(DB))

clean: ## Remove what was built
	$(CARGO) clean
