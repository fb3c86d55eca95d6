"""Redaction by origin: a value is a secret because of where it came from, not because of how it looks.

Whoever sends or receives a secret tells the `Redactor` (`learn`). Texts are redacted when a record is made of them, at
the end, so that a code seen late is also hidden where it was printed early. Each value is replaced by a short
fingerprint under a key of the run: equality stays visible, the value cannot be guessed back.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote_plus

from conformance.http.disguise import all_disguises, disguises, inside_base64, percent_encoded
from conformance.http.message import Pairs, parse_json_object

#: Form fields and JSON members that carry a credential (RFC 6749, 7521, 7636, JARM, OpenID Connect Core).
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
        "response",
        "token",
    }
)
#: Members of JSON that carry one: `code` is how many APIs name their errors, `response` is a structure.
SECRET_MEMBERS = SECRET_FIELDS - {"code", "response"}
_CREDENTIALS = frozenset({"authorization", "proxy-authorization"})
#: Words of the protocols: a server that sends one as a cookie or a code must not blind the whole report by it.
PUBLIC = frozenset(
    {
        *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client"),
        *("access_denied", "unsupported_response_type", "unsupported_grant_type", "server_error"),
        *("temporarily_unavailable", "invalid_request_object", "invalid_request_uri", "invalid_dpop_proof"),
        *("use_dpop_nonce", "request_uri", "client_id", "redirect_uri", "response_type", "authorization_code"),
    }
)
_SECRET_MEMBER = re.compile(r"(token|secret|passw(or)?d|assertion|session_?id)$", re.IGNORECASE)
_PLAIN = re.compile(r"[a-z_\-]+|[A-Z_\-]+")
_WORD = re.compile(r"[A-Za-z0-9_\-]*")
_TOKEN = re.compile(r"[A-Za-z0-9_\-.~+/%]{4,}")
_FIELD = re.compile(rf"(?<![A-Za-z0-9_])({'|'.join(sorted(SECRET_FIELDS))})=([^&\s\"'<>;,#]+)")
_MEMBER = re.compile(rf"\"({'|'.join(sorted(SECRET_MEMBERS))})\"(\s*:\s*)\"((?:[^\"\\]++|\\.)*+)\"")
_MARK = re.compile(r"‹secret:[0-9a-f]{8}›")

#: A cookie or a header's value that is shorter is learnt for its own place only (characters).
_SHORTEST = 8
#: Of a longer value the beginning is learnt: what begins so is hidden as a whole (characters).
_LONGEST = 2048
#: So many values are learnt in every disguise, and so many at all: a server may send new ones without end.
_DISGUISED = 5_000
_MOST = 50_000
#: A browser keeps no more cookies of one site than this: of more in one message, these are learnt.
_MOST_COOKIES = 200
#: Secrets of odd signs that are looked for one by one.
_MOST_ODD = 500
#: Texts up to this length, such as header fields, come again and again (characters).
_REPEATED = 256
#: So many secrets with the same beginning are told apart; beyond it the beginning is enough.
_ALIKE = 32


class Redactor:
    """Knows the secrets of one run and takes them out of texts."""

    def __init__(self, secrets_of_profile: Iterable[str] = ()) -> None:
        self._key = secrets.token_bytes(16)
        self._known: set[str] = set()
        self._beginnings: dict[str, list[str]] = {}
        self._tokens: dict[str, str] = {}
        self._odd: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._inside: dict[str, re.Pattern[str]] = {}
        self._shown: dict[str, str] = {}
        self._words: dict[str, str] = {}
        for value in secrets_of_profile:
            self._learn_phrase(value)

    def fingerprint(self, value: str) -> str:
        """What stands in the place of a secret."""
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:8]
        return f"‹secret:{digest}›"

    def learn(self, value: str) -> None:
        """Remember a secret that was sent or received. Of a JWS only the signature is taken out.

        Of a JWE only the ciphertext: its header begins like that of every JWS, which would be hidden with it.
        """
        parts = value.split(".")
        if len(parts) in {3, 5} and value.startswith("ey"):
            value = parts[2] if len(parts) == 3 else parts[3]
        if len(value) < 4 or value in PUBLIC or value in self._known or len(self._known) >= _MOST:
            return
        mark = self.fingerprint(value)
        value = value[:_LONGEST]
        self._known.add(value)
        for form in disguises(value) if len(self._known) < _DISGUISED else (value,):
            for token in _TOKEN.findall(form):
                # A part that is a plain word (request_uri in a URN) gives nothing away, and stands everywhere.
                if token == value or not _PLAIN.fullmatch(token):
                    self._learn_token(token, mark)
        long = any(len(token) >= _SHORTEST for token in _TOKEN.findall(value))
        if not long and len(value) > 5 and len(self._odd) < _MOST_ODD:
            self._odd[value] = mark
        self._forget()

    def _learn_token(self, token: str, mark: str) -> None:
        if token in self._tokens or token in PUBLIC:
            return
        self._tokens[token] = mark
        if len(token) >= _SHORTEST:
            alike = self._beginnings.setdefault(token[:_SHORTEST], [])
            if len(alike) <= _ALIKE:
                alike.append(token)

    def _learn_phrase(self, value: str) -> None:
        mark = self.fingerprint(value)
        for form in all_disguises(value):
            if len(form) >= 4:
                self._phrases[form] = mark
        # In base64 the signs beside a secret have some of its bits.
        for form in {inside for text in percent_encoded(value) for inside in inside_base64(text)}:
            self._inside[form] = re.compile(rf"[A-Za-z0-9+/_\-]?{re.escape(form)}[A-Za-z0-9+/_\-]?")
        self._phrases = {form: self._phrases[form] for form in sorted(self._phrases, key=len, reverse=True)}
        self._forget()

    def _forget(self) -> None:
        """What was no secret may have one in it now. What another thread is just making of a text is lost with it."""
        self._shown, self._words = {}, {}

    def text(self, text: str) -> str:
        """The text without any secret that is known by now."""
        return _remembered(self._shown, text, self._text) if len(text) <= _REPEATED else self._text(text)

    def _text(self, text: str) -> str:
        for phrase, mark in self._phrases.items():
            if phrase in text:
                inside = self._inside.get(phrase)
                text = text.replace(phrase, mark) if inside is None else inside.sub(mark, text)
        for value, mark in self._odd.items():
            if value in text:
                text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", mark, text)
        text = _TOKEN.sub(self._token, text)
        text = _FIELD.sub(lambda found: f"{found[1]}={self._in_its_place(found[2], unquote_plus(found[2]))}", text)
        return _MEMBER.sub(lambda found: f'"{found[1]}"{found[2]}"{self._in_its_place(found[3], found[3])}"', text)

    def _token(self, found: re.Match[str]) -> str:
        text = found[0]
        return _remembered(self._words, text, self._word) if len(text) <= _REPEATED else self._word(text)

    def _word(self, text: str) -> str:
        """The mark of what is a secret as a whole; else what has one in it, without the words around that."""
        if text in self._tokens:
            return self._tokens[text]
        start, shown, done = 0, "", 0
        while start <= len(text) - _SHORTEST:
            secret = self._secret_at(text, start) if text[start : start + _SHORTEST] in self._beginnings else None
            if secret is None:
                start += 1
                continue
            begin = start - len(_WORD.match(text[done:start][::-1])[0])  # type: ignore[index]
            start = _WORD.match(text, start + len(secret)).end()  # type: ignore[union-attr]
            shown, done = shown + text[done:begin] + self._tokens[secret], start
        return shown + text[done:]

    def _secret_at(self, text: str, start: int) -> str | None:
        alike = self._beginnings[text[start : start + _SHORTEST]]
        if len(alike) > _ALIKE:
            return alike[0]
        return max((secret for secret in alike if text.startswith(secret, start)), key=len, default=None)

    def _in_its_place(self, shown: str, value: str) -> str:
        """The mark of a value that stands where a credential stands, however short it is."""
        if _MARK.fullmatch(shown) or (shown.startswith("ey") and _MARK.search(shown)) or value in PUBLIC:
            return shown
        return self.fingerprint(value)

    def header(self, name: str, value: str) -> str:
        """A header's value without secrets: of credentials and cookies only the names are shown."""
        lower = name.lower()
        if lower in _CREDENTIALS:
            scheme, space, credentials = value.partition(" ")
            return f"{scheme}{space}{self._credential(credentials)}" if space else self._credential(value)
        if lower == "cookie":
            return "; ".join(self._cookie(part.strip()) for part in value.split(";"))
        if lower == "set-cookie":
            first, semicolon, attributes = value.partition(";")
            return self._cookie(first) + semicolon + self.text(attributes)
        return self.text(value)

    def _credential(self, value: str) -> str:
        shown = self.text(value)
        return shown if not value or _MARK.search(shown) else self.fingerprint(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals:
            return self.fingerprint(pair) if pair else ""
        return f"{self.text(name)}={self.fingerprint(value.strip()) if value.strip() else ''}"

    def learn_headers(self, headers: Pairs) -> None:
        """Learn the credentials of a header list: Authorization, Cookie, Set-Cookie."""
        cookies = 0
        for name, value in headers:
            lower = name.lower()
            if lower in _CREDENTIALS:
                self._learn_long(value.partition(" ")[2] or value)
            elif lower in {"cookie", "set-cookie"} and cookies < _MOST_COOKIES:
                for part in value.split(";") if lower == "cookie" else [value.split(";")[0]]:
                    cookies += 1
                    self._learn_long((part.partition("=")[2] or part).strip())

    def learn_fields(self, fields: Iterable[tuple[str, object]]) -> None:
        """Learn the values of fields that carry credentials."""
        for name, value in fields:
            if name not in SECRET_FIELDS or not isinstance(value, str):
                continue
            if name == "response":
                self._learn_response(value)
            else:
                self.learn(value)

    def learn_members(self, members: Mapping[str, object]) -> None:
        """Learn the credentials in a JSON object, also of answers that no specification describes."""
        for name, value in members.items():
            if isinstance(value, str) and (name in SECRET_MEMBERS or _SECRET_MEMBER.search(name)):
                self.learn(value)
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    self.learn_members(inner)

    def _learn_response(self, value: str) -> None:
        """A JWT that is a whole authorization response (JARM): its claims are as secret as the code in them."""
        parts = value.split(".")
        if len(parts) < 3:
            return
        for part in parts[1:]:
            self.learn(part)
        try:
            claims = parse_json_object(binascii.a2b_base64(parts[1].replace("-", "+").replace("_", "/") + "=="))
        except ValueError:
            return
        self.learn_fields((name, claim) for name, claim in (claims or {}).items() if name != "response")

    def _learn_long(self, value: str) -> None:
        if len(value) >= _SHORTEST:
            self.learn(value)


def _remembered(known: dict[str, str], text: str, redacted: Callable[[str], str]) -> str:
    """What was made of a text before, or is made of it now."""
    shown = known.get(text)
    if shown is None:
        if len(known) >= _MOST:
            known.clear()
        shown = known[text] = redacted(text)
    return shown
