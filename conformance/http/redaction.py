"""Redaction by origin: a value is a secret because of where it came from, not because of how it looks.

Whoever sends or receives a secret tells the `Redactor` (`learn`). Texts are redacted when a record is made of them, at
the end, so that a code seen late is also hidden where it was printed early. Each value is replaced by a short
fingerprint under a key of the run: equality stays visible, the value cannot be guessed back.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from conformance.http.message import Pairs

#: Form fields and JSON members that carry a credential (RFC 6749, 7521, 7636, OpenID Connect Core).
SECRET_FIELDS = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "id_token",
        "id_token_hint",
        "password",
        "refresh_token",
        "registration_access_token",
        "token",
    }
)
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_WORD = re.compile(r"[A-Za-z0-9_\-]{8,}")
_SHORTEST = 8


class Redactor:
    """Knows the secrets of one run and takes them out of texts."""

    def __init__(self, secrets_of_profile: Iterable[str] = ()) -> None:
        self._key = secrets.token_bytes(16)
        self._words: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for value in secrets_of_profile:
            self._learn_phrase(value)

    def fingerprint(self, value: str) -> str:
        """What stands in the place of a secret."""
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:8]
        return f"‹secret:{digest}›"

    def learn(self, value: str) -> None:
        """Remember a secret that was sent or received. Of a JWS only the signature is taken out."""
        parts = value.split(".")
        if len(parts) == 3 and value.startswith("ey"):
            value = parts[2]
        for form in {value, quote(value, safe=""), quote_plus(value)}:
            for word in _WORD.findall(form):
                self._words.setdefault(word, self.fingerprint(value))

    def _learn_phrase(self, value: str) -> None:
        mark = self.fingerprint(value)
        encoded = value.encode()
        forms = {value, quote(value, safe=""), quote_plus(value), value.replace("\n", "\\n")}
        forms |= {base64.b64encode(encoded).decode(), base64.urlsafe_b64encode(encoded).decode().rstrip("=")}
        for form in forms:
            if len(form) >= 4:
                self._phrases[form] = mark
        self._pattern = None

    def text(self, text: str) -> str:
        """The text without any secret that is known by now."""
        if self._phrases:
            if self._pattern is None:
                longest_first = sorted(self._phrases, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            text = self._pattern.sub(lambda found: self._phrases[found[0]], text)
        return _WORD.sub(lambda found: self._words.get(found[0], found[0]), text)

    def learn_headers(self, headers: Pairs) -> None:
        """Learn the credentials of a header list: Authorization, Cookie, Set-Cookie."""
        for name, value in headers:
            if name.lower() not in _SECRET_HEADERS:
                continue
            if name.lower() == "authorization":
                self._learn_long(value.partition(" ")[2] or value)
            else:
                for part in value.split(";") if name.lower() == "cookie" else [value.split(";")[0]]:
                    self._learn_long(part.partition("=")[2].strip())

    def learn_fields(self, fields: Iterable[tuple[str, object]]) -> None:
        """Learn the values of fields that carry credentials."""
        for name, value in fields:
            if name in SECRET_FIELDS and isinstance(value, str):
                self._learn_long(value)

    def _learn_long(self, value: str) -> None:
        if len(value) >= _SHORTEST:
            self.learn(value)
