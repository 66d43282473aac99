# Every command sets up what it needs first. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ENV ?= dev
PYTHON := .venv/bin/python
LOCALCLOUD := $(PYTHON) -m localcloud
# The environment with previews, in the account of the credentials, or without any on the local cloud.
PREVIEWS = if [ -z "$$AWS_PROFILE$$AWS_ACCESS_KEY_ID" ]; then eval "$$($(LOCALCLOUD) env)"; fi; \
  $(PYTHON) -m pipelines.tools.previews --env $(if $(filter file,$(origin ENV)),preview,$(ENV))

.PHONY: help setup setup-dev up down status metrics dashboards logs traces send rollout drill load env destroy synth preflight previews preview-comment preview-link preview-password preview-keep sweep plan audit prices scaling preview preview-down test tests test-infra buildspecs scan lint typecheck migrations-check snapshots architecture lock bench clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:
	@scripts/setup run

setup-dev:
	@scripts/setup dev

up: setup ## deploy the stacks to the local cloud and run the application there (ENV=dev)
	@$(LOCALCLOUD) up --env $(ENV)

down: ## stop the local cloud; its data stays
	@if [ -x $(PYTHON) ]; then $(LOCALCLOUD) down; else echo "nothing to stop: make up has not run here"; fi

status: ## what runs, how healthy it is, and where to reach it
	@$(LOCALCLOUD) status

metrics: ## the metrics of the last minute, as CloudWatch has them
	@$(LOCALCLOUD) metrics

dashboards: ## the deployed dashboards as pages with data, in out/dashboards (HOURS=1)
	@$(LOCALCLOUD) dashboards $(if $(HOURS),--hours $(HOURS))

logs: ## follow the logs (PART=emulator, dataplane, runner, metrics, envoy, or a service's name)
	@$(LOCALCLOUD) logs $(PART)

traces: ## the newest traces, or one as a tree (OF=the beginning of its id, or a receipt's id)
	@$(LOCALCLOUD) traces $(OF)

send: ## send every image of a folder through the running platform (FOLDER=path)
	@$(LOCALCLOUD) send "$(FOLDER)"

rollout: setup ## roll new versions out under load, and judge how it went (SCENARIO=bad-5xx or all, STRATEGY=canary)
	@$(PYTHON) -m localcloud.rollout --env $(ENV) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(STRATEGY),--strategy $(STRATEGY))

drill: ENV = prod
drill: setup ## break something on the local cloud, and check what comes of it (NAME=faults ONLY=names SEED=1 TIMES=3, alarms, calm, restore, region, overload)
	@$(PYTHON) -m localcloud.drill $(if $(NAME),--name "$(NAME)") --env $(ENV) $(if $(ONLY),--only "$(ONLY)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(TIMES),--times $(TIMES)) $(if $(RATE),--rate $(RATE))

load: setup ## requests and receipts as tasks are added (SECONDS=20 RECEIPTS=20 TASKS=1,2), or a steady load (SOAK=60 minutes)
	@scripts/load-tools
	@$(PYTHON) -m localcloud.load --env $(ENV) $(if $(TASKS),--tasks $(TASKS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RECEIPTS),--receipts $(RECEIPTS)) $(if $(SOAK),--soak $(SOAK))

env: ## shell lines that point the AWS CLI, boto3 and the CDK CLI at the local cloud
	@$(LOCALCLOUD) env

destroy: ## stop the local cloud and delete its data
	@if [ -x $(PYTHON) ]; then $(LOCALCLOUD) down --delete-data; fi

synth: setup ## synthesize one environment into cdk.out (ENV=prod)
	@AWS_EC2_METADATA_DISABLED=true scripts/cdk synth --quiet -c env=$(ENV)

preflight: setup ## what AWS would refuse, over the templates (ENV=prod); with ACCOUNT=1 over the account, too
	@scripts/preflight $(ENV) $(if $(ACCOUNT),--account)

previews: setup ## all previews with age, owner, cost and state (the local cloud's, or with credentials the account's)
	@$(PREVIEWS) list

preview-comment: setup ## what a preview's pull request is told, into out/preview/NAME.md (NAME=pr-42)
	@$(PREVIEWS) comment --name "$(NAME)"

preview-link: setup ## the address that lets in whoever opens it (NAME=pr-42)
	@$(PREVIEWS) link --name "$(NAME)"

preview-password: setup ## the password of the people that every preview begins with
	@$(PREVIEWS) password

preview-keep: setup ## let a preview live longer (NAME=pr-42); FOR=less takes it back
	@$(PREVIEWS) $(if $(filter less,$(FOR)),release,keep) --name "$(NAME)"

sweep: setup ## end previews past their time now, and delete what lost its preview
	@$(PREVIEWS) sweep

plan: setup-dev ## what deploying would do (ENV=prod), against what is deployed, AGAINST=folder or AGAINST_GIT=revision
	@scripts/plan $(ENV) $(if $(AGAINST_GIT),--against-git "$(AGAINST_GIT)",$(if $(AGAINST),--against "$(AGAINST)"))

audit: setup-dev ## evidence for auditors in out/audit (ENV=prod, or pipeline), and what changed (AGAINST=folder)
	@scripts/audit $(ENV) $(if $(AGAINST),--against "$(AGAINST)")

prices: setup-dev ## refresh plan/data/prices.json from AWS's public price list
	@$(PYTHON) -m plan.refresh

scaling: setup ## load traces against the scaling policies (ENV=prod TRACE=name POLICY=file-or-bad SCHEDULE=file PREDICTIVE=1 REAL=1)
	@scripts/scaling $(ENV) $(if $(TRACE),--trace "$(TRACE)") $(if $(POLICY),--policy "$(POLICY)") $(if $(SCHEDULE),--schedule "$(SCHEDULE)") $(if $(PREDICTIVE),--predictive) $(if $(REAL),--real)

preview: setup ## a preview of a branch on the running local cloud (NAME=pr-42, BRANCH=revision, KEEP=1 data, RESET=1, ACCESS=token)
	@$(PYTHON) -m localcloud.previews up "$(NAME)" $(if $(BRANCH),--branch "$(BRANCH)") $(if $(KEEP),--keep-data) $(if $(RESET),--reset) $(if $(filter token,$(ACCESS)),--closed); \
	  code=$$?; ($(PREVIEWS) comment --name "$(NAME)") > /dev/null; exit $$code

preview-drill: setup ## five previews at once, broken pushes, borders between them, and nothing left: on the running local cloud
	@$(PYTHON) -m localcloud.previews.drill

preview-down: ## delete a preview with all that it has (NAME=pr-42)
	@$(PYTHON) -m localcloud.previews down "$(NAME)"

test: setup-dev ## every test
	@scripts/test

tests: setup-dev ## the tests without lint and types (TESTS="path …" selects some)
	@scripts/tests

scan: setup-dev ## secrets in the tree, insecure code, Dockerfile, known vulnerabilities
	@$(PYTHON) -m pipelines.tools.scan

buildspecs: setup-dev ## run the pipelines' buildspecs here, step by step
	@$(PYTHON) -m pytest tests/pipelines/test_buildspecs.py

test-infra: setup-dev ## the tests of the stacks alone
	@$(PYTHON) -m pytest tests/infra

lint: setup-dev ## ruff
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

typecheck: setup-dev ## mypy
	@.venv/bin/mypy

migrations-check: setup-dev ## refuse migrations that would disturb the release that runs meanwhile
	@$(PYTHON) -m migrations_check

snapshots: setup-dev ## rewrite the stack snapshots after a change that is meant
	@$(PYTHON) -m pytest tests/infra/test_snapshots.py tests/infra/test_preview.py tests/pipelines/test_snapshot.py --update-snapshots

architecture: setup ## draw the README's picture anew from production's templates
	@AWS_EC2_METADATA_DISABLED=true scripts/cdk synth --quiet --no-validation -c env=prod
	@$(PYTHON) scripts/architecture.py cdk.out --write README.md

lock: setup-dev ## resolve the *.in files anew into the locked requirements
	@scripts/lock

bench: setup-dev ## measured comparisons (synth, deploy, start, preflight, requests per CPU-second)
	@$(PYTHON) -m benchmarks

clean: ## remove what synth and tests left behind
	rm -rf cdk.out out .pytest_cache .mypy_cache .ruff_cache
