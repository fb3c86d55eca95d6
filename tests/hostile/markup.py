"""Markup, terminal escapes and characters that steer a display, in every field that a report may show."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line
from tests.hostile.manners import document, place_of

SCRIPT = "<script>alert('owned')</script>"
IMAGE = "\"><img src=x onerror=alert('owned')>"
CLOSING = "</pre></code></details></section></script></style></title><svg onload=alert('owned')>"
TERMINAL = "\x1b[2J\x1b[31m\x1b]0;owned\x07\x9b31m\r\x08\x08"
BIDI = "\u202eowned\u202c\u2066\u200b\ufeff\u2028"
TEMPLATE = "{{ 7 * 7 }}{% raw %}${7*7}%s[link](javascript:alert(1))`|"
CDATA = "]]><owned/>&owned;"
EVERYTHING = SCRIPT + IMAGE + CLOSING + TERMINAL + BIDI + TEMPLATE + CDATA
#: What may stand in a header field as it is.
IN_HEADERS = (SCRIPT + IMAGE + CLOSING + BIDI + TEMPLATE).replace("\u2028", "")


@hostile(full=True)
async def markup_everywhere(asked: Asked, line: Line) -> None:
    """Every field of every answer has markup in it: errors, names of members, headers, addresses, pages."""
    place = place_of(asked)
    headers = [("X-Owned", IN_HEADERS), ("WWW-Authenticate", f'Basic realm="{IN_HEADERS}"')]
    headers += [("Set-Cookie", f"{quote('a')}={IN_HEADERS.replace(';', '')}"), ("DPoP-Nonce", IN_HEADERS)]
    if place == "metadata":
        changes = {"scopes_supported": [EVERYTHING], EVERYTHING: EVERYTHING, "service_documentation": EVERYTHING}
        changes |= {"token_endpoint_auth_methods_supported": [EVERYTHING], "issuer": asked.base + "/" + EVERYTHING}
        changes |= {"jwks_uri": "javascript:" + EVERYTHING, "token_endpoint": f"{asked.base}/token?{EVERYTHING}"}
        await line.reply(200, json.dumps(document(asked.base, **changes)), headers=headers)
    elif place == "par" and asked.number % 2:
        await line.reply(201, json.dumps({"request_uri": EVERYTHING, "expires_in": EVERYTHING}), headers=headers)
    elif place == "par":
        error = {"error": EVERYTHING, "error_description": EVERYTHING, "error_uri": "javascript:" + EVERYTHING}
        await line.reply(400, json.dumps({**error, EVERYTHING: EVERYTHING}), headers=headers)
    elif place == "authorize" and asked.number % 2:
        address = f"https://client.example/callback?error={quote(EVERYTHING)}&state={quote(EVERYTHING)}&x={IMAGE}"
        await line.reply(302, EVERYTHING, headers=[*headers, ("Location", address)])
    else:
        await line.reply(200, f"<html>{EVERYTHING}<form action='{EVERYTHING}'>{EVERYTHING}", "text/html", headers)


@hostile("par", "authorize", "token")
async def control_characters_alone(asked: Asked, line: Line) -> None:
    """Bodies of control characters, each of which a report has to write out."""
    text = ("\x01\x1b\x7f\u0085\u202e\U000e0001" * 20_000)[: 64 * 1024]
    await line.reply((400, 200)[asked.number % 2], text, ("application/json", "text/html")[asked.number % 2])


@hostile("par")
async def words_of_the_report(asked: Asked, line: Line) -> None:
    """Cookies, codes and tokens that are words of the protocols: hiding them must not blind the report."""
    words = ("invalid_request", "application/json", "request_uri", "client_id", "Cache-Control")
    headers = [("Set-Cookie", f"{word}={word}") for word in words]
    await line.reply(
        400, json.dumps({"error": "invalid_request", "code": "E1", "access_token": "error"}), headers=headers
    )
