"""DPoP proofs that come with a push: what a proof has to be (RFC 9449 sections 4 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.proofs import (
    GARBAGE,
    HOPELESS,
    is_looked_at,
    naming,
    needs_look,
    proving,
    redeemed,
    refuses,
    role_of,
    sent,
    takes,
)
from conformance.checks.test_metadata import LOOPBACK
from conformance.http.message import split
from conformance.profile.keyring import ALGORITHMS, generate_key, key_pem
from conformance.profile.model import Feature
from conformance.protocol import dpop, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey, Fault
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: Long ago, far ahead, and as little ahead as a clock may be (seconds).
FAR, NEAR = 3600, 5


# -- the header -------------------------------------------------------------------------------------------------------


@verifies("rfc9449-10.1-proof-checked-on-push", needs=Feature.DPOP)
@each(client=roles.by_method)
async def test_proof_is_checked_when_it_is_pushed(par: Par, client: str) -> None:
    """A push with a proof in which nothing is right gets no request_uri, however its client authenticates."""
    expect.refused(await par.send(proving(par, client, HOPELESS), control=lambda: proving(par, client)))


@verifies("rfc9449-10.1-invalid-proof-error-code-on-push", needs=Feature.DPOP)
async def test_error_of_a_push_with_an_invalid_proof(par: Par) -> None:
    """The error for a push with an invalid proof is invalid_dpop_proof or invalid_request."""
    answer = await par.send(proving(par, fault=HOPELESS), control=lambda: proving(par))
    if answer.accepted:
        raise NotApplicable("the invalid proof was accepted, which is a finding of its own")
    expect.an_error(answer)
    expect.that(
        answer.error in {"invalid_dpop_proof", "invalid_request"},
        "other-code",
        f"the error code is {answer.error}",
        expected="invalid_dpop_proof",
        received=answer.error,
    )


@verifies("rfc9449-4.1-header-name-case-insensitive", needs=Feature.DPOP)
@each(name=("dpop", "DPOP"))
async def test_header_name_may_be_in_any_case(par: Par, authorization: Authorization, token: Token, name: str) -> None:
    """A proof in a header named dpop or DPOP is looked at like one in DPoP."""
    right = replace(proving(par), dpop_header=name)
    expect.accepted(await par.send(right, control=lambda: proving(par)))
    wrong = await par.send(replace(proving(par, fault=HOPELESS), dpop_header=name))
    if wrong.accepted:
        await needs_look(par)
    expect.that(
        not wrong.accepted,
        "header-overlooked",
        f"the header {name} was overlooked: what is no proof was accepted in it",
        expected="a refusal",
        received=wrong.summary,
    )


@verifies("rfc9449-4.3-two-headers-refused", needs=Feature.DPOP)
async def test_two_headers_are_refused(par: Par) -> None:
    """A push with two DPoP headers, each a good proof, is refused."""
    await refuses(par, replace(proving(par), second_dpop=DpopKey()))


@verifies("rfc9449-4.3-two-proofs-in-one-header-refused", needs=Feature.DPOP)
async def test_two_proofs_in_one_header_are_refused(par: Par, target: Target) -> None:
    """A push whose DPoP header lists two proofs, separated by a comma, is refused."""

    def twice(token: str) -> str:
        other = dpop.proof(DpopKey(), "POST", target.par_endpoint, par.wire.clock.now(), nonce=par.nonces.get("par"))
        return f"{token}, {other}"

    await refuses(par, Fault(spoil=twice))


@verifies("rfc9449-4.3-malformed-proof-refused", needs=Feature.DPOP)
@each(
    fault={
        "no-jwt": GARBAGE,
        "two-parts": Fault(spoil=lambda token: token.rpartition(".")[0]),
        "four-parts": Fault(spoil=lambda token: f"{token}.AAAA"),
        "broken-base64": Fault(spoil=lambda token: "*" + token[1:]),
        "header-no-json": Fault(spoil=lambda token: "AAAA." + token.split(".", 1)[1]),
    }
)
async def test_malformed_proof_is_refused(par: Par, fault: Fault) -> None:
    """A push whose DPoP header is no well-formed JWT is refused: the header is never taken as absent."""
    await refuses(par, fault)


# -- its claims and header parameters ---------------------------------------------------------------------------------


@verifies("rfc9449-4.3-jti-required", needs=Feature.DPOP)
async def test_proof_without_jti_is_refused(par: Par) -> None:
    """A proof without jti is refused."""
    await refuses(par, Fault(claims={"jti": None}))


@verifies("rfc9449-4.3-htm-required", needs=Feature.DPOP)
async def test_proof_without_htm_is_refused(par: Par) -> None:
    """A proof without htm is refused."""
    await refuses(par, Fault(claims={"htm": None}))


@verifies("rfc9449-4.3-htu-required", needs=Feature.DPOP)
async def test_proof_without_htu_is_refused(par: Par) -> None:
    """A proof without htu is refused."""
    await refuses(par, Fault(claims={"htu": None}))


@verifies("rfc9449-4.3-iat-required", needs=Feature.DPOP)
async def test_proof_without_iat_is_refused(par: Par) -> None:
    """A proof without iat is refused."""
    await refuses(par, Fault(claims={"iat": None}))


@verifies("rfc9449-4.3-jwk-required", needs=Feature.DPOP)
async def test_proof_without_jwk_is_refused(par: Par) -> None:
    """A proof without a jwk header is refused."""
    await refuses(par, Fault(header={"jwk": None}))


@verifies("rfc9449-4.3-typ-required", needs=Feature.DPOP)
async def test_proof_without_typ_is_refused(par: Par) -> None:
    """A proof without a typ header is refused."""
    await refuses(par, Fault(header={"typ": None}))


@verifies("rfc9449-4.3-other-typ-refused", needs=Feature.DPOP)
@each(typ=("at+jwt", "oauth-authz-req+jwt", "dpop"))
async def test_proof_of_another_type_is_refused(par: Par, typ: str) -> None:
    """A proof whose typ is not dpop+jwt is refused."""
    await refuses(par, Fault(header={"typ": typ}))


@verifies("rfc9449-11.5-other-jwt-as-proof-refused", needs=Feature.DPOP)
async def test_jwt_of_another_kind_is_no_proof(par: Par, target: Target) -> None:
    """A JWT that was signed as a client assertion is refused as a proof, even where it has all claims of one."""
    client = target.client(role_of(target))
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": target.issuer,
        "exp": lambda now: int(now) + 60,
    }
    await refuses(par, Fault(claims=claims, header={"typ": "JWT"}))


@verifies("rfc9449-4.2-further-claims-tolerated", needs=Feature.DPOP)
async def test_proof_with_a_further_claim_is_accepted(par: Par) -> None:
    """A proof with a claim that the server does not know is accepted."""
    await takes(par, Fault(claims={"par_conformance": {"a": [1]}}))


# -- its signature ----------------------------------------------------------------------------------------------------


@verifies("rfc9449-4.3-alg-none-refused", "fapi2-security-profile-5.4.1-proof-alg-none-refused", needs=Feature.DPOP)
@each(alg=("none", "None", "NONE", "nOnE"))
async def test_unsigned_proof_is_refused(par: Par, alg: str) -> None:
    """A proof with alg none, in any spelling, is refused."""
    await refuses(par, Fault(alg="none", header={"alg": alg}))


def _public_key_as_secret(key: DpopKey) -> Fault:
    return Fault(signer=key_pem(key.key).encode(), alg="HS256")


def _secret_in_the_header(_: DpopKey) -> Fault:
    secret = b"a-secret-of-at-least-32-bytes-of-length"
    return Fault(signer=secret, alg="HS256", header={"jwk": {"kty": "oct", "k": jws.base64url(secret)}})


@verifies("rfc9449-4.3-symmetric-alg-refused", needs=Feature.DPOP)
@each(forgery={"public-key-as-secret": _public_key_as_secret, "secret-in-the-header": _secret_in_the_header})
async def test_proof_with_a_mac_is_refused(par: Par, forgery: object) -> None:
    """A proof with a MAC in place of a signature is refused."""
    assert callable(forgery)
    key = DpopKey()
    push = replace(proving(par, fault=forgery(key)), dpop=key)
    await refuses(par, push)


@verifies("rfc9449-4.3-unadvertised-alg-refused", needs=Feature.DPOP)
async def test_proof_with_an_unadvertised_algorithm_is_refused(par: Par, target: Target) -> None:
    """A proof signed with an algorithm that the metadata does not list is refused."""
    listed = target.metadata.strings("dpop_signing_alg_values_supported")
    if listed is None:
        raise NotApplicable("the metadata lists no algorithms of DPoP proofs")
    known = {*listed, *(["EdDSA"] if "Ed25519" in listed else [])}
    others = [alg for alg in ALGORITHMS if alg not in known]
    if not others:
        raise NotApplicable("the metadata lists every algorithm that the suite can sign with")
    for alg in sorted({next((one for one in others if one.startswith(kind)), others[0]) for kind in ("RS", "ES")}):
        key = DpopKey(generate_key(alg, "unadvertised"))
        await refuses(par, replace(proving(par), dpop=key))


def _changed_after_signing(token: str) -> str:
    head, _, signature = token.split(".")
    claims = {**jws.claims_of(token), "jti": "changed-after-signing"}
    return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))


SIGNATURES: Mapping[str, Fault] = {
    "tampered": Fault(spoil=jws.tampered),
    "claims-changed": Fault(spoil=_changed_after_signing),
    "another-key": Fault(signer=generate_key("ES256", "other")),
    "empty": Fault(spoil=lambda token: token.rpartition(".")[0] + "."),
}


@verifies("rfc9449-4.3-signature-validated", needs=Feature.DPOP)
@each(fault=SIGNATURES)
async def test_proof_with_a_wrong_signature_is_refused(par: Par, fault: Fault) -> None:
    """A proof that was changed after it was signed, or signed with another key than its jwk, is refused."""
    await refuses(par, fault)


@verifies("rfc9449-4.3-private-key-in-jwk-refused", needs=Feature.DPOP)
async def test_proof_with_its_private_key_is_refused(par: Par) -> None:
    """A proof whose jwk header carries the private key is refused."""
    key = DpopKey()
    fault = Fault(header={"jwk": {**key.jwk, "d": private_member(key)}})
    await refuses(par, replace(proving(par, fault=fault), dpop=key))


def private_member(key: DpopKey) -> str:
    """The member d of the key's JWK."""
    numbers = getattr(key.key.private, "private_numbers", None)
    if numbers is None:
        raise NotExercised("the key has no private number")
    value: int = numbers().private_value
    return jws.base64url(value.to_bytes(32, "big"))


# -- what it was made for ---------------------------------------------------------------------------------------------


@verifies("rfc9449-4.3-htm-must-match", needs=Feature.DPOP)
@each(method=("GET", "PUT"))
async def test_proof_for_another_method_is_refused(par: Par, method: str) -> None:
    """A proof whose htm is another method than that of the request is refused."""
    await refuses(par, Fault(claims={"htm": method}))


@verifies("rfc9449-4.3-htm-has-case", needs=Feature.DPOP)
async def test_proof_for_the_method_in_small_letters_is_refused(par: Par) -> None:
    """A proof whose htm is the method in small letters is refused: names of methods are case-sensitive."""
    await refuses(par, Fault(claims={"htm": "post"}))


@verifies("rfc9449-4.3-htu-must-match", needs=Feature.DPOP)
@each(where=("token-endpoint", "issuer", "longer-path"))
async def test_proof_for_another_endpoint_is_refused(par: Par, target: Target, where: str) -> None:
    """A proof made for another address of the same server is refused."""
    push = proving(par)
    own = par.endpoint(push)
    other = {"token-endpoint": target.token_endpoint, "issuer": target.issuer, "longer-path": own + "/more"}[where]
    if split(other).path.rstrip("/") == split(own).path.rstrip("/"):
        raise NotApplicable("both addresses have the same path")
    await refuses(par, Fault(claims={"htu": other}))


@verifies("rfc9449-4.3-htu-of-other-host-refused", needs=Feature.DPOP)
@each(where=("other-host", "host-suffix", "other-port", "other-scheme"))
async def test_proof_for_another_host_is_refused(par: Par, where: str) -> None:
    """A proof made for the same path of another host, or of another port or scheme of this one, is refused."""
    parts = split(par.endpoint(proving(par)))
    changes = {
        "other-host": {"netloc": "attacker.example"},
        "host-suffix": {"netloc": f"{parts.hostname}.attacker.example"},
        "other-port": {"netloc": f"{parts.netloc.removesuffix(f':{parts.port}')}:{(parts.port or 443) ^ 1}"},
        "other-scheme": {"scheme": "http" if parts.scheme == "https" else "https"},
    }
    await refuses(par, Fault(claims={"htu": parts._replace(**changes[where]).geturl()}))


@verifies("rfc9449-4.3-query-of-request-ignored", needs=Feature.DPOP)
async def test_query_of_the_request_does_not_count(par: Par) -> None:
    """A proof without query in its htu is accepted when the request URL has a query."""
    query = (("par-conformance", "1"),)
    plain = await par.send(replace(naming(par), query=query))
    if not plain.accepted:
        raise NotApplicable(f"this server takes no query at its PAR endpoint: {plain.summary}")
    answer = await par.send(replace(proving(par), query=query), control=lambda: proving(par))
    expect.accepted(answer)


@verifies("rfc9449-4.3-htu-case-normalised", needs=Feature.DPOP)
async def test_capitals_in_scheme_and_host_do_not_count(par: Par) -> None:
    """A proof whose htu writes scheme and host in capital letters is accepted."""
    url = par.endpoint(proving(par))
    head, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    await takes(par, Fault(claims={"htu": head.upper() + slashes + host.upper() + slash + path}))


@verifies("rfc9449-4.3-htu-default-port-normalised", needs=Feature.DPOP)
async def test_default_port_may_be_spelled_out(par: Par) -> None:
    """A proof whose htu spells the default port of the scheme out, or leaves it away, is accepted."""
    parts = split(par.endpoint(proving(par)))
    default = {"https": 443, "http": 80}[parts.scheme]
    if parts.port not in {None, default}:
        raise NotApplicable("the endpoint is not on the default port of its scheme")
    host = parts.netloc.removesuffix(f":{default}")
    other = host if parts.port else f"{host}:{default}"
    await takes(par, Fault(claims={"htu": parts._replace(netloc=other).geturl()}))


# -- when it was made -------------------------------------------------------------------------------------------------


async def refuses_the_time(par: Par, offset: int) -> None:
    """A proof whose iat is so far from now is refused; with a nonce the server may know the time by that."""
    fault = Fault(claims={"iat": lambda now: int(now) + offset})
    answer = await par.send(proving(par, fault=fault), control=lambda: proving(par))
    if answer.accepted and par.nonces.get("par"):
        raise NotApplicable("the server gives out nonces, and may tell the age of a proof by them")
    if answer.accepted:
        await needs_look(par)
    expect.refused(answer)


@verifies("rfc9449-4.3-old-proof-refused", needs=Feature.DPOP)
async def test_old_proof_is_refused(par: Par) -> None:
    """A proof that was made an hour ago is refused."""
    await refuses_the_time(par, -FAR)


@verifies("rfc9449-4.3-future-proof-refused", needs=Feature.DPOP)
async def test_proof_from_the_future_is_refused(par: Par) -> None:
    """A proof that is dated an hour ahead is refused."""
    await refuses_the_time(par, FAR)


@verifies("rfc9449-11.1-slightly-future-proof-accepted", needs=Feature.DPOP)
async def test_proof_slightly_ahead_is_accepted(par: Par) -> None:
    """A proof that is dated five seconds ahead is accepted."""
    await takes(par, Fault(claims={"iat": lambda now: int(now) + NEAR}))


@verifies(
    "rfc9449-11.1-replayed-proof-refused",
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-replayed-proof-refused",
    needs=Feature.DPOP,
)
async def test_proof_is_good_once(par: Par) -> None:
    """A proof that was accepted once is refused at the same endpoint."""
    recorded: list[str] = []

    def record(token: str) -> str:
        recorded.append(token)
        return token

    await sent(par, lambda: proving(par, fault=Fault(spoil=record)))
    await refuses(par, Fault(spoil=lambda _: recorded[-1]))


# -- what the server says of it ---------------------------------------------------------------------------------------

MEMBER = "dpop_signing_alg_values_supported"


@verifies("rfc9449-5.1-signing-algs-advertised")
async def test_algorithms_of_proofs_are_advertised(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A server that takes DPoP proofs lists their algorithms in its metadata, as strings."""
    published = target.metadata.document.get(MEMBER)
    if published is None:
        key = DpopKey()
        answer = await par.send(replace(proving(par), dpop=key))
        if not answer.accepted or not await is_looked_at(par):
            raise NotApplicable("the server takes no DPoP proofs")
        tokens = await redeemed(authorization, token, answer, key)
        if str(tokens.json.get("token_type")).lower() != "dpop":
            raise NotApplicable("the server issues no DPoP-bound tokens")
    expect.that(
        bool(target.metadata.strings(MEMBER)),
        "not-advertised",
        f"{MEMBER} is {published!r}",
        expected="an array of strings",
        received=repr(published),
    )


@verifies("rfc9449-5.1-only-asymmetric-algs-advertised")
async def test_only_asymmetric_algorithms_are_advertised(target: Target) -> None:
    """The advertised algorithms of proofs are asymmetric: neither none nor an HMAC is among them."""
    listed = target.metadata.strings(MEMBER)
    if listed is None:
        raise NotApplicable(f"the metadata does not list {MEMBER}")
    wrong = [alg for alg in listed if alg.lower() == "none" or alg.startswith("HS")]
    expect.that(
        not wrong,
        "symmetric-advertised",
        f"{MEMBER} lists {', '.join(wrong)}",
        expected="asymmetric algorithms",
        received=", ".join(listed),
    )


@verifies("rfc9449-2-used-over-https-only", needs=Feature.DPOP)
async def test_endpoints_that_take_proofs_use_https(target: Target) -> None:
    """The endpoints that take DPoP proofs are https URLs."""
    urls = [target.par_endpoint, target.token_endpoint, target.metadata.userinfo_endpoint or ""]
    plain = [url for url in urls if split(url).scheme == "http"]
    if plain and all(split(url).hostname in LOOPBACK for url in plain):
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    if plain:
        raise Violation(
            "plain-http", f"{plain[0]} takes DPoP proofs over plain http", expected="https", received=plain[0]
        )
