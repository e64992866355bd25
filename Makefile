# JARVIS: the commands of this repository. `make` alone lists them.
# The Swift toolchain is the only thing to install by hand; scripts/setup.sh installs the rest when it is missing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build test test-unit test-blackbox check references web release bench setup clean

DEBUG_BINARY := .build/debug/jarvis
RELEASE_BINARY := .build/release/jarvis
PYTHON := .venv/bin/python
REPORTS := .build/reports
# Arguments for pytest, such as ARGS="-k handshake".
ARGS ?=

help: ## List the commands
	@echo "make run       build JARVIS, start it as the profile 'dev' and print where to chat"
	@echo "make test      all tests: Swift unit and in-process tests, then the built binary from outside"
	@echo "make check     style and architecture rules, generated references"
	@echo "make release   one static, stripped binary: $(RELEASE_BINARY)"
	@echo "make bench     measure start, memory, throughput against the budgets"
	@echo
	@echo "make build            debug build only"
	@echo "make test-unit        only the Swift tests"
	@echo "make test-blackbox    only the tests of the binary; ARGS=\"-k handshake\" selects"
	@echo "make references       rewrite docs/reference from the binary"
	@echo "make web              embed the page of Web/ in the sources"
	@echo "make setup            install what tests and benchmarks need (run by the others when needed)"

setup: ## What tests and benchmarks need beyond Swift
	@scripts/setup.sh test

build: ## Debug build of the binary
	@scripts/setup.sh build
	swift build --product jarvis

run: build ## A gateway to try out
	@scripts/run.sh $(DEBUG_BINARY)

test: setup ## Everything
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-blackbox

test-unit:
	@scripts/setup.sh build
	swift build --build-tests
	@mkdir -p $(REPORTS)
	swift test --skip-build --xunit-output $(REPORTS)/swift.xml

test-blackbox: setup
	swift build --product jarvis
	@mkdir -p $(REPORTS)
	JARVIS_TEST_BINARY=$(CURDIR)/$(DEBUG_BINARY) $(PYTHON) -m pytest Tests/BlackBoxTests \
	    --junit-xml=$(REPORTS)/blackbox.xml $(ARGS)

check: build ## Style, architecture, generated files
	@python3 scripts/lint.py
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	@python3 scripts/references.py --check $(DEBUG_BINARY)
	@python3 scripts/embed-web.py --check
	@python3 scripts/pains.py --check
	@echo "check: all rules hold"

references: build
	@python3 scripts/references.py $(DEBUG_BINARY)

web:
	@python3 scripts/embed-web.py

release: ## The binary that people install
	@scripts/setup.sh build
	swift build -c release --static-swift-stdlib --product jarvis
	@ls -l $(RELEASE_BINARY) | awk '{printf "%s: %.1f MB\n", $$NF, $$5 / 1048576}'

bench: release setup ## The budgets, measured
	$(PYTHON) Benchmarks/bench.py $(RELEASE_BINARY) $(ARGS)

clean:
	rm -rf .build .venv
