"""Profiles for tests: a whole one, changed in one place, and the mistakes that loading it tells."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from conformance.profile import LoadedProfile, Mistake, ProfileError, load

TODAY = date(2027, 3, 31)

#: Secrets of the tests: none of them may ever be in a message.
SECRET = "correct-horse-battery"
PASSWORD = "staple-of-hunter2"

ENVIRON = {"CLIENT_SECRET": SECRET, "USER_PASSWORD": PASSWORD}

#: Takes a key away.
GONE = object()

LOCAL: dict[str, Any] = {
    "name": "Local server",
    "issuer": "http://127.0.0.1:8080/realms/test",
    "clients": {
        "first": {
            "client_id": "one",
            "auth": "client_secret_basic",
            "secret": {"env": "CLIENT_SECRET"},
            "redirect_uris": ["https://client.example/callback"],
        },
    },
    "users": {"first": {"username": "alice", "password": {"env": "USER_PASSWORD"}}},
}


def profile(changes: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The local profile with changes: dotted path to value, a list's entries by number."""
    result = copy.deepcopy(LOCAL)
    for path, value in (changes or {}).items():
        *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        node: Any = result
        for part in above:
            node = node[part] if isinstance(node, list) else node.setdefault(part, {})
        if value is GONE:
            del node[last]
        else:
            node[last] = copy.deepcopy(value)
    return result


def write(folder: Path, content: Mapping[str, Any] | str | bytes) -> Path:
    """Write a profile into a folder."""
    path = folder / "target.yaml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else yaml.safe_dump(dict(content), sort_keys=False)
        path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, content: Mapping[str, Any] | str, environ: Mapping[str, str] = ENVIRON) -> LoadedProfile:
    """Load a profile that must be right."""
    return load(write(folder, content), environ=environ, today=TODAY)


def mistakes(
    folder: Path, content: Mapping[str, Any] | str | bytes, environ: Mapping[str, str] = ENVIRON
) -> list[Mistake]:
    """The mistakes of a profile; none if it is right. Each is whole, names the file, and shows no secret."""
    path = write(folder, content)
    error = _refusal(path, environ)
    if error is not None:
        told = str(error)
        held = {value for name, value in environ.items() if re.search("SECRET|PASSWORD|TOKEN|KEYS|SEED", name)}
        for secret in {SECRET, PASSWORD, *held} - {""}:
            assert secret not in told
            assert secret not in repr(error)
        for mistake in error.mistakes:
            assert mistake.file == str(path)
            assert mistake.found
            assert mistake.expected
            assert mistake.fix
            assert "\n" not in mistake.found + mistake.expected + mistake.fix
        return list(error.mistakes)
    return []


def _refusal(path: Path, environ: Mapping[str, str]) -> ProfileError | None:
    try:
        load(path, environ=environ, today=TODAY)
    except ProfileError as error:
        return error
    return None


def only(folder: Path, content: Mapping[str, Any] | str | bytes, environ: Mapping[str, str] = ENVIRON) -> Mistake:
    """The one mistake of a profile."""
    told = mistakes(folder, content, environ)
    assert len(told) == 1, "\n\n".join(str(one) for one in told)
    return told[0]


def assert_tells(mistake: Mistake, key: str, found: str, expected: str, fix: str) -> None:
    """Hold the four parts of a mistake against what a person must read there."""
    assert mistake.key == key
    assert found in mistake.found
    assert expected in mistake.expected
    assert fix in mistake.fix
