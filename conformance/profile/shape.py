"""The shape of a profile, judged by the model: unknown keys, missing keys, wrong kinds, wrong values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from conformance.profile.document import Document
from conformance.profile.model import Profile
from conformance.profile.schema import describe, description_at, keys_at, schema_at
from conformance.profile.words import NOT_SHOWN, Key, alternatives, did_you_mean, dotted, holds_secret, nearest

_SECRETS = "a mapping that says where it comes from: {env: NAME} or {file: PATH}"


def judge_shape(document: Document) -> Profile | None:
    """Hold a document against the model and tell what does not fit. The profile, if everything does."""
    try:
        profile = Profile.model_validate(document.data)
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_input=False)
        # An unknown key first: what is told of a key under it, or beside it, rarely says more.
        for error in sorted(errors, key=lambda one: one["type"] != "extra_forbidden"):
            _tell(document, error)
        return None
    return profile


def _tell(document: Document, error: ErrorDetails) -> None:
    key, rest = _place(document, error["loc"])
    kind = error["type"]
    if kind == "missing":
        key = (*key, error["loc"][-1])
    # The model judges the whole only where its parts are right; the rules do it in every case.
    if not key or document.told(*key):
        return
    if kind == "extra_forbidden" or rest == ["[key]"]:
        _tell_unknown(document, key)
    elif kind == "missing":
        _tell_missing(document, key)
    elif kind == "value_error":
        _tell_ways(document, key, error)
    else:
        _tell_wrong(document, key)


def _place(document: Document, location: Sequence[str | int]) -> tuple[Key, list[str | int]]:
    """Where in the document an error is, and what of its location is the model's own (members of a union)."""
    key: Key = ()
    for depth, part in enumerate(location):
        node = document.value(*key)
        inside = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if not inside:
            return key, list(location[depth:])
        key = (*key, part)
    return key, []


def _tell_unknown(document: Document, key: Key) -> None:
    name, known = str(key[-1]), keys_at(key[:-1])
    meant = nearest(name, known)
    if meant is not None:
        document.meant.add((*key[:-1], meant))
    # `{username: alice, hunter2}` makes the secret a key: one without a value is not named.
    unnamed = meant is None and not document.has(*key)
    document.tell(
        key,
        found="a key that is not known" + (f", without a value {NOT_SHOWN}" if unnamed else ""),
        expected=alternatives(known),
        fix=did_you_mean(name, known, "Take the key away."),
        unnamed=unnamed,
    )


def _tell_missing(document: Document, key: Key) -> None:
    if key in document.meant:
        return
    about = description_at(key)
    document.tell(
        key,
        found="nothing: the key is missing",
        expected=f"{_expected(key)} ({about.rstrip('.')})" if about else _expected(key),
        fix=f"Add {key[-1]} under {dotted(key[:-1])}." if len(key) > 1 else f"Add {key[-1]} at the top level.",
    )


def _tell_ways(document: Document, key: Key, error: ErrorDetails) -> None:
    given = [name for name in keys_at(key) if document.has(*key, name)]
    document.tell(
        key,
        found=" and ".join(given) or "none of them",
        expected=error["msg"].removeprefix("Value error, "),
        fix="Keep one way." if len(given) > 1 else "Write one of them.",
    )


def _tell_wrong(document: Document, key: Key) -> None:
    value, node = document.value(*key), schema_at(key) or {}
    expected = _expected(key)
    allowed = node.get("enum")
    if value is None:
        fix = "Write a value, or take the key away."
    elif allowed and isinstance(value, str):
        fix = did_you_mean(value, allowed, "Write one of them.")
    elif holds_secret(key) and node.get("type") == "object":
        fix = "Put the value in an environment variable NAME, and write {env: NAME} here."
    elif node.get("type") == "string" and node.get("format") != "date" and isinstance(value, bool | int | float | date):
        fix = "Put the value in quotes: YAML reads it as something other than a text."
    elif node.get("type") == "array" and isinstance(value, str):
        fix = "Write it as a list: [value]."
    elif node.get("type") == "object":
        fix = "Write its keys on the lines below, indented."
    else:
        fix = "Write such a value."
    document.tell(key, found=document.show(*key), expected=expected, fix=fix)


def _expected(key: Key) -> str:
    node = schema_at(key)
    if node is None:
        return "a value"
    if holds_secret(key) and len(key) == 3 and node.get("type") == "object":
        return _SECRETS
    return describe(node)
