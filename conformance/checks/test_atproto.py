"""The OAuth profile of the AT protocol: clients, requests, sessions and accounts (https://atproto.com/specs/oauth)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.assertions import accepted, claims_refused, with_key
from conformance.checks.proofs import sent
from conformance.checks.test_metadata import LOOPBACK
from conformance.http.listener import listening
from conformance.http.message import split
from conformance.profile.keyring import SigningKey
from conformance.profile.model import Feature, Profile
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication
from conformance.protocol.par import Par, Push
from conformance.protocol.pkce import challenge, new_verifier
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

SCOPE = "atproto"
#: The client that needs no document, for developers.
LOCALHOST = "http://localhost"
#: An assertion that was made a while ago, and is still good (seconds).
A_WHILE = 50
#: The longest life of an access token (seconds).
LONGEST = 1800


# -- clients ----------------------------------------------------------------------------------------------------------


def unregistered(par: Par, client_id: str, redirect_uri: str) -> Push:
    """The ordinary request of a client that nobody registered, without credentials."""
    push = par.ordinary("first", client_id=client_id, redirect_uri=redirect_uri, scope=SCOPE, nonce=None)
    if push.inside:
        raise NotApplicable("the first client's requests are signed")
    return replace(push, authentication=client_auth.nothing)


@verifies("atproto-oauth-client-id-metadata-document-private-addresses-not-fetched")
@each(scheme=("https", "http"))
async def test_document_on_a_private_address_is_not_fetched(par: Par, target: Target, scheme: str) -> None:
    """A client_id on a loopback address is never connected to, neither at a push nor at the authorization endpoint."""
    if split(target.par_endpoint).hostname not in LOOPBACK:
        raise NotApplicable("the target cannot reach the suite's listener on loopback")
    await par.accepted()
    async with listening() as listener:
        client_id = f"{scheme}://{split(listener.url).netloc}/client-metadata.json"
        push = unregistered(par, client_id, "https://client.example/callback")
        await par.send(push, purpose="push of a client on a private address")
        hits = await listener.connections()
        expect.that(
            not hits,
            "fetched",
            "the server connected to a loopback address that was pushed as client_id",
            expected="no connection",
            received=f"{hits} connections",
        )


def localhost(par: Par) -> Push:
    """The ordinary request of the client for developers."""
    redirect_uri = "http://127.0.0.1/callback"
    query = urlencode({"redirect_uri": redirect_uri, "scope": SCOPE})
    return unregistered(par, f"{LOCALHOST}?{query}", redirect_uri)


@verifies("atproto-oauth-localhost-client-development-localhost-clients-accepted")
async def test_localhost_is_a_client(par: Par) -> None:
    """A client_id of http://localhost works without a published document."""
    expect.accepted(await par.send(localhost(par), control=par.ordinary))


async def no_client(par: Par, authority: str) -> None:
    """A client_id that is http://localhost but for its authority is refused."""
    usual = localhost(par)
    client_id = (usual.value("client_id") or "").replace(LOCALHOST, f"http://{authority}", 1)
    answer = await par.send(usual.changed(client_id=client_id), control=par.ordinary)
    expect.refused(answer)


@verifies("atproto-oauth-localhost-client-development-localhost-client-with-port-refused")
@each(port=("80", "3000"))
async def test_localhost_with_a_port_is_no_client(par: Par, port: str) -> None:
    """A client_id of http://localhost with a port is refused."""
    await no_client(par, f"localhost:{port}")


@verifies("atproto-oauth-localhost-client-development-loopback-address-as-client-refused")
@each(address={"IPv4": "127.0.0.1", "IPv6": "[::1]"})
async def test_loopback_address_is_no_client(par: Par, address: str) -> None:
    """A client_id of http://127.0.0.1 or another loopback address is refused."""
    await no_client(par, address)


# -- requests ---------------------------------------------------------------------------------------------------------


@verifies("atproto-oauth-pushed-authorization-requests-par-pushes-supported")
@each(client=flows.first_and_public)
async def test_push_that_keeps_to_the_profile_is_served(par: Par, authorization: Authorization, client: str) -> None:
    """A push of parameters that keep to the profile is accepted, and leads to a code."""
    answer = expect.accepted(await par.send(par.ordinary(client)))
    expect.code(await authorization.open(answer))


@verifies("atproto-oauth-pushed-authorization-requests-par-par-required-in-metadata")
async def test_metadata_demands_pushes(target: Target) -> None:
    """The metadata has require_pushed_authorization_requests with the value true."""
    value = target.metadata.document.get("require_pushed_authorization_requests")
    expect.that(value is True, "not-true", f"the value is {value!r}", expected="true", received=repr(value))


@verifies("atproto-oauth-request-fields-missing-state-refused")
@each(client=flows.first_and_public)
async def test_push_without_a_state_is_refused(par: Par, authorization: Authorization, client: str) -> None:
    """A push without state is refused."""
    await flows.no_code(par, authorization, await par.push(client, state=None))


@verifies("atproto-oauth-request-fields-duplicate-state-refused")
async def test_state_that_was_used_before_is_refused(par: Par, authorization: Authorization) -> None:
    """A push whose state was used before is refused."""
    answer, _ = await flows.code(par, authorization)
    await flows.no_code(par, authorization, await par.push(state=answer.push.value("state")))


def without_scope(profile: Profile) -> dict[str, str | None]:
    """Scopes of the first client that lack atproto."""
    entry = profile.clients["first"]
    rest = " ".join(value for value in f"{entry.scope} {entry.further_scope or ''}".split() if value != SCOPE)
    return {"none": None} | ({"others": rest} if rest else {})


@verifies("atproto-oauth-request-fields-scope-without-atproto-refused")
@each(scope=without_scope)
async def test_scope_without_atproto_is_refused(par: Par, authorization: Authorization, scope: str | None) -> None:
    """A push whose scope lacks atproto gets no grant under this profile."""
    await flows.no_code(par, authorization, await par.push(scope=scope))


@verifies("atproto-oauth-proof-key-for-code-exchange-pkce-reused-code-challenge-refused")
async def test_code_challenge_that_was_used_before_is_refused(
    par: Par, authorization: Authorization, token: Token
) -> None:
    """A code_challenge that was used before is refused."""
    verifier = new_verifier()
    right = par.ordinary(code_challenge=challenge(verifier))
    answer = await sent(par, lambda: replace(right, verifier=verifier))
    flows.granted(await token.redeem(await authorization.code(answer), answer.push))
    await flows.no_code(par, authorization, await par.push(code_challenge=challenge(verifier)))


# -- client authentication --------------------------------------------------------------------------------------------


@verifies("atproto-oauth-confidential-client-authentication-es256-assertions-accepted")
@each(client=with_key)
async def test_assertion_by_es256_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion signed with ES256 is accepted."""
    way = client_auth.assertion(key=es256_keys(target, client)[0])
    expect.accepted(await par.send(replace(par.ordinary(client), authentication=way)))


def es256_keys(target: Target, client: str) -> list[SigningKey]:
    """The keys of a client for ES256. NotApplicable where it has none."""
    keys = [key for key in target.client(client).credentials.keys if key.alg == "ES256"]
    if not keys:
        raise NotApplicable(f"the client of the role {client!r} has no key for ES256")
    return keys


@verifies("atproto-oauth-confidential-client-authentication-assertion-iat-required")
@each(client=with_key)
async def test_assertion_without_iat_is_refused(par: Par, client: str) -> None:
    """A client assertion without iat is refused."""
    await claims_refused(par, client, {"iat": None})


@verifies("atproto-oauth-confidential-client-authentication-assertion-jti-required")
@each(client=with_key)
async def test_assertion_without_jti_is_refused(par: Par, client: str) -> None:
    """A client assertion without jti is refused."""
    await claims_refused(par, client, {"jti": None})


@verifies("atproto-oauth-confidential-client-authentication-assertion-audience-must-be-issuer")
@each(client=with_key, audience=("token-endpoint", "par-endpoint", "another-server"))
async def test_assertion_for_anything_but_the_issuer_is_refused(
    par: Par, target: Target, client: str, audience: str
) -> None:
    """A client assertion whose aud is not the issuer is refused."""
    values = {
        "token-endpoint": target.token_endpoint,
        "par-endpoint": target.par_endpoint,
        "another-server": "https://other-server.example",
    }
    await claims_refused(par, client, {"aud": values[audience]})


@verifies("atproto-oauth-confidential-client-authentication-recent-assertion-accepted")
@each(client=with_key)
async def test_assertion_of_a_minute_ago_is_accepted(par: Par, client: str) -> None:
    """A client assertion issued 50 seconds ago is accepted."""
    claims = {"iat": lambda now: int(now) - A_WHILE, "exp": lambda now: int(now) + 60}
    await accepted(par, client, client_auth.assertion(claims))


def two_keys(target: Target) -> tuple[str, Authentication, Authentication]:
    """A client with two keys for one algorithm, and its authentication with either."""
    for role, entry in target.profile.clients.items():
        if entry.auth == "private_key_jwt":
            keys = target.client(role).credentials.keys
            for key in keys:
                other = next((one for one in keys if one.alg == key.alg and one.kid != key.kid), None)
                if other is not None:
                    return role, client_auth.assertion(key=key), client_auth.assertion(key=other)
    raise NotApplicable("no client of the profile has two keys")


def signed_by(par: Par, role: str, authentication: Authentication) -> Callable[[], Push]:
    """The ordinary push of a client, with this authentication."""
    return lambda: replace(par.ordinary(role), authentication=authentication)


@verifies("atproto-oauth-confidential-client-authentication-session-bound-to-client-key")
async def test_session_is_bound_to_the_client_key(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code of a push that one client key signed is not redeemed with another key of the same client."""
    role, one, other = two_keys(target)
    right = await sent(par, signed_by(par, role, other))
    control = await token.redeem(await authorization.code(right), right.push, authentication=other)
    answer = await sent(par, signed_by(par, role, one))
    tokens = await token.redeem(await authorization.code(answer), answer.push, authentication=other)
    expect.not_redeemed(tokens, control=control)


@verifies("atproto-oauth-tokens-and-session-lifetime-same-client-key-for-refresh", needs=Feature.REFRESH_TOKENS)
async def test_refresh_needs_the_same_client_key(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refresh request signed with another key of the client than the session's is refused."""
    role, one, other = two_keys(target)
    client = target.client(role)
    answers = []
    for way in (one, other):
        push = await sent(par, signed_by(par, role, one))
        tokens = await token.redeem(await authorization.code(push), push.push, authentication=one)
        flows.granted(tokens)
        answers.append(await token.refresh(tokens, client, authentication=way, dpop_key=push.push.dpop))
    expect.not_redeemed(answers[1], control=answers[0])


# -- tokens and accounts ----------------------------------------------------------------------------------------------


@verifies("atproto-oauth-identity-authentication-account-did-returned")
@each(client=flows.first_and_public)
async def test_token_answer_names_the_account(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """The first token answer has the account's DID as sub."""
    tokens = flows.granted(await flows.redeemed(par, authorization, token, client))
    subject = tokens.json.get("sub")
    expect.that(
        isinstance(subject, str) and subject.startswith("did:") and subject.count(":") >= 2,
        "no-did",
        f"sub is {subject!r}",
        expected="a DID",
        received=repr(subject),
    )


@verifies("atproto-oauth-authorization-scopes-granted-scope-returned")
@each(client=flows.first_and_public)
async def test_every_token_answer_says_the_scope(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """Every token answer says in scope what was granted, also after a refresh."""
    answer = await par.accepted(client)
    tokens = flows.granted(await token.redeem(await authorization.code(answer), answer.push))
    answers = [tokens]
    if isinstance(tokens.json.get("refresh_token"), str):
        answers.append(await token.refresh(tokens, target.client(client), dpop_key=answer.push.dpop))
    for one in answers:
        expect.that(
            not one.accepted or SCOPE in (one.scope or set()),
            "scope-missing",
            "a token answer does not say that atproto was granted",
            expected=f"scope with {SCOPE}",
            received=str(one.json.get("scope")),
        )


@verifies("atproto-oauth-tokens-and-session-lifetime-access-token-lives-30-minutes-at-most")
async def test_access_token_lives_less_than_half_an_hour(par: Par, authorization: Authorization, token: Token) -> None:
    """The expires_in of an access token is less than 30 minutes."""
    value = flows.granted(await flows.redeemed(par, authorization, token)).json.get("expires_in")
    if not isinstance(value, int | float):
        raise NotExercised("the token answer has no expires_in")
    expect.that(
        value < LONGEST,
        "too-long",
        f"expires_in is {value:g}",
        expected=f"less than {LONGEST}",
        received=f"{value:g}",
    )


@verifies("atproto-oauth-authorization-interface-client-id-shown")
async def test_consent_page_shows_the_client_id(par: Par, authorization: Authorization) -> None:
    """The consent page shows the full client_id."""
    answer = await par.accepted()
    pages = await flows.consent_pages(authorization, answer)
    client_id = answer.push.client.client_id
    expect.that(
        any(client_id in page.text for page in pages),
        "not-shown",
        "the consent page does not show the client_id",
        expected=client_id,
        received=pages[0].text[:200],
    )


@verifies("atproto-oauth-authorization-interface-login-hint-restricts-account")
async def test_login_hint_restricts_the_account(par: Par, authorization: Authorization, target: Target) -> None:
    """With a pushed login_hint nobody else than that account can go on."""
    user, other = target.profile.login.user, flows.other_user(target)
    if target.profile.login.driver != "form":
        raise NotExercised("another account can be tried only where the suite fills the login form in")
    hint = target.keyring.users[user].username
    right = await par.accepted(login_hint=hint)
    control = await authorization.open(right, browser=authorization.new_browser(user))
    answer = await par.accepted(login_hint=hint)
    expect.no_code(await authorization.open(answer, browser=authorization.new_browser(other)), control=control)
