"""What stands in a pushed request object, and what it does (RFC 9101 sections 4, 5, 6.3, 7, 9 and 10)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.checks.objects import OTHER_ISSUER, object_refused, signer
from conformance.checks.test_pushed_request import ATTACKER, refuse_unregistered
from conformance.http.listener import listening
from conformance.profile.keyring import generate_key
from conformance.profile.model import Client, Feature
from conformance.protocol import jar, jws, pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer, needs_accepted, speaks_openid
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Claims by name; a function of now (Unix seconds) where the value is a time, None where the claim is taken out.
Claims = Mapping[str, Any]


async def _refused(par: Par, authorization: Authorization, target: Target, claims: Claims) -> PushAnswer:
    return await object_refused(par, authorization, target, lambda _: jar.Fault(claims=claims))


# -- claims of the JWT ----------------------------------------------------------------------------------------------


@verifies("rfc9101-4-issuer-audience-accepted", needs=Feature.JAR)
async def test_object_for_the_issuer_is_accepted(par: Par, target: Target) -> None:
    """A request object whose aud is the issuer identifier is accepted."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=jar.Fault(claims={"aud": target.issuer})))
    if answer.accepted:
        return
    others = [target.par_endpoint, target.token_endpoint, target.authorization_endpoint, None]
    for audience in others:
        fault = jar.Fault(claims={"aud": audience})
        if (await par.send(par.object(client, fault=fault), purpose="control")).accepted:
            expect.accepted(answer)
    raise NotExercised(f"no request object was accepted, whatever its audience: {answer.summary}")


@verifies("rfc9101-4-audience-array-accepted", needs=Feature.JAR)
@each(others={"alone": [], "first": [OTHER_ISSUER], "two-more": [OTHER_ISSUER, "https://third.example"]})
async def test_object_with_an_audience_array_is_accepted(par: Par, target: Target, others: list[str]) -> None:
    """A request object whose aud is an array that contains the issuer identifier is accepted."""
    client = signer(target)
    fault = jar.Fault(claims={"aud": [target.issuer, *others]})
    expect.accepted(await par.send(par.object(client, fault=fault), control=lambda: par.object(client)))


@verifies("rfc9101-4-foreign-audience-refused", needs=Feature.JAR)
@each(kind=("string", "array", "longer", "prefix"))
async def test_object_for_another_server_is_refused(
    par: Par, authorization: Authorization, target: Target, kind: str
) -> None:
    """A request object whose aud names another server only brings no code, be its name ever so similar."""
    audience: dict[str, str | list[str]] = {
        "string": OTHER_ISSUER,
        "array": [OTHER_ISSUER, "https://third.example"],
        "longer": f"{target.issuer}.attacker.example",
        "prefix": target.issuer[: target.issuer.index("://") + 4],
    }
    await _refused(par, authorization, target, {"aud": audience[kind]})


@verifies("rfc9101-4-foreign-iss-refused", needs=Feature.JAR)
@each(issuer=("attacker", "other-client", "server"))
async def test_object_of_another_issuer_is_refused(
    par: Par, authorization: Authorization, target: Target, issuer: str
) -> None:
    """A request object whose iss is not the client brings no code."""
    own = signer(target)
    others = [entry.client_id for entry in target.profile.clients.values() if entry.client_id != own.client_id]
    if issuer == "other-client" and not others:
        raise NotApplicable("the profile has one client only")
    value = {"attacker": OTHER_ISSUER, "other-client": others[0] if others else "", "server": target.issuer}
    await _refused(par, authorization, target, {"iss": value[issuer]})


EXPIRED: dict[str, Claims] = {
    "minutes-ago": {
        "exp": lambda now: int(now) - 300,
        "nbf": lambda now: int(now) - 600,
        "iat": lambda now: int(now) - 600,
    },
    "in-1970": {"exp": 1, "nbf": None, "iat": None},
    "at-zero": {"exp": 0, "nbf": None, "iat": None},
}


@verifies("rfc9101-9.1-expired-object-refused", needs=Feature.JAR)
@each(claims=EXPIRED)
async def test_expired_object_is_refused(
    par: Par, authorization: Authorization, target: Target, claims: Claims
) -> None:
    """A request object whose exp has passed, be it by minutes or since 1970, brings no code."""
    await _refused(par, authorization, target, claims)


@verifies("rfc9101-9.1-object-not-yet-valid-refused", needs=Feature.JAR)
async def test_object_from_the_future_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object whose nbf is ten minutes ahead brings no code."""
    lifetime = jar.settings_of(signer(target)).lifetime
    claims = {"nbf": lambda now: int(now) + 600, "exp": lambda now: int(now) + 600 + lifetime}
    await _refused(par, authorization, target, claims)


NO_NUMBERS: dict[str, Claims] = {
    "digits": {"exp": lambda now: str(int(now) + 200)},
    "words": {"exp": "tomorrow"},
    "object": {"exp": {"seconds": 4_000_000_000}},
    "array": {"exp": [4_000_000_000]},
}


@verifies("rfc9101-9.1-exp-that-is-no-number-refused", needs=Feature.JAR)
@each(claims=NO_NUMBERS)
async def test_object_whose_exp_is_no_number_is_refused(
    par: Par, authorization: Authorization, target: Target, claims: Claims
) -> None:
    """A request object whose exp is no JSON number brings no code."""
    await _refused(par, authorization, target, claims)


@verifies("rfc9101-6.3-missing-client-id-claim-refused", needs=Feature.JAR)
async def test_object_without_client_id_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object without a client_id claim brings no code."""
    await _refused(par, authorization, target, {"client_id": None})


# -- objects in the object ------------------------------------------------------------------------------------------


@verifies("rfc9101-4-nested-request-refused", "openid-core-6.1-nested-request-refused", needs=Feature.JAR)
async def test_object_inside_an_object_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object that carries another one as its claim request brings no code."""
    inner = dict(par.object(signer(target)).parameters)["request"]
    await _refused(par, authorization, target, {"request": inner})


@verifies("rfc9101-4-nested-request-uri-refused", "openid-core-6.1-nested-request-uri-refused", needs=Feature.JAR)
@each(reference=("issued", "https", "urn"))
async def test_reference_inside_an_object_is_refused(
    par: Par, authorization: Authorization, target: Target, reference: str
) -> None:
    """A request object with a claim request_uri brings no code, even if the server itself issued that reference."""
    values: dict[str, str | None] = {"https": "https://client.example/request.jwt", "urn": "urn:example:any"}
    if reference == "issued":
        values["issued"] = needs_accepted(await par.send(par.object(signer(target)))).request_uri
    await _refused(par, authorization, target, {"request_uri": values[reference]})


@verifies("rfc9101-4-nested-request-uri-not-fetched", needs=Feature.JAR)
async def test_reference_inside_an_object_is_not_fetched(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The server opens no connection to a URL in the request_uri claim of a request object."""
    objects.reaches_loopback(target)
    client = signer(target)
    async with listening() as listener:
        fault = jar.Fault(claims={"request_uri": f"{listener.url}/request.jwt"})
        answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
        if answer.accepted:
            await authorization.open(answer)
        else:
            expect.control_accepted(answer)
        expect.that(
            not listener.hits,
            "fetched",
            "the server fetched the address in the request_uri claim of a request object",
            expected="no connection",
            received=f"{len(listener.hits)} connections",
        )


# -- what is no request object --------------------------------------------------------------------------------------

_UNSIGNED = jws.encode({"state": "unsigned"}, None, "none", {"alg": "none"})
NO_OBJECTS = {
    "word": "this-is-no-request-object",
    "dots": "..",
    "two-parts": _UNSIGNED.rpartition(".")[0],
    "claims-in-clear": json.dumps({"state": "in-clear"}),
    "no-json-inside": "bm8ganNvbg.bm8ganNvbg.bm8ganNvbg",
}


@verifies("rfc9101-5-request-that-is-no-jwt-refused", needs=Feature.JAR)
@each(text=NO_OBJECTS)
async def test_text_that_is_no_object_is_not_passed_over(
    par: Par, authorization: Authorization, target: Target, text: str
) -> None:
    """A push with a request parameter that is no JWT brings no code, though a complete request stands beside it."""
    client = signer(target)
    push = par.object(client)
    faulty = objects.carrying(push, text, objects.asked(push))
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


@verifies("rfc9101-6.1-undecryptable-object-refused", needs=Feature.JAR)
@each(beside=("nothing", "complete-request"))
async def test_object_encrypted_to_a_foreign_key_is_refused(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """A request object encrypted to a key that the server does not have brings no code, alone or with a request."""
    client = signer(target)
    push = par.object(client)
    strange = {**generate_key("ES256", "strange").public_jwk(), "use": "enc"}
    strange.pop("alg")
    token = jar.encrypt(dict(push.parameters)["request"], strange, "ECDH-ES", "A128CBC-HS256")
    faulty = objects.carrying(push, token, objects.asked(push) if beside != "nothing" else ())
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


# -- parameters in the object ---------------------------------------------------------------------------------------


async def _carried_out(
    par: Par, authorization: Authorization, client: RegisteredClient, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """A flow from a pushed request object with these parameters. NotExercised where no ordinary one is accepted."""
    needs_accepted(await par.send(par.object(client)))
    answer = expect.accepted(
        await par.send(par.object(client, fault=jar.RIGHT, **changes), control=lambda: par.object(client))
    )
    return answer, await authorization.code(answer)


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


@verifies("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective", needs=Feature.JAR)
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


@verifies("rfc9101-4-numbers-taken-as-json-numbers", needs=(Feature.JAR, Feature.OPENID))
async def test_max_age_as_a_number_is_honoured(par: Par, authorization: Authorization, target: Target) -> None:
    """A max_age of 0 that the object carries as a JSON number makes the server ask for a login again."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    needs_accepted(await par.send(par.object(client)))
    must_sign = client.entry.request_objects is not None and client.entry.request_objects.required
    in_form = "first" if must_sign else client
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    usual = await par.push(in_form, max_age="0")
    if not usual.accepted:
        raise NotApplicable(f"the server does not take max_age=0 in a form: {usual.summary}")
    if not (await authorization.open(usual, browser=browser, stop="login")).asked_to_log_in:
        raise NotApplicable("the server does not ask for a login again where max_age=0 stands in a form")
    push = par.object(client, max_age="0")
    answer = expect.accepted(await par.send(push, control=lambda: par.object(client)))
    outcome = await authorization.open(answer, browser=browser, stop="login")
    expect.that(
        outcome.asked_to_log_in,
        "number-ignored",
        "max_age=0 as a JSON number had no effect",
        expected="the login page",
        received=outcome.summary,
    )


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
    answer = await par.send(push, control=lambda: par.object(client))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        return
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        return
    granted = tokens.scope if tokens.scope is not None else set((push.value("scope") or "").split())
    expect.that(
        beyond not in granted,
        "scope-granted",
        f"the scope {beyond} was granted",
        expected=f"no {beyond}",
        received=" ".join(sorted(granted)),
    )


# -- what is answered -------------------------------------------------------------------------------------------------

_TAMPERED = jar.Fault(spoil=jws.tampered)


@verifies("rfc9101-6.3-refusal-is-an-oauth-error", needs=Feature.JAR)
@each(
    fault={
        "malformed": jar.Fault(spoil=lambda _: NO_OBJECTS["word"]),
        "changed": _TAMPERED,
    }
)
async def test_refused_object_is_told_as_an_oauth_error(par: Par, target: Target, fault: jar.Fault) -> None:
    """A push whose request object fails is answered with a 4xx and a JSON object that has a member error."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    if answer.accepted:
        raise NotApplicable(f"the faulty object was accepted, so that there is no error to look at: {answer.summary}")
    expect.control_accepted(answer)
    expect.that(
        answer.error is not None and 400 <= (answer.status or 0) < 500,
        "no-oauth-error",
        f"the refusal is {answer.summary}",
        expected="HTTP 400 and a JSON object with error",
        received=answer.summary,
    )


@verifies("rfc9101-7-invalid-object-error-code", needs=Feature.JAR)
@each(
    fault={
        "malformed": jar.Fault(spoil=lambda _: NO_OBJECTS["word"]),
        "expired": jar.Fault(claims=EXPIRED["minutes-ago"]),
        "foreign-audience": jar.Fault(claims={"aud": OTHER_ISSUER}),
    }
)
async def test_invalid_object_is_told_invalid_request_object(par: Par, target: Target, fault: jar.Fault) -> None:
    """The error for a request object that is malformed, expired or for another server is invalid_request_object."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    expect.error_code(answer, "invalid_request_object")


# -- the reference for an object --------------------------------------------------------------------------------------


@verifies("rfc9101-10.2-request-uri-bound-to-client", needs=Feature.JAR)
async def test_request_uri_of_an_object_is_bound_to_its_client(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The request_uri of a pushed request object brings no code when another client opens it."""
    own = signer(target)
    role = next((role for role, entry in target.profile.clients.items() if entry.client_id != own.client_id), None)
    if role is None:
        raise NotApplicable("the profile has one client only")
    answer = needs_accepted(await par.send(par.object(own)))
    outcome = await authorization.open(answer, client=role)
    control = await authorization.open(needs_accepted(await par.send(par.object(own))))
    expect.no_code(outcome, control=control)


@verifies("rfc9101-10.2-request-uri-one-time", needs=Feature.JAR)
async def test_request_uri_of_an_object_works_once(par: Par, authorization: Authorization, target: Target) -> None:
    """The request_uri of a pushed request object that led to a code brings no second one."""
    answer = needs_accepted(await par.send(par.object(signer(target))))
    first = await authorization.open(answer)
    expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9101-10.2-request-uri-short-lived", needs=Feature.JAR)
async def test_request_uri_of_an_object_lives_shortly(par: Par, target: Target) -> None:
    """The request_uri of a pushed request object lives for less than an hour."""
    answer = needs_accepted(await par.send(par.object(signer(target))))
    if answer.expires_in is None:
        raise NotExercised("expires_in is missing or no number")
    expect.that(
        answer.expires_in < 3600,
        "long-lived",
        f"the request_uri lives for {answer.expires_in:g} seconds",
        expected="minutes at most",
        received=f"{answer.expires_in:g} s",
    )


# -- what is promised -------------------------------------------------------------------------------------------------


@verifies("rfc9101-10.5-metadata-value-is-boolean")
async def test_signed_object_policy_is_a_boolean(target: Target) -> None:
    """require_signed_request_object in the metadata, where it is there, is a boolean."""
    document = target.metadata.document
    if "require_signed_request_object" not in document:
        raise NotApplicable("the metadata does not have require_signed_request_object")
    value = document["require_signed_request_object"]
    expect.that(
        isinstance(value, bool),
        "no-boolean",
        f"the value is {value!r}",
        expected="true or false",
        received=repr(value),
    )


async def _served_unsigned(par: Par, authorization: Authorization, client: RegisteredClient) -> Outcome:
    return await authorization.visit(objects.plain(par.ordinary(client)).parameters)


def _must_sign(entry: Client) -> bool:
    return bool(entry.request_objects and entry.request_objects.required)


@verifies("rfc9101-10.5-plain-request-refused-where-required-for-client", needs=Feature.JAR)
async def test_client_that_must_sign_gets_no_code_for_a_plain_request(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A client that must use signed request objects gets no code for a plain query at the authorization endpoint."""
    client = signer(target, _must_sign)
    outcome = await _served_unsigned(par, authorization, client)
    expect.no_code(outcome, control=await authorization.open(needs_accepted(await par.send(par.object(client)))))
