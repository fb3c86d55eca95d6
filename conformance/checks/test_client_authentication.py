"""Client authentication at the pushed authorization request endpoint (RFC 9126 sections 2 and 2.1 step 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, proofs, roles
from conformance.profile.keyring import SigningKey, generate_key, key_pem
from conformance.profile.model import Feature
from conformance.protocol import client_auth, jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication, Occasion, Proof
from conformance.protocol.par import Par, Push
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

UNKNOWN_CLIENT = "par-conformance-unknown-client"


@verifies("rfc9126-2.1-missing-credentials-refused", "fapi2-security-profile-5.3.2.2-unauthenticated-push-refused")
@each(client=roles.confidential)
async def test_client_without_its_credentials_is_refused(par: Par, client: str) -> None:
    """A client that has credentials is refused when it sends its client_id alone."""
    push = replace(par.ordinary(client), authentication=client_auth.nothing)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.1-missing-credentials-refused")
@each(client=roles.further_confidential)
async def test_further_client_without_its_credentials_is_refused(par: Par, client: str) -> None:
    """No client that has credentials is excepted: who must push, must sign or binds its tokens proves itself, too."""
    push = replace(par.ordinary(client), authentication=client_auth.nothing)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.1-missing-credentials-refused", needs=Feature.DPOP)
@each(client=roles.confidential)
async def test_proof_of_possession_does_not_authenticate(par: Par, client: str) -> None:
    """A DPoP proof, which anybody can make with a key of his own, does not stand in for a client's credentials."""
    faulty = replace(proofs.proving(par, client), authentication=client_auth.nothing)
    answer = await par.send(faulty, control=lambda: proofs.proving(par, client))
    if answer.accepted:
        await needs_credentials(par, client)
    expect.refused(answer)


@verifies("rfc9126-2.1-missing-credentials-refused")
@each(client=roles.with_secret_or_key)
async def test_client_without_its_credentials_is_refused_the_second_time(par: Par, client: str) -> None:
    """A client that has just proved who it is has to prove it again, also on the same connection."""
    first = await par.accepted(client)
    bare = await par.send(replace(par.ordinary(client), authentication=client_auth.nothing))
    expect.refused(replace(bare, control=first))


#: Values of the Authorization header that prove nothing about anybody. Short: what stands in one is taken for a secret.
EMPTY_HANDED = {
    "no-value": "Basic",
    "no-base64": "Basic !!!",
    "no-colon": "Basic YW55",
    "only-a-colon": "Basic Og==",
    "bearer": "Bearer any",
    "unknown-scheme": "Par-Conformance any",
}


@verifies("rfc9126-2.1-missing-credentials-refused")
@each(client=roles.with_secret_or_key, header=EMPTY_HANDED)
async def test_authorization_header_without_credentials_is_refused(par: Par, client: str, header: str) -> None:
    """An Authorization header that proves nothing, beside a client_id, does not authenticate the client."""
    push = replace(par.ordinary(client), authentication=lambda _: Proof(headers=(("Authorization", header),)))
    answer = await par.send(push, control=lambda: par.ordinary(client))
    if answer.accepted:
        await needs_credentials(par, client)
    expect.not_accepted(answer)  # what else is wrong with the answer is a finding of its own


@verifies("rfc9126-2.1-wrong-credentials-refused")
@each(client=roles.with_secret_or_key)
async def test_client_with_a_wrong_credential_is_refused(par: Par, client: str) -> None:
    """A secret that differs in one character, or a signature in one bit, is refused."""
    push = replace(par.ordinary(client), authentication=client_auth.wrong)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


NEARLY: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "beginning": lambda secret: secret[: len(secret) // 2],
    "longer": lambda secret: secret + "x",
    "other-case": str.swapcase,
    "blank-added": lambda secret: secret + " ",
}


@verifies("rfc9126-2.1-wrong-credentials-refused")
@each(client=roles.with_secret, nearly=NEARLY)
async def test_client_with_a_part_of_its_secret_is_refused(par: Par, client: str, nearly: Callable[[str], str]) -> None:
    """A secret that is empty, cut, too long, in another case or followed by a blank is refused."""
    right = par.client(client).credentials.secret or ""
    if nearly(right) == right:
        raise NotApplicable("the secret has no letters")

    def wrong(occasion: Occasion) -> Proof:
        if occasion.client.entry.auth == "client_secret_basic":
            return client_auth.basic(occasion.client.client_id, nearly(right))
        return client_auth.post(nearly(right))

    push = replace(par.ordinary(client), authentication=wrong)
    answer = await par.send(push, control=lambda: par.ordinary(client))
    if answer.accepted and not nearly(right):
        await needs_credentials(par, client)
    expect.refused(answer)


async def needs_credentials(par: Par, client: str | RegisteredClient) -> None:
    """NotApplicable where a client is served without any credentials, which is a finding of its own."""
    bare = await par.send(replace(par.ordinary(client), authentication=client_auth.nothing))
    if bare.accepted:
        raise NotApplicable("this client is served without any credentials, which is a finding of its own")


def another(target: Target, client: RegisteredClient) -> RegisteredClient:
    """Another client with a credential of the same kind. NotApplicable where the profile has none."""
    kind = {"client_secret_basic": "secret", "client_secret_post": "secret", "client_secret_jwt": "secret"}
    wanted = kind.get(client.entry.auth, client.entry.auth)
    for role in target.profile.clients:
        other = target.client(role)
        same = kind.get(other.entry.auth, other.entry.auth) == wanted
        if "tls" in wanted:
            same = other.credentials.certificate is not None
        if other.client_id != client.client_id and same:
            return other
    raise NotApplicable(f"the profile has no other client with a credential like the one of {client.role!r}")


def in_the_name_of(client: RegisteredClient, other: RegisteredClient) -> Authentication:
    """Authenticate as one client with the credential of another."""
    match client.entry.auth:
        case "client_secret_basic":
            return lambda _: client_auth.basic(client.client_id, other.credentials.secret or "")
        case "client_secret_post":
            return lambda _: client_auth.post(other.credentials.secret or "")
        case "client_secret_jwt":
            return client_auth.assertion(key=(other.credentials.secret or "").encode())
        case "private_key_jwt":
            return client_auth.assertion(key=client_auth_key(other, client), header={"kid": None})
        case _:
            return lambda _: Proof(certificate=other.role)


def client_auth_key(other: RegisteredClient, client: RegisteredClient) -> SigningKey:
    """A key of another client for the algorithm that a client uses; its first key where it has none such."""
    try:
        return other.credentials.key(client.entry.assertion_alg or client.credentials.key().alg)
    except KeyError:
        return other.credentials.key()


@verifies("rfc9126-2.1-foreign-credentials-refused")
@each(client=roles.confidential)
async def test_credentials_of_another_client_are_refused(par: Par, target: Target, client: str) -> None:
    """A client is not authenticated by the credential of another registered client."""
    own = target.client(client)
    other = another(target, own)
    push = replace(par.ordinary(client), authentication=in_the_name_of(own, other))
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.1-client-id-mismatch-refused")
@each(client=roles.confidential, redirect_uri=("its-own", "of-the-other"))
async def test_client_id_of_another_client_is_refused(par: Par, target: Target, client: str, redirect_uri: str) -> None:
    """A client that authenticates as itself cannot push in the name of another client_id."""
    own = target.client(client)
    if own.entry.request_objects and own.entry.request_objects.required:
        raise NotApplicable("this client's client_id stands in its request object")
    other = target.client("second") if own.role != "second" else target.client("first")
    push = par.ordinary(client, client_id=other.client_id)
    if redirect_uri == "of-the-other":
        as_other = par.ordinary(other)
        if as_other.inside:
            raise NotApplicable("the other client's request is a request object")
        push = replace(push, parameters=as_other.parameters)
    if own.entry.auth == "client_secret_post":
        # The client_id of the body is part of this method: its credential decides, and it is the other's client_id.
        push = replace(push, authentication=lambda _: client_auth.post(own.credentials.secret or ""))
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.1-unknown-client-refused")
@each(way=("basic", "client_id"))
async def test_unknown_client_is_refused(par: Par, way: str) -> None:
    """A client_id that nobody registered is refused, with and without a secret."""
    proof = client_auth.basic(UNKNOWN_CLIENT, "any-secret-will-do") if way == "basic" else Proof()
    push = replace(par.ordinary(client_id=UNKNOWN_CLIENT), authentication=client_auth.fixed(proof))
    expect.refused(await par.send(push, control=par.ordinary))


@verifies("rfc9126-2.1-unidentified-client-refused")
async def test_push_that_names_no_client_is_refused(par: Par) -> None:
    """A push with neither client_id nor credentials is refused."""
    push = replace(par.ordinary(client_id=None), authentication=client_auth.nothing)
    expect.refused(await par.send(push, control=par.ordinary))


@verifies("rfc9126-2.1-client-id-required")
async def test_push_without_client_id_is_refused(par: Par, target: Target) -> None:
    """A push without client_id in its body is refused even where the credentials name the client."""
    if target.client("first").entry.auth not in {
        "client_secret_basic",
        "private_key_jwt",
        "client_secret_jwt",
    }:
        raise NotApplicable("the first client's credentials do not name it")
    expect.refused(await par.push(client_id=None))


def _unsigned(occasion: Occasion) -> Proof:
    return client_auth.assertion(alg="none", header={"alg": "none", "kid": None})(occasion)


def _empty_signature(occasion: Occasion) -> Proof:
    return client_auth.assertion(spoil=lambda token: token.rpartition(".")[0] + ".")(occasion)


def _unknown_key(occasion: Occasion) -> Proof:
    alg = client_auth.signing(occasion.client)[0]
    if alg.startswith("HS"):
        return client_auth.assertion(key=b"another-secret-of-at-least-32-bytes!")(occasion)
    return client_auth.assertion(key=generate_key(alg, "unknown"), header={"kid": None})(occasion)


def _own_kid_unknown_key(occasion: Occasion) -> Proof:
    alg, key = client_auth.signing(occasion.client)
    if not isinstance(key, SigningKey):
        raise NotApplicable("the key is no public key")
    return client_auth.assertion(key=generate_key(alg, key.kid))(occasion)


def _public_key_as_secret(occasion: Occasion) -> Proof:
    _, key = client_auth.signing(occasion.client)
    if not isinstance(key, SigningKey):
        raise NotApplicable("the key is no public key")
    return client_auth.assertion(key=key_pem(key).encode(), alg="HS256", header={"kid": key.kid})(occasion)


def _key_in_the_header(occasion: Occasion) -> Proof:
    alg, own = client_auth.signing(occasion.client)
    if not isinstance(own, SigningKey):
        raise NotApplicable("the key is no public key")
    key = generate_key(alg, "embedded")
    return client_auth.assertion(key=key, header={"jwk": key.public_jwk(), "kid": key.kid})(occasion)


def _changed_claim(occasion: Occasion) -> Proof:
    def spoil(token: str) -> str:
        head, _, signature = token.split(".")
        claims = {**jws.claims_of(token), "jti": "changed-after-signing"}
        return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))

    return client_auth.assertion(spoil=spoil)(occasion)


FORGERIES = {
    "alg-none": _unsigned,
    "empty-signature": _empty_signature,
    "unknown-key": _unknown_key,
    "own-kid-unknown-key": _own_kid_unknown_key,
    "public-key-as-hmac-secret": _public_key_as_secret,
    "key-in-the-header": _key_in_the_header,
    "claims-changed-after-signing": _changed_claim,
}


@verifies("rfc9126-2.1-forged-assertion-refused")
@each(client=roles.with_assertion, forgery=FORGERIES)
async def test_forged_assertion_is_refused(par: Par, client: str, forgery: Authentication) -> None:
    """A client assertion that is not signed with the client's own key is refused."""
    push = replace(par.ordinary(client), authentication=forgery)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.1-request-object-is-no-authentication", "rfc9101-10.2-client-authenticated", needs=Feature.JAR)
@each(client=roles.signing_confidential)
async def test_request_object_does_not_authenticate(par: Par, client: str) -> None:
    """A request object that the client signed does not stand in for its authentication."""
    faulty = replace(par.object(client), authentication=client_auth.nothing)
    answer = await par.send(faulty, control=lambda: par.object(client))
    if answer.accepted and not par.ordinary(client).inside:
        await needs_credentials(par, client)
    expect.refused(answer)


@verifies(
    "rfc9126-2.1-request-object-is-no-authentication",
    "rfc9101-10.8-object-as-client-assertion-refused",
    needs=Feature.JAR,
)
@each(typ={"typed": "oauth-authz-req+jwt", "untyped": None})
async def test_request_object_is_no_client_assertion(par: Par, target: Target, typ: str | None) -> None:
    """A request object sent as client assertion does not authenticate the client, whatever its type."""
    client = next((client for role in target.profile.clients if _signs_both(client := target.client(role))), None)
    if client is None:
        raise NotApplicable("no client of the profile both authenticates with a key and signs request objects")
    token = dict(par.object(client, fault=jar.Fault(header={"typ": typ})).parameters)["request"]
    proof = Proof(form=(("client_assertion_type", client_auth.ASSERTION_TYPE), ("client_assertion", token)))
    faulty = replace(par.ordinary(client), authentication=client_auth.fixed(proof))
    expect.refused(await par.send(faulty, control=lambda: par.ordinary(client)))


def _signs_both(client: RegisteredClient) -> bool:
    return client.entry.request_objects is not None and client.entry.auth == "private_key_jwt"


def other_way(occasion: Occasion) -> Proof:
    """The right secret by another method than the registered one."""
    secret = occasion.client.credentials.secret or ""
    if occasion.client.entry.auth == "client_secret_basic":
        return client_auth.post(secret)
    return client_auth.basic(occasion.client.client_id, secret)


@verifies("rfc9126-2-registered-method-governs")
@each(client=roles.with_secret)
async def test_other_method_than_the_registered_one_is_refused(par: Par, client: str) -> None:
    """A client that sends its right secret by another method than its registered one is refused."""
    push = replace(par.ordinary(client), authentication=other_way)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2-registered-method-governs")
@each(client=roles.with_secret)
async def test_other_method_than_the_registered_one_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client that sends its right secret by another method than its registered one redeems no code."""
    answer = await flows.redeemed(par, authorization, token, client, authentication=other_way)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc9126-2.1-client-authenticated")
@each(client=roles.with_secret_or_key)
async def test_credentials_fail_alike_at_both_endpoints(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """What the token endpoint refuses as a credential, the PAR endpoint refuses too."""
    answer = await par.accepted(client)
    outcome = await authorization.code(answer)
    at_token = await flows.redeemed_or_refused(
        par, authorization, token, outcome, answer.push, authentication=client_auth.wrong
    )
    if not at_token.refused:
        raise NotExercised(f"the token endpoint did not refuse a wrong credential: {at_token.summary}")
    push = replace(par.ordinary(client), authentication=client_auth.wrong)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc9126-2-audience-issuer-accepted")
@each(client=roles.with_assertion)
async def test_audience_issuer_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion for the issuer identifier is accepted."""
    await _audience_is_accepted(par, client, target.issuer)


@verifies("rfc9126-2-audience-token-endpoint-accepted")
@each(client=roles.with_assertion)
async def test_audience_token_endpoint_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion for the token endpoint's URL is accepted."""
    await _audience_is_accepted(par, client, target.token_endpoint)


@verifies("rfc9126-2-audience-par-endpoint-accepted")
@each(client=roles.with_assertion)
async def test_audience_par_endpoint_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion for the PAR endpoint's URL is accepted."""
    await _audience_is_accepted(par, client, target.par_endpoint)


async def _audience_is_accepted(par: Par, client: str, audience: str) -> None:
    """An audience is accepted where another one is: the control names the one that is not tried."""

    def naming(value: str) -> Push:
        return replace(par.ordinary(client), authentication=client_auth.assertion({"aud": value}))

    occasion = Occasion(par.client(client), par.target, par.target.par_endpoint, par.wire.clock.now())
    own = client_auth.audience(occasion)
    others = (own, par.target.token_endpoint, par.target.issuer)
    control = next(value for value in others if value != audience)
    expect.accepted(await par.send(naming(audience), control=lambda: naming(control)))
