"""The profile as a JSON Schema (draft 2020-12): editors complete with it, messages say what is expected."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from conformance.profile.model import Profile
from conformance.profile.words import Key, alternatives

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID = "urn:par-conformance:profile:1"

#: What a client needs, or must not have, by how it authenticates.
NEEDED_BY_AUTH = {
    "client_secret_basic": "secret",
    "client_secret_post": "secret",
    "client_secret_jwt": "secret",
    "private_key_jwt": "keys",
    "tls_client_auth": "certificate",
    "self_signed_tls_client_auth": "certificate",
}

#: The endpoints without which a target that names no issuer cannot be tested.
NEEDED_ENDPOINTS = ("authorization", "token", "pushed_authorization_request")


def profile_schema() -> dict[str, Any]:
    """The JSON Schema of a profile, as a fresh dict. It says what one file can say of itself.

    What needs the environment, other files, a date or the catalogue is for `load` to judge.
    """
    return copy.deepcopy(_schema())


@cache
def _schema() -> dict[str, Any]:
    schema = Profile.model_json_schema()
    definitions = schema["$defs"]
    for name, ways in {"Secret": ("env", "file", "literal"), "Keys": ("env", "file", "generate")}.items():
        definitions[name]["oneOf"] = [{"required": [way]} for way in ways]
    definitions["Certificate"]["oneOf"] = [
        {"required": ["certificate_file", "key_file"], "properties": {"generate": {"const": False}}},
        {"required": ["generate"], "properties": {"generate": {"const": True}}},
    ]
    definitions["Client"]["allOf"] = [
        *(_if_auth(auth, {"required": [needed]}) for auth, needed in NEEDED_BY_AUTH.items()),
        _if_auth("none", {"not": {"required": ["secret"]}}),
    ]
    schema["properties"]["clients"]["required"] = ["first"]
    remote = {
        "not": {"required": ["settings"]},
        "anyOf": [
            {"required": ["issuer"]},
            {"required": ["endpoints"], "properties": {"endpoints": {"required": list(NEEDED_ENDPOINTS)}}},
        ],
    }
    is_embedded = {"required": ["embedded"], "properties": {"embedded": {"const": True}}}
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        **schema,
        "title": "Profile of an authorization server",
        "if": is_embedded,
        "else": remote,
    }


def _if_auth(auth: str, then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": ["auth"], "properties": {"auth": {"const": auth}}}, "then": then}


def schema_at(key: Key) -> Mapping[str, Any] | None:
    """The schema of one place in a profile; None where the model knows no such place."""
    node: Mapping[str, Any] | None = _schema()
    for part in key:
        node = _step(_plain(node), part) if node is not None else None
    return _plain(node) if node is not None else None


def description_at(key: Key) -> str | None:
    """What the model says about a key; None where it says nothing."""
    node = _step(schema_at(key[:-1]) or {}, key[-1]) if key else None
    return node.get("description") if node is not None else None


def keys_at(key: Key) -> list[str]:
    """The keys that a place may have, where they are a closed list."""
    node = schema_at(key) or {}
    names = node.get("propertyNames", {})
    return list(_plain(names).get("enum", ())) or list(node.get("properties", ()))


def describe(node: Mapping[str, Any]) -> str:
    """What a schema expects, in words: `a whole number from 1 to 64`."""
    node = _plain(node)
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return alternatives(str(value) for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(describe(one) for one in node["anyOf"])
    match node.get("type"):
        case "string":
            return "a date: YYYY-MM-DD" if node.get("format") == "date" else "a text"
        case "integer" | "number" as kind:
            return ("a whole number" if kind == "integer" else "a number") + _range(node)
        case "boolean":
            return "true or false"
        case "array":
            entries = " with one entry or more" if node.get("minItems") else ""
            return f"a list{entries}, each {describe(node['items'])}"
        case "object" if "properties" in node:
            return f"a mapping with keys of {', '.join(node['properties'])}"
        case "object":
            inner = node.get("additionalProperties")
            return f"a mapping, each value {describe(inner)}" if isinstance(inner, dict) else "a mapping"
    return "a value"


def _range(node: Mapping[str, Any]) -> str:
    low, high, above = (node.get(name) for name in ("minimum", "maximum", "exclusiveMinimum"))
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if above is not None:
        return f" above {above}"
    return f" of {low} or more" if low is not None else ""


def _plain(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed and `null` left out of its alternatives."""
    if "$ref" in node:
        return _plain(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    if "anyOf" in node and node.get("type") != "object":
        real = [one for one in node["anyOf"] if one.get("type") != "null"]
        return _plain(real[0]) if len(real) == 1 else {**node, "anyOf": real}
    return node


def _step(node: Mapping[str, Any], part: str | int) -> Mapping[str, Any] | None:
    if isinstance(part, int):
        items = node.get("items")
        return items if isinstance(items, dict) else None
    if part in node.get("properties", {}):
        inner: Mapping[str, Any] = node["properties"][part]
        return inner
    names, other = node.get("propertyNames"), node.get("additionalProperties")
    if names is not None and part not in _plain(names).get("enum", (part,)):
        return None
    if other is True:
        return {}
    return other if isinstance(other, dict) else None
