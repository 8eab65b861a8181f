# The front door. `make demo` and `make test` are all the set-up there is.
# Nothing here needs an account, Docker, or a network beyond the package registry.

export CARGO_TERM_COLOR ?= auto
FAIRWAY = cargo run --quiet --locked --bin fairway --

.PHONY: help setup setup-demo build test lint doc demo play bench soak

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## installs what is missing, or names it
	@scripts/setup test

setup-demo:
	@scripts/setup demo

demo: setup-demo ## plays the story end to end, in about two minutes after the build
	@cargo build --locked --bin fairway
	@$(FAIRWAY) demo $(ARGS)

play: setup-demo ## GitHub's stand-in and Fairway together, in your browser
	@cargo build --locked --bin fairway
	@$(FAIRWAY) play $(ARGS)

lint: ## format, clippy, licences
	@scripts/lint

doc: ## the crate's documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib --quiet

test: setup lint doc ## everything that CI runs
	@cargo test --locked --lib --bins --tests
	@[ -n "$$FAIRWAY_TEST_DAGGER" ] || echo "left out: runs on a real Dagger engine; FAIRWAY_TEST_DAGGER=unix:///run/dagger/engine.sock adds them"
	@[ -n "$$FAIRWAY_TEST_GITHUB" ] || echo "left out: the real GitHub; FAIRWAY_TEST_GITHUB=TOKEN@ORGANISATION adds it"

bench: setup ## the figures of docs/benchmarks.md, in a release build
	@cargo bench --locked --benches $(ARGS)

soak: setup ## slow and huge cases: 50,000 histories, 1 GB logs
	@FAIRWAY_SOAK=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo test --release --locked $(ARGS)
