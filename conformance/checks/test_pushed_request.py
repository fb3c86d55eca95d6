"""What is pushed: request_uri refused, parameters validated and carried through (RFC 9126 sections 2 and 2.1)."""

from __future__ import annotations

import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.test_metadata import LOOPBACK
from conformance.checks.test_resource_indicators import one_at_a_time
from conformance.http.listener import listening
from conformance.http.message import split
from conformance.profile.model import Feature, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

ATTACKER = "https://attacker.example/callback"


@verifies("rfc9126-2.1-request-uri-refused")
@each(
    value={
        "urn": "urn:ietf:params:oauth:request_uri:par-conformance-any",
        "other-urn": "urn:example:anything",
        "https": "https://client.example/request.jwt",
    }
)
async def test_push_that_carries_a_request_uri_is_refused(par: Par, value: str) -> None:
    """A pushed request that itself carries request_uri is refused."""
    expect.refused(await par.push(request_uri=value))


@verifies("rfc9126-2.1-request-uri-refused")
@each(client=roles.by_method)
async def test_push_that_carries_an_issued_request_uri_is_refused(par: Par, client: str) -> None:
    """A pushed request that carries a request_uri which this very client was issued is refused, whatever the client."""
    issued = await par.accepted(client)
    expect.refused(await par.push(client, request_uri=issued.request_uri))


@verifies("rfc9126-2.1-request-uri-not-fetched")
async def test_request_uri_in_a_push_is_not_fetched(par: Par, authorization: Authorization, target: Target) -> None:
    """The server opens no connection to an address that is pushed as request_uri."""
    if split(target.par_endpoint).hostname not in LOOPBACK:
        raise NotApplicable("the target cannot reach the suite's listener on loopback")
    async with listening() as listener:
        answer = await par.push(request_uri=f"{listener.url}/request.jwt")
        if answer.accepted:
            await authorization.open(answer)
        else:
            expect.control_accepted(answer)
        hits = await listener.connections()
        expect.that(
            not hits,
            "fetched",
            "the server fetched the address that was pushed as request_uri",
            expected="no connection",
            received=f"{hits} connections",
        )


def refuse_unregistered(target: Target, client: str) -> None:
    """Stop where the server's policy lets this client bring new redirect URIs (RFC 9126 section 2.4)."""
    if target.has(Feature.UNREGISTERED_REDIRECT_URIS) and not target.client(client).public:
        raise NotApplicable("the profile says that authenticated clients may bring unregistered redirect URIs")


def near_misses(profile: Profile) -> dict[str, str]:
    """Redirect URIs that are almost the registered one (RFC 9700 section 2.1: only an exact match will do)."""
    registered = profile.clients["first"].redirect_uris[0]
    parts = split(registered)
    host = parts.hostname or ""
    changes = {
        "other-host": ATTACKER,
        "longer-path": registered + "/more",
        "query-added": registered + "?added=1",
        "fragment": registered + "#fragment",
        "subdomain": registered.replace(host, f"evil.{host}", 1),
        "sibling": registered.replace(host, f"evil.{host.partition('.')[2] or host}", 1),
        "loopback": "http://127.0.0.1:4711/callback",
        "host-suffix": registered.replace(host, f"{host}.attacker.example", 1),
        "userinfo": registered.replace(host, f"{host}@attacker.example", 1),
        "last-sign-changed": registered[:-1] + ("x" if registered[-1] != "x" else "y"),
        "dot-is-any-sign": registered.replace(host, host.replace(".", "x", 1), 1),
        "one-up": registered + "/..",
        "path-traversal": registered.rsplit("/", 1)[0] + "/x/../" + registered.rsplit("/", 1)[-1],
        "other-scheme": registered.replace(parts.scheme + ":", "http:" if parts.scheme == "https" else "ftp:", 1),
    }
    taken = {uri for client in profile.clients.values() for uri in client.redirect_uris}
    return {name: uri for name, uri in changes.items() if uri not in taken and uri != registered}


@verifies("rfc9126-2.1-redirect-uri-validated", "atproto-oauth-request-fields-unregistered-redirect-uri-refused")
@each(redirect_uri=near_misses)
async def test_unregistered_redirect_uri_brings_no_code(
    par: Par, authorization: Authorization, target: Target, redirect_uri: str
) -> None:
    """A redirect_uri that is not registered for the client never receives a code."""
    refuse_unregistered(target, "first")
    answer, outcome = await flows.ends_without_code(par, authorization, await par.push(redirect_uri=redirect_uri))
    went_to = (outcome.location or "") if outcome and outcome.granted else ""
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        f"a code was sent to {went_to.split('?')[0]}",
        expected="a refusal",
        received=outcome.summary if outcome else answer.summary,
    )


@verifies("rfc9126-2.1-foreign-redirect-uri-refused")
async def test_redirect_uri_of_another_client_brings_no_code(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A redirect_uri that is registered for another client only never receives a code."""
    refuse_unregistered(target, "first")
    foreign = target.client("second").redirect_uri
    if foreign in target.client("first").entry.redirect_uris:
        raise NotApplicable("both clients have the same redirect URI")
    _, outcome = await flows.ends_without_code(par, authorization, await par.push(redirect_uri=foreign))
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        "a code was issued",
        expected="a refusal",
        received="a code",
    )


@verifies("rfc9126-2.1-response-type-validated")
@each(
    change={
        "missing": None,
        "unknown": "par-conformance",
        "mixed-unknown": "code par-conformance",
        "other-case": "CODE",
    }
)
async def test_wrong_response_type_brings_no_code(par: Par, authorization: Authorization, change: Change) -> None:
    """A missing or unknown response_type is refused."""
    _, outcome = await flows.ends_without_code(par, authorization, await par.push(response_type=change))
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        "a code was issued",
        expected="a refusal",
        received="a code",
    )


def unknown_scopes(profile: Profile, role: str = "first") -> dict[str, str]:
    """Scopes that a client must not be granted: one that nobody knows, one that others may have."""
    entry = profile.clients.get(role)
    if entry is None:
        return {}
    base = entry.scope or ""
    scopes = {"unknown": f"{base} par-conformance-unknown".strip()}
    if entry.forbidden_scope:
        scopes["forbidden"] = f"{base} {entry.forbidden_scope}".strip()
    return scopes


def scopes_beyond_the_public_clients(profile: Profile) -> dict[str, str]:
    """Scopes that the public client must not be granted."""
    return unknown_scopes(profile, "public")


async def last_scope_is_not_granted(
    par: Par, authorization: Authorization, token: Token, client: str, scope: str
) -> None:
    """The last of the scopes is refused or left out, never granted."""
    answer, outcome = await flows.ends_without_code(par, authorization, await par.push(client, scope=scope))
    if outcome is None or not outcome.granted:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)
    if not tokens.accepted:
        return
    beyond = scope.split()[-1]
    # RFC 6749 section 5.1: a scope that is left out of the answer is the one that was asked for.
    granted = tokens.scope if tokens.scope is not None else set(scope.split())
    expect.that(
        beyond not in granted,
        "scope-granted",
        f"the scope {beyond} was granted",
        expected=f"no {beyond}",
        received=" ".join(sorted(granted)),
    )


@verifies("rfc9126-2.1-scope-validated", "atproto-oauth-request-fields-undeclared-scope-refused")
@each(scope=unknown_scopes)
async def test_scope_that_the_client_must_not_have_is_not_granted(
    par: Par, authorization: Authorization, token: Token, scope: str
) -> None:
    """A scope that the client is not authorized for is refused or left out, never granted."""
    await last_scope_is_not_granted(par, authorization, token, "first", scope)


@verifies("rfc9126-2.1-scope-validated", needs=Feature.PUBLIC_CLIENTS)
@each(scope=scopes_beyond_the_public_clients)
async def test_scope_that_a_public_client_must_not_have_is_not_granted(
    par: Par, authorization: Authorization, token: Token, scope: str
) -> None:
    """A scope that a public client is not authorized for is refused or left out, never granted."""
    await last_scope_is_not_granted(par, authorization, token, "public", scope)


FAULTS: dict[str, dict[str, Change]] = {
    "redirect_uri": {"redirect_uri": ATTACKER},
    "response_type": {"response_type": "par-conformance"},
}


@verifies("rfc9126-2.1-faults-refused-early")
@each(fault=FAULTS)
async def test_faults_are_refused_when_they_are_pushed(par: Par, target: Target, fault: dict[str, Change]) -> None:
    """A faulty redirect_uri or response_type is refused at the PAR endpoint already."""
    if "redirect_uri" in fault:
        refuse_unregistered(target, "first")
    expect.refused(await par.push(**fault))


@verifies("rfc9126-2.1-deferred-checks-made")
@each(fault=FAULTS)
async def test_what_is_not_checked_at_the_push_is_checked_later(
    par: Par, authorization: Authorization, target: Target, fault: dict[str, Change]
) -> None:
    """What is wrong in a request is found at the push or at the authorization endpoint, before a code is issued."""
    if "redirect_uri" in fault:
        refuse_unregistered(target, "first")
    answer = await par.push(**fault)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    control = await authorization.open(await par.accepted())
    expect.no_code(outcome, control=control)


@verifies("rfc9126-4-validated-like-any-other")
@each(
    fault={
        **FAULTS,
        "no-response-type": {"response_type": None},
        "prompt-none-login": {"prompt": "none login"},
        "no-code-challenge": {"code_challenge": None, "code_challenge_method": None},
        "unknown-challenge-method": {"code_challenge_method": "par-conformance"},
        "negative-max-age": {"max_age": "-1"},
        "claims-no-json": {"claims": "{"},
    }
)
async def test_what_is_refused_in_an_ordinary_request_is_refused_in_a_pushed_one(
    par: Par, authorization: Authorization, target: Target, fault: dict[str, Change]
) -> None:
    """A fault for which the server refuses an ordinary authorization request brings no code when it is pushed."""
    if "redirect_uri" in fault:
        refuse_unregistered(target, "first")
    _, outcome = await flows.ends_without_code(par, authorization, await par.push(**fault))
    if outcome is None or not outcome.granted:
        return
    usual = par.ordinary()
    if not (await authorization.visit(usual.inside or usual.parameters)).granted:
        raise NotApplicable("ordinary authorization requests are not served here: nothing to compare with")
    faulty = par.ordinary(**fault)
    plain = await authorization.visit(faulty.inside or faulty.parameters)
    if plain.granted:
        return
    # The person was not logged in yet when the pushed request was opened: only like can be compared with like.
    _, outcome = await flows.ends_without_code(par, authorization, await par.push(**fault))
    expect.that(
        outcome is None or not outcome.granted,
        "code-issued",
        f"the fault is refused in an ordinary request ({plain.summary}) and served when it is pushed",
        expected="a refusal at the push or at the authorization endpoint",
        received=outcome.summary if outcome else None,
    )


@verifies("rfc9126-2-state-effective")
async def test_pushed_state_comes_back(par: Par, authorization: Authorization) -> None:
    """The pushed state comes back with the authorization response, byte for byte."""
    state = "aA9-._~ +&%=/?:@!$'()*,;#[]|" + secrets.token_hex(8)
    answer = await par.push(state=state)
    if not answer.accepted:
        expect.refused(answer)
        raise Violation("refused", f"a state of visible ASCII signs was refused: {answer.summary}")
    outcome = await authorization.code(answer)
    expect.that(
        outcome.parameters.get("state") == state,
        "state-changed",
        "the state did not come back as it was pushed",
        expected=state,
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9126-2-state-effective")
async def test_no_state_is_made_up(par: Par, authorization: Authorization) -> None:
    """Where no state was pushed, none comes back."""
    answer = await par.push(state=None)
    if answer.refused:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a state: {answer.summary}")
    outcome = await authorization.code(expect.accepted(answer))
    expect.that(
        "state" not in outcome.parameters,
        "state-invented",
        "a state came back although none was pushed",
        expected="no state",
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9126-2-redirect-uri-effective")
async def test_code_goes_to_the_pushed_redirect_uri(par: Par, authorization: Authorization, target: Target) -> None:
    """The code goes to the very redirect_uri that was pushed, whichever registered one it is."""
    for redirect_uri in target.client("first").entry.redirect_uris[:2]:
        outcome = await authorization.code(expect.accepted(await par.push(redirect_uri=redirect_uri)))
        went_to = (outcome.location or "").split("#")[0].split("?")[0]
        expect.that(
            went_to == redirect_uri.split("?")[0],
            "other-redirect-uri",
            f"the code for {redirect_uri} went to {went_to}",
            expected=redirect_uri,
            received=went_to,
        )


@verifies("rfc9126-2-scope-effective")
async def test_granted_scope_is_the_pushed_one(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """What is granted is what was pushed: nothing more, and a further scope where that was pushed too."""
    entry = target.client("first").entry
    if not entry.scope:
        raise NotApplicable("the profile gives the first client no scope")
    granted = await _granted(par, authorization, token, entry.scope)
    expect.that(
        granted <= set(entry.scope.split()),
        "scope-granted",
        "more was granted than was pushed",
        expected=entry.scope,
        received=" ".join(sorted(granted)),
    )
    if entry.further_scope is None:
        return
    wider = await _granted(par, authorization, token, f"{entry.scope} {entry.further_scope}")
    expect.that(
        set(entry.further_scope.split()) <= wider,
        "scope-lost",
        f"the pushed scope {entry.further_scope} was not granted",
        expected=f"{entry.scope} {entry.further_scope}",
        received=" ".join(sorted(wider)),
    )


async def _granted(par: Par, authorization: Authorization, token: Token, scope: str) -> set[str]:
    answer = expect.accepted(await par.push(scope=scope))
    tokens = await _tokens(authorization, token, answer)
    return tokens.scope if tokens.scope is not None else set(scope.split())


async def _tokens(authorization: Authorization, token: Token, answer: PushAnswer) -> TokenAnswer:
    outcome = await authorization.code(answer)
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code of an ordinary request was not redeemed: {tokens.summary}")
    return tokens


@verifies("rfc9126-2-response-mode-effective")
@each(mode=("fragment", "form_post"))
async def test_pushed_response_mode_is_used(par: Par, authorization: Authorization, target: Target, mode: str) -> None:
    """A pushed response_mode is used, or the push is refused."""
    supported = target.metadata.strings("response_modes_supported") or ["query", "fragment"]
    if mode not in supported:
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    answer = await par.push(response_mode=mode)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"the request with response_mode={mode} brought no code: {outcome.summary}")
    expect.that(
        outcome.mode == mode,
        "other-response-mode",
        f"the response came as {outcome.mode}",
        expected=mode,
        received=outcome.mode,
    )


@verifies("rfc9126-2-nonce-effective")
async def test_pushed_nonce_stands_in_the_id_token(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The pushed nonce stands unchanged in the ID token."""
    target.require(Feature.OPENID)
    nonce = "nonce-" + secrets.token_urlsafe(24)
    tokens = await _tokens(authorization, token, expect.accepted(await par.push(nonce=nonce)))
    expect.that(
        tokens.id_token.get("nonce") == nonce,
        "nonce-lost",
        "the ID token does not have the pushed nonce",
        expected=nonce,
        received=str(tokens.id_token.get("nonce")),
    )


@verifies("rfc9126-2-pkce-effective", "atproto-oauth-proof-key-for-code-exchange-pkce-s256-supported")
async def test_code_of_a_pushed_challenge_is_redeemed_with_its_verifier(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The code of a request with a pushed code_challenge is redeemed with its code_verifier."""
    if not target.client("first").entry.pkce:
        raise NotApplicable("the profile's first client does not use PKCE")
    answer = await par.accepted()
    outcome = await authorization.code(answer)
    expect.redeemed(await token.redeem(outcome, answer.push))


@verifies("rfc9126-2-request-object-not-ignored")
async def test_unreadable_request_object_is_not_passed_over(par: Par) -> None:
    """A push with an unreadable request object beside ordinary parameters is refused, not served without it."""
    expect.refused(await par.push(request="this-is-no-request-object"))


@verifies("rfc9126-2.1-token-parameters-without-meaning")
async def test_parameters_of_the_token_endpoint_mean_nothing(par: Par) -> None:
    """Parameters of a token request beside a pushed request change nothing and bring no token."""
    answer = await par.push(
        grant_type="authorization_code", code="par-conformance-any-code", refresh_token="par-conformance-any"
    )
    expect.accepted(answer)
    expect.that(
        "access_token" not in (answer.json or {}),
        "token-issued",
        "the PAR endpoint answered with an access token",
        expected="request_uri and expires_in",
        received=", ".join(answer.json or {}),
    )


@verifies("rfc9126-2-resource-effective")
async def test_pushed_resource_is_the_audience(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The access token of a request with pushed resource indicators is for these resources."""
    roles = {role: len(client.resource or ()) for role, client in target.profile.clients.items() if client.resource}
    if not roles:
        raise NotApplicable("no client of the profile has a `resource`")
    role = max(roles, key=lambda one: roles[one])
    resource = target.client(role).entry.resource or []
    answer = await par.push(role, resource=resource)
    if len(resource) > 1 and one_at_a_time(answer):
        resource = resource[:1]
        answer = await par.push(role, resource=resource)
    expect.accepted(answer)
    tokens = await _tokens(authorization, token, answer)
    audience = await token.audience(tokens, answer.push.client)
    if audience is None:
        raise NotApplicable("neither the access token nor introspection shows for whom the token is")
    expect.that(
        set(resource) <= audience,
        "audience-missing",
        "the access token is not for the pushed resource",
        expected=" ".join(resource),
        received=" ".join(sorted(audience)),
    )
