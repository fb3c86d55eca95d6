"""Client assertions at the PAR endpoint: parameters, claims and times (RFC 7523 sections 2.2 and 3)."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import assertions, flows, roles
from conformance.checks.assertions import OTHER_ISSUER, Claims, accepted, claims_refused, made, refused, sent, text_of
from conformance.engine import CheckClock
from conformance.protocol import client_auth, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication, Occasion, Proof
from conformance.protocol.par import Par, needs_accepted
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable

# -- the parameters -------------------------------------------------------------------------------------------------


@verifies("rfc7523-2.2-assertion-accepted")
@each(client=roles.with_assertion)
async def test_assertion_authenticates_the_client(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client registered for it authenticates with a client assertion, at the push and at the token endpoint."""
    answer = expect.accepted(await par.push(client))
    expect.redeemed(await token.redeem(await authorization.code(answer), answer.push))


@verifies("rfc7523-2.2-assertion-accepted")
async def test_every_key_of_the_client_authenticates_it(par: Par, target: Target) -> None:
    """A client with two keys of one algorithm authenticates with the second one too."""
    for role in assertions.with_registered_algorithm(target.profile).values():
        client = target.client(role)
        keys = [key for key in client.credentials.keys if key.alg == client.entry.assertion_alg]
        if len(keys) > 1:
            await accepted(par, client, client_auth.assertion(key=keys[1]))
            return
    raise NotApplicable("no client of the profile has two keys for the registered algorithm of its assertions")


@verifies("rfc7523-2.2-missing-assertion-type-refused")
@each(client=roles.with_assertion)
async def test_assertion_without_its_type_is_refused(par: Par, client: str) -> None:
    """A client assertion without client_assertion_type does not authenticate the client."""
    await refused(par, client, client_auth.assertion(assertion_type=None))


@verifies("rfc7523-2.2-other-assertion-type-refused")
@each(
    client=roles.with_assertion,
    kind={
        "saml": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "grant": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "other-case": client_auth.ASSERTION_TYPE.upper(),
        "longer": client_auth.ASSERTION_TYPE + "-more",
    },
)
async def test_assertion_of_another_type_is_refused(par: Par, client: str, kind: str) -> None:
    """A client assertion beside another client_assertion_type does not authenticate the client."""
    await refused(par, client, client_auth.assertion(assertion_type=kind))


@verifies("rfc7523-2.2-missing-assertion-refused")
@each(client=roles.with_assertion, form={"absent": (), "empty": (("client_assertion", ""),)})
async def test_type_without_an_assertion_is_refused(par: Par, client: str, form: tuple[tuple[str, str], ...]) -> None:
    """client_assertion_type without a client_assertion does not authenticate the client."""
    proof = Proof(form=(("client_assertion_type", client_auth.ASSERTION_TYPE), *form))
    await refused(par, client, client_auth.fixed(proof))


@verifies("rfc7523-2.2-two-assertions-refused")
@each(client=roles.with_assertion, which=("both-right", "first-right", "second-right"))
async def test_two_assertions_are_refused(par: Par, target: Target, client: str, which: str) -> None:
    """A push with two client assertions is refused, whichever of them is right."""
    own = target.client(client)
    right, other = text_of(made(par, own)), text_of(made(par, own))
    wrong = jws.tampered(other)
    texts = {"both-right": (right, other), "first-right": (right, wrong), "second-right": (wrong, right)}
    await refused(par, client, client_auth.fixed(sent(*texts[which])))


# -- whose assertion it is --------------------------------------------------------------------------------------------


@verifies("rfc7523-3-iss-required")
@each(client=roles.with_assertion)
async def test_assertion_without_iss_is_refused(par: Par, client: str) -> None:
    """A client assertion without iss does not authenticate the client."""
    await claims_refused(par, client, {"iss": None})


@verifies("rfc7523-3-foreign-iss-refused")
@each(client=roles.with_assertion, issuer=("attacker", "other-client", "server"))
async def test_assertion_of_another_issuer_is_refused(par: Par, target: Target, client: str, issuer: str) -> None:
    """A client assertion whose iss is not the client does not authenticate it."""
    own = target.client(client)
    values = {
        "attacker": lambda: OTHER_ISSUER,
        "other-client": lambda: assertions.another_id(target, own),
        "server": lambda: target.issuer,
    }
    await claims_refused(par, client, {"iss": values[issuer]()})


@verifies("rfc7523-3-iss-compared-exactly")
@each(client=roles.with_assertion)
async def test_iss_in_another_case_is_refused(par: Par, target: Target, client: str) -> None:
    """A client assertion whose iss is the client but for the case of its letters does not authenticate it."""
    await claims_refused(par, client, {"iss": assertions.other_case(target.client(client).client_id)})


@verifies("rfc7523-3-sub-required")
@each(client=roles.with_assertion)
async def test_assertion_without_sub_is_refused(par: Par, client: str) -> None:
    """A client assertion without sub does not authenticate the client."""
    await claims_refused(par, client, {"sub": None})


@verifies("rfc7523-3-foreign-sub-refused")
@each(client=roles.with_assertion, subject=("attacker", "other-client", "other-client-and-iss", "other-case"))
async def test_assertion_about_another_subject_is_refused(par: Par, target: Target, client: str, subject: str) -> None:
    """A client assertion whose sub is not the client does not authenticate it."""
    own = target.client(client)
    claims: dict[str, str] = {}
    if subject == "attacker":
        claims["sub"] = "par-conformance-somebody"
    elif subject == "other-case":
        claims["sub"] = assertions.other_case(own.client_id)
    else:
        claims["sub"] = assertions.another_id(target, own)
    if subject == "other-client-and-iss":
        claims["iss"] = claims["sub"]
    await claims_refused(par, client, claims)


@verifies("rfc7523-3-client-id-parameter-mismatch-refused")
@each(client=roles.with_assertion)
async def test_other_client_id_than_the_assertions_is_refused(par: Par, target: Target, client: str) -> None:
    """A push whose client_id differs from the sub of its client assertion is refused."""
    own = target.client(client)
    if par.ordinary(own).inside:
        raise NotApplicable("this client's client_id stands in its request object")
    push = par.ordinary(own, client_id=assertions.another_id(target, own))
    expect.refused(await par.send(push, control=lambda: par.ordinary(own)))


# -- how long it holds ------------------------------------------------------------------------------------------------

YEAR = 31_536_000


@verifies("rfc7523-3-exp-required")
@each(client=roles.with_assertion)
async def test_assertion_without_exp_is_refused(par: Par, client: str) -> None:
    """A client assertion without exp does not authenticate the client."""
    await claims_refused(par, client, {"exp": None})


EXPIRED: dict[str, Claims] = {
    "minutes-ago": {"exp": lambda now: int(now) - 300, "iat": lambda now: int(now) - 360},
    "in-1970": {"exp": 1, "iat": None},
    "at-zero": {"exp": 0, "iat": None},
}


@verifies("rfc7523-3-expired-assertion-refused")
@each(client=roles.with_assertion, claims=EXPIRED)
async def test_expired_assertion_is_refused(par: Par, client: str, claims: Claims) -> None:
    """A client assertion whose exp has passed, by minutes or since 1970, does not authenticate the client."""
    await claims_refused(par, client, claims)


NO_NUMBERS: dict[str, Claims] = {
    "digits": {"exp": lambda now: str(int(now) + 60)},
    "words": {"exp": "tomorrow"},
    "object": {"exp": {"seconds": 4_000_000_000}},
    "array": {"exp": [4_000_000_000]},
}


@verifies("rfc7523-3-exp-that-is-no-number-refused")
@each(client=roles.with_assertion, claims=NO_NUMBERS)
async def test_assertion_whose_exp_is_no_number_is_refused(par: Par, client: str, claims: Claims) -> None:
    """A client assertion whose exp is no JSON number does not authenticate the client."""
    await claims_refused(par, client, claims)


@verifies("rfc7523-3-exp-far-ahead-refused")
@each(client=roles.with_assertion)
async def test_assertion_for_ten_years_is_refused(par: Par, client: str) -> None:
    """A client assertion whose exp is ten years ahead does not authenticate the client."""
    await claims_refused(par, client, {"exp": lambda now: int(now) + 10 * YEAR})


@verifies("rfc7523-3-not-yet-valid-assertion-refused")
@each(client=roles.with_assertion, exp={"exp-after-nbf": 600, "exp-as-usual": 0})
async def test_assertion_from_the_future_is_refused(par: Par, client: str, exp: int) -> None:
    """A client assertion whose nbf is ten minutes ahead does not authenticate the client, wherever its exp lies.

    A server that bounds how far ahead exp may lie would refuse the one for its exp.
    """
    end = exp + client_auth.LIFETIME
    await claims_refused(par, client, {"nbf": lambda now: int(now) + 600, "exp": lambda now: int(now) + end})


@verifies("rfc7523-3-old-assertion-refused")
@each(client=roles.with_assertion)
async def test_old_assertion_is_refused(par: Par, client: str) -> None:
    """A client assertion whose iat is ten years back does not authenticate the client, though exp is ahead."""
    await claims_refused(par, client, {"iat": lambda now: int(now) - 10 * YEAR})


# -- used twice -------------------------------------------------------------------------------------------------------


@verifies(
    "rfc7523-3-replayed-assertion-refused",
    "atproto-oauth-confidential-client-authentication-replayed-assertion-refused",
)
@each(client=roles.with_assertion)
async def test_assertion_is_used_once(par: Par, target: Target, client: str) -> None:
    """A client assertion that was accepted once is refused at the same endpoint."""
    await par.accepted(client)  # then a nonce that the server demands is known: to ask again would be to use it again
    proof = client_auth.fixed(made(par, target.client(client)))
    needs_accepted(await par.send(replace(par.ordinary(client), authentication=proof)))
    await refused(par, client, proof)


@verifies("rfc7523-3-replayed-assertion-refused", waits=True)
@each(client=roles.with_assertion)
async def test_assertion_is_not_good_again_later(par: Par, target: Target, clock: CheckClock, client: str) -> None:
    """A client assertion that was accepted once is refused a while later, too, while its exp is still ahead."""
    await par.accepted(client)  # then a nonce that the server demands is known: to ask again would be to use it again
    proof = client_auth.fixed(made(par, target.client(client)))
    answer = needs_accepted(await par.send(replace(par.ordinary(client), authentication=proof)))
    later = clock.now() + flows.a_while(answer, client_auth.LIFETIME / 2)
    await clock.until(later, "an assertion that was used some time ago")
    await refused(par, client, proof)


@verifies(
    "rfc7523-3-assertion-replayed-at-other-endpoint-refused",
    "atproto-oauth-confidential-client-authentication-replayed-assertion-refused",
)
@each(client=roles.with_assertion)
async def test_assertion_of_a_push_is_refused_at_the_token_endpoint(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A client assertion that was accepted for a push does not authenticate the client at the token endpoint."""
    await par.accepted(client)  # then a nonce that the server demands is known: to ask again would be to use it again
    proof = client_auth.fixed(made(par, target.client(client)))
    answer = needs_accepted(await par.send(replace(par.ordinary(client), authentication=proof)))
    replayed = await token.redeem(await authorization.code(answer), answer.push, authentication=proof)
    fresh = await par.accepted(client)
    control = await token.redeem(await authorization.code(fresh), fresh.push)
    expect.not_redeemed(replayed, control=control)


async def claims_redeem_nothing(
    par: Par, authorization: Authorization, token: Token, client: str, claims: Claims
) -> None:
    """A token request whose assertion has these changes to its claims gets no token."""
    wrong = await flows.redeemed(par, authorization, token, client, authentication=client_auth.assertion(claims))
    expect.not_redeemed(wrong, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc7523-3-expired-assertion-refused")
@each(client=roles.with_assertion)
async def test_expired_assertion_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client assertion whose exp has passed does not authenticate the client at the token endpoint."""
    await claims_redeem_nothing(par, authorization, token, client, EXPIRED["minutes-ago"])


@verifies("rfc7523-3-foreign-iss-refused")
@each(client=roles.with_assertion)
async def test_assertion_of_another_issuer_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client assertion whose iss is not the client does not authenticate it at the token endpoint."""
    await claims_redeem_nothing(par, authorization, token, client, {"iss": OTHER_ISSUER})


@verifies("rfc7523-3-foreign-aud-refused")
@each(client=roles.with_assertion)
async def test_assertion_for_another_server_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client assertion whose aud names another server does not authenticate the client at the token endpoint."""
    await claims_redeem_nothing(par, authorization, token, client, {"aud": OTHER_ISSUER})


@verifies("rfc7523-3-further-claims-tolerated")
@each(client=roles.with_assertion)
async def test_assertion_with_an_unknown_claim_is_accepted(par: Par, client: str) -> None:
    """A client assertion with a claim that the server does not know authenticates the client."""
    await accepted(par, client, client_auth.assertion({"par-conformance": {"any": [1, "two"]}}))


# -- what is no assertion ---------------------------------------------------------------------------------------------


def _word(_: Occasion) -> Proof:
    return sent("this-is-no-assertion")


def _header_array(_: Occasion) -> Proof:
    return sent("W10.e30.c2lnbmF0dXJl")


MALFORMED: dict[str, Authentication] = {
    "word": _word,
    "dots": lambda _: sent(".."),
    "header-array": _header_array,
    "two-parts": assertions.made_of(lambda token: token.rpartition(".")[0]),
    "four-parts": assertions.made_of(lambda token: token + ".more"),
    "no-base64url": assertions.made_of(lambda token: "%%%." + token.partition(".")[2]),
    "no-json": assertions.signed(b"this is no JSON"),
    "array": assertions.signed(b'["claims"]'),
    "no-utf8": assertions.signed(b'{"sub":"\xff\xfe"}'),
    "deep": assertions.signed(b'{"sub":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "huge-exp": assertions.signed(b'{"sub":"par-conformance","exp":1e999}'),
}


@verifies("rfc7523-3-malformed-assertion-refused")
@each(client=roles.with_assertion, text=MALFORMED)
async def test_malformed_assertion_is_refused(par: Par, client: str, text: Authentication) -> None:
    """A client assertion that is no well-formed JWT is refused, and the server stays in order."""
    await refused(par, client, text)


@verifies("rfc7523-3.2-invalid-assertion-error-code")
@each(
    client=roles.with_assertion,
    fault={
        "changed": client_auth.assertion(spoil=jws.tampered),
        "expired": client_auth.assertion(EXPIRED["minutes-ago"]),
        "foreign-audience": client_auth.assertion({"aud": OTHER_ISSUER}),
    },
)
async def test_invalid_assertion_is_told_invalid_client(par: Par, client: str, fault: Authentication) -> None:
    """The error for a client assertion that was changed, has expired or is for another server is invalid_client."""
    push = replace(par.ordinary(client), authentication=fault)
    expect.error_code(await par.send(push, control=lambda: par.ordinary(client)), "invalid_client")


# -- the agreed method ------------------------------------------------------------------------------------------------


@verifies("rfc9126-2-registered-method-governs")
@each(client=assertions.with_mac, way=("basic", "post"))
async def test_secret_itself_does_not_replace_the_assertion(par: Par, target: Target, client: str, way: str) -> None:
    """A client registered for assertions made with its secret is refused when it sends the secret itself."""
    own = target.client(client)
    secret = own.credentials.secret or ""
    proof = client_auth.basic(own.client_id, secret) if way == "basic" else client_auth.post(secret)
    await refused(par, client, client_auth.fixed(proof))


@verifies("rfc9126-2-registered-method-governs")
@each(client=roles.with_secret)
async def test_assertion_does_not_replace_the_secret(par: Par, target: Target, client: str) -> None:
    """A client registered to send its secret is refused when it sends an assertion made with it."""
    own = target.client(client)
    now = par.wire.clock.now()
    claims = client_auth.assertion_claims(Occasion(own, target, target.par_endpoint, now), {})
    token = jws.encode(claims, (own.credentials.secret or "").encode(), "HS256", {"alg": "HS256", "typ": "JWT"})
    await refused(par, client, client_auth.fixed(sent(token)))
