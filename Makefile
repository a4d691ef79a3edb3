# Belfry. `make up` brings everything up, `make test` tests everything; both install what they need.

.DEFAULT_GOAL := help
.PHONY: help up urls logs down clean check fix lock test bench bench-exporter-proxy bench-rsync-exporter images-offline fresh-check

compose := docker compose --profile '*'

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything, wait until it is healthy, print where to look
	@setup/up

urls: ## print where to look
	@setup/urls

logs: ## follow the logs of all services
	@$(compose) logs --follow --tail 20

down: ## stop everything; the data stays
	@$(compose) down --remove-orphans

clean: ## stop everything and delete its data, log files and caches
	@$(compose) down --remove-orphans --volumes
	rm -rf .cache interceptor/files/*.log* host_exporter/files/*.log*

check: ## format, lint, types and unit tests: under a minute
	@setup/in-tests setup/check

fix: ## format and mend what the linter can mend
	@setup/in-tests sh -c 'ruff format . && ruff check --fix .'

lock: ## compile each service's requirements.txt from pyproject.toml
	@setup/in-tests setup/lock

test: up check ## every test there is, the whole running stack included
	@setup/in-tests --network belfry_default pytest -m integration
	@setup/in-tests pytest -m stack

bench: bench-exporter-proxy bench-rsync-exporter ## every system beside its peers, side by side in one run; see benchmarks/RESULTS.md

bench-exporter-proxy: ## exporter_proxy beside the Prometheus Pushgateway
	@setup/in-benchmarks python -m benchmarks exporter_proxy

bench-rsync-exporter: ## rsync_exporter beside mtail
	@setup/in-benchmarks python -m benchmarks rsync_exporter

images-offline: ## build stand-ins of the upstream images from Debian packages
	@setup/docker
	@images/build --offline

fresh-check: ## make up and make test from a fresh clone with an empty Docker
	@setup/fresh-check
