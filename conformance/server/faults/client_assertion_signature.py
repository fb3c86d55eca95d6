"""Faults in signatures, keys and algorithms of client assertions (RFC 7523 section 3, item 9)."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, serialization

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import PublicKey, RegisteredClient
from conformance.server.errors import invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form

#: RFC 9126 says of all forgeries together what RFC 7523 says of each.
FORGED = "rfc9126-2.1-forged-assertion-refused"


class _Trusting(AuthorizationServer):
    """Accepts some signatures of assertions that are none; the others are verified."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Whether this one is accepted as it is."""
        return False

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Look only where it is not accepted anyway."""
        if not self.trusts(client, jws):
            super().verify_assertion_algorithm(client, jws)

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Look only where it is not accepted anyway."""
        if not self.trusts(client, jws):
            super().verify_assertion_signature(client, jws)


@fault(
    "rfc6749-6-client-authenticated",
    FORGED,
    "rfc9126-2.1-wrong-credentials-refused",
    "rfc9126-2.1-foreign-credentials-refused",
    "rfc7523-3-signature-validated",
    "rfc7523-3-empty-signature-refused",
    "rfc7523-3-foreign-clients-key-refused",
    "rfc7523-3-unknown-key-refused",
    "rfc7523-3-embedded-jwk-not-trusted",
    "rfc7523-3-jku-not-trusted",
    "rfc7523-3-invalid-mac-refused",
    "rfc6749-4.1.3-client-authenticated",
)
class AssertionsAreNotVerified(AuthorizationServer):
    """BUG: the signature of a client assertion is not verified at all (RFC 7523 section 3)."""

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Let it pass."""


@fault("rfc6749-6-client-authenticated", "rfc7523-3-signature-validated")
class TokenEndpointDoesNotVerify(AuthorizationServer):
    """BUG: only the PAR endpoint verifies the signature of client assertions (RFC 7523 section 3)."""

    endpoint = ""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Note the endpoint."""
        self.endpoint = request.path
        return super().authenticate_client(request, form)

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Look at pushes."""
        if not self.endpoint.endswith("/token"):
            super().verify_assertion_signature(client, jws)


@fault("rfc7523-3-empty-signature-refused", FORGED)
class EmptySignatureOfAssertionsWillDo(_Trusting):
    """BUG: an empty signature of a client assertion counts as none needed (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept it under a registered algorithm."""
        return jws.signature == b"" and jws.alg in client.assertion_algs


@fault("rfc7523-3-alg-none-refused", FORGED)
class UnsignedAssertionsAreTaken(_Trusting):
    """BUG: alg none is accepted for client assertions (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept it."""
        return jws.alg == "none"


@fault("rfc7523-3-alg-none-refused")
class NoneOfAssertionsIsRefusedInLowerCase(_Trusting):
    """BUG: alg none of client assertions is refused as spelt so, and accepted as None or NONE (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept the other spellings."""
        return jws.alg != "none" and jws.alg.lower() == "none"


@fault("rfc7523-3-foreign-clients-key-refused", "rfc9126-2.1-foreign-credentials-refused")
class EveryClientsKeyVerifiesAssertions(_Trusting):
    """BUG: a key of any registered client verifies a client assertion (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Look among all keys."""
        others = [other for other in self.clients.values() if other is not client]
        keys = [key for other in others for key in other.keys if key.alg == jws.alg]
        return jws.alg in client.assertion_algs and any(jose.verify(jws, key.key, jws.alg) for key in keys)


@fault("rfc7523-3-foreign-clients-key-refused")
class KidOfAssertionsIsLookedUpAmongAll(_Trusting):
    """BUG: kid of a client assertion is looked up among the keys of all clients (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Look for the kid alone."""
        keys = [key for other in self.clients.values() for key in other.keys if key.kid == jws.kid and jws.kid]
        return jws.alg in client.assertion_algs and any(
            jose.verify(jws, key.key, jws.alg) for key in keys if key.alg == jws.alg
        )


@fault("rfc7523-3-unknown-key-refused", FORGED)
class UnknownKidIsTrusted(_Trusting):
    """BUG: where no key of the client fits the header, nothing is verified (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Trust what names no key, or one that nobody has."""
        known = {key.kid for other in self.clients.values() for key in other.keys}
        odd = {"jwk", "jku", "crit"} & jws.header.keys()
        if client.auth != "private_key_jwt" or not jws.signature or odd or jws.alg not in client.assertion_algs:
            return False
        verified_by_another = any(
            jose.verify(jws, key.key, jws.alg)
            for other in self.clients.values()
            for key in other.keys
            if key.alg == jws.alg
        )
        return jws.kid not in known and not verified_by_another


@fault("rfc7523-3-hmac-with-public-key-refused", FORGED)
class PublicKeysVerifyMacs(_Trusting):
    """BUG: HS256 of a client assertion is verified with the text of the public key (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with the PEM of every key."""
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return jws.alg == "HS256" and any(
            _is_mac(jws, key.key.public_bytes(serialization.Encoding.PEM, spki)) for key in client.keys
        )


def _is_mac(jws: jose.Jws, secret: bytes) -> bool:
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(jws.signed)
    try:
        mac.verify(jws.signature)
    except InvalidSignature:
        return False
    return True


def _signed_with(jws: jose.Jws, jwk: object) -> bool:
    try:
        return jose.verify(jws, jose.load_public_jwk(jwk, jws.alg), jws.alg)
    except ValueError:
        return False


@fault("rfc7523-3-embedded-jwk-not-trusted", FORGED)
class KeyInTheHeaderVerifiesAssertions(_Trusting):
    """BUG: the key in the jwk header verifies a client assertion (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with it."""
        return "jwk" in jws.header and _signed_with(jws, jws.header["jwk"])


class _Fetching(_Trusting):
    """Fetches the jku header of client assertions."""

    fetched = b""

    async def push(self, request: Any) -> Any:
        """Fetch before anything is judged."""
        form = await self.read_form(request)
        try:
            url = jose.parse_jws(form.get("client_assertion") or "").header.get("jku")
        except ValueError:
            url = None
        if isinstance(url, str) and url.startswith("http://127.0.0.1"):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                self.fetched = await answer.read()
        return await super().push(request)


@fault("rfc7523-3-jku-not-trusted")
class KeysBehindJkuVerifyAssertions(_Fetching):
    """BUG: keys behind the jku header verify a client assertion (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with them."""
        if "jku" not in jws.header or not self.fetched:
            return False
        return any(_signed_with(jws, key) for key in json.loads(self.fetched)["keys"])


@fault("rfc7523-3-jku-not-trusted")
class JkuOfAssertionsIsFetched(_Fetching):
    """BUG: the jku header of a client assertion is fetched, though its keys are not used (RFC 7523 section 3)."""


@fault("rfc7523-3-unregistered-alg-refused")
class EveryAlgorithmOfAssertionsWillDo(_Trusting):
    """BUG: the header's algorithm is used for client assertions, not the registered one (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with what the header says."""
        keys = [key for key in client.keys if key.kid == jws.kid and key.alg[:2] in {"PS", "RS"}]
        return jws.alg[:2] in {"PS", "RS"} and any(jose.verify(jws, key.key, jws.alg) for key in keys)


@fault("rfc7523-3-invalid-mac-refused")
class ClientIdIsASecret(_Trusting):
    """BUG: a MAC keyed with the client_id is taken for one with the secret (RFC 7523 section 3)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Try it."""
        return client.auth == "client_secret_jwt" and jws.alg == "HS256" and _is_mac(jws, client.client_id.encode())


@fault("rfc7523-3-unknown-critical-header-refused")
class CriticalHeadersOfAssertionsAreIgnored(AuthorizationServer):
    """BUG: the crit header of a client assertion is ignored (RFC 7523 section 3)."""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Read the assertion with the eyes shut."""
        parse = jose.parse_jws

        def blind(text: str) -> jose.Jws:
            parts = text.split(".")
            header = jose.parse_json(jose.decode(parts[0])) if len(parts) == 3 else None
            if not isinstance(header, dict) or "crit" not in header:
                return parse(text)
            seen = {name: value for name, value in header.items() if name != "crit"}
            signed = f"{parts[0]}.{parts[1]}".encode("ascii")
            return jose.Jws(seen, jose.decode(parts[1]), signed, jose.decode(parts[2]))

        jose.parse_jws = blind
        try:
            return super().authenticate_client(request, form)
        finally:
            jose.parse_jws = parse


@fault("rfc9126-2-registered-method-governs")
class AssertionReplacesTheSecret(AuthorizationServer):
    """BUG: a client registered to send its secret may make assertions with it (RFC 9126 section 2)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Let it pass."""
        if client.auth not in {"client_secret_basic", "client_secret_post"} or presented.way != "assertion":
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: Any, client: RegisteredClient, presented: Presented) -> None:
        """Verify the MAC."""
        if client.auth in {"client_secret_basic", "client_secret_post"} and presented.way == "assertion":
            jws = jose.parse_jws(presented.proof)
            if not _is_mac(jws, (client.secret or "").encode()):
                raise invalid_client()
        else:
            super().verify_credentials(request, client, presented)


@fault("rfc7523-2.2-assertion-accepted")
class OnlyFirstKeyCounts(AuthorizationServer):
    """BUG: of the keys that a client registered for an algorithm the first alone is known (RFC 7523 section 3)."""

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[PublicKey]:
        """The first of them, whether the header names it or not."""
        first = next((key for key in client.keys if key.alg == jws.alg), None)
        return [first] if first is not None and jws.kid in {None, first.kid} else []
