"""Words for a person about values and names in a profile: short, on one line, and never a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches

#: Where something in a profile stands: ("clients", "first", "redirect_uris", 0).
Key = tuple[str | int, ...]

NOT_SHOWN = "(not shown)"

#: Keys that hold a secret, by the part of the profile they stand in: nothing below them is shown or replaced.
_SECRET_FIELDS = {"clients": {"secret", "keys"}, "users": {"password", "totp"}}

#: Mappings whose keys are the profile's own: a name there may say that its value is a secret.
_FREE = {"parameters", "headers", "body", "form", "fill", "settings"}

_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|passcode|pwd|totp|otp$|^pin$|token|private|credential|assertion"
    r"|authorization$|cookie|api[-_]?key|jwk",
    re.IGNORECASE,
)

#: Names that the RFCs give to what the profile calls otherwise.
_RFC_NAMES = {
    "authorization_endpoint": "authorization",
    "client_assertion_alg": "assertion_alg",
    "client_secret": "secret",
    "jwks": "keys",
    "jwks_uri": "jwks",
    "pushed_authorization_request_endpoint": "pushed_authorization_request",
    "redirect_uri": "redirect_uris",
    "require_pushed_authorization_requests": "require_par",
    "scopes": "scope",
    "token_endpoint": "token",
    "token_endpoint_auth_method": "auth",
    "token_endpoint_auth_signing_alg": "assertion_alg",
}


def dotted(key: Key) -> str:
    """A place as a person writes it: clients.first.redirect_uris[0]."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return printable(text.removeprefix("."))


def holds_secret(key: Key) -> bool:
    """Whether a place is, or is inside, a field that the model has for secrets."""
    return len(key) > 2 and key[2] in _SECRET_FIELDS.get(str(key[0]), ())


def looks_secret(name: str) -> bool:
    """Whether a name, of a form field or a header, is one that carries secrets."""
    return _SECRET_NAME.search(name) is not None


def is_hidden(key: Key) -> bool:
    """Whether what stands at a place must not be shown: a field for secrets, or a name that looks so."""
    free = next((index for index, part in enumerate(key) if part in _FREE), len(key))
    return holds_secret(key) or any(looks_secret(part) for part in key[free + 1 :] if isinstance(part, str))


def show(value: object, *, hidden: bool = False) -> str:
    """A value on one line, cut where it is long; its kind alone where it is hidden."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        count, noun = len(value), "a mapping" if isinstance(value, dict) else "a list"
        return f"{noun} of {count}" if count else f"an empty {noun.removeprefix('a ')}"
    if hidden:
        return f"a value {NOT_SHOWN}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    return str(value) if isinstance(value, int | float | date) else type(value).__name__


def quoted(text: str, limit: int = 100) -> str:
    """A text in quotes, without anything that a terminal would obey, cut at `limit` characters."""
    text = re.sub(r"(?<=//)[^/?#\s]*@", "…@", text)  # a URL may carry a password
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return printable(json.dumps(text, ensure_ascii=False))


def printable(text: str) -> str:
    """A text on one line, without anything that a terminal would obey."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def alternatives(names: Iterable[str]) -> str:
    """Names, one of which is expected: `one of a, b, c`."""
    known = list(names)
    return f"one of {', '.join(known)}" if len(known) > 1 else " ".join(known) or "nothing: there is none"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """What a person who wrote `name` probably meant."""
    known = list(known)
    meant = _RFC_NAMES.get(name)
    if meant in known:
        return meant
    folded = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    # `basic` is far from client_secret_basic, and still plain.
    parts = [one for one in folded if len(name) > 3 and name.lower() in one]
    found = close or (parts if len(parts) == 1 else [])
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The advice for a name that is not known."""
    near = nearest(name, known)
    return f"Did you mean {near}? If not: {otherwise[0].lower()}{otherwise[1:]}" if near else otherwise
