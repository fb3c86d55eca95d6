"""Parameters in a pushed request object: carried out, validated, and nothing beside them (RFC 9101 sections 4, 6.3)."""

from __future__ import annotations

import json
import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, objects
from conformance.checks.objects import signer
from conformance.checks.test_pushed_request import ATTACKER, refuse_unregistered
from conformance.checks.test_request_object import beside
from conformance.engine import CheckClock
from conformance.login.browser import Browser
from conformance.profile.model import Feature
from conformance.protocol import jar, pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer, needs_accepted, speaks_openid
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised


async def _carried_out(
    par: Par, authorization: Authorization, client: RegisteredClient, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """A flow from a pushed request object with these parameters. NotExercised where no ordinary one is accepted."""
    needs_accepted(await par.send(par.object(client)))
    answer = expect.accepted(
        await par.send(par.object(client, fault=jar.RIGHT, **changes), control=lambda: par.object(client))
    )
    return answer, await authorization.code(answer)


def in_form(client: RegisteredClient) -> str | RegisteredClient:
    """Who sends in a form what is compared with a request object: the first client where this one has to sign."""
    must_sign = client.entry.request_objects is not None and client.entry.request_objects.required
    return "first" if must_sign else client


@verifies("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective", needs=Feature.JAR)
async def test_redirect_uri_of_the_object_is_used(par: Par, authorization: Authorization, target: Target) -> None:
    """The code goes to the redirect_uri in the request object, whichever registered one it is."""
    try:
        client = signer(target, lambda entry: len(entry.redirect_uris) > 1)
    except NotApplicable:
        client = signer(target)
    redirect_uri = client.entry.redirect_uris[-1]
    _, outcome = await _carried_out(par, authorization, client, redirect_uri=redirect_uri)
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    expect.that(
        went_to == redirect_uri.split("?")[0],
        "other-redirect-uri",
        f"the code went to {went_to}",
        expected=redirect_uri,
        received=went_to,
    )


@verifies("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective", needs=(Feature.JAR, Feature.PKCE))
async def test_code_challenge_of_the_object_is_used(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The code of a request object with a code_challenge is redeemed with its verifier and with no other."""
    client = signer(target, lambda entry: entry.pkce)
    answer, outcome = await _carried_out(par, authorization, client)
    wrong = await token.redeem(outcome, answer.push, code_verifier=pkce.new_verifier())
    expect.that(
        not wrong.accepted,
        "challenge-lost",
        "a code was redeemed with a wrong verifier: the code_challenge of the request object was lost",
        expected="invalid_grant",
        received=wrong.summary,
    )
    answer, outcome = await _carried_out(par, authorization, client)
    right = await token.redeem(outcome, answer.push)
    if not right.accepted:
        await _redeems_otherwise(par, authorization, token, client)
    expect.redeemed(right)


async def _redeems_otherwise(par: Par, authorization: Authorization, token: Token, client: RegisteredClient) -> None:
    """Whether a code of a plain push is redeemed. NotExercised where it is not: the object is not to blame."""
    if client.entry.request_objects and client.entry.request_objects.required:
        return
    answer = needs_accepted(await par.send(objects.plain(par.ordinary(client))))
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code of an ordinary request was not redeemed: {tokens.summary}")


@verifies("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective", needs=Feature.JAR)
async def test_scope_of_the_object_is_used(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The scope in the request object is the one that is granted."""
    client = signer(target, lambda entry: bool(entry.scope and entry.further_scope))
    scope = f"{client.entry.scope} {client.entry.further_scope}"
    answer, outcome = await _carried_out(par, authorization, client, scope=scope)
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    granted = tokens.scope if tokens.scope is not None else set(scope.split())
    expect.that(
        granted == set(scope.split()),
        "other-scope",
        "another scope was granted than the one in the request object",
        expected=scope,
        received=" ".join(sorted(granted)),
    )


@verifies("rfc9101-6.3-parameters-extracted", needs=Feature.JAR)
@each(mode=("fragment", "form_post"))
async def test_response_mode_of_the_object_is_used(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """The response_mode in the request object has the effect that it has in a form."""
    client = signer(target)
    form = in_form(client)
    _, ordinary = await flows.code(par, authorization, form)
    what = f"the response mode {mode}"
    _, asked = await flows.taken_to_its_code(par, authorization, form, what, response_mode=mode)
    if asked.mode == ordinary.mode:
        raise NotApplicable(f"response_mode={mode} changes nothing in a form either")
    _, outcome = await _carried_out(par, authorization, client, response_mode=mode)
    expect.that(
        outcome.mode == asked.mode,
        "other-response-mode",
        f"response_mode={mode} in the request object brought a code by {outcome.mode}",
        expected=str(asked.mode),
        received=str(outcome.mode),
    )


@verifies("rfc9101-6.3-parameters-extracted", needs=(Feature.JAR, Feature.OPENID))
async def test_prompt_of_the_object_is_honoured(par: Par, authorization: Authorization, target: Target) -> None:
    """A prompt=login in the request object makes the server ask for a login again, where it does so in a form."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    needs_accepted(await par.send(par.object(client)))
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    await _asks_for_a_login(par, authorization, client, browser, "prompt-ignored", prompt="login")


async def _asks_for_a_login(
    par: Par, authorization: Authorization, client: RegisteredClient, browser: Browser, observed: str, **change: Change
) -> None:
    """What makes the server ask for a login again where it stands in a form does so in a request object.

    `browser` is one whose person has logged in. NotApplicable where it has no effect in a form either.
    """
    what = " and ".join(f"{name}={value}" for name, value in change.items())
    usual = await flows.taken(par, in_form(client), what, **change)
    if not (await authorization.open(usual, browser=browser, stop="login")).asked_to_log_in:
        raise NotApplicable(f"the server does not ask for a login again where {what} stands in a form")
    push = par.object(client, fault=jar.RIGHT, **change)
    answer = expect.accepted(await par.send(push, control=lambda: par.object(client)))
    outcome = await authorization.open(answer, browser=browser, stop="login")
    expect.that(
        outcome.asked_to_log_in,
        observed,
        f"{what} in the request object had no effect",
        expected="the login page",
        received=outcome.summary,
    )


@verifies("rfc9101-6.3-parameters-extracted", needs=(Feature.JAR, Feature.OPENID))
async def test_nonce_of_the_object_is_used(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The nonce in the request object stands unchanged in the ID Token."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    nonce = "nonce-" + secrets.token_urlsafe(24)
    answer, outcome = await _carried_out(par, authorization, client, nonce=nonce)
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    expect.that(
        tokens.id_token.get("nonce") == nonce,
        "nonce-lost",
        "the ID Token does not have the nonce of the request object",
        expected=nonce,
        received=str(tokens.id_token.get("nonce")),
    )


@verifies("rfc9101-4-strings-taken-unchanged", needs=Feature.JAR)
async def test_string_with_escapes_means_its_characters(par: Par, authorization: Authorization, target: Target) -> None:
    """A state that the object writes with JSON escapes comes back as the characters meant."""
    client = signer(target)
    state = 'a/b"c\\d&e<f>' + secrets.token_hex(4)

    def escaped(claims: str) -> str:
        signs = "".join(f"\\u{ord(sign):04x}" if sign != "/" else "\\/" for sign in state)
        return claims.replace(json.dumps(state), f'"{signs}"')

    push = par.object(client, fault=objects.rewritten(client, escaped), state=state)
    answer = await par.send(push, control=lambda: par.object(client))
    outcome = await authorization.code(expect.accepted(answer))
    expect.that(
        outcome.parameters.get("state") == state,
        "state-changed",
        "the state did not come back as the JSON of the request object says it",
        expected=state,
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9101-4-last-of-two-claims-counts", needs=Feature.JAR)
async def test_first_of_two_states_does_not_count(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object in which state stands twice is refused, or the last one comes back."""
    client = signer(target)
    first, last = (f"{place}-{secrets.token_hex(8)}" for place in ("first", "last"))

    def twice(claims: str) -> str:
        return f'{claims.rstrip().removesuffix("}")}, "state": {json.dumps(last)}}}'

    push = par.object(client, fault=objects.rewritten(client, twice), state=first)
    answer = await par.send(push, control=lambda: par.object(client, state=first))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.parameters.get("state") != first,
        "first-counts",
        "of two states in the request object the first one came back",
        expected=f"a refusal, or {last}",
        received=first,
    )


@verifies("rfc9101-4-numbers-taken-as-json-numbers", needs=(Feature.JAR, Feature.OPENID), waits=True)
async def test_max_age_as_a_number_is_honoured(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A max_age of 0 that the object carries as a JSON number makes the server ask for a login again."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    needs_accepted(await par.send(par.object(client)))
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    await clock.until(clock.now() + 2, "a login that is older than a second")
    await _asks_for_a_login(par, authorization, client, browser, "number-ignored", max_age="0")


@verifies("rfc9101-4-structured-claims-survive", needs=(Feature.JAR, Feature.RAR))
async def test_authorization_details_as_a_structure_are_honoured(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The authorization_details that the object carries as a JSON array stand in the token response."""
    client = signer(target, lambda entry: bool(entry.authorization_details))
    details = client.entry.authorization_details or []
    answer, outcome = await _carried_out(par, authorization, client, authorization_details=json.dumps(details))
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    granted = tokens.json.get("authorization_details")
    wanted = [entry.get("type") for entry in details]
    found = [entry.get("type") for entry in granted if isinstance(entry, dict)] if isinstance(granted, list) else None
    expect.that(
        found == wanted,
        "details-lost",
        "the authorization_details of the request object are not in the token response",
        expected=json.dumps(details),
        received=json.dumps(granted),
    )


@verifies("rfc9101-4-structured-claims-survive", needs=(Feature.JAR, Feature.OPENID))
async def test_claims_as_a_structure_are_taken(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A claims parameter that the object carries as a JSON object leads to a code, and has its effect."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    claims = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    answer, outcome = await _carried_out(par, authorization, client, claims=claims)
    if not target.metadata.flag("claims_parameter_supported") or not speaks_openid(target, client):
        return
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    expect.that(
        "auth_time" in tokens.id_token,
        "claims-lost",
        "the ID Token has no auth_time, which the claims of the request object ask for as essential",
        expected="auth_time",
        received=", ".join(sorted(tokens.id_token)) or "no ID Token",
    )


# -- parameters in the object are validated ---------------------------------------------------------------------------

VALIDATED = "openid-core-6.3.3-object-validated-like-any-request"


@verifies("rfc9101-6.3-redirect-uri-in-object-validated", VALIDATED, needs=Feature.JAR)
@each(kind=("other-host", "longer-path", "foreign"))
async def test_unregistered_redirect_uri_in_an_object_brings_no_code(
    par: Par, authorization: Authorization, target: Target, kind: str
) -> None:
    """A redirect_uri in the request object that is not registered for the client never receives a code."""
    client = signer(target)
    refuse_unregistered(target, client.role)
    others = [uri for entry in target.profile.clients.values() for uri in entry.redirect_uris]
    foreign = next((uri for uri in others if uri not in client.entry.redirect_uris), None)
    if kind == "foreign" and foreign is None:
        raise NotApplicable("no other client of the profile has another redirect URI")
    value = {"other-host": ATTACKER, "longer-path": client.redirect_uri + "/more", "foreign": foreign or ""}
    push = par.object(client, redirect_uri=value[kind])
    await objects.brings_no_code(par, authorization, push, lambda: par.object(client))


@verifies("rfc9101-6.3-response-type-in-object-validated", VALIDATED, needs=Feature.JAR)
@each(change={"missing": None, "unknown": "par-conformance", "mixed-unknown": "code par-conformance"})
async def test_wrong_response_type_in_an_object_brings_no_code(
    par: Par, authorization: Authorization, target: Target, change: Change
) -> None:
    """A request object with a missing or unknown response_type brings no code."""
    client = signer(target)
    push = par.object(client, response_type=change)
    await objects.brings_no_code(par, authorization, push, lambda: par.object(client))


@verifies("rfc9101-6.3-scope-in-object-validated", VALIDATED, needs=Feature.JAR)
@each(beyond={"unknown": "par-conformance-unknown", "forbidden": ""})
async def test_scope_beyond_the_registered_in_an_object_is_not_granted(
    par: Par, authorization: Authorization, token: Token, target: Target, beyond: str
) -> None:
    """A scope in the request object that the client may not have is refused or left out, never granted."""
    client = signer(target) if beyond else signer(target, lambda entry: bool(entry.forbidden_scope))
    beyond = beyond or client.entry.forbidden_scope or ""
    push = par.object(client, scope=f"{client.entry.scope or ''} {beyond}".strip())
    tokens = await flows.redeemed_if_any(par, authorization, token, push, lambda: par.object(client))
    if tokens is None or not tokens.accepted:
        return
    granted = tokens.scope if tokens.scope is not None else set((push.value("scope") or "").split())
    expect.that(
        beyond not in granted,
        "scope-granted",
        f"the scope {beyond} was granted",
        expected=f"no {beyond}",
        received=" ".join(sorted(granted)),
    )


# -- parameters beside the object -------------------------------------------------------------------------------------

OVERRIDDEN = ("rfc9126-3-outer-value-without-effect", "rfc9101-6.3-outer-parameters-do-not-override")
MERGED = ("rfc9126-3-outer-parameter-not-merged", "rfc9101-6.3-outer-parameters-not-merged")


async def _beside(
    par: Par, authorization: Authorization, client: RegisteredClient, *, without: str | None = None, **outside: str
) -> tuple[PushAnswer, Outcome] | None:
    """A flow with parameters beside the object, which itself lacks one; None where the server refuses such a push."""
    changes: dict[str, Change] = {without: None} if without else {}
    push = beside(par.object(client, fault=jar.RIGHT, **changes), **outside)
    answer = await par.send(push, control=lambda: par.object(client))
    if not answer.accepted:
        expect.refused(answer)
        return None
    outcome = await authorization.open(answer)
    if outcome.ending is Ending.CODE:
        return answer, outcome
    await authorization.code(needs_accepted(await par.send(par.object(client))))
    return None


@verifies(*OVERRIDDEN, needs=Feature.JAR)
async def test_scope_beside_the_object_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope in the form does not widen the one in the request object."""
    client = signer(target, lambda entry: bool(entry.scope and entry.further_scope))
    further = client.entry.further_scope or ""
    flow = await _beside(par, authorization, client, scope=f"{client.entry.scope} {further}")
    if flow is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, flow[1], flow[0].push)
    granted = tokens.scope or set()
    expect.that(
        not set(further.split()) & granted,
        "form-used",
        f"the scope {further} beside the request object was granted",
        expected=client.entry.scope,
        received=" ".join(sorted(granted)),
    )


@verifies(*OVERRIDDEN, needs=Feature.JAR)
async def test_redirect_uri_beside_the_object_does_not_win(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A registered redirect_uri in the form does not replace the one in the request object."""
    client = signer(target, lambda entry: len(entry.redirect_uris) > 1)
    flow = await _beside(par, authorization, client, redirect_uri=client.entry.redirect_uris[1])
    if flow is None:
        return
    went_to = (flow[1].location or "").split("#")[0].split("?")[0]
    expect.that(
        went_to == client.redirect_uri.split("?")[0],
        "form-used",
        "the code went to the redirect_uri beside the request object",
        expected=client.redirect_uri,
        received=went_to,
    )


@verifies(*OVERRIDDEN, needs=(Feature.JAR, Feature.PKCE))
async def test_code_challenge_beside_the_object_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code_challenge in the form does not replace the one in the request object: its verifier redeems nothing."""
    client = signer(target, lambda entry: entry.pkce)
    verifier = pkce.new_verifier()
    flow = await _beside(
        par, authorization, client, code_challenge=pkce.challenge(verifier), code_challenge_method="S256"
    )
    if flow is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, flow[1], flow[0].push, code_verifier=verifier)
    expect.that(
        not tokens.accepted,
        "form-used",
        "the code was redeemed with the verifier of the code_challenge beside the request object",
        expected="invalid_grant",
        received=tokens.summary,
    )


@verifies(*MERGED, needs=Feature.JAR)
async def test_scope_beside_the_object_is_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope that only the form has is not granted where the request object has none."""
    client = signer(target, lambda entry: bool(entry.further_scope))
    further = client.entry.further_scope or ""
    answer = await par.send(par.object(client, scope=None), control=lambda: par.object(client))
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a scope: {answer.summary}")
    plain = await authorization.open(answer)
    if not plain.granted:
        raise NotApplicable(f"this server serves no request without a scope: {plain.summary}")
    usual = (await flows.redeemed_or_refused(par, authorization, token, plain, answer.push)).scope or set()
    flow = await _beside(par, authorization, client, without="scope", scope=further)
    if flow is None:
        return
    granted = (await flows.redeemed_or_refused(par, authorization, token, flow[1], flow[0].push)).scope or set()
    expect.that(
        not set(further.split()) & (granted - usual),
        "form-used",
        f"the scope {further} beside the request object was granted, although the object has none",
        expected="what is granted without a scope, or a refusal",
        received=" ".join(sorted(granted)),
    )


@verifies(*MERGED, needs=(Feature.JAR, Feature.OPENID))
async def test_nonce_beside_the_object_is_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A nonce that only the form has does not get into the ID Token."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    flow = await _beside(par, authorization, client, without="nonce", nonce="from-the-form")
    if flow is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, flow[1], flow[0].push)
    expect.that(
        tokens.id_token.get("nonce") != "from-the-form",
        "form-used",
        "the nonce beside the request object stands in the ID Token",
        expected="no nonce",
        received="from-the-form",
    )
