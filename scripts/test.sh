#!/usr/bin/env bash
# Everything that must hold before a change goes in, from a clean clone on a plain Debian machine with rustup's cargo.
# Runs every step even when one fails, and ends with the test runner's own closing line.
#
#   scripts/test.sh            all steps
#
# Installs what is missing after saying so: a C compiler and python3 (apt-get), clippy, rustfmt (rustup), cargo-nextest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NEXTEST_VERSION=0.9.143
SKIPPED=77
failed=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

heading() { printf '\n== %s\n' "$1"; }

# step NAME COMMAND…: runs it, says how long it took, remembers a failure.
step() {
    local name=$1 began=$SECONDS outcome=ok status=0
    shift
    heading "$name"
    "$@" || status=$?
    if [ "$status" -eq "$SKIPPED" ]; then
        outcome=skipped
    elif [ "$status" -ne 0 ]; then
        outcome=FAILED
        failed+=("$name")
    fi
    printf -- '-- %s: %s, %d s\n' "$name" "$outcome" "$((SECONDS - began))"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "This needs root or sudo: $*" >&2
        return 1
    fi
}

install_tools() {
    # rustup puts cargo on the PATH of new login shells only.
    if ! command -v cargo >/dev/null && [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]; then
        # shellcheck disable=SC1091
        . "${CARGO_HOME:-$HOME/.cargo}/env"
    fi
    command -v cargo >/dev/null || { echo "cargo is missing; install rustup first" >&2; return 1; }

    local packages=()
    command -v cc >/dev/null || packages+=(gcc libc6-dev)
    python3 -c '' 2>/dev/null || packages+=(python3)
    if [ "${#packages[@]}" -gt 0 ]; then
        echo "installing with apt-get: ${packages[*]}"
        as_root apt-get update -qq || return 1
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || return 1
    fi

    local components=()
    cargo fmt --version >/dev/null 2>&1 || components+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || components+=(clippy)
    if [ "${#components[@]}" -gt 0 ]; then
        echo "installing with rustup: ${components[*]}"
        rustup component add "${components[@]}" || return 1
    fi

    if ! cargo nextest --version >/dev/null 2>&1; then
        echo "installing with cargo: cargo-nextest $NEXTEST_VERSION (takes some minutes)"
        cargo install cargo-nextest --version "$NEXTEST_VERSION" --locked --quiet || return 1
    fi
}

run_tests() {
    cargo nextest run --locked --cargo-quiet --status-level fail --final-status-level fail --hide-progress-bar 2>&1 | tee "$log"
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
}

openapi() {
    if [ -f tests/openapi/validate.sh ]; then
        bash tests/openapi/validate.sh
    else
        echo "there is no tests/openapi/validate.sh"
        return "$SKIPPED"
    fi
}

# Nothing is fetched here: a test run must not depend on what somebody published this morning.
dependencies() {
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "cargo-deny is not installed (cargo install cargo-deny --locked)"
        return "$SKIPPED"
    fi
    local checks=(bans licenses sources)
    if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-db*/*" >/dev/null; then
        checks+=(advisories)
    else
        echo "advisories are skipped, because there is no copy of their database (cargo deny fetch)"
    fi
    cargo deny --log-level error check --disable-fetch "${checks[@]}"
}

heading "tools"
install_tools

step "format" cargo fmt --check
step "lints" cargo clippy --all-targets --locked --quiet -- -D warnings
step "tests" run_tests
step "examples in the documentation" cargo test --doc --locked --quiet
step "documentation" documentation
step "OpenAPI" openapi
step "dependencies" dependencies

heading "result after $SECONDS s"
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
else
    echo "no step failed"
fi
# The last line is the runner's: how many tests ran, passed and failed.
sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^ *Summary \[' | tail -n 1 || echo "Summary: the tests did not run"
[ "${#failed[@]}" -eq 0 ]
