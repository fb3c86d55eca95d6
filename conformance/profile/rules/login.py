"""Rules about the people and how they get through login and consent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.profile.document import Document
from conformance.profile.words import Key, alternatives, did_you_mean, dotted

PLACEHOLDERS = ("username", "password", "totp", "client_id", "scope", "request_uri")

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

#: Names of fields and headers in which a text without a placeholder is a secret.
_SECRET_FIELD = re.compile(
    r"passw|passphrase|passcode|pwd|secret|otp$|^pin$|^authorization$|api[-_]?key", re.IGNORECASE
)


def judge(document: Document) -> None:
    """Tell what is wrong with users and login, the users' secrets aside."""
    _judge_user(document)
    if document.value("login", "driver") == "rest" and not document.has("login", "calls"):
        document.tell(
            ("login", "calls"),
            found="nothing, but the driver is rest",
            expected="the calls that log a person in",
            fix="Add calls, or take another driver.",
        )
    for key in _texts(document):
        _judge_placeholders(document, key)
        _judge_literal(document, key)
        _judge_pattern(document, key)


def _judge_user(document: Document) -> None:
    users = document.mapping("users")
    driver = document.value("login", "driver") or "form"
    needed = driver in {"form", "rest"}
    if not users and needed and not document.told("users"):
        document.tell(
            ("users",),
            found=f"no user, but the login driver is {driver}",
            expected="a user: {first: {username: NAME, password: {env: NAME}}}",
            fix="Add users, or write login: {driver: none} if nobody can log in.",
        )
    name = document.text("login", "user")
    if users and (name is not None or needed) and (name or "first") not in users:
        document.tell(
            ("login", "user"),
            found=document.show("login", "user") if name else "nothing, which stands for first",
            expected=alternatives(users),
            fix=did_you_mean(name or "first", users, "Name one of the users."),
        )


def _texts(document: Document) -> Iterator[Key]:
    """Every text of the login in which placeholders are replaced."""
    login: Key = ("login",)
    steps = [(*login, "steps", number) for number in range(len(document.sequence("login", "steps")))]
    for step in [*steps, (*login, "deny")]:
        yield from _below(document, step)
    for name in ("calls", "consent_calls"):
        yield from _below(document, (*login, name))


def _below(document: Document, key: Key) -> Iterator[Key]:
    value = document.value(*key)
    if isinstance(value, dict):
        for name in value:
            yield from _below(document, (*key, name))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from _below(document, (*key, number))
    elif isinstance(value, str) and not document.told(*key):
        yield key


def _taken(document: Document) -> list[str]:
    """The placeholders that the login itself makes: the names under `take`."""
    return [str(key[-1]) for key in _texts(document) if len(key) > 1 and key[-2] == "take"]


def _judge_placeholders(document: Document, key: Key) -> None:
    users = document.mapping("users")
    placeholders = (*PLACEHOLDERS, *_taken(document))
    for name in dict.fromkeys(_PLACEHOLDER.findall(document.text(*key) or "")):
        if name not in placeholders:
            document.tell(
                key,
                found=f"the placeholder {{{name}}}",
                expected=alternatives(f"{{{known}}}" for known in placeholders),
                fix=did_you_mean(name, placeholders, "Take it away."),
            )
        elif name == "totp" and users and not any(document.has("users", user, "totp") for user in users):
            document.tell(
                key,
                found="the placeholder {totp}, but no user has totp",
                expected="a user with totp: {env: NAME}",
                fix=f"Add totp to users.{next(iter(users))}, or take {{totp}} away.",
            )


def _judge_literal(document: Document, key: Key) -> None:
    text, name = document.text(*key), key[-1]
    if not text or document.embedded or not isinstance(name, str) or not _SECRET_FIELD.search(name):
        return
    if key[-2] == "take" or set(_PLACEHOLDER.findall(text)) & {*PLACEHOLDERS, *_taken(document)}:
        return
    document.tell(
        key,
        found="a secret in the profile (not shown)",
        expected="a placeholder: {password} or {totp}",
        fix=f"Put it into the password of a user, and write {{password}} at {dotted(key)}.",
    )


def _judge_pattern(document: Document, key: Key) -> None:
    kind, _, pattern = (document.text(*key) or "").partition(":")
    if key[-2] != "take" or kind != "page":
        return
    try:
        re.compile(pattern)
    except re.error as error:
        document.tell(
            key,
            found=f"the pattern {pattern!r}: {error}",
            expected="a regular expression as Python's re reads it",
            fix="Mend the pattern; a group in it says which part is taken.",
        )
