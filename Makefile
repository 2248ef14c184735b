# The ways to work on dfpipe. `make check` is what CI runs.
#
# Every cargo command names the whole workspace: for a single package cargo would choose other features of
# the libraries, and build DataFusion once more.

.DEFAULT_GOAL := help
.PHONY: help check format lint test chaos properties bench-bigquery bench-check bench-crm bench-kafka services fixtures

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## all that CI checks: format, lints, tests
	$(MAKE) format
	$(MAKE) lint
	$(MAKE) test

format: ## are the files formatted as rustfmt does it? (`cargo fmt --all` mends them)
	cargo fmt --all --check

lint: ## clippy over everything; a warning is an error
	cargo clippy --workspace --all-targets -- -D warnings

test: services ## set up the test services, then run every test
	cargo test --workspace

chaos: services ## kill runs at many moments and resume them, try properties with cases that nobody tried (takes most of an hour)
	DFPIPE_CHAOS=200 cargo test --workspace --test it -- chaos
	$(MAKE) properties

# The seed is told first, and again by a property that fails.
properties: ## try all properties with new cases (PROPTEST_RNG_SEED, PROPTEST_CASES: those of another time)
	@export PROPTEST_RNG_SEED=$${PROPTEST_RNG_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} \
	    PROPTEST_CASES=$${PROPTEST_CASES:-200}; \
	echo "PROPTEST_RNG_SEED=$$PROPTEST_RNG_SEED PROPTEST_CASES=$$PROPTEST_CASES make properties"; \
	cargo test --workspace -- properties:: formula:: avro::

bench-bigquery: services ## load a million rows, against the official client (minutes; the build that DFPIPE names)
	cargo build --workspace
	target/services/bigquery/bin/python benches/bigquery.py

bench-check: ## how long `check` and `test` take, also with 300 models (the build that DFPIPE names)
	cargo build --workspace
	python3 benches/check.py

bench-crm: ## how fast an API is read, and how much of that is decoding (PROFILE=dev: without a release build)
	cargo bench --workspace --bench crm --profile $(or $(PROFILE),release)

bench-kafka: services target/bench/python ## how fast a topic is read and aggregated, against kcat and Python (the build that DFPIPE names)
	cargo build --workspace
	target/bench/python/bin/python benches/kafka.py

target/bench/python: benches/requirements.txt
	rm -rf $@
	python3 -m venv $@
	$@/bin/pip install -q --disable-pip-version-check --no-input -r $<

services: ## get the services that the tests talk to
	tests/services/install.sh

fixtures: ## make the sample data again (the same seed gives the same files)
	python3 fixtures/generate.py
