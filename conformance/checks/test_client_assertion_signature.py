"""Client assertions at the PAR endpoint: signatures, keys and algorithms (RFC 7523 section 3, item 9)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import assertions, objects, roles
from conformance.checks.assertions import refused
from conformance.checks.test_client_authentication import another, client_auth_key
from conformance.checks.test_jar_signature import other_algorithm
from conformance.http.listener import listening
from conformance.profile.keyring import SigningKey, generate_key, key_pem
from conformance.protocol import client_auth, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable


def _changed_claim(token: str) -> str:
    head, _, signature = token.split(".")
    claims = {**jws.claims_of(token), "jti": "changed-after-signing"}
    return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))


CHANGED: dict[str, Authentication] = {
    "signature": client_auth.assertion(spoil=jws.tampered),
    "claims": client_auth.assertion(spoil=_changed_claim),
}


@verifies("rfc7523-3-signature-validated")
@each(client=roles.with_assertion, changed=CHANGED)
async def test_assertion_changed_after_signing_is_refused(par: Par, client: str, changed: Authentication) -> None:
    """A client assertion of which one bit of the signature, or a claim, was changed is refused."""
    await refused(par, client, changed)


@verifies("rfc7523-3-signature-validated")
@each(client=roles.with_assertion)
async def test_changed_assertion_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client assertion that was changed after it was signed redeems no code of a pushed request."""
    answer = await par.accepted(client)
    wrong = await token.redeem(await authorization.code(answer), answer.push, authentication=CHANGED["claims"])
    fresh = await par.accepted(client)
    control = await token.redeem(await authorization.code(fresh), fresh.push)
    expect.not_redeemed(wrong, control=control)


@verifies("rfc7523-3-empty-signature-refused")
@each(client=roles.with_assertion)
async def test_assertion_with_an_empty_signature_is_refused(par: Par, client: str) -> None:
    """A client assertion that names its algorithm and has an empty signature is refused."""
    await refused(par, client, client_auth.assertion(spoil=lambda token: token.rpartition(".")[0] + "."))


@verifies("rfc7523-3-alg-none-refused", "fapi2-security-profile-5.4.1-assertion-alg-none-refused")
@each(client=roles.with_assertion, spelling=("none", "None", "NONE", "nOnE"))
async def test_unsigned_assertion_is_refused(par: Par, client: str, spelling: str) -> None:
    """A client assertion with the algorithm none, however it is spelt, is refused."""
    await refused(par, client, client_auth.assertion(alg="none", header={"alg": spelling, "kid": None}))


def _own(client: RegisteredClient) -> SigningKey:
    _, key = client_auth.signing(client)
    if not isinstance(key, SigningKey):
        raise NotApplicable("the client has no key pair")
    return key


@verifies("rfc7523-3-foreign-clients-key-refused")
@each(client=assertions.with_key, kid=("own", "its", "none"))
async def test_assertion_signed_with_the_key_of_another_client_is_refused(
    par: Par, target: Target, client: str, kid: str
) -> None:
    """A client assertion that another registered client signed does not authenticate this one."""
    own = target.client(client)
    key = client_auth_key(another(target, own), own)
    names = {"own": _own(own).kid, "its": key.kid, "none": None}
    await refused(par, client, client_auth.assertion(key=key, alg=key.alg, header={"alg": key.alg, "kid": names[kid]}))


@verifies("rfc7523-3-unknown-key-refused")
@each(client=assertions.with_key, kid=("own", "its", "none"))
async def test_assertion_signed_with_an_unknown_key_is_refused(par: Par, target: Target, client: str, kid: str) -> None:
    """A client assertion signed with a key made on the spot is refused, whatever name the key is given."""
    own = _own(target.client(client))
    names = {"own": own.kid, "its": "unknown", "none": None}
    key = generate_key(own.alg, "unknown")
    await refused(par, client, client_auth.assertion(key=key, header={"kid": names[kid]}))


@verifies("rfc7523-3-hmac-with-public-key-refused")
@each(client=assertions.with_key, form=("pem", "pem-trimmed", "jwk"))
async def test_assertion_with_the_public_key_as_secret_is_refused(
    par: Par, target: Target, client: str, form: str
) -> None:
    """A client assertion whose HMAC is keyed with the client's public key is refused."""
    own = _own(target.client(client))
    pem = key_pem(own)
    forms = {"pem": pem, "pem-trimmed": pem.strip(), "jwk": json.dumps(own.public_jwk())}
    wrong = client_auth.assertion(key=forms[form].encode(), alg="HS256", header={"kid": own.kid})
    await refused(par, client, wrong)


@verifies("rfc7523-3-embedded-jwk-not-trusted")
@each(client=assertions.with_key, kid=("own", "its", "none"))
async def test_key_in_the_header_of_an_assertion_is_not_trusted(
    par: Par, target: Target, client: str, kid: str
) -> None:
    """A client assertion signed with the key that its own header carries is refused."""
    own = _own(target.client(client))
    key = generate_key(own.alg, "embedded")
    names = {"own": own.kid, "its": key.kid, "none": None}
    await refused(par, client, client_auth.assertion(key=key, header={"jwk": key.public_jwk(), "kid": names[kid]}))


@verifies("rfc7523-3-jku-not-trusted")
@each(client=assertions.with_key)
async def test_keys_behind_jku_of_an_assertion_are_not_trusted(par: Par, target: Target, client: str) -> None:
    """A client assertion signed with a key that its jku header points to is refused, and nothing is fetched."""
    objects.reaches_loopback(target)
    key = generate_key(_own(target.client(client)).alg, "pointed-to")
    keys = json.dumps({"keys": [key.public_jwk()]}).encode()
    async with listening({"/keys": ("application/json", keys)}) as listener:
        await refused(par, client, client_auth.assertion(key=key, header={"jku": f"{listener.url}/keys"}))
        hits = await listener.connections()
        expect.that(
            not hits,
            "fetched",
            "the server fetched the address in the header jku of a client assertion",
            expected="no connection",
            received=f"{hits} connections",
        )


@verifies("rfc7523-3-unregistered-alg-refused")
@each(client=assertions.with_registered_algorithm)
async def test_assertion_with_another_algorithm_is_refused(par: Par, target: Target, client: str) -> None:
    """A client assertion that the client made with another algorithm than its registered one is refused."""
    own = target.client(client)
    alg, key = client_auth.signing(own)
    if isinstance(key, bytes):
        other = "HS512" if alg != "HS512" else "HS256"
        await refused(par, client, client_auth.assertion(alg=other))
        return
    other, signer = other_algorithm(own, alg, "other-padding", "own-key")
    await refused(par, client, client_auth.assertion(key=signer, alg=other))


@verifies("rfc7523-3-invalid-mac-refused")
@each(client=assertions.with_mac, secret=("near-miss", "other", "client-id"))
async def test_assertion_made_with_another_secret_is_refused(
    par: Par, target: Target, client: str, secret: str
) -> None:
    """A client assertion whose MAC was made with another secret than the client's is refused."""
    own = target.client(client)
    values = {
        "near-miss": client_auth.near_miss(own.credentials.secret or ""),
        "other": "another-secret-of-at-least-32-bytes!",
        "client-id": own.client_id,
    }
    await refused(par, client, client_auth.assertion(key=values[secret].encode()))


@verifies("rfc7523-3-unknown-critical-header-refused")
@each(client=roles.with_assertion)
async def test_assertion_with_an_unknown_critical_header_is_refused(par: Par, client: str) -> None:
    """A client assertion whose crit header names an extension that nobody knows is refused."""
    await refused(par, client, client_auth.assertion(header={"crit": ["par-conformance"], "par-conformance": True}))
