"""Request objects in the query of the authorization endpoint (RFC 9101 sections 5 and 6.3, OpenID Connect Core 6.1)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, objects
from conformance.checks.objects import (
    Forgery,
    asked,
    by_value,
    carrying,
    plain,
    shape_by_value,
    signer,
    takes_objects_by_value,
)
from conformance.profile.keyring import generate_key
from conformance.profile.model import Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, Push, needs_accepted
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation


@verifies("rfc9101-5.1-object-by-value-accepted", needs=Feature.JAR_BY_VALUE)
async def test_object_by_value_leads_to_a_code(par: Par, authorization: Authorization, target: Target) -> None:
    """An authorization request that carries its request object as the request parameter leads to a code."""
    client = signer(target)
    takes_objects_by_value(target, client)
    control = await authorization.open(needs_accepted(await par.send(par.object(client))))
    try:
        _, outcome = await shape_by_value(par, authorization, client)
    except NotExercised:
        outcome = await by_value(authorization, par.object(client))
    expect.code(outcome, control=control)


#: What is wrong with an object's signature, and the rule that this breaks.
FORGED: dict[str, tuple[str, Forgery]] = {
    "signature": ("rfc9101-6.2-signature-validated", objects.tampered),
    "claims": ("rfc9101-6.2-signature-validated", objects.claims_changed),
    "key": ("rfc9101-6.2-unknown-key-refused", objects.own_kid_unknown_key),
    "empty": (
        "rfc9101-6.2-empty-signature-refused",
        lambda _: jar.Fault(spoil=lambda token: token.rpartition(".")[0] + "."),
    ),
    "none": ("rfc9101-10.5-alg-none-refused", lambda _: jar.Fault(alg="none")),
}


@verifies(*dict.fromkeys(rule for rule, _ in FORGED.values()), needs=Feature.JAR_BY_VALUE)
@each(forged=FORGED)
async def test_forged_object_by_value_brings_no_code(
    par: Par, authorization: Authorization, target: Target, forged: tuple[str, Forgery]
) -> None:
    """A request object in the query that its client has not signed so brings no code: anybody can make one."""
    rule, forgery = forged
    client = signer(target)
    repeated, control = await shape_by_value(par, authorization, client)
    outcome = await by_value(authorization, par.object(client, fault=forgery(client)), repeated)
    expect.that(
        not outcome.granted,
        "code-issued",
        "a request object that its client has not signed brought a code",
        rule,
        expected="an error and no code",
        received=outcome.summary,
    )
    expect.no_code(outcome, control=control)


@verifies("rfc9101-5-client-id-required-beside-request", needs=Feature.JAR_BY_VALUE)
async def test_object_by_value_without_client_id_brings_no_code(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object in the query without the client_id parameter brings no code."""
    client = signer(target)
    repeated, control = await shape_by_value(par, authorization, client)
    outcome = await by_value(authorization, par.object(client), repeated, {"client_id": None})
    expect.no_code(outcome, control=control)


@verifies(
    "rfc9101-6.3-query-client-id-mismatch-refused",
    "openid-core-6.1-client-id-mismatch-refused",
    needs=Feature.JAR_BY_VALUE,
)
@each(where=("query", "object", "object-and-iss"))
async def test_other_client_id_than_the_objects_brings_no_code(
    par: Par, authorization: Authorization, target: Target, where: str
) -> None:
    """A request object in the query brings no code when client_id in the query differs from its claim."""
    client = signer(target)
    other = next(
        (entry.client_id for entry in target.profile.clients.values() if entry.client_id != client.client_id), None
    )
    if other is None:
        raise NotApplicable("the profile has one client only")
    repeated, control = await shape_by_value(par, authorization, client)
    if where == "query":
        outcome = await by_value(authorization, par.object(client), repeated, {"client_id": other})
    else:
        claims = {"client_id": other, **({"iss": other} if where == "object-and-iss" else {})}
        outcome = await by_value(authorization, par.object(client, fault=jar.Fault(claims=claims)), repeated)
    expect.no_code(outcome, control=control)


async def _with_query(par: Par, authorization: Authorization, push: Push, query: dict[str, Change]) -> Outcome | None:
    """The code of an object by value with a query that differs, or None where the server refuses such a request."""
    repeated, _ = await shape_by_value(par, authorization, push.client)
    outcome = await by_value(authorization, push, repeated, query)
    if outcome.ending is Ending.CODE:
        return outcome
    if outcome.granted:
        raise Violation(
            "other-response",
            f"the query changed the response to a request object: {outcome.summary}",
            expected="what the request object says, or a refusal",
            received=outcome.summary,
        )
    return None


OVERRIDDEN = ("rfc9101-5-object-by-value-parameters-not-overridden", "openid-core-6.1-object-supersedes-query")


@verifies(*OVERRIDDEN, needs=Feature.JAR_BY_VALUE)
async def test_state_of_the_query_does_not_win(par: Par, authorization: Authorization, target: Target) -> None:
    """A state in the query does not replace the one in the request object."""
    push = par.object(signer(target))
    outcome = await _with_query(par, authorization, push, {"state": "from-the-query"})
    if outcome is not None:
        expect.that(
            outcome.parameters.get("state") == push.value("state"),
            "query-used",
            "the state of the query came back",
            expected=push.value("state"),
            received=outcome.parameters.get("state"),
        )


@verifies(*OVERRIDDEN, needs=Feature.JAR_BY_VALUE)
async def test_scope_of_the_query_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope in the query does not widen the one in the request object."""
    client = signer(target, lambda entry: bool(entry.scope and entry.further_scope))
    further = client.entry.further_scope or ""
    push = par.object(client)
    outcome = await _with_query(par, authorization, push, {"scope": f"{client.entry.scope} {further}"})
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, push)
    granted = tokens.scope or set()
    expect.that(
        not set(further.split()) & granted,
        "query-used",
        f"the scope {further} of the query was granted",
        expected=client.entry.scope,
        received=" ".join(sorted(granted)),
    )


@verifies(*OVERRIDDEN, needs=Feature.JAR_BY_VALUE)
async def test_redirect_uri_of_the_query_does_not_win(par: Par, authorization: Authorization, target: Target) -> None:
    """A registered redirect_uri in the query does not replace the one in the request object."""
    client = signer(target, lambda entry: len(entry.redirect_uris) > 1)
    outcome = await _with_query(par, authorization, par.object(client), {"redirect_uri": client.entry.redirect_uris[1]})
    if outcome is not None:
        went_to = (outcome.location or "").split("#")[0].split("?")[0]
        expect.that(
            went_to == client.redirect_uri.split("?")[0],
            "query-used",
            "the code went to the redirect_uri of the query",
            expected=client.redirect_uri,
            received=went_to,
        )


@verifies("openid-core-6.1-response-type-mismatch-refused", needs=(Feature.JAR_BY_VALUE, Feature.OPENID))
@each(response_type=("token", "id_token", "code token"))
async def test_response_type_of_the_query_does_not_win(
    par: Par, authorization: Authorization, target: Target, response_type: str
) -> None:
    """A response_type in the query that differs from the request object's is refused, or has no effect."""
    await _with_query(par, authorization, par.object(signer(target)), {"response_type": response_type})


@verifies("rfc9101-5-object-by-value-parameters-not-extended", needs=Feature.JAR_BY_VALUE)
async def test_state_of_the_query_is_not_added(par: Par, authorization: Authorization, target: Target) -> None:
    """A state in the query is not taken where the request object has none."""
    client = signer(target)
    repeated, _ = await shape_by_value(par, authorization, client)
    control = await by_value(authorization, par.object(client, state=None), repeated)
    if control.ending is not Ending.CODE:
        raise NotApplicable(f"this server wants a state: {control.summary}")
    outcome = await _with_query(par, authorization, par.object(client, state=None), {"state": "from-the-query"})
    if outcome is not None:
        expect.that(
            outcome.parameters.get("state") != "from-the-query",
            "query-used",
            "the state of the query came back although the request object has none",
            expected="no state",
            received="from-the-query",
        )


@verifies("rfc9101-5-object-by-value-parameters-not-extended", needs=(Feature.JAR_BY_VALUE, Feature.OPENID))
async def test_nonce_of_the_query_is_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A nonce in the query is not taken where the request object has none."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    push = par.object(client, nonce=None)
    outcome = await _with_query(par, authorization, push, {"nonce": "from-the-query"})
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, push)
    expect.that(
        tokens.id_token.get("nonce") != "from-the-query",
        "query-used",
        "the nonce of the query stands in the ID Token although the request object has none",
        expected="no nonce",
        received="from-the-query",
    )


@verifies(
    "rfc9101-5-request-beside-request-uri-refused",
    "openid-core-6-request-beside-request-uri-refused",
    needs=(Feature.JAR, Feature.JAR_BY_VALUE),
)
async def test_request_beside_request_uri_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """An authorization request that carries request as well as request_uri brings no code."""
    client = signer(target)
    answer = needs_accepted(await par.send(par.object(client)))
    token = dict(par.object(client).parameters)["request"]
    outcome = await authorization.open(answer, query={"request": token})
    control = await authorization.open(needs_accepted(await par.send(par.object(client))))
    expect.no_code(outcome, control=control)


@verifies(
    "rfc9126-4-outside-value-without-effect",
    "rfc9101-5-pushed-parameters-not-overridden-by-query",
    needs=(Feature.JAR, Feature.JAR_BY_VALUE),
)
@each(client=("first", "signed"))
async def test_request_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """What a request object beside request_uri says has no effect on what was pushed."""
    signing = signer(target)
    pusher = signing if client == "signed" else target.client(client)
    answer = await par.accepted(pusher)
    inside = par.object(signing, state="from-the-object")
    outcome = await authorization.open(answer, query={"request": dict(inside.parameters)["request"]})
    if outcome.granted:
        expect.that(
            outcome.parameters.get("state") == answer.push.value("state"),
            "query-used",
            "the request object beside request_uri was carried out in place of the pushed request",
            expected="the pushed state, or a refusal",
            received=outcome.parameters.get("state"),
        )
    else:
        await flows.code(par, authorization, pusher)


# -- servers without request objects ----------------------------------------------------------------------------------


def without_objects(target: Target) -> None:
    """Stop where the server supports request objects in one place or another."""
    supported = target.metadata.flag("request_parameter_supported") or bool(
        target.metadata.strings("request_object_signing_alg_values_supported")
    )
    if supported or target.has(Feature.JAR) or target.has(Feature.JAR_BY_VALUE):
        raise NotApplicable("the server supports request objects")


def _object_of_nobody(par: Par, target: Target, push: Push) -> str:
    key = generate_key("ES256", "par-conformance")
    claims = {**dict(push.parameters), "iss": push.client.client_id, "aud": target.issuer}
    now = int(par.wire.clock.now())
    return jws.encode({**claims, "exp": now + 60, "iat": now}, key, "ES256", {"alg": "ES256", "kid": key.kid})


@verifies("rfc9101-7-unsupported-request-refused")
async def test_unsupported_object_in_a_push_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A server without request objects refuses a push that carries one beside a complete request."""
    without_objects(target)
    push = plain(par.ordinary())
    faulty = carrying(push, _object_of_nobody(par, target, push), asked(push))
    answer = await par.send(faulty, control=par.ordinary)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc9101-7-unsupported-request-refused", "openid-core-6.1-unsupported-request-answered")
async def test_unsupported_object_by_value_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A server without request objects answers an authorization request that has one with request_not_supported."""
    without_objects(target)
    push = plain(par.ordinary())
    takes_objects_by_value(target, push.client)
    control = await authorization.visit(push.parameters)
    pairs = (*push.parameters, ("request", _object_of_nobody(par, target, push)))
    outcome = expect.no_code(await authorization.visit(pairs), control=control)
    expect.that(
        outcome.ending is not Ending.ERROR_REDIRECT or outcome.error == "request_not_supported",
        "other-code",
        f"the error code is {outcome.error}",
        "openid-core-6.1-unsupported-request-answered",
        expected="request_not_supported",
        received=outcome.summary,
    )
