"""The authorization response to a pushed request: state, errors, a person's refusal (RFC 6749 section 4.1.2)."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qsl

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_pushed_request import ATTACKER
from conformance.http.message import split
from conformance.login.page import read
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: What error and error_description may be made of (RFC 6749 sections 4.1.2.1 and 5.2).
ERROR_TEXT = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
#: What error_uri may be made of.
ERROR_URI = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]*")
#: Text that breaks out where it is echoed: quotes, a backslash, a line break, markup, signs beyond ASCII.
HOSTILE = 'par-conformance"\\\r\n<b>\u00fc\u202e'


def wrong_signs(name: str, text: str) -> str:
    """The signs of an error parameter that are not allowed, in Python's notation; empty where all are."""
    pattern = ERROR_URI if name == "error_uri" else ERROR_TEXT
    return "" if pattern.fullmatch(text) else repr(text)


@verifies("rfc6749-4.1.2-state-exact", "fapi2-security-profile-5.3.2.2-long-state-returned")
async def test_long_state_comes_back_exactly(par: Par, authorization: Authorization) -> None:
    """A state of 1200 characters, with signs that need encoding, comes back exactly."""
    state = ("%20+%2B&=#?/ \\~\"'<>{}|^`%" * 50)[: 1200 - 16] + secrets.token_hex(8)
    answer = await par.push(state=state)
    if answer.refused:  # RFC 6749 section 4.1.1 leaves the size of values open
        raise NotApplicable(f"the server takes no state of {len(state)} characters: {answer.summary}")
    outcome = await authorization.open(expect.accepted(answer))
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await authorization.open(await par.accepted()))
    expect.that(
        outcome.parameters.get("state") == state,
        "state-changed",
        "a long state did not come back as it was pushed",
        expected=state[:60],
        received=(outcome.parameters.get("state") or "no state")[:60],
    )


@verifies("rfc6749-4.1.2-state-exact")
async def test_blanks_around_a_state_come_back(par: Par, authorization: Authorization) -> None:
    """A state that begins and ends with a blank comes back with both."""
    state = f" {secrets.token_hex(8)} "
    answer, outcome = await flows.taken_to_its_code(par, authorization, "first", "a state with blanks", state=state)
    expect.that(
        outcome.parameters.get("state") == answer.push.value("state"),
        "state-changed",
        "the blanks around a state did not come back",
        expected=repr(state),
        received=repr(outcome.parameters.get("state")),
    )


@verifies("rfc6749-3.1-response-parameters-once")
@each(way=("code", "denial", "prompt-none"))
async def test_no_parameter_of_the_response_stands_twice(
    par: Par, authorization: Authorization, target: Target, way: str
) -> None:
    """No parameter of the authorization response stands in it twice."""
    if way == "code":
        _, outcome = await flows.code(par, authorization)
    else:
        _, outcome = await flows.error_at_client(par, authorization, target, way)
    parts = split(outcome.location or "")
    names = [name for name, _ in parse_qsl(f"{parts.query}&{parts.fragment}", keep_blank_values=True)]
    twice = sorted({name for name in names if names.count(name) > 1})
    expect.that(
        not twice,
        "repeated",
        f"{', '.join(twice)} stands more than once in the response",
        expected="every parameter once",
        received=", ".join(names),
    )


@verifies("rfc6749-4.1.2.1-denial-told")
async def test_denial_is_told_to_the_client(par: Par, authorization: Authorization, target: Target) -> None:
    """When a person says no, the client gets access_denied at the pushed redirect_uri, and no code."""
    answer, outcome = await flows.denied(par, authorization, target)
    if outcome.ending in {Ending.STUCK, Ending.LOGIN_ASKED, Ending.CONSENT_ASKED}:
        raise NotExercised(f"the refusal did not come to an end: {outcome.summary}")
    expect.that(
        not outcome.granted,
        "code-issued",
        f"a code came although the person said no: {outcome.summary}",
        expected="access_denied",
        received=outcome.summary,
    )
    redirect_uri = (answer.push.value("redirect_uri") or "").split("?")[0]
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    expect.that(
        outcome.error == "access_denied" and went_to == redirect_uri,
        "not-told",
        f"the client is not told of the refusal: {outcome.summary}",
        expected=f"error=access_denied at {redirect_uri}",
        received=f"{outcome.summary} {went_to}".strip(),
    )


@verifies("rfc6749-4.1.2.1-state-with-error")
@each(way=("denial", "prompt-none"))
async def test_error_carries_the_state(par: Par, authorization: Authorization, target: Target, way: str) -> None:
    """An error that is sent to the redirect_uri carries the pushed state."""
    state = "state %&+ " + secrets.token_urlsafe(12)
    _, outcome = await flows.error_at_client(par, authorization, target, way, state=state)
    expect.that(
        outcome.parameters.get("state") == state,
        "state-lost",
        "the error does not carry the pushed state",
        expected=state,
        received=outcome.parameters.get("state") or "no state",
    )


@verifies("rfc9126-2-redirect-uri-effective")
@each(way=("denial", "prompt-none"))
async def test_error_goes_to_the_pushed_redirect_uri(
    par: Par, authorization: Authorization, target: Target, way: str
) -> None:
    """An error goes to the very redirect_uri that was pushed, whichever registered one it is."""
    client = target.client("first") if way == "denial" else flows.openid_client(target)
    other = next((uri for uri in reversed(client.entry.redirect_uris) if uri != client.redirect_uri), None)
    if other is None:
        raise NotApplicable(f"the client of the role {client.role!r} has one redirect_uri only")
    answer, outcome = await flows.error_at_client(par, authorization, target, way, redirect_uri=other)
    if answer.push.client.client_id != client.client_id:
        raise NotApplicable("another client had to be taken, for which the redirect_uri is not registered")
    went_to = (outcome.location or "").split("#")[0]
    expect.that(
        went_to == other or went_to.startswith(f"{other}{'&' if '?' in other else '?'}"),
        "other-redirect-uri",
        f"the error went to {went_to.split('?')[0]}",
        expected=other,
        received=went_to.split("?")[0],
    )


@verifies("openid-core-3.1.2.6-error-in-response-mode", needs=Feature.OPENID)
@each(way=("denial", "prompt-none"), mode=("fragment", "form_post", "jwt"))
async def test_error_comes_in_the_pushed_response_mode(
    par: Par, authorization: Authorization, target: Target, way: str, mode: str
) -> None:
    """An error that is sent to the redirect_uri comes the way that a code comes with the pushed response_mode."""
    if mode not in (target.metadata.strings("response_modes_supported") or ["query", "fragment"]):
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    client = "first" if way == "denial" else flows.openid_client(target)
    _, granted = await flows.taken_to_its_code(
        par, authorization, client, f"the response mode {mode}", response_mode=mode
    )
    usual = granted.mode
    _, outcome = await flows.error_at_client(par, authorization, target, way, response_mode=mode)
    expect.that(
        outcome.mode == usual,
        "other-response-mode",
        f"with response_mode={mode} a code came by {usual}, and an error by {outcome.mode}",
        expected=usual,
        received=outcome.mode,
    )


async def _echoing(par: Par, authorization: Authorization) -> Outcome:
    """The error of a request that was not pushed and whose scope is hostile, told to a client that is known."""
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(), browser=browser)
    push = par.ordinary(scope=HOSTILE)
    outcome = await authorization.visit(push.inside or push.parameters, browser=browser)
    if outcome.ending is not Ending.ERROR_REDIRECT:
        raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
    return outcome


@verifies("rfc6749-4.1.2.1-error-characters")
@each(way=("denial", "prompt-none", "hostile-scope"))
async def test_error_at_the_client_has_allowed_signs_only(
    par: Par, authorization: Authorization, target: Target, way: str
) -> None:
    """error, error_description and error_uri of a redirect have only the characters that are allowed."""
    if way == "hostile-scope":
        outcome = await _echoing(par, authorization)
    else:
        _, outcome = await flows.error_at_client(par, authorization, target, way)
    for name in ("error", "error_description", "error_uri"):
        wrong = wrong_signs(name, outcome.parameters.get(name, ""))
        expect.that(
            not wrong,
            "wrong-characters",
            f"{name} of the redirect has characters that are not allowed",
            expected="printable ASCII without quotation mark and backslash",
            received=wrong,
        )


@verifies("rfc6749-4.1.2.1-invalid-client-not-redirected")
@each(redirect_uri=("registered", "attacker"), prompt={"ordinary": None, "prompt-none": "none"})
async def test_unknown_client_is_not_redirected(
    par: Par, authorization: Authorization, target: Target, redirect_uri: str, prompt: str | None
) -> None:
    """An authorization request with an unknown client_id is not redirected anywhere."""
    registered = target.client("first").redirect_uri
    address = registered if redirect_uri == "registered" else ATTACKER
    push = par.ordinary(client_id="par-conformance-unknown", redirect_uri=address, prompt=prompt)
    outcome = await authorization.visit(push.inside or push.parameters, browser=authorization.new_browser(None))
    not_redirected(outcome, address)
    await flows.code(par, authorization)  # the control: who may be sent on is


def not_redirected(outcome: Outcome, address: str) -> None:
    """The browser was not sent to an address, nor to any other page that is not the server's."""
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"the authorization endpoint gave no answer: {outcome.reason}")
    host, went_to = split(address).hostname, split(outcome.location or "").hostname
    expect.that(
        not (outcome.location and (went_to == host or outcome.granted)),
        "redirected",
        f"the browser was sent to {(outcome.location or '').split('?')[0]}",
        expected="an error page of the server",
        received=outcome.summary,
    )


@verifies(
    "rfc6749-3.1.2.4-no-redirect-to-invalid",
    "rfc9700-4.11.2-invalid-redirect-uri-not-followed",
    "fapi2-security-profile-5.3.2.1-no-open-redirector",
)
@each(
    change={
        "otherwise-right": {},
        "prompt-none": {"prompt": "none"},
        "wrong-response-type": {"response_type": "par-conformance"},
        "no-response-type": {"response_type": None},
        "wrong-scope": {"scope": "par-conformance"},
        "wrong-response-mode": {"response_mode": "par-conformance"},
    },
    method=("GET", "POST"),
)
async def test_invalid_redirect_uri_is_not_followed(
    par: Par, authorization: Authorization, change: dict[str, str | None], method: str
) -> None:
    """The browser is not sent to a redirect_uri that is not the client's, whatever else is wrong with the request."""
    push = par.ordinary(redirect_uri=ATTACKER, **change)
    browser = authorization.new_browser(None)
    outcome = await authorization.visit(push.inside or push.parameters, browser=browser, method=method)
    not_redirected(outcome, ATTACKER)
    await flows.code(par, authorization)


@verifies("rfc9700-2.1-no-open-redirector", "fapi2-security-profile-5.3.2.1-no-open-redirector")
@each(form=("made-up", "https", "garbage"), browser=("fresh", "logged-in"))
async def test_made_up_request_uri_is_no_way_to_elsewhere(
    par: Par, authorization: Authorization, form: str, browser: str
) -> None:
    """A made-up request_uri with an address beside it does not send the browser to that address."""
    answer = await par.accepted()
    uri = {
        "made-up": "urn:ietf:params:oauth:request_uri:" + secrets.token_urlsafe(32),
        "https": "https://attacker.example/request.jwt",
        "garbage": "par-conformance",
    }[form]
    used = authorization.new_browser() if browser == "logged-in" else authorization.new_browser(None)
    if browser == "logged-in":
        await authorization.code(answer, browser=used)
    beside = {"redirect_uri": ATTACKER, "response_type": "code", "state": "par-conformance", "request_uri": uri}
    not_redirected(await authorization.open(answer, browser=used, query=beside), ATTACKER)
    await flows.code(par, authorization)


@verifies("rfc9700-4.11.2-no-redirect-before-login")
@each(
    change={
        "scope": {"scope": "par-conformance\u00fc"},
        "response_type": {"response_type": "par-conformance"},
        "code_challenge_method": {"code_challenge_method": "par-conformance"},
    }
)
async def test_faulty_request_redirects_nobody_before_login(
    par: Par, authorization: Authorization, change: dict[str, str | None]
) -> None:
    """A faulty request that was not pushed does not send a person who has not logged in to the client."""
    push = par.ordinary(**change)
    outcome = await authorization.visit(push.inside or push.parameters, browser=authorization.new_browser(None))
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"the authorization endpoint gave no answer: {outcome.reason}")
    expect.that(
        outcome.ending is not Ending.ERROR_REDIRECT,
        "redirected",
        f"a browser in which nobody is logged in was sent to the client: {outcome.summary}",
        expected="an error page, or a login first",
        received=outcome.summary,
    )
    await flows.code(par, authorization)


@verifies("rfc6749-3.1.2.4-error-told-to-person")
@each(fault=("unknown-client", "unknown-request-uri"))
async def test_person_is_shown_an_error(par: Par, authorization: Authorization, fault: str) -> None:
    """A person who arrives with a request that cannot go on is shown an error, not an empty page."""
    browser = authorization.new_browser(None)
    if fault == "unknown-client":
        push = par.ordinary(client_id="par-conformance-unknown")
        outcome = await authorization.visit(push.inside or push.parameters, browser=browser)
    else:
        unknown = "urn:ietf:params:oauth:request_uri:" + secrets.token_urlsafe(32)
        outcome = await authorization.open(await par.accepted(), browser=browser, request_uri=unknown)
    if outcome.ending is not Ending.ERROR_PAGE or outcome.page is None:
        raise NotApplicable(f"the request did not end on an error page: {outcome.summary}")
    page = outcome.page
    said = read(page.url, page.text).text if "html" in page.media_type else page.text.strip()
    expect.that(
        bool(said) or "<script" in page.text,
        "empty-page",
        f"the person sees an empty page (HTTP {page.status})",
        expected="an error that a person can read",
        received=f"{len(page.body)} bytes",
    )
    await flows.code(par, authorization)  # the control: not every request ends so


@verifies("rfc6749-3.1-resource-owner-authenticated")
@each(client=flows.first_and_public, method=("GET", "POST"))
async def test_nobody_gets_a_code_without_a_login(
    par: Par, authorization: Authorization, client: str, method: str
) -> None:
    """A browser in which nobody has logged in gets no code, however well the client is authenticated."""
    outcome = await authorization.open(
        await par.accepted(client), browser=authorization.new_browser(None), method=method
    )
    expect.no_code(outcome, control=await authorization.open(await par.accepted(client)))


@verifies("rfc6749-3.1-get-supported")
async def test_authorization_request_by_get_is_served(par: Par, authorization: Authorization) -> None:
    """The authorization endpoint takes a request by GET, not only by POST."""
    await served_by_get(par, authorization, "first")


async def served_by_get(par: Par, authorization: Authorization, client: str | RegisteredClient) -> None:
    """A pushed request that is opened by GET leads to a code; nothing is known where POST does not help either."""
    outcome = await authorization.open(await par.accepted(client))
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await authorization.open(await par.accepted(client), method="POST"))
