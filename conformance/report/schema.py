"""The JSON Schema of the run record, for those who read report.json with other tools."""

from __future__ import annotations

from typing import Any

from conformance.report.record import VERSION, Run


def run_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a record as the suite writes it: every field is there."""
    schema = Run.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:par-conformance:report:{VERSION}",
        "title": "Run record of par-conformance",
    } | {key: value for key, value in schema.items() if key != "title"}
