"""Validates an OpenAPI document and prints every error with its place; exit code 1 when there is one, or an unknown version."""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator, OpenAPIV32SpecValidator

VALIDATORS = {"3.1": OpenAPIV31SpecValidator, "3.2": OpenAPIV32SpecValidator}


def main(path):
    """Gives the exit code."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    version = str(document.get("openapi"))
    validator = VALIDATORS.get(".".join(version.split(".")[:2]))
    if validator is None:
        print(f"the document says `openapi: {version}`, which is none of {', '.join(VALIDATORS)}")
        return 1
    errors = list(validator(document).iter_errors())
    for error in errors:
        print(f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:500]}")
    operations = sum(len(item) for item in document.get("paths", {}).values())
    print(f"OpenAPI {version}, {operations} operations: {len(errors) or 'no'} error(s)")
    return 1 if errors else 0


sys.exit(main(sys.argv[1]))
