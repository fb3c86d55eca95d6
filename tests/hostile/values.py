"""JSON that is none, and values that no member should have."""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line
from tests.hostile.manners import NO_STORE, document

#: Values that a member of any type may be replaced by.
ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**18, "", " ", "\u0000", [], [[]], {}, {"a": []}, ["x", 1, None])


@hostile("par", "token", "metadata")
async def invalid_utf_8(asked: Asked, line: Line) -> None:
    """JSON that is no UTF-8."""
    await line.reply(201, b'{"request_uri": "urn:\xff\xfe", "issuer": "\xc3\x28", "expires_in": 60}')


@hostile("par", "token")
async def invalid_json(asked: Asked, line: Line) -> None:
    """Things that look like JSON."""
    bad = (b"{'request_uri': 1}", b'{"a": 1,}', b"{", b'"text"', b"[]", b"null", b"", b"\xef\xbb\xbf{}", b'{"a": 01}')
    await line.reply(201, bad[asked.number % len(bad)])


@hostile("par", "metadata", full=True)
async def deep_json(asked: Asked, line: Line) -> None:
    """JSON that is nested a hundred thousand deep."""
    opening = (b"[", b'{"a":')[asked.number % 2]
    await line.reply(201 if asked.path == "/par" else 200, opening * 100_000)


@hostile("par", "token")
async def duplicate_members(asked: Asked, line: Line) -> None:
    """Every member twice, with different values."""
    await line.reply(201, b'{"request_uri": "urn:a:1", "request_uri": "urn:a:2", "expires_in": 1, "expires_in": 2}')


@hostile("par", "token", full=True)
async def no_numbers(asked: Asked, line: Line) -> None:
    """expires_in is NaN, infinite, beyond any range, negative, or has thousands of digits."""
    numbers = ("NaN", "Infinity", "-Infinity", "1e999", "-1", "1e308", "9" * 300, "9" * 5000, "0", "-0", "1e-400")
    number = numbers[asked.number % len(numbers)]
    body = f'{{"request_uri": "urn:x:{asked.number}", "access_token": "t", "token_type": "a", "expires_in": {number}}}'
    await line.reply(201, body, headers=NO_STORE)


@hostile("par")
async def lifetimes_of_centuries(asked: Asked, line: Line) -> None:
    """expires_in says thousands of years, or that it is over since long."""
    seconds = (10**11, 10**15, -(10**11), 10**300)[asked.number % 4]
    await line.reply(201, json.dumps({"request_uri": f"urn:x:{asked.number}", "expires_in": seconds}), headers=NO_STORE)


@hostile()
async def clock_years_off(asked: Asked, line: Line) -> None:
    """A server that lives in another century, in its Date, its cookies and its tokens."""
    date = ("Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 99 Nix 99999 00:00:00 +9999")
    headers = [("Date", date[asked.number % 3]), ("Set-Cookie", f"a=b; Expires={date[(asked.number + 1) % 3]}")]
    members = {"request_uri": f"urn:x:{asked.number}", "expires_in": 4_000_000_000, "issued_at": -1}
    body = json.dumps(document(asked.base) if "well-known" in asked.path else members)
    await line.reply(200 if "well-known" in asked.path else 201, body, headers=headers)


@hostile("par", "token", full=True)
async def wrong_types_in_answers(asked: Asked, line: Line) -> None:
    """Members of every answer have any type but their own."""
    odd = ODD[asked.number % len(ODD)]
    names = (
        "request_uri",
        "expires_in",
        "error",
        "error_description",
        "access_token",
        "token_type",
        "scope",
        "id_token",
    )
    await line.reply((201, 200, 400, 401)[asked.number % 4], json.dumps(dict.fromkeys(names, odd)))


@hostile("metadata", full=True)
async def wrong_types_in_metadata(asked: Asked, line: Line) -> None:
    """Metadata whose lists are numbers, whose flags are texts, and whose URLs are lists."""
    names = list(document("x"))
    changes: dict[str, Any] = {name: ODD[index % len(ODD)] for index, name in enumerate(names)}
    changes |= {"issuer": asked.base, "pushed_authorization_request_endpoint": f"{asked.base}/par"}
    changes |= {"mtls_endpoint_aliases": ["x"], "require_pushed_authorization_requests": "yes", "scopes_supported": 7}
    await line.reply(200, json.dumps(document(asked.base, **changes)))


@hostile("metadata")
async def metadata_without_any_sense(asked: Asked, line: Line) -> None:
    """Metadata whose every member is something else at each request."""
    value = ODD[asked.number % len(ODD)]
    await line.reply(200, json.dumps(dict.fromkeys(document("x"), value)))


@hostile("par")
async def request_uri_of_a_megabyte(asked: Asked, line: Line) -> None:
    """A request_uri of a megabyte."""
    await line.reply(
        201, json.dumps({"request_uri": "urn:long:" + "r" * 1_000_000, "expires_in": 60}), headers=NO_STORE
    )


@hostile("par")
async def request_uri_as_long_as_goes(asked: Asked, line: Line) -> None:
    """A request_uri that just fits into a URL."""
    await line.reply(201, json.dumps({"request_uri": "urn:long:" + "r" * 60_000, "expires_in": 60}), headers=NO_STORE)


@hostile("par")
async def request_uri_with_line_ends(asked: Asked, line: Line) -> None:
    """A request_uri that would start a header field, or a request of its own."""
    uri = "urn:x\r\nX-Injected: yes\r\n\r\nGET /stolen HTTP/1.1\r\n\r\n"
    await line.reply(201, json.dumps({"request_uri": uri, "expires_in": 60}))


@hostile("par")
async def request_uri_of_half_a_character(asked: Asked, line: Line) -> None:
    """A request_uri that is no text: half of a surrogate pair, which nothing can encode."""
    await line.reply(201, b'{"request_uri": "urn:\\ud800", "expires_in": 60, "error": "\\udfff"}')


@hostile("par")
async def error_of_a_megabyte(asked: Asked, line: Line) -> None:
    """Errors and descriptions of a megabyte."""
    await line.reply(400, json.dumps({"error": "e" * 1_000_000, "error_description": "d" * 500_000}))


@hostile("token")
async def hostile_tokens(asked: Asked, line: Line) -> None:
    """ID tokens and access tokens that are JWTs of nonsense: deep, huge, broken, with numbers out of range."""
    broken = ("a.b.c", "ey.ey.ey", "ey" + "." * 5000, "eyJhIjoxfQ." + "W1tb" * 20_000 + ".x", "\u00e9.\u00e9.\u00e9")
    token = broken[asked.number % len(broken)]
    await line.reply(200, json.dumps({"access_token": token, "id_token": token, "token_type": "Bearer"}))


@hostile("login", "authorize")
async def hostile_responses(asked: Asked, line: Line) -> None:
    """Authorization responses that are JWTs of nonsense, or have thousands of parameters."""
    values = ("response=a.b.c", "response=ey.W10.x", "code=" + "c" * 20_000, "&".join(f"p{n}=1" for n in range(5000)))
    await line.reply(302, headers=[("Location", f"https://client.example/callback?{values[asked.number % 4]}")])
