"""Rules about the clients: who must be there, and what each needs for the way it authenticates."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from conformance.profile.document import Document
from conformance.profile.rules.target import http_url
from conformance.profile.schema import NEEDED_BY_AUTH
from conformance.profile.words import Key, nearest

_HMAC = ("HS256", "HS384", "HS512")
_JWT_METHODS = {"client_secret_jwt", "private_key_jwt"}

#: What a key, a secret or a certificate looks like in a profile, for the advice.
_WRITTEN = {
    "secret": "{env: NAME} or {file: PATH}",
    "keys": "{env: NAME} or {file: PATH} of a private JWK set",
    "certificate": "{certificate_file: PATH, key_file: PATH}",
}

#: A role that plays the other party to a role: the two must be two clients.
_OTHERS = {"second": "first", "signed_second": "signed"}


def judge(document: Document) -> None:
    """Tell what is wrong with the clients, their secrets and keys aside."""
    clients = document.mapping("clients")
    if "first" not in clients and not document.told("clients"):
        near = nearest("first", clients)
        document.tell(
            ("clients",),
            found=f"the roles {', '.join(clients)}" if clients else "no role at all",
            expected="a client of the role first: every check starts from it",
            fix=f"Did you mean {near}? Name it first." if near else "Add clients.first.",
        )
    for role in clients:
        _judge_text(document, ("clients", role, "client_id"))
        _judge_auth(document, role)
        _judge_algorithms(document, role)
        _judge_issuer(document, role)
        for name in ("redirect_uris", "resource"):
            for number in range(len(document.sequence("clients", role, name))):
                _judge_uri(document, ("clients", role, name, number))
    for other, role in _OTHERS.items():
        _judge_two(document, role, other)


def is_absolute_uri(text: str) -> bool:
    """Whether a text is an absolute URI, of any scheme (RFC 3986 section 4.3, a fragment aside)."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", text) or re.match(r"[^/:]+:\d+(/|$)", text):
        return False  # localhost:8080/callback is a host and a port, not a scheme
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return http_url(text) is not None
    return bool(parts.scheme) and bool(parts.netloc or parts.path)


def _judge_text(document: Document, key: Key) -> None:
    text = document.text(*key)
    if text is not None and not text.strip():
        document.tell(key, found="an empty text", expected="a text", fix="Write it as it is registered.")


def _judge_auth(document: Document, role: str) -> None:
    at: Key = ("clients", role)
    auth = document.text(*at, "auth")
    needed = NEEDED_BY_AUTH.get(auth or "")
    if needed is not None and not document.has(*at, needed):
        document.tell(
            (*at, needed),
            found=f"nothing, but auth is {auth}",
            expected=f"{needed}: {_WRITTEN[needed]}",
            fix=f"Add {needed}, or correct auth.",
        )
    if auth == "none" and document.has(*at, "secret"):
        document.tell(
            (*at, "secret"),
            found="a secret, but auth is none",
            expected="no secret: a public client has none (RFC 6749 section 2.1)",
            fix="Take secret away, or correct auth.",
        )
    alg = document.text(*at, "request_objects", "alg") or "ES256"
    other = "secret" if alg in _HMAC else "keys"
    if document.mapping(*at, "request_objects") and alg != "none" and not document.has(*at, other):
        document.tell(
            (*at, "request_objects"),
            found=f"request objects signed with {alg}, but no {other}",
            expected=f"{other}: {_WRITTEN[other]}",
            fix=f"Add {other} to the client, or take request_objects away.",
        )


def _judge_algorithms(document: Document, role: str) -> None:
    key: Key = ("clients", role, "assertion_alg")
    auth, alg = document.text("clients", role, "auth"), document.text(*key)
    if alg is None or auth is None:
        return
    if auth not in _JWT_METHODS:
        document.tell(
            key,
            found=f"{document.show(*key)}, but auth is {auth}",
            expected="no assertion_alg: the client makes no assertions",
            fix="Take assertion_alg away, or correct auth.",
        )
    elif auth == "client_secret_jwt" and alg not in _HMAC:
        document.tell(
            key,
            found=f"{document.show(*key)}, but auth is {auth}",
            expected=f"one of {', '.join(_HMAC)}",
            fix="Write one of them, or correct auth.",
        )


def _judge_issuer(document: Document, role: str) -> None:
    """A client that must name the issuer as the audience needs to know it."""
    at: Key = ("clients", role)
    if document.embedded or document.has("issuer") or document.has("metadata_url"):
        return
    audience = document.value(*at, "assertion_audience") or "issuer"
    asserts = document.text(*at, "auth") in _JWT_METHODS and audience == "issuer"
    if asserts:
        document.tell(
            (*at, "assertion_audience"),
            found="the issuer as the audience of client assertions, but no issuer",
            expected="issuer at the top level, or the URL of an endpoint as the audience",
            fix="Add issuer, or write assertion_audience: token_endpoint.",
        )
    if document.mapping(*at, "request_objects"):
        document.tell(
            (*at, "request_objects"),
            found="request objects, whose audience is the issuer, but no issuer",
            expected="issuer at the top level (RFC 9101 section 4)",
            fix="Add issuer, or take request_objects away.",
        )


def _judge_uri(document: Document, key: Key) -> None:
    text = document.text(*key)
    if text is None:
        return
    section = "RFC 6749 section 3.1.2" if key[2] == "redirect_uris" else "RFC 8707 section 2"
    if not is_absolute_uri(text):
        document.tell(
            key,
            found=document.show(*key),
            expected=f"an absolute URI ({section})",
            fix="Write the whole URI with its scheme: https://client.example/callback.",
        )
    elif "#" in text:
        document.tell(
            key,
            found=document.show(*key),
            expected=f"a URI without fragment ({section})",
            fix="Take the # and what follows away.",
        )


def _judge_two(document: Document, role: str, other: str) -> None:
    mine, theirs = document.text("clients", other, "client_id"), document.text("clients", role, "client_id")
    if mine is not None and mine == theirs:
        document.tell(
            ("clients", other, "client_id"),
            found=f"{document.show('clients', other, 'client_id')}, the client_id of {role}",
            expected=f"another client than {role}: {other} stands for a stranger to it",
            fix=f"Register one more client, or take {other} away.",
        )
