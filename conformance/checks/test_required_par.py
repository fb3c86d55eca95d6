"""PAR as the only way in: enforced where it is required, and nowhere else (RFC 9126 sections 4, 5 and 6)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_metadata import LOOPBACK, document
from conformance.http.listener import listening
from conformance.http.message import split
from conformance.profile.model import Feature
from conformance.protocol import jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par
from conformance.target import Target
from conformance.verdict import NotApplicable

FLAG = "require_pushed_authorization_requests"


async def plain(par: Par, authorization: Authorization, client: str = "first", method: str = "GET") -> Outcome:
    """An ordinary authorization request with all its parameters, not pushed."""
    push = par.ordinary(client)
    return await authorization.visit(push.inside or push.parameters, method=method)


async def control(par: Par, authorization: Authorization, client: str = "first") -> Outcome:
    """The same request, pushed."""
    return await authorization.open(await par.accepted(client))


@verifies("rfc9126-4-par-required-plain-refused", needs=Feature.REQUIRE_PAR)
async def test_plain_request_is_refused_where_par_is_required(par: Par, authorization: Authorization) -> None:
    """A server that requires PAR refuses an authorization request whose parameters stand in the URL."""
    expect.no_code(await plain(par, authorization), control=await control(par, authorization))


@verifies("rfc9126-4-par-required-plain-refused", needs=Feature.REQUIRE_PAR)
async def test_plain_request_by_post_is_refused_where_par_is_required(par: Par, authorization: Authorization) -> None:
    """A server that requires PAR refuses an authorization request whose parameters come by POST."""
    expect.no_code(await plain(par, authorization, method="POST"), control=await control(par, authorization))


@verifies("rfc9126-4-par-required-request-object-refused", needs=(Feature.REQUIRE_PAR, Feature.JAR))
async def test_request_object_does_not_replace_par(par: Par, authorization: Authorization) -> None:
    """A server that requires PAR refuses a request object that was not pushed."""
    push = par.object("signed")
    outcome = await authorization.visit(push.parameters)
    expect.no_code(outcome, control=await control(par, authorization, "signed"))


@verifies("rfc9126-4-par-required-foreign-request-uri-refused", needs=(Feature.REQUIRE_PAR, Feature.JAR))
async def test_other_request_uri_does_not_replace_par(par: Par, authorization: Authorization, target: Target) -> None:
    """A server that requires PAR refuses a request_uri that points to a request object elsewhere."""
    client = target.client("signed")
    token = dict(par.object(client).parameters)["request"]
    jar.settings_of(client)
    if split(target.authorization_endpoint).hostname not in LOOPBACK:
        raise NotApplicable("the target cannot reach the suite's listener on loopback")
    served = {"/request.jwt": ("application/oauth-authz-req+jwt", token.encode())}
    async with listening(served) as listener:
        pairs = (("client_id", client.client_id), ("request_uri", f"{listener.url}/request.jwt"))
        outcome = await authorization.visit(pairs)
    expect.no_code(outcome, control=await control(par, authorization, "signed"))


@verifies("rfc9126-4-par-required-error", needs=Feature.REQUIRE_PAR)
async def test_plain_request_is_told_invalid_request(par: Par, authorization: Authorization) -> None:
    """Where PAR is required and the refusal is a redirect, its error is invalid_request."""
    outcome = await plain(par, authorization)
    if outcome.granted:
        raise NotApplicable("the request was served, which is a finding of its own")
    if outcome.ending is not Ending.ERROR_REDIRECT:
        raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
    expect.that(
        outcome.error == "invalid_request",
        "other-code",
        f"the error code is {outcome.error}",
        expected="invalid_request",
        received=outcome.error,
    )


@verifies("rfc9126-4-par-required-of-client")
async def test_client_that_must_push_is_refused_otherwise(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A client that must push its requests is refused when they stand in the URL."""
    if not target.client("par_required").entry.require_par:
        raise NotApplicable("the client of the role 'par_required' is not registered to require PAR")
    outcome = await plain(par, authorization, "par_required")
    expect.no_code(outcome, control=await control(par, authorization, "par_required"))


@verifies("rfc9126-4-par-required-of-client")
async def test_client_that_must_push_is_refused_otherwise_by_post(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A client that must push its requests is refused when they come by POST."""
    if not target.client("par_required").entry.require_par:
        raise NotApplicable("the client of the role 'par_required' is not registered to require PAR")
    outcome = await plain(par, authorization, "par_required", "POST")
    expect.no_code(outcome, control=await control(par, authorization, "par_required"))


@verifies("rfc9126-4-par-required-of-client")
@each(
    asked=(
        *("login", "consent", "nobody", "without-openid", "response-mode", "other-redirect-uri"),
        *("unknown-reference", "empty-reference"),
    )
)
async def test_client_that_must_push_is_refused_whatever_it_asks(
    par: Par, authorization: Authorization, target: Target, asked: str
) -> None:
    """A client that must push its requests is refused otherwise, whatever it asks for besides, or with a reference."""
    client = target.client("par_required")
    if not client.entry.require_par:
        raise NotApplicable("the client of the role 'par_required' is not registered to require PAR")
    changes: dict[str, dict[str, Change]] = {
        "login": {"prompt": "login"},
        "consent": {"prompt": "consent"},
        "nobody": {"prompt": "none"},
        "response-mode": {"response_mode": "fragment"},
        "other-redirect-uri": {"redirect_uri": client.entry.redirect_uris[-1]},
        "without-openid": {"scope": flows.without_openid(client.entry), "nonce": None},
        "unknown-reference": {"request_uri": "https://attacker.example/request.jwt"},
        "empty-reference": {"request_uri": ""},
    }
    right = await control(par, authorization, "par_required")  # the person has said yes to the client by now
    push = par.ordinary(client, **changes[asked])
    expect.no_code(await authorization.visit(push.inside or push.parameters), control=right)


@verifies("rfc9126-4-policy-signalled", needs=Feature.REQUIRE_PAR)
async def test_policy_stands_in_the_metadata(target: Target) -> None:
    """A server that requires PAR of everyone says so in its metadata."""
    value = document(target).get(FLAG)
    expect.that(value is True, "not-signalled", f"{FLAG} is {value!r}", expected="true", received=repr(value))


@verifies("rfc9126-5-require-par-enforced")
async def test_published_policy_is_kept(par: Par, authorization: Authorization, target: Target) -> None:
    """A server whose metadata says that it requires PAR serves no other authorization request."""
    if not target.metadata.flag(FLAG):
        raise NotApplicable(f"the metadata does not say {FLAG}: true")
    expect.no_code(await plain(par, authorization), control=await control(par, authorization))


@verifies("rfc9126-5-require-par-default")
async def test_unpublished_policy_is_not_kept(par: Par, authorization: Authorization, target: Target) -> None:
    """A server whose metadata does not say that it requires PAR serves ordinary authorization requests too."""
    document(target)
    if target.metadata.flag(FLAG):
        raise NotApplicable(f"the metadata says {FLAG}")
    if target.client("first").entry.require_par or par.ordinary().inside:
        raise NotApplicable("the first client is registered to push or to sign")
    expect.code(await plain(par, authorization), control=await control(par, authorization))


@verifies("rfc9126-6-client-flag-default")
async def test_client_without_the_flag_need_not_push(par: Par, authorization: Authorization, target: Target) -> None:
    """A client that is not registered to require PAR may send an ordinary authorization request."""
    if target.has(Feature.REQUIRE_PAR):
        raise NotApplicable("the server requires PAR of everyone")
    if target.client("second").entry.require_par or par.ordinary("second").inside:
        raise NotApplicable("the second client is registered to push or to sign")
    expect.code(await plain(par, authorization, "second"), control=await control(par, authorization, "second"))
