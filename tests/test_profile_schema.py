"""The profile's JSON Schema: editors complete with it, so it says what `load` says, and says it in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import conformance.profile as package
from conformance.profile import Feature, profile_schema
from conformance.profile.schema import describe, keys_at, schema_at
from tests.profiles import GONE, profile

TARGETS = Path(__file__).parent.parent / "targets"

FIRST = "clients.first"


def errors(content: object) -> list[jsonschema.ValidationError]:
    """What the schema says against a profile, as a person's editor reads it."""
    plain = json.loads(json.dumps(content, default=str))
    return list(jsonschema.Draft202012Validator(profile_schema()).iter_errors(plain))


def test_it_is_a_schema_of_the_draft_that_it_names():
    schema = profile_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    assert schema["$id"] == "urn:par-conformance:profile:1"
    assert schema["title"]
    assert schema["description"]


def test_each_call_gives_a_schema_of_its_own():
    profile_schema()["properties"].clear()

    assert profile_schema()["properties"]


def test_every_key_is_described():
    def undescribed(schema: dict[str, Any]) -> Iterator[str]:
        for owner, node in [("the profile", schema), *schema["$defs"].items()]:
            for name, entry in node.get("properties", {}).items():
                definition = schema["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
                if not (entry.get("description") or definition.get("description")):
                    yield f"{owner}: {name}"

    assert list(undescribed(profile_schema())) == []


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_profiles_of_this_project_fit(path):
    # An editor judges what stands in the file; here each variable stands for its default.
    text = re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda found: found[1] or "unset", path.read_text(encoding="utf-8"))
    assert errors(yaml.safe_load(text)) == []


def test_a_profile_of_another_server_fits():
    assert errors(profile()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"isuer": "x"},
        {"name": GONE},
        {f"{FIRST}.auth": "basic"},
        {f"{FIRST}.client_id": 12},
        {f"{FIRST}.redirect_uris": []},
        {"clients.frist": {"client_id": "x", "auth": "none", "redirect_uris": ["a:b"]}, FIRST: GONE},
        {f"{FIRST}.secret": GONE},
        {f"{FIRST}.secret": {"env": "A", "file": "b"}},
        {f"{FIRST}.secret": {}},
        {f"{FIRST}.secret": "text"},
        {f"{FIRST}.auth": "none"},
        {f"{FIRST}.auth": "private_key_jwt"},
        {f"{FIRST}.auth": "tls_client_auth"},
        {f"{FIRST}.certificate": {"certificate_file": "a.pem"}},
        {f"{FIRST}.certificate": {"generate": False}},
        {"features": {"dpopp": True}},
        {"features": {"dpop": "perhaps"}},
        {"limits": {"concurrency": 0}},
        {"login": {"driver": "forms"}},
        {"settings": {"lifetime": 5}},
        {"issuer": GONE},
        {"issuer": GONE, "endpoints": {"token": "http://localhost/token"}},
        {"deviations": [{"requirement": "x"}]},
    ],
)
def test_a_mistake_does_not_fit(changes):
    assert errors(profile(changes))


def test_five_mistakes_do_not_fit_five_times():
    changes = {
        "isuer": "x",
        "plans": "rfc9126",
        f"{FIRST}.auth": "basic",
        "limits": {"samples": 1},
        "login": {"driver": "forms"},
    }

    assert len(errors(profile(changes))) == 5


def test_places_and_their_words():
    assert schema_at(("clients", "any", "redirect_uris", 3)) == {"type": "string"}
    assert schema_at(("clients", "any", "nothing")) is None
    assert schema_at(("features", "nothing")) is None
    assert keys_at(("features",)) == [feature.value for feature in Feature]
    assert describe(schema_at(("limits", "concurrency")) or {}) == "a whole number from 1 to 64"
    assert describe(schema_at(("settings",)) or {}) == "a mapping"
    assert describe(schema_at(("settings", "anything", "deeper")) or {}) == "a value"


def test_what_the_package_offers_is_sorted_and_there():
    assert package.__all__ == sorted(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)
