# The ways to work on dfpipe. `make check` is what CI runs.
#
# Every cargo command names the whole workspace: for a single package cargo would choose other features of
# the libraries, and build DataFusion once more.

.DEFAULT_GOAL := help
.PHONY: help check format lint test chaos properties release services fixtures \
    bench bench-quick bench-all bench-bigquery bench-check bench-cluster bench-crm bench-distinct bench-functions bench-kafka bench-parquet bench-profile \
    bench-scaling bench-start

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## all that CI checks: format, lints, tests
	$(MAKE) format
	$(MAKE) lint
	$(MAKE) test

format: ## are the files formatted as rustfmt does it? (`cargo fmt --all` mends them)
	cargo fmt --all --check

# What everybody gets, and what there is besides.
lint: ## clippy over everything; a warning is an error
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --features cluster -- -D warnings

test: services ## set up the test services, then run every test
	cargo test --workspace --features cluster

chaos: services ## kill runs at many moments and resume them, try properties with cases that nobody tried (takes most of an hour)
	DFPIPE_CHAOS=200 cargo test --workspace --test it -- chaos
	$(MAKE) properties

# The seed is told first, and again by a property that fails.
properties: ## try all properties with new cases (PROPTEST_RNG_SEED, PROPTEST_CASES: those of another time)
	@export PROPTEST_RNG_SEED=$${PROPTEST_RNG_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} \
	    PROPTEST_CASES=$${PROPTEST_CASES:-200}; \
	echo "PROPTEST_RNG_SEED=$$PROPTEST_RNG_SEED PROPTEST_CASES=$$PROPTEST_CASES make properties"; \
	cargo test --workspace -- properties:: formula:: avro::

# Each writes what it prints into benches/RESULTS.md. They measure what `make release` builds, or what DFPIPE names.
DFPIPE ?= target/dist/dfpipe
RESULTS = DFPIPE=$(DFPIPE) python3 benches/results.py
PYTHON = target/bench/python/bin/python

bench: release target/bench/python ## the customer pipeline on 50 million events, against pandas, polars and DuckDB
	$(RESULTS) transform $(PYTHON) benches/transform/bench.py

bench-quick: release target/bench/python ## the same, ten times smaller
	CUSTOMERS=100000 EVENTS=5000000 $(RESULTS) transform-quick $(PYTHON) benches/transform/bench.py

bench-all: bench-start bench-check bench-quick bench bench-distinct bench-cluster bench-profile bench-functions bench-parquet bench-crm bench-kafka bench-bigquery bench-scaling ## every benchmark, for hours

bench-scaling: release ## how time and memory grow, and whether a limit of 1 GB holds (an hour)
	$(RESULTS) scaling python3 benches/scaling.py

bench-cluster: ## what a cluster costs on one machine (builds a `release` with it, unless DFPIPE names another)
	$(if $(filter target/dist/dfpipe,$(DFPIPE)),cargo build --release --features cluster --workspace)
	DFPIPE=$(or $(filter-out target/dist/dfpipe,$(DFPIPE)),target/release/dfpipe) python3 benches/results.py cluster python3 benches/cluster.py

bench-start: release ## how long until something happens
	$(RESULTS) start python3 benches/start.py

bench-distinct: release ## count(distinct …) as people write it
	$(RESULTS) distinct python3 benches/distinct.py

bench-functions: ## our functions per row
	$(RESULTS) functions python3 benches/criterion.py functions

bench-profile: ## what the processor does during the transform (needs `perf`)
	$(RESULTS) profile python3 benches/samples.py

bench-parquet: ## writing a table file, per row
	$(RESULTS) parquet python3 benches/criterion.py parquet

bench-bigquery: release services ## load a million rows, against the official client (minutes)
	$(RESULTS) bigquery target/services/bigquery/bin/python benches/bigquery.py

bench-check: release ## how long `check` and `test` take, also with 300 models
	$(RESULTS) check python3 benches/check.py

bench-crm: ## how fast an API is read, and how much of that is decoding
	$(RESULTS) crm cargo bench -q --workspace --bench crm --profile $(or $(PROFILE),release)

bench-kafka: release services target/bench/python ## how fast a topic is read and aggregated, against kcat and Python
	$(RESULTS) kafka $(PYTHON) benches/kafka.py

release: ## what people get: optimized as a whole (an hour of two cores, the first time)
	cargo build --profile dist --workspace

target/bench/python: benches/requirements.txt
	rm -rf $@
	python3 -m venv $@
	$@/bin/pip install -q --disable-pip-version-check --no-input -r $<

services: ## get the services that the tests talk to
	tests/services/install.sh

fixtures: ## make the sample data again (the same seed gives the same files)
	python3 fixtures/generate.py
