"""The error response of the pushed authorization request endpoint (RFC 9126 section 2.3)."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.test_pushed_request import ATTACKER, refuse_unregistered
from conformance.profile.model import Feature, Profile
from conformance.protocol import client_auth
from conformance.protocol.par import FORM, Change, Par, Push, PushAnswer, encode
from conformance.target import Target
from conformance.verdict import NotApplicable

#: Error codes of RFC 6749 sections 5.2 and 4.1.2.1 and of the registered extensions that a push may involve (IANA
#: "OAuth Extensions Error"). OpenID Connect's codes for interaction are not among them: section 2.3 rules them out.
CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "access_denied",
        "unsupported_response_type",
        "server_error",
        "temporarily_unavailable",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        "invalid_target",
        "invalid_authorization_details",
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "invalid_client_metadata",
        "invalid_redirect_uri",
        "unsupported_response_mode",
        "unmet_authentication_requirements",
        "use_attestation_challenge",
        "use_fresh_attestation",
        "invalid_client_attestation",
    }
)
#: Error codes that come from an interaction with a person (RFC 6749 section 4.1.2.1, OpenID Connect Core 3.1.2.6).
INTERACTION = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
    }
)

#: Faults of the request itself that every server refuses when they are pushed or not at all.
FAULTS = ("response_type-missing", "redirect_uri-unregistered", "request_uri-pushed", "wrong-credentials")


async def faulty(par: Par, target: Target, fault: str) -> PushAnswer:
    """Push one fault. NotApplicable where it was accepted."""
    if fault == "response_type-missing":
        answer = await par.push(response_type=None)
    elif fault == "redirect_uri-unregistered":
        refuse_unregistered(target, "first")
        answer = await par.push(redirect_uri=ATTACKER)
    elif fault == "request_uri-pushed":
        answer = await par.push(request_uri="urn:ietf:params:oauth:request_uri:par-conformance-any")
    else:
        if target.client("first").public:
            raise NotApplicable("the first client has no credentials")
        push = replace(par.ordinary(), authentication=client_auth.wrong)
        answer = await par.send(push, control=par.ordinary)
    if answer.accepted:
        raise NotApplicable(f"the fault was not refused at the push ({answer.summary}): there is no error to look at")
    return expect.an_error(answer)


@verifies("rfc9126-2.3-error-json")
@each(fault=FAULTS)
async def test_error_is_a_json_object(par: Par, target: Target, fault: str) -> None:
    """A refused push is answered with a JSON object that has a member error."""
    answer = await faulty(par, target, fault)
    expect.that(
        answer.error is not None,
        "no-error-member",
        f"the refusal has no error: {answer.summary}",
        expected="a JSON object with error",
        received=", ".join(answer.json) if answer.json is not None else answer.summary,
    )


@verifies("rfc9126-2.3-error-media-type")
@each(fault=FAULTS)
async def test_error_is_application_json(par: Par, target: Target, fault: str) -> None:
    """A refused push is answered with the media type application/json."""
    answer = await faulty(par, target, fault)
    media_type = answer.response.media_type if answer.response else ""
    expect.that(
        media_type == "application/json",
        "other-media-type",
        f"the refusal is {media_type or 'without a media type'}",
        expected="application/json",
        received=media_type or "none",
    )


@verifies("rfc9126-2.3-error-status")
@each(fault=FAULTS)
async def test_error_has_the_status_400(par: Par, target: Target, fault: str) -> None:
    """A refused push has the status 400; 401 only where the client was not authenticated."""
    answer = await faulty(par, target, fault)
    allowed = {400, 401} if fault == "wrong-credentials" or answer.error == "invalid_client" else {400}
    expect.that(
        answer.status in allowed,
        f"status-{answer.status}",
        f"the refusal has the status {answer.status}",
        expected=" or ".join(f"HTTP {status}" for status in sorted(allowed)),
        received=answer.summary,
    )


@verifies("rfc9126-2.3-no-redirect")
@each(fault=FAULTS)
async def test_error_is_no_redirect(par: Par, target: Target, fault: str) -> None:
    """A refused push is not answered with a redirect."""
    answer = await faulty(par, target, fault)
    expect.that(
        not (answer.response and answer.response.is_redirect),
        "redirect",
        "the refusal is a redirect",
        expected="an error in JSON",
        received=answer.summary,
    )


@verifies("rfc9126-2.3-error-code-registered")
@each(fault=FAULTS)
async def test_error_code_is_a_known_one(par: Par, target: Target, fault: str) -> None:
    """The error code is one of RFC 6749 or of a registered extension."""
    answer = await faulty(par, target, fault)
    if answer.error is None:
        raise NotApplicable("the refusal has no error code, which is a finding of its own")
    expect.that(
        answer.error in CODES,
        "unknown-code",
        f"the error code is {answer.error!r}",
        expected="a code of RFC 6749 sections 5.2 and 4.1.2.1 or of a registered extension",
        received=answer.error,
    )


@verifies("rfc9126-2.3-error-not-cacheable")
async def test_error_is_not_cacheable(par: Par, target: Target) -> None:
    """A refused push says Cache-Control: no-store."""
    answer = await faulty(par, target, "request_uri-pushed")
    said = ", ".join(answer.response.all("cache-control")) if answer.response else ""
    expect.that(
        "no-store" in said.lower(),
        "cacheable",
        "the error may be stored by a cache",
        expected="Cache-Control: no-store",
        received=said or "no Cache-Control",
    )


async def code_of(par: Par, expected: frozenset[str], **changes: Change) -> None:
    """The error code of a fault is one of these. NotApplicable where the fault is accepted."""
    answer = await par.push(**changes)
    if answer.accepted:
        raise NotApplicable("this fault is not refused at the push")
    expect.an_error(answer)
    if answer.error is None:
        raise NotApplicable("the refusal has no error code, which is a finding of its own")
    expect.that(
        answer.error in expected,
        "other-code",
        f"the error code is {answer.error!r}",
        expected=" or ".join(sorted(expected)),
        received=answer.error,
    )


@verifies("rfc9126-2.3-redirect-fault-invalid-request")
async def test_redirect_fault_is_invalid_request(par: Par, target: Target) -> None:
    """A redirect_uri that is not registered is answered with invalid_request."""
    refuse_unregistered(target, "first")
    await code_of(par, frozenset({"invalid_request"}), redirect_uri=ATTACKER)


@verifies("rfc9126-2.3-scope-fault-invalid-scope")
async def test_scope_fault_is_invalid_scope(par: Par, target: Target) -> None:
    """A scope that the client must not have is answered with invalid_scope."""
    scope = target.client("first").entry.forbidden_scope or "par-conformance-unknown"
    await code_of(par, frozenset({"invalid_scope"}), scope=scope)


@verifies("rfc9126-2.3-response-type-fault-code")
async def test_response_type_fault_has_its_code(par: Par) -> None:
    """An unknown response_type is answered with unsupported_response_type, unauthorized_client or invalid_request."""
    codes = frozenset({"unsupported_response_type", "unauthorized_client", "invalid_request"})
    await code_of(par, codes, response_type="par-conformance")


@verifies("rfc9126-2.3-no-interaction-codes")
@each(
    change={
        "prompt-none": {"prompt": "none"},
        "max-age": {"prompt": "none", "max_age": "0"},
        "prompt-login": {"prompt": "login"},
    }
)
async def test_no_error_speaks_of_an_interaction(par: Par, change: dict[str, Change]) -> None:
    """No error of the PAR endpoint speaks of an interaction with a person: none takes place there."""
    answer = await par.push(**change)
    if answer.accepted:
        return
    expect.an_error(answer)
    expect.that(
        answer.error not in INTERACTION,
        "interaction-code",
        f"the error code is {answer.error}",
        expected="no code of an interaction",
        received=answer.error,
    )


def _of_bytes(push: Push, tail: bytes) -> Push:
    body = encode(push.parameters).encode()
    return replace(push, content=body + tail, content_type=FORM)


MALFORMED: dict[str, bytes] = {
    "broken-percent": b"&x_par=%ZZ%",
    "invalid-utf8": b"&x_par=%FF%FE%C0%AF",
    "nul": b"&x_par=a%00b",
    "raw-control": b"&x_par=a\x01\x02b",
    "no-equals": b"&x_par&&&=&=x",
    "long-name": b"&" + b"n" * 8_000 + b"=1",
    "many-parameters": b"".join(b"&p%d=1" % number for number in range(500)),
    "overlong-utf8": b"&x_par=%ED%A0%80%F4%90%80%80",
}


@verifies("rfc9126-2.3-malformed-answered")
@each(tail=MALFORMED)
async def test_malformed_body_is_answered_properly(par: Par, target: Target, tail: bytes) -> None:
    """A malformed body is accepted or refused, but breaks nothing: no 5xx and no silence."""
    push = par.ordinary()
    if push.client.entry.auth not in {"client_secret_basic", "none"}:
        proof = push.authentication(
            client_auth.Occasion(push.client, target, target.par_endpoint, par.wire.clock.now())
        )
        push = replace(
            push,
            parameters=(*push.parameters, *proof.form),
            authentication=client_auth.fixed(replace(proof, form=())),
        )
    answer = await par.send(replace(_of_bytes(push, tail), fresh_connection=True), control=par.ordinary)
    if answer.accepted:
        return
    expect.refused(answer)


@verifies("rfc9126-2.3-malformed-answered")
@each(kept={"nothing": (), "client-id": ("client_id",), "scope-and-state": ("client_id", "scope", "state")})
async def test_push_of_little_breaks_nothing(par: Par, kept: tuple[str, ...]) -> None:
    """A push that lacks most parameters, or all, is accepted or refused, but breaks nothing: no 5xx and no silence."""
    push = par.ordinary()
    if push.inside:
        raise NotApplicable("the parameters stand in a request object")
    few = replace(push, parameters=tuple(pair for pair in push.parameters if pair[0] in kept))
    expect.unbroken(await par.send(few, control=par.ordinary))


@verifies("rfc9126-2.3-malformed-answered")
@each(
    value={
        "nul": "a\x00b",
        "surrogate-like": "\ufffe\uffff",
        "long": "s" * 6_000,
        "bidi": "\u202eevil",
        "crlf": "a\r\nSet-Cookie: x=y",
    }
)
async def test_odd_state_is_answered_properly(par: Par, value: str) -> None:
    """A state of odd signs is accepted or refused, but breaks nothing: no 5xx and no silence."""
    answer = await par.push(state=value)
    if not answer.accepted:
        expect.refused(answer)


@verifies(
    "rfc9126-2.3-signed-object-policy-of-server",
    "rfc9101-10.5-plain-push-refused-where-required-for-all",
    needs=Feature.REQUIRE_SIGNED_REQUEST_OBJECT,
)
async def test_server_that_wants_signed_objects_refuses_plain_pushes(par: Par) -> None:
    """A server that requires signed request objects refuses a plain push."""
    plain = par.ordinary("signed")
    if plain.inside:
        plain = replace(plain, parameters=plain.inside, inside=())
    expect.refused(await par.send(plain, control=lambda: par.object("signed")))


def signed_only(profile: Profile) -> dict[str, str]:
    """The clients that must use signed request objects."""
    return {
        role: role
        for role, client in profile.clients.items()
        if client.request_objects and client.request_objects.required
    }


def plain(par: Par, client: str) -> Push:
    """The ordinary request of a client that must sign, as plain parameters."""
    push = par.ordinary(client)
    return replace(push, parameters=push.inside, inside=())


@verifies(
    "rfc9126-2.3-signed-object-policy-of-client",
    "rfc9101-10.5-plain-push-refused-where-required-for-client",
    needs=Feature.JAR,
)
@each(client=signed_only)
async def test_client_that_must_sign_is_refused_without(par: Par, client: str) -> None:
    """A client that must use signed request objects is refused when it pushes plain parameters."""
    expect.refused(await par.send(plain(par, client), control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.3-signed-object-policy-error", needs=Feature.JAR)
@each(client=signed_only)
async def test_client_that_must_sign_is_told_invalid_request(par: Par, client: str) -> None:
    """A client that must use signed request objects and does not gets the status 400 and invalid_request."""
    answer = await par.send(plain(par, client), control=lambda: par.ordinary(client))
    if answer.accepted:
        raise NotApplicable("the plain push was accepted, which is a finding of its own")
    expect.an_error(answer)
    if answer.error is None:
        raise NotApplicable("the refusal has no error code, which is a finding of its own")
    expect.that(
        answer.status == 400 and answer.error == "invalid_request",
        "other-error",
        f"the refusal is {answer.summary}",
        expected="HTTP 400 error=invalid_request",
        received=answer.summary,
    )
