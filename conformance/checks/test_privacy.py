"""What was pushed stays between client and server (RFC 9126 sections 2.1 and 8)."""

from __future__ import annotations

import base64
import re
import secrets
from urllib.parse import quote, quote_plus, unquote_plus

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.http.message import Response
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.verdict import NotExercised, Violation

_ENCODED = re.compile(r"[A-Za-z0-9_\-+/]{16,}")


def occurs(marker: str, text: str) -> bool:
    """Whether a marker stands in a text: as it is, percent-encoded, or inside base64 (a JWT's payload, a cookie)."""
    forms = {marker, quote(marker, safe=""), quote_plus(marker)}
    if any(form in text for form in forms) or marker in unquote_plus(text):
        return True
    for run in _ENCODED.findall(text):
        for alphabet in ("-_", "+/"):
            standard = run.translate(str.maketrans(alphabet, "+/"))
            try:
                plain = base64.b64decode(standard + "=" * (-len(standard) % 4))
            except ValueError:
                continue
            if marker.encode() in plain:
                return True
    return False


def seen_by_the_browser(responses: tuple[Response, ...]) -> list[tuple[str, str]]:
    """Everything that the browser was sent on the way, the last redirect to the client aside: where, and the text."""
    seen = []
    for number, response in enumerate(responses):
        last = number == len(responses) - 1
        seen += [("a cookie", value) for value in response.all("set-cookie")]
        location = response.header("location")
        if location and not last:
            seen.append(("a redirect", location))
        if not last:
            seen.append(("a page", response.text))
    return seen


@verifies("rfc9126-2.1-authentication-not-in-request")
@each(client=roles.with_secret_or_key)
async def test_credentials_never_reach_the_browser(par: Par, authorization: Authorization, client: str) -> None:
    """The credentials of a push never show up in what the browser is sent: pages, redirects, cookies."""
    answer = await par.accepted(client)
    secret = answer.push.client.credentials.secret
    sent = par.wire.evidence.exchanges[-1].request.content.decode()
    markers = [secret] if secret else []
    markers += list(re.findall(r"client_assertion=([^&]+)", sent))
    if not markers:
        raise NotExercised("the push carried no credential in its body")
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    everything = [*seen_by_the_browser(outcome.responses), ("the response", outcome.location or "")]
    for where, text in everything:
        for marker in markers:
            if occurs(marker, text):
                raise Violation(
                    "credential-shown",
                    f"a credential of the push stands in {where} that the browser was sent",
                    expected="no credential outside the push",
                    received=where,
                )


@verifies("rfc9126-8-request-data-not-in-urls")
async def test_pushed_values_do_not_appear_in_urls(par: Par, authorization: Authorization) -> None:
    """On the way through login and consent no pushed value stands in a URL that the browser is sent to."""
    marker = "marker" + secrets.token_hex(12)
    answer = await par.push(state=marker, x_par_conformance=marker + "x")
    if answer.refused:  # unknown parameters have a check of their own
        answer = expect.accepted(await par.push(state=marker))
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    for response in outcome.responses[:-1]:
        location = response.header("location") or ""
        expect.that(
            not occurs(marker, location),
            "value-in-url",
            "a pushed value stands in a URL that the browser was sent to",
            expected="a reference",
            received=location.split("?")[0],
        )
