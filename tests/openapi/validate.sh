#!/usr/bin/env bash
# Validates the OpenAPI document that the program prints, with openapi-spec-validator, which knows OpenAPI 3.1 and 3.2.
# The validator is kept in the target directory; the first run needs PyPI. Where it cannot be had, nothing is validated, and a
# line says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

requirements=tests/openapi/requirements.txt
target=${CARGO_TARGET_DIR:-target}
venv=$target/openapi-validator
log=$target/openapi-validator.log
document=$target/openapi.json

install_validator() {
    rm -rf "$venv"
    python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --timeout 20 --retries 1 -r "$requirements" &&
        cp "$requirements" "$venv/installed.txt"
}

if ! cargo build --quiet --locked --bin action-center 2>"$log"; then
    cat "$log"
    exit 1
fi
"$target/debug/action-center" openapi >"$document"

if ! cmp -s "$requirements" "$venv/installed.txt" && ! install_validator >"$log" 2>&1; then
    echo "NOT VALIDATED: the validator could not be installed, which needs PyPI and Python's venv (see $log)"
    exit 0
fi

"$venv/bin/python" tests/openapi/validate.py "$document"
