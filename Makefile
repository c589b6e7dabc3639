# Leat: `make run` shows rows in a table; `make test` runs everything that proves it.

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: deps deps-test build run test test-swift test-interop conformance gold bench bench-peers faults format lint clean help

# One set of flags for product and tests, so that one build serves both.
FLAGS := -c release -Xswiftc -enable-testing
LEAT := .build/release/leat
VENV := .build/venv
VENV_AIRFLOW := .build/venv-airflow

LIBRARIES := librdkafka-dev librocksdb-dev libsimdjson-dev libpq-dev liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev \
	libsqlite3-dev libedit-dev pkg-config
PEERS := python3 python3-venv python3-dev gcc libc6-dev kcat chromium docker-compose golang-go golang-github-gocql-gocql-dev postgresql

## help: what each target does
help:
	@sed -n 's/^## //p' Makefile

## deps: install the C libraries that Leat links (Debian packages; sudo when not root)
deps:
	@scripts/install-packages $(LIBRARIES)

## deps-test: install other people's clients for the interoperability tests, and the Python environments
deps-test: deps $(VENV)/.ready $(VENV_AIRFLOW)/.ready
	@scripts/install-packages $(PEERS)

$(VENV)/.ready: Tests/Interop/requirements.txt
	@scripts/install-packages python3 python3-venv python3-dev gcc libc6-dev
	@scripts/make-venv $(VENV) $<

$(VENV_AIRFLOW)/.ready: Tests/Interop/requirements-airflow.txt
	@scripts/install-packages python3 python3-venv python3-dev gcc libc6-dev
	@scripts/make-venv $(VENV_AIRFLOW) $<

## build: the binary, at .build/release/leat
build: deps
	swift build $(FLAGS) --product leat

## run: build, then run the users pipeline
run: build
	$(LEAT) up $(ARGS)

## test: every test, Swift and interoperability
test: deps-test
	@scripts/run-tests

## test-swift: the Swift tests alone
test-swift: deps
	@scripts/run-tests swift

## test-interop: the tests with other people's clients alone
test-interop: deps-test
	@scripts/run-tests interop

## gold: what Spark itself gives for the expressions of Tests/SparkTests/Gold (wants Java; review the difference)
gold: deps-test
	$(VENV)/bin/python scripts/make-gold.py $(ARGS)

## faults: fifty rounds of kill -9 and twenty of power loss (the short form runs in make test)
faults: build deps-test
	$(VENV)/bin/python Tests/Faults/run.py --rounds 50 --power-loss-rounds 20 $(ARGS)

## conformance: PySpark's own Connect tests from a Spark source tree (SRC=...), or its documentation's examples; writes docs/conformance.md
conformance: build deps-test
	$(VENV)/bin/python Tests/Conformance/run.py $(if $(SRC),--src $(SRC),--doctests) $(ARGS)

## bench: the benchmarks: broker, store, engine and pipeline
bench: build
	$(LEAT) bench broker
	$(LEAT) bench store
	$(LEAT) bench engine
	$(LEAT) bench pipeline

## bench-peers: the engine's benchmark beside Spark and Sail (wants Java; pip install pysail==0.7.2 for Sail)
bench-peers: build deps-test
	$(VENV)/bin/python scripts/bench-peers.py $(ARGS)

## format: rewrite the sources in the repository's format
format:
	swift format format --in-place --recursive --parallel Sources Tests Examples Package.swift

## lint: check the format and the scripts
lint:
	swift format lint --strict --recursive --parallel Sources Tests Examples Package.swift
	@bash -n .ci/run $(filter-out %.py,$(wildcard scripts/*))
	@python3 -m compileall -q airflow_dags.py pyspark_stream.py Tests/Interop Tests/Faults Tests/Conformance scripts/make-gold.py scripts/bench-peers.py

clean:
	rm -rf .build
