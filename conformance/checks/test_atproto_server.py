"""The OAuth profile of the AT protocol: metadata, scripts of other origins, proofs and nonces."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.proofs import needs_no_nonce, proving, redeemed, sent
from conformance.checks.test_dpop_nonce import HEADER, WITHOUT, nonces
from conformance.checks.test_metadata import LOOPBACK, document
from conformance.engine import CheckClock
from conformance.http.message import Request, Response, split
from conformance.http.wire import Wire
from conformance.profile.keyring import generate_key
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey, Fault
from conformance.protocol.metadata import well_known
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

APP = "https://app.example"
#: How long a nonce may live, how often it is looked at, and how long it may take until it changes (seconds).
LONGEST_NONCE, STEP, PATIENCE = 300, 15, 330


# -- metadata ---------------------------------------------------------------------------------------------------------


@verifies("atproto-oauth-server-metadata-metadata-answer")
async def test_metadata_comes_as_it_should(target: Target, wire: Wire) -> None:
    """The metadata comes with status 200, as application/json, and without a redirect."""
    url = well_known(target.issuer)[0]
    response = await wire.send(Request("GET", url, repeatable=True), purpose="authorization server metadata")
    expect.that(
        response.status == 200 and response.media_type == "application/json",
        "other-answer",
        f"{url} was answered with {response.status} {response.media_type}",
        expected="200 application/json",
        received=f"{response.status} {response.media_type}",
    )


@verifies("atproto-oauth-server-metadata-issuer-is-origin")
async def test_issuer_is_an_origin(target: Target) -> None:
    """The issuer is an https origin, with no path and no default port, and it is where the metadata was fetched."""
    issuer = str(document(target).get("issuer"))
    parts = split(issuer)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    bare = f"{parts.scheme}://{parts.netloc}" == issuer and parts.port != {"https": 443, "http": 80}.get(parts.scheme)
    expect.that(
        (parts.scheme == "https" or plain) and bare and issuer == (target.profile.issuer or issuer),
        "no-origin",
        f"the issuer is {issuer!r}",
        expected=f"an https origin: {target.profile.issuer}",
        received=issuer,
    )
    if plain:
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")


#: For each requirement: the member, and what has to be in it.
LISTED = {
    "grant-types": ("grant_types_supported", ("authorization_code", "refresh_token")),
    "s256": ("code_challenge_methods_supported", ("S256",)),
    "auth-methods": ("token_endpoint_auth_methods_supported", ("none", "private_key_jwt")),
    "assertion-algs": ("token_endpoint_auth_signing_alg_values_supported", ("ES256",)),
    "atproto-scope": ("scopes_supported", ("atproto",)),
    "dpop-algs": ("dpop_signing_alg_values_supported", ("ES256",)),
}


def judge_list(target: Target, name: str) -> list[str]:
    """A member of the metadata is a list that has what it should."""
    member, wanted = LISTED[name]
    found = target.metadata.strings(member)
    missing = [value for value in wanted if value not in (found or [])]
    expect.that(
        not missing,
        "missing",
        f"{member} has no {' and no '.join(missing)}",
        expected=", ".join(wanted),
        received=repr(document(target).get(member)),
    )
    return found or []


@verifies("atproto-oauth-server-metadata-grant-types-in-metadata")
async def test_metadata_lists_both_grants(target: Target) -> None:
    """grant_types_supported has authorization_code and refresh_token."""
    judge_list(target, "grant-types")


@verifies("atproto-oauth-server-metadata-s256-in-metadata")
async def test_metadata_lists_s256(target: Target) -> None:
    """code_challenge_methods_supported has S256."""
    judge_list(target, "s256")


@verifies("atproto-oauth-server-metadata-auth-methods-in-metadata")
async def test_metadata_lists_both_kinds_of_clients(target: Target) -> None:
    """token_endpoint_auth_methods_supported has none and private_key_jwt."""
    judge_list(target, "auth-methods")


@verifies("atproto-oauth-server-metadata-assertion-algs-in-metadata")
async def test_metadata_lists_es256_for_assertions(target: Target) -> None:
    """token_endpoint_auth_signing_alg_values_supported has ES256, and has no none."""
    found = judge_list(target, "assertion-algs")
    expect.that("none" not in found, "none-listed", "it has none", expected="no none", received=", ".join(found))


@verifies("atproto-oauth-server-metadata-atproto-scope-in-metadata")
async def test_metadata_lists_the_scope(target: Target) -> None:
    """scopes_supported has atproto."""
    judge_list(target, "atproto-scope")


@verifies("atproto-oauth-server-metadata-dpop-algs-in-metadata")
async def test_metadata_lists_es256_for_proofs(target: Target) -> None:
    """dpop_signing_alg_values_supported has ES256."""
    judge_list(target, "dpop-algs")


def judge_flag(target: Target, member: str) -> None:
    """A member of the metadata is true."""
    value = document(target).get(member)
    expect.that(value is True, "not-true", f"{member} is {value!r}", expected="true", received=repr(value))


@verifies("atproto-oauth-server-metadata-iss-flag-in-metadata")
async def test_metadata_promises_iss(target: Target) -> None:
    """authorization_response_iss_parameter_supported is true."""
    judge_flag(target, "authorization_response_iss_parameter_supported")


@verifies("atproto-oauth-server-metadata-client-id-documents-in-metadata")
async def test_metadata_promises_documents_of_clients(target: Target) -> None:
    """client_id_metadata_document_supported is true."""
    judge_flag(target, "client_id_metadata_document_supported")


@verifies("atproto-oauth-server-metadata-request-uri-registration-not-disclaimed")
async def test_metadata_does_not_disclaim_registration(target: Target) -> None:
    """require_request_uri_registration is not false."""
    value = document(target).get("require_request_uri_registration")
    expect.that(
        value is not False,
        "disclaimed",
        "require_request_uri_registration is false",
        expected="true, or nothing",
        received="false",
    )


# -- scripts of other origins -----------------------------------------------------------------------------------------


def judge_origin(response: Response, what: str) -> None:
    """A script of any origin may read an answer."""
    allowed = response.header("access-control-allow-origin")
    expect.that(
        allowed in {"*", APP},
        "not-allowed",
        f"{what} cannot be read by scripts: Access-Control-Allow-Origin is {allowed!r}",
        expected="*",
        received=repr(allowed),
    )


@verifies("atproto-oauth-authorization-servers-cors-at-metadata")
async def test_scripts_can_read_the_metadata(target: Target, wire: Wire) -> None:
    """A script of any origin can read the metadata."""
    url = well_known(target.issuer)[0]
    request = Request("GET", url, (("Origin", APP),), repeatable=True)
    judge_origin(await wire.send(request, purpose="metadata for a script"), "the metadata")


async def judge_scripts(wire: Wire, url: str, answer: Response | None) -> None:
    """A script can send a proof to an endpoint, and read its answer and the nonce."""
    headers = (
        ("Origin", APP),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type, dpop"),
    )
    preflight = await wire.send(Request("OPTIONS", url, headers, repeatable=True), purpose="preflight")
    judge_origin(preflight, "the endpoint")
    allowed = {name.strip().lower() for name in (preflight.header("access-control-allow-headers") or "").split(",")}
    expect.that(
        bool({"*", "dpop"} & allowed),
        "header-not-allowed",
        "the preflight does not allow the DPoP header",
        expected="DPoP in Access-Control-Allow-Headers",
        received=", ".join(sorted(allowed)),
    )
    if answer is None:
        raise NotExercised("the request of a script was not answered")
    judge_origin(answer, "the answer")
    exposed = {name.strip().lower() for name in (answer.header("access-control-expose-headers") or "").split(",")}
    expect.that(
        bool({"*", HEADER.lower()} & exposed),
        "nonce-not-exposed",
        f"{HEADER} is not among the exposed headers",
        expected=HEADER,
        received=", ".join(sorted(exposed)),
    )


@verifies("atproto-oauth-authorization-servers-cors-at-par-endpoint")
async def test_scripts_can_push(par: Par, target: Target, wire: Wire) -> None:
    """A script of any origin can push, with a DPoP header, and read the answer and its DPoP-Nonce."""
    answer = await par.send(replace(proving(par), headers=(("Origin", APP),)))
    await judge_scripts(wire, target.par_endpoint, answer.response)


@verifies("atproto-oauth-authorization-servers-cors-at-token-endpoint")
async def test_scripts_can_redeem(target: Target, wire: Wire) -> None:
    """A script of any origin can redeem a code, with a DPoP header, and read the answer and its DPoP-Nonce."""
    headers = (("Origin", APP), ("Content-Type", "application/x-www-form-urlencoded"))
    body = b"grant_type=authorization_code&code=par-conformance-no-code"
    answer = await wire.send(Request("POST", target.token_endpoint, headers, body), purpose="token request of a script")
    await judge_scripts(wire, target.token_endpoint, answer)


# -- proofs and nonces ------------------------------------------------------------------------------------------------

PREFIX = "atproto-oauth-demonstrating-proof-of-possession-d-po-p-"


@verifies(f"{PREFIX}es256-proofs-accepted")
async def test_proof_by_es256_is_accepted(par: Par, authorization: Authorization, token: Token) -> None:
    """A proof signed with ES256 is accepted, at the push and at the token endpoint."""
    key = DpopKey(generate_key("ES256", "proof"))
    answer = needs_no_nonce(await par.send(replace(proving(par), dpop=key)))
    expect.redeemed(await redeemed(authorization, token, expect.accepted(answer), key))


@verifies(f"{PREFIX}push-without-proof-refused")
async def test_push_without_a_key_is_refused(par: Par) -> None:
    """A push without DPoP proof and without dpop_jkt is refused."""
    expect.refused(await par.send(replace(par.ordinary(), dpop=None), control=lambda: proving(par, "first")))


@verifies(f"{PREFIX}nonce-demanded-on-push")
async def test_nonce_is_demanded_of_a_push(par: Par) -> None:
    """A push whose proof has no nonce is answered with use_dpop_nonce and a DPoP-Nonce header."""
    answer = await par.send(proving(par, fault=WITHOUT), control=lambda: proving(par))
    expect.refused(answer)
    expect.that(
        answer.error == "use_dpop_nonce" and bool(nonces(answer.response)),
        "other-answer",
        f"the answer is {answer.summary}, {len(nonces(answer.response))} nonces",
        expected=f"use_dpop_nonce and {HEADER}",
        received=answer.summary,
    )


@verifies(f"{PREFIX}nonce-in-every-answer")
@each(kind=("push", "faulty-push", "tokens", "faulty-token-request"))
async def test_every_answer_has_a_nonce(par: Par, authorization: Authorization, token: Token, kind: str) -> None:
    """Every answer to a request with a DPoP proof has a DPoP-Nonce header, be it a success or an error."""
    key = DpopKey()
    answer = await sent(par, lambda: replace(proving(par), dpop=key))
    response = answer.response
    if kind == "faulty-push":
        response = (await par.send(proving(par, response_type="par-conformance"))).response
    elif kind == "tokens":
        response = (await redeemed(authorization, token, answer, key)).response
    elif kind == "faulty-token-request":
        outcome = await authorization.code(answer)
        response = (await token.redeem(outcome, answer.push, dpop_key=key, code="par-conformance-no-code")).response
    expect.that(
        bool(nonces(response)),
        "no-nonce",
        f"an answer has no {HEADER}",
        expected=HEADER,
        received=f"HTTP {response.status if response else 'nothing'}",
    )


async def current(par: Par) -> str:
    """The nonce that the server gives out now. NotApplicable where it gives none."""
    answer = await par.send(proving(par, fault=WITHOUT), purpose="look at the nonce")
    given = nonces(answer.response)
    if not given:
        raise NotApplicable("the server gives no nonces")
    return given[0]


@verifies(f"{PREFIX}nonce-lives-5-minutes-at-most", waits=True)
async def test_nonce_of_five_minutes_ago_is_refused(par: Par, clock: CheckClock) -> None:
    """A nonce that was issued more than 5 minutes ago is refused."""
    nonce = await current(par)
    await clock.until(clock.now() + LONGEST_NONCE + 2, "the longest life of a nonce")
    push = proving(par, fault=Fault(claims={"nonce": nonce}))
    expect.refused(await par.send(push, control=lambda: proving(par)))


@verifies(f"{PREFIX}stale-nonce-accepted", waits=True)
async def test_nonce_before_the_newest_is_accepted(par: Par, clock: CheckClock) -> None:
    """The nonce before the newest is still accepted."""
    started, nonce = clock.now(), await current(par)
    while (newest := await current(par)) == nonce:
        if clock.now() > started + PATIENCE:
            raise NotExercised(f"the nonce did not change within {PATIENCE} s")
        await clock.until(clock.now() + STEP, "the next nonce of the server")
    push = proving(par, fault=Fault(claims={"nonce": nonce}))
    right = Fault(claims={"nonce": newest})
    expect.accepted(await par.send(push, control=lambda: proving(par, fault=right)))
