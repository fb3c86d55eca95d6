"""What is pushed when payloads are tried: values that know the grammar, and leave it in every way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.http.raw import Message

#: Visible ASCII and space: what RFC 6749 appendix A allows in most values.
VISIBLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
#: Every kind of sign that has hurt a parser, class by class; surrogates cannot be sent.
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ODD = st.sampled_from(
    [
        "\x00",
        "\x01\x1f\x7f",
        "\x80\x9f",
        "\r\nX-Injected: 1",
        "\u2028\u2029",
        "\u202e\u2066",
        "\ufeff",
        "\ufffd\uffff",
        "\U0001f600\U0010ffff",
        "e\u0301\u1e9e\u0130",
        "<script>alert(1)</script>",
        "' OR '1'='1",
        "{{7*7}}${7*7}",
        "%00%0a%zz",
        "../../../etc/passwd",
        "9" * 400,
        "-1",
        "1e999",
        "NaN",
        "null",
        "true",
        "[]",
        "{}",
    ]
)
TEXT = st.one_of(VISIBLE, UNICODE, st.lists(ODD, min_size=1, max_size=4).map("".join))
LONG = st.integers(1, 6).map(lambda power: "x" * 4**power)

#: Parameters of an authorization request and of its extensions, and names that nobody knows.
NAMES = st.one_of(
    st.sampled_from(
        [
            "acr_values",
            "authorization_details",
            "claims",
            "code_challenge",
            "code_challenge_method",
            "display",
            "dpop_jkt",
            "id_token_hint",
            "login_hint",
            "max_age",
            "nonce",
            "prompt",
            "redirect_uri",
            "registration",
            "resource",
            "response_mode",
            "response_type",
            "scope",
            "state",
            "ui_locales",
        ]
    ),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12).map(lambda t: "x_" + t),
    UNICODE.map(lambda text: "x_" + text),
)

#: One changed or added parameter, or several.
CHANGES = st.dictionaries(NAMES, st.one_of(TEXT, LONG, st.lists(TEXT, min_size=2, max_size=3)), min_size=1, max_size=3)


def _broken_encoding(pieces: list[bytes]) -> bytes:
    return b"&" + b"&".join(pieces)


#: Bytes behind an ordinary form: broken percent-encoding, bad UTF-8, separators without end.
TAILS: SearchStrategy[bytes] = st.lists(
    st.one_of(
        st.sampled_from(
            [b"%", b"%Z", b"%ZZ=%", b"=", b"==", b"", b"x", b"x=%FF%FE", b"x=%C0%80", b"x=%ED%A0%80", b"+=+", b"x;y=z"]
        ),
        st.binary(max_size=24),
        st.binary(max_size=12).map(lambda raw: b"x=" + quote(raw).encode()),
    ),
    min_size=1,
    max_size=6,
).map(_broken_encoding)

#: Values of every JSON type that hold no others.
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
_DETAIL = st.dictionaries(st.sampled_from(["type", "actions", "locations"]), JSON, max_size=3)
_CLAIMS = st.dictionaries(st.sampled_from(["id_token", "userinfo", "sub", "acr"]), JSON, max_size=3)
#: JSON for authorization_details and claims: right in form, odd in content, or not JSON at all.
JSON_TEXT = st.one_of(
    SCALARS.map(json.dumps),
    JSON.map(json.dumps),
    st.lists(_DETAIL, max_size=3).map(json.dumps),
    _CLAIMS.map(json.dumps),
    TEXT,
    st.integers(1, 400).map(lambda depth: "[" * depth + "]" * depth),
)

#: Claims and header members of a request object, of every JSON type and size.
CLAIMS = st.dictionaries(
    st.one_of(
        st.sampled_from(
            ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "response_type", "scope", "state", "max_age"]
        ),
        VISIBLE,
    ),
    st.one_of(JSON, st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 0.5, 1e300, "0", [], {}])),
    min_size=1,
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "cty", "crit", "b64", "jwk", "jku", "x5c", "x5u", "zip"]),
    JSON,
    min_size=1,
    max_size=2,
)
#: Texts in the place of a JWT.
TOKENS = st.one_of(
    TEXT,
    st.lists(st.text("abcXYZ019_-=", max_size=12), min_size=1, max_size=6).map(".".join),
    st.just("e30.e30."),
    st.just("." * 200),
)

#: States of visible ASCII, which have to come back as they are; those with odd spaces are lost most easily.
STATES = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60),
    st.lists(st.sampled_from(["a", "B", "%20", "+", "&", "=", '"', " ", "  "]), min_size=1, max_size=6).map("".join),
)

#: Scopes with odd spaces between known ones.
SPACES = st.sampled_from([" ", "  ", "   ", "\t", "\n", "\u00a0", ",", "+", "%20"])


def scopes(known: list[str], other: str) -> SearchStrategy[str]:
    """Scope values of known and one foreign scope, put together with odd spaces."""
    words = st.one_of(
        st.lists(st.sampled_from([*known, other]), min_size=1, max_size=4),
        st.lists(st.sampled_from(known), min_size=1, max_size=2).map(lambda some: [*some, other]),
    )
    return st.tuples(words, SPACES, st.booleans()).map(
        lambda drawn: (drawn[1] if drawn[2] else "") + drawn[1].join(drawn[0])
    )


def near(redirect_uri: str) -> SearchStrategy[str]:
    """Addresses near a registered redirect URI, none of them it."""
    parts = urlsplit(redirect_uri)
    host, path = parts.netloc, parts.path or "/"
    marks = st.sampled_from(
        ["/", "//", "\\", "?", "#", "@", ":", ";", ".", "..", "%2e", "%2f", "%00", " ", "\t", "&", "*"]
    )
    changed = st.one_of(
        marks.map(lambda mark: redirect_uri + mark),
        st.tuples(marks, VISIBLE).map(lambda drawn: redirect_uri + "".join(drawn)),
        marks.map(lambda mark: f"{parts.scheme}://{host}{mark}attacker.example{path}"),
        marks.map(lambda mark: f"{parts.scheme}://attacker.example{mark}{host}{path}"),
        st.integers(0, len(path)).map(lambda at: f"{parts.scheme}://{host}{path[:at]}{path[at:].upper()}x"),
        st.sampled_from(["http", "ftp", "javascript", "data", "HTTPS ", "//"]).map(lambda s: f"{s}://{host}{path}"),
        st.integers(1, 65535).map(lambda port: f"{parts.scheme}://{host}:{port}{path}"),
        st.integers(1, len(redirect_uri) - 1).map(lambda end: redirect_uri[:end]),
    )
    return changed.filter(lambda uri: uri != redirect_uri)


#: Request targets; {path} is the endpoint's own.
_TARGETS = [
    "{path}",
    "{path}?",
    "{path}?%zz",
    "/{path}",
    "{path}/../x",
    "{path}%00",
    "{path}#x",
    "*",
    "{path} x",
    "x:1",
]
#: Header lines that have hurt a parser.
_LINES = [
    b"X-A: 1\r\n  folded",
    b"X-A: \x00",
    b"X-A: 1\r2",
    b"X-A: \x80\xff",
    b"X A: 1",
    b": 1",
    b"no colon",
    b"X-A: " + b"x" * 70_000,
    b"Content-Type: text/plain",
    b"Content-Encoding: gzip",
    b"Expect: 200-ok",
    b"Connection: close, Authorization",
    b"Upgrade: h2c",
    b"Transfer-Encoding: identity",
    b"Authorization: Basic",
    b"Cookie: ;=;;",
    b"Range: bytes=-1",
    b"If-Match: *",
    b"X-HTTP-Method-Override: GET",
    b"X-Original-URL: /x",
]


def messages() -> SearchStrategy[dict[str, object]]:
    """What is odd about an HTTP message: mostly one thing, for a parser stops at the first."""
    parts: dict[str, SearchStrategy[object]] = {
        "method": st.sampled_from(["post", "PUT", "BREW", "P\x00ST", "M" * 300]),
        "target": st.sampled_from(_TARGETS),
        "version": st.sampled_from(["HTTP/1.0", "HTTP/9.9", "HTTP/1.1 ", "http/1.1", "ICY"]),
        "lines": st.lists(st.one_of(st.sampled_from(_LINES), st.binary(min_size=1, max_size=40)), max_size=3),
    }
    alone = [st.fixed_dictionaries({name: part}) for name, part in parts.items()]
    return st.one_of(*alone, st.fixed_dictionaries(parts))


def spoilt(message: Message, drawn: Mapping[str, object]) -> Message:
    """A right message with what was drawn by `messages`."""
    method, target, version = message.start.decode().split(" ")
    odd_target = str(drawn.get("target", target)).format(path=target)
    start = f"{drawn.get('method', method)} {odd_target} {drawn.get('version', version)}"
    lines = drawn.get("lines", [])
    assert isinstance(lines, list)
    return Message(start.encode("latin-1"), (*lines, *message.fields), message.body)
