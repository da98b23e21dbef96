# The commands people use; .ci/run is everything a change must pass.
GO      ?= go
BINARY  := github_workflow_exporter
BIN     := $(CURDIR)/.bin
GOLANGCI_VERSION := v2.15.0

VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH     ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
BUILD_USER ?= $(shell id -un 2>/dev/null)@$(shell hostname 2>/dev/null)
BUILD_DATE ?= $(shell date -u +%Y%m%d-%H:%M:%S)

VERSION_PACKAGE := github.com/prometheus/common/version
LDFLAGS := -s -w \
	-X $(VERSION_PACKAGE).Version=$(VERSION) \
	-X $(VERSION_PACKAGE).Revision=$(REVISION) \
	-X $(VERSION_PACKAGE).Branch=$(BRANCH) \
	-X $(VERSION_PACKAGE).BuildUser=$(BUILD_USER) \
	-X $(VERSION_PACKAGE).BuildDate=$(BUILD_DATE)

TOOL := $(GO) tool -modfile=tools/go.mod

BENCH    ?= .
COUNT    ?= 6
PACKAGES ?= ./...
FUZZTIME ?= 1m
# The server that .ci/run fetched, if it did; otherwise the one in PATH.
PROMETHEUS ?= $(wildcard $(BIN)/prometheus/usr/bin/prometheus)

.PHONY: help
help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.DEFAULT_GOAL := help

.PHONY: build
build: ## the program, static, for this machine (GOOS and GOARCH for another)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) .

.PHONY: test
test: ## all tests
	$(GO) test $(PACKAGES)

.PHONY: long
long: ## the long worlds, which the usual tests leave small (minutes)
	$(GO) test -timeout 20m ./internal/app -long -truth.seeds=4 -truth.hours=48 -cost.all
	$(GO) test -run '^(TestModel|TestKill)$$' ./collector/ledger -rapid.checks=300 -ledger.kills=40

.PHONY: race
race: ## all tests under the race detector (needs a C compiler)
	$(GO) test -race $(PACKAGES)

.PHONY: cover
cover: ## what the tests reach, by package
	$(GO) test -cover $(PACKAGES)

.PHONY: golden
golden: ## rewrite the golden files of the exposition; look at the difference before committing it
	$(GO) test ./collector -update

$(BIN)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(BIN)
	GOBIN=$(BIN) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

.PHONY: lint
lint: $(BIN)/golangci-lint-$(GOLANGCI_VERSION) ## lint the program (the first time builds the linter: minutes)
	$(BIN)/golangci-lint run ./...

.PHONY: fmt
fmt: $(BIN)/golangci-lint-$(GOLANGCI_VERSION) ## format all Go files
	$(BIN)/golangci-lint fmt
	@for file in tools/*/go.mod; do (cd $$(dirname $$file) && $(BIN)/golangci-lint fmt); done

.PHONY: bench
bench: ## benchmarks (BENCH, PACKAGES, COUNT), summed up by benchstat
	@mkdir -p $(BIN)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PACKAGES) | tee $(BIN)/bench.txt
	$(TOOL) benchstat $(BIN)/bench.txt

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME, one after another
	@set -e; $(GO) test -list '^Fuzz' $(PACKAGES) | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' | \
	while read -r package target; do \
		echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
	done

.PHONY: contract
contract: ## requests and simulated answers against GitHub's own API descriptions (needs ../shared)
	cd tools/contract && $(GO) test ./...

.PHONY: e2e
e2e: ## a real Prometheus scrapes the demo (PROMETHEUS names the binary; takes minutes)
	cd tools/e2e && PROMETHEUS=$(PROMETHEUS) REQUIRE_E2E=1 $(GO) test -v -count=1 -timeout 25m ./...

.PHONY: docs-check
docs-check: ## the tests that hold README and examples to the code
	$(GO) test -run 'Docs|README|Example' $(PACKAGES)

.PHONY: vuln
vuln: ## known vulnerabilities in what the program calls (needs the vulnerability database)
	$(TOOL) govulncheck ./...

.PHONY: ci
ci: ## everything a change must pass
	bash .ci/run

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BINARY) $(BIN)
