"""For whom a client assertion is (RFC 7523 section 3, item 3, and its update)."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.assertions import OTHER_ISSUER, accepted, claims_refused, doubled, usual_audience
from conformance.checks.test_metadata import document
from conformance.http.message import split
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, Push
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


@verifies("rfc7523-3-aud-required")
@each(client=roles.with_assertion, audience={"absent": None, "empty": "", "empty-array": []})
async def test_assertion_without_aud_is_refused(par: Par, client: str, audience: object) -> None:
    """A client assertion without aud, or with an empty one, does not authenticate the client."""
    await claims_refused(par, client, {"aud": audience})


@verifies("rfc7523-3-foreign-aud-refused", "rfc7523bis-5-other-issuers-audience-refused")
@each(client=roles.with_assertion, audience={"string": OTHER_ISSUER, "array": [OTHER_ISSUER, "https://third.example"]})
async def test_assertion_for_another_server_is_refused(par: Par, client: str, audience: object) -> None:
    """A client assertion whose aud names another server does not authenticate the client."""
    await claims_refused(par, client, {"aud": audience})


@verifies("rfc7523-3-last-of-two-claims-counts")
@each(client=roles.with_assertion)
async def test_first_of_two_audiences_does_not_count(par: Par, client: str) -> None:
    """An assertion in which aud stands twice, first right and then another server's, authenticates nobody."""
    push = replace(par.ordinary(client), authentication=doubled("aud", OTHER_ISSUER))
    answer = await par.send(push, control=lambda: par.ordinary(client))
    if answer.accepted:
        foreign = replace(par.ordinary(client), authentication=client_auth.assertion({"aud": OTHER_ISSUER}))
        if (await par.send(foreign)).accepted:
            raise NotApplicable("no audience is looked at, which is a finding of its own")
    expect.refused(answer)


def almost(audience: str, change: str) -> str:
    """A text that only looks like an audience. NotApplicable where it cannot be changed so."""
    parts = split(audience)
    if change == "default-port":
        if parts.port is not None:
            raise NotApplicable("the audience names its port")
        port = {"https": 443, "http": 80}.get(parts.scheme, 443)
        return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
    return {
        "trailing-slash": audience[:-1] if audience.endswith("/") else audience + "/",
        "upper-case": audience.replace(f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{parts.netloc}".upper()),
        "longer-host": audience.replace(parts.netloc, f"{parts.netloc}.attacker.example"),
        "longer": audience + "-more",
        "shorter": audience[:-1],
        "query": audience + "?of=nobody",
    }[change]


@verifies("rfc7523-3-aud-compared-exactly", "rfc7523bis-4-audience-compared-exactly")
@each(
    client=roles.with_assertion,
    change=("trailing-slash", "upper-case", "default-port", "longer-host", "longer", "shorter", "query"),
)
async def test_aud_that_is_almost_right_is_refused(par: Par, target: Target, client: str, change: str) -> None:
    """A client assertion whose aud is right but for case, a slash, a port, a beginning or an end is refused."""
    await claims_refused(par, client, {"aud": almost(usual_audience(target, target.client(client)), change)})


@verifies("rfc7523-3-aud-array-accepted")
@each(client=roles.with_assertion)
async def test_assertion_for_this_server_among_others_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion whose aud is an array with the client's usual audience among others is accepted."""
    # That some audience of this server is refused by itself is a finding of its own.
    usual = usual_audience(target, target.client(client))
    await accepted(par, client, client_auth.assertion({"aud": [OTHER_ISSUER, usual]}))


# -- the update: the issuer, and nothing else -----------------------------------------------------------------------


@verifies("rfc7523bis-4-issuer-identifier-exists")
async def test_server_has_an_issuer_identifier(target: Target) -> None:
    """The metadata has an issuer identifier that clients can put into their assertions."""
    issuer = document(target).get("issuer")
    expect.that(
        isinstance(issuer, str) and bool(issuer),
        "no-issuer",
        f"the issuer is {issuer!r}",
        expected="a URL",
        received=repr(issuer),
    )


@verifies("rfc7523bis-5-issuer-audience-accepted", "fapi2-security-profile-5.3.2.1-issuer-audience-accepted")
@each(client=roles.with_assertion)
async def test_assertion_for_the_issuer_alone_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion with the issuer as its only audience is accepted."""

    def meant_for(audience: object) -> Push:
        return replace(par.ordinary(client), authentication=client_auth.assertion({"aud": audience}))

    answer = await par.send(meant_for(target.issuer))
    if answer.accepted:
        return
    for other in ([target.issuer], target.token_endpoint, target.par_endpoint):
        if (await par.send(meant_for(other), purpose="control")).accepted:
            expect.accepted(answer)
    raise NotExercised(f"no client assertion was accepted, whatever its audience: {answer.summary}")


@verifies("rfc7523bis-5-single-element-array-accepted")
@each(client=roles.with_assertion)
async def test_assertion_for_the_issuer_in_an_array_is_accepted(par: Par, target: Target, client: str) -> None:
    """A client assertion with the issuer as the only member of an aud array is accepted."""

    def meant_for(audience: object) -> Push:
        return replace(par.ordinary(client), authentication=client_auth.assertion({"aud": audience}))

    expect.accepted(await par.send(meant_for([target.issuer]), control=lambda: meant_for(target.issuer)))


@verifies(
    "rfc7523bis-5-token-endpoint-audience-refused", "fapi2-security-profile-5.3.2.1-token-endpoint-audience-refused"
)
@each(client=roles.with_assertion)
async def test_assertion_for_the_token_endpoint_is_refused(par: Par, target: Target, client: str) -> None:
    """A push whose client assertion is for the token endpoint's URL is refused."""
    await claims_refused(par, client, {"aud": target.token_endpoint})


@verifies("rfc7523bis-5-par-endpoint-audience-refused", "fapi2-security-profile-5.3.2.1-par-endpoint-audience-refused")
@each(client=roles.with_assertion)
async def test_assertion_for_the_par_endpoint_is_refused(par: Par, target: Target, client: str) -> None:
    """A push whose client assertion is for the PAR endpoint's URL is refused."""
    await claims_refused(par, client, {"aud": target.par_endpoint})


@verifies("rfc7523bis-5-further-audiences-refused")
@each(client=roles.with_assertion, order=("issuer-first", "issuer-last", "own-endpoint"))
async def test_assertion_for_others_too_is_refused(par: Par, target: Target, client: str, order: str) -> None:
    """A push whose client assertion names the issuer and a further audience is refused."""
    audiences = {
        "issuer-first": [target.issuer, OTHER_ISSUER],
        "issuer-last": [OTHER_ISSUER, target.issuer],
        "own-endpoint": [target.issuer, target.token_endpoint],
    }
    await claims_refused(par, client, {"aud": audiences[order]})


@verifies("rfc7523bis-4-token-endpoint-audience-refused-at-token-endpoint")
@each(client=roles.with_assertion)
async def test_assertion_for_the_token_endpoint_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A token request whose client assertion is for the token endpoint's URL is refused."""
    answer = await par.accepted(client)
    wrong = client_auth.assertion({"aud": target.token_endpoint})
    tokens = await token.redeem(await authorization.code(answer), answer.push, authentication=wrong)
    fresh = await par.accepted(client)
    control = await token.redeem(await authorization.code(fresh), fresh.push)
    expect.not_redeemed(tokens, control=control)


@verifies("rfc7523bis-5-typed-assertion-accepted")
@each(client=roles.with_assertion)
async def test_assertion_of_the_registered_type_is_accepted(par: Par, client: str) -> None:
    """A client assertion with the typ header client-authentication+jwt is accepted."""
    await accepted(par, client, client_auth.assertion(header={"typ": "client-authentication+jwt"}))


@verifies("rfc7523bis-5-untyped-assertion-accepted")
@each(client=roles.with_assertion)
async def test_untyped_assertion_is_accepted(par: Par, client: str) -> None:
    """A client assertion without a typ header is accepted."""
    await accepted(par, client, client_auth.assertion(header={"typ": None}))
