# Every command sets up .venv first if it has to; nothing else needs to be installed by hand.

# Paths may hold spaces, so only this line names the place absolutely.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# uv trusts the certificates of this machine, as pip and curl do, where it has any: a company's are there.
UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),true,false)
export UV_SYSTEM_CERTS
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV
# Without bytecode each of the hundreds of Pythons that tests start compiles every library anew.
unexport PYTHONDONTWRITEBYTECODE

CODE := $(wildcard functions layers/common cli local inbox openapi harness tests bench)
# Tracing doubles the time of a test, so coverage counts what these few reach in a quarter of the
# time of all tests of units and integration: 94 % of the rules and 93 % of the store, where all
# reach 96 and 96. When a bound of `make test` is missed, add the file with the test of what was
# added. Of tests/unit those are left out that read files or start programs.
MEASURED := $(filter-out $(patsubst %,tests/unit/test_%.py,amazon channels documents house imports \
	openapi rehearsal rendered schedule_properties skips),$(wildcard tests/unit/test_*.py)) \
	$(patsubst %,tests/integration/test_%.py,addressed api_health aws_queue calendars command_line \
	demo_week described group_views groups heartbeat_path http_api_document identity_provider \
	maintenance me_command old_system rate_limit repeats rollouts routes shadow_commands simulating \
	status_pages sweep twilio unavailable) tests/scenarios/test_restore.py
RULES := --include='layers/common/opsknight/*' --omit='*/opsknight/store/*,*/opsknight/runtime/clients.py'
STORE := --include='layers/common/opsknight/store/*'

.PHONY: help setup run quick test check soak bench guards build deploy format lock upgrade clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: .venv
.venv:
	@scripts/setup

setup: .venv ## the environment in .venv, from locked and hashed requirements
	@echo "The environment in .venv is ready."

run: .venv ## the whole system on this machine: embedded AWS, real deploy, demo data; Ctrl-C stops it
	@python -m local.run

quick: .venv ## for every save: lint, types, and the unit tests without properties
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target linted units

.PHONY: linted units
linted:
	@ruff format --check --quiet .
	@ruff check --quiet .
	@mypy $(CODE)

units:
	@pytest --quiet --no-header -m "not hypothesis" tests/unit

test: .venv ## every test but those of `make screens`, and the coverage of rules and store
	@scripts/programs
	@# sam build copies these folders while other tests import from them, and byte code that is just
	@# being written is gone when it is its turn.
	@python -m compileall -q functions layers/common
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target \
		deployed scenarios others integration measured
	@echo "Branch coverage of the rules, at least 90:"
	@coverage report --fail-under=90 $(RULES)
	@echo "Branch coverage of the store, at least 90:"
	@coverage report --fail-under=90 $(STORE)

# Parts of some minutes, two at a time, the longest first: whatever each takes, both cores are busy
# nearly to the end. `deployed` ends its servers with it, so they do not run beside all the rest.
.PHONY: deployed scenarios others integration measured
deployed:
	@pytest -m "not screens" tests/e2e

scenarios:
	@pytest $(addprefix --ignore=,$(MEASURED)) tests/scenarios

others:
	@pytest -m "not screens" $(addprefix --ignore=,$(MEASURED) tests/e2e tests/integration tests/scenarios)

integration:
	@pytest $(addprefix --ignore=,$(MEASURED)) tests/integration

# Properties repeat what examples reach by the hundred: they run without coverage.
measured:
	@failed=0; \
	coverage run -m pytest -m "not hypothesis" $(MEASURED) || failed=1; \
	pytest -m hypothesis $(MEASURED) || failed=1; \
	exit $$failed

check: .venv ## format, lint, types, import contracts, drift of OpenAPI and JSON Schema, template lint
	ruff format --check .
	ruff check .
	mypy $(CODE)
	lint-imports --no-logo --cache-dir .local/imports
	python -m openapi --check
	python -m opsknight_cli.files.schema --check
	python -m opsknight_cli.files.presets --check
	python -m opsknight_cli.everything --check
	python -m local.front_end
	@AWS_DEFAULT_REGION=us-east-1 sam validate --lint
	cfn-lint member-account.yaml

soak: .venv ## properties, races, fuzzing and nights at full size (hours)
	pytest -m soak --hypothesis-profile=soak --timeout=7200 --durations=0 --verbose

bench: .venv ## the table of figures, and its JSON (minutes; less with ARGS=--quick)
	@python -m bench $(ARGS)

guards: .venv ## remove each guard by a patch and see its test fail
	@python -m tests.guards $(ARGS)

console: ## build the web console from console/ (needs Node; its built files are committed)
	@cd console && npm ci --no-audit --no-fund && npm run --silent types && npm run --silent check && npm run --silent build

.PHONY: console console-tests screens
console-tests: ## types of the API, types and unit tests of the web console (needs Node)
	@cd console && npm ci --no-audit --no-fund && npm run --silent types && npm run --silent check
	@git diff --exit-code --stat console/src/api || { echo "The API has changed: run \`make console\`."; exit 1; }

screens: .venv ## the console's pages in .local/screens, seldom journeys, and three on the deployed stack
	@scripts/programs
	@# The functions of the deployed stack would wait for the processor beside pictures that are drawn.
	@failed=0; \
	pytest -q -m screens tests/browser || failed=1; \
	pytest -q -m screens tests/e2e || failed=1; \
	exit $$failed

build: .venv ## sam build: what is deployed, in .aws-sam
	@sam build

deploy: build ## sam deploy --guided, into the AWS account of your credentials
	@sam deploy --guided

format: .venv ## lay out and lint the code, mending what can be mended
	@ruff check --fix-only --quiet .
	@ruff format .

lock: .venv ## write the lock files anew from their .in files
	@scripts/lock

upgrade: .venv ## the same with the newest versions that fit together
	@scripts/lock --upgrade

clean: ## remove everything that was made here, .venv too
	@rm -rf .venv .local .aws-sam .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

.PHONY: rehearse
rehearse: .venv ## an upgrade from the version FROM to this one, a hold and a rollback, here, with events all the time
	@test -n "$(FROM)" || { echo "Say from which version: make rehearse FROM=<commit, branch or tag>" >&2; exit 1; }
	@python -m harness.rehearsal $(FROM) $(ARGS)

.PHONY: nights
nights: .venv ## some hundreds of simulated nights with the real code, and a judge (minutes)
	@python -m harness.simulation $(ARGS)
