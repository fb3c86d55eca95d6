"""Faults in signatures, keys, algorithms and types of request objects (RFC 9101 sections 6.2, 10.5 and 10.8)."""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, serialization

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.keys import signing_key
from conformance.server.records import Parameters

#: What turns as soon as some wrong signature is accepted at the push.
ON_PUSH = ("rfc9126-3-signature-validated", "rfc9101-10.2-signature-validated-on-push")
#: The same where the object is encrypted.
IN_JWE = ("rfc9101-6.1-signature-in-jwe-validated", "openid-core-6.3.1-signature-in-jwe-validated")


class _Trusting(AuthorizationServer):
    """Accepts some signatures that are none; the others are verified."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Whether this one is accepted as it is."""
        return False

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Look only where it is not accepted anyway."""
        if not self.trusts(client, jws):
            super().check_object_algorithm(client, jws)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Look only where it is not accepted anyway."""
        if not self.trusts(client, jws):
            super().verify_object_signature(client, jws)


def _signed_with(jws: jose.Jws, jwk: object) -> bool:
    try:
        return jose.verify(jws, jose.load_public_jwk(jwk, jws.alg), jws.alg)
    except ValueError:
        return False


@fault(
    *ON_PUSH,
    "rfc9101-6.2-signature-validated",
    "openid-core-6.3.2-signature-validated",
    "rfc9101-6.2-empty-signature-refused",
    "rfc9101-6.2-zero-ecdsa-signature-refused",
    "rfc9101-6.2-unknown-key-refused",
    "rfc9101-6.2-foreign-clients-key-refused",
    "rfc9101-6.2-kid-names-the-key-used",
    "rfc9101-6.2-embedded-jwk-not-trusted",
    "rfc9101-6.2-embedded-certificate-not-trusted",
    "rfc9101-6.2-jku-not-trusted",
    "rfc9101-6.2-x5u-not-trusted",
    "rfc9101-6.2-unknown-kid-refused",
    *IN_JWE,
)
class ObjectsAreNotVerified(AuthorizationServer):
    """BUG: the signature of a request object is not verified at all (RFC 9101 section 6.2)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Let it pass."""


@fault("rfc9101-6.2-object-of-client-without-key-not-used", alone=True)
class ObjectsOfClientsWithoutKeyAreTaken(_Trusting):
    """BUG: of a client that registered no key, request objects are taken unverified (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """There is nothing to verify them with."""
        return client.request_object_alg is None


@fault("rfc9126-3-signature-validated", "rfc9101-10.2-signature-validated-on-push")
class ObjectsAreVerifiedLater(AuthorizationServer):
    """BUG: the signature is verified when the request_uri is used, not at the push (RFC 9101 section 10.2)."""

    spoilt: frozenset[str] = frozenset()
    bad = False

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Remember that it is wrong."""
        try:
            super().verify_object_signature(client, jws)
        except OAuthError:
            self.bad = True

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Mark what was signed wrong."""
        self.bad = False
        parameters = super().pushed_parameters(client, form)
        return {**parameters, "par_conformance_bad": "yes"} if self.bad else parameters

    def effective_parameters(self, query: Form, pushed: Any) -> Parameters:
        """Refuse it now."""
        if "par_conformance_bad" in pushed.parameters:
            raise OAuthError("invalid_request_object", "the request object is invalid")
        return super().effective_parameters(query, pushed)

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> Any:
        """By value there is no later."""
        self.bad = False
        found = super().request_by_value(client, query, text)
        if self.bad:
            raise OAuthError("invalid_request_object", "the request object is invalid")
        return found


@fault("rfc9101-6.2-empty-signature-refused", "rfc9126-3-signature-validated", *IN_JWE)
class EmptySignatureWillDo(_Trusting):
    """BUG: an empty signature counts as none needed (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept it under the registered algorithm."""
        return jws.signature == b"" and jws.alg == client.request_object_alg


@fault("rfc9101-6.2-zero-ecdsa-signature-refused")
class ZerosAreASignature(_Trusting):
    """BUG: r = s = 0 verifies any message (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept zeros."""
        return len(jws.signature) == 64 and not any(jws.signature)


@fault(
    "rfc9101-6.2-unknown-key-refused",
    "rfc9101-6.2-foreign-clients-key-refused",
    "rfc9101-6.2-kid-names-the-key-used",
    "rfc9101-6.2-signature-validated",
    "openid-core-6.3.2-signature-validated",
    *ON_PUSH,
    *IN_JWE,
)
class KnownKidIsEnough(_Trusting):
    """BUG: an object under the kid of a key of the client is taken whatever its signature (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept what has 64 bytes under the client's own kid."""
        known = jws.kid in {key.kid for key in client.keys}
        return known and len(jws.signature) == 64 and any(jws.signature) and "jwk" not in jws.header


@fault("rfc9101-6.2-foreign-clients-key-refused")
class EveryClientsKeyWillDo(_Trusting):
    """BUG: a key of any registered client verifies a request object (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Look among all keys."""
        others = [other for other in self.clients.values() if other is not client]
        return jws.alg == client.request_object_alg and any(
            jose.verify(jws, key.key, jws.alg) for other in others for key in other.keys if key.alg == jws.alg
        )


@fault("rfc9101-6.2-foreign-clients-key-refused")
class KidIsLookedUpAmongAll(_Trusting):
    """BUG: kid is looked up among the keys of all clients (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Look for the kid alone."""
        keys = [key for other in self.clients.values() for key in other.keys if key.kid == jws.kid]
        return jws.alg == client.request_object_alg and any(jose.verify(jws, key.key, jws.alg) for key in keys)


@fault("rfc9101-6.2-kid-names-the-key-used")
class EveryKeyOfTheClientIsTried(_Trusting):
    """BUG: where the key that kid names does not verify, the client's others are tried (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Try all, if the kid is one of them."""
        keys = [key for key in client.keys if key.alg == jws.alg == client.request_object_alg]
        return jws.kid in {key.kid for key in keys} and any(jose.verify(jws, key.key, jws.alg) for key in keys)


@fault("rfc9101-6.2-unknown-kid-refused")
class UnknownKidIsPassedOver(_Trusting):
    """BUG: an unknown kid makes the server try the client's keys (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Try all, if the kid is none of them."""
        keys = [key for key in client.keys if key.alg == jws.alg == client.request_object_alg]
        return jws.kid not in {key.kid for key in client.keys} and any(
            jose.verify(jws, key.key, jws.alg) for key in keys
        )


@fault("rfc9101-6.2-unregistered-alg-refused", "openid-core-6.3.2-alg-must-match-registration")
class EveryAlgorithmWillDo(_Trusting):
    """BUG: the header's algorithm is used, not the registered one (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with what the header says."""
        keys = [key for key in client.keys if key.kid == jws.kid and jws.alg != client.request_object_alg]
        if not {key.alg[:2] for key in keys} & {jws.alg[:2], "PS"} or jws.alg not in jose.ASYMMETRIC:
            return False
        return any(jose.verify(jws, key.key, jws.alg) for key in keys)


@fault("rfc9101-6.2-unregistered-alg-refused", "openid-core-6.3.2-alg-must-match-registration")
class EveryKeyOfTheClientWillDo(_Trusting):
    """BUG: a key of the client verifies by its own algorithm, registered or not (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with the key that kid names, if it is for another algorithm."""
        keys = [key for key in client.keys if key.kid == jws.kid and key.alg == jws.alg != client.request_object_alg]
        return any(jose.verify(jws, key.key, key.alg) for key in keys)


@fault("rfc9101-6.2-hmac-with-public-key-refused", "rfc9126-3-signature-validated")
class PublicKeysAreSecrets(_Trusting):
    """BUG: HS256 is verified with the text of the public key (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with every form of every key."""
        if jws.alg != "HS256":
            return False
        return any(_is_mac(jws, form) for key in client.keys for form in _forms(key.key))


def _forms(key: Any) -> list[bytes]:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return [key.public_bytes(serialization.Encoding.PEM, spki)]


def _is_mac(jws: jose.Jws, secret: bytes) -> bool:
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(jws.signed)
    try:
        mac.verify(jws.signature)
    except InvalidSignature:
        return False
    return True


@fault("rfc9101-6.2-embedded-jwk-not-trusted", "rfc9126-3-signature-validated")
class KeyInTheHeaderIsTrusted(_Trusting):
    """BUG: the key in the jwk header verifies the object (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with it."""
        return "jwk" in jws.header and _signed_with(jws, jws.header["jwk"])


@fault("rfc9101-6.2-embedded-certificate-not-trusted")
class CertificateInTheHeaderIsTrusted(_Trusting):
    """BUG: the certificate in the x5c header verifies the object (RFC 9101 section 6.2)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with its key."""
        chain = jws.header.get("x5c")
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0])) if chain else None
            return certificate is not None and jose.verify(jws, certificate.public_key(), jws.alg)
        except (ValueError, TypeError, KeyError, AttributeError):
            return False


class _Fetching(_Trusting):
    """Fetches what a header of the object points to."""

    header = ""
    believes = True

    async def push(self, request: Any) -> Any:
        """Fetch before anything is judged."""
        form = await self.read_form(request)
        self.fetched = b""
        try:
            url = jose.parse_jws(form.get("request") or "").header.get(self.header)
        except ValueError:
            url = None
        if isinstance(url, str) and url.startswith("http://127.0.0.1"):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                self.fetched = await answer.read()
        return await super().push(request)


@fault("rfc9101-6.2-jku-not-trusted")
class KeysBehindJkuAreTrusted(_Fetching):
    """BUG: keys behind the jku header verify the object (RFC 9101 section 6.2)."""

    header = "jku"

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with them."""
        if "jku" not in jws.header or not self.fetched:
            return False
        return any(_signed_with(jws, key) for key in json.loads(self.fetched)["keys"])


@fault("rfc9101-6.2-jku-not-trusted")
class JkuIsFetched(_Fetching):
    """BUG: the jku header is fetched, though its keys are not used (RFC 9101 section 6.2)."""

    header = "jku"


@fault("rfc9101-6.2-x5u-not-trusted")
class CertificateBehindX5uIsTrusted(_Fetching):
    """BUG: the certificate behind the x5u header verifies the object (RFC 9101 section 6.2)."""

    header = "x5u"

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Verify with its key."""
        if "x5u" not in jws.header or not self.fetched:
            return False
        return jose.verify(jws, x509.load_pem_x509_certificate(self.fetched).public_key(), jws.alg)


class _Headers(AuthorizationServer):
    """Reads request objects as if some header were not there."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Read the object with the eyes shut."""
        parse = jose.parse_jws

        def blind(text: str) -> jose.Jws:
            parts = text.split(".")
            header = jose.parse_json(jose.decode(parts[0])) if len(parts) == 3 else None
            if not isinstance(header, dict) or "crit" not in header:
                return parse(text)
            seen = {name: value for name, value in header.items() if name != "crit"}
            return jose.Jws(
                seen, jose.decode(parts[1]), f"{parts[0]}.{parts[1]}".encode("ascii"), jose.decode(parts[2])
            )

        jose.parse_jws = blind
        try:
            return super().pushed_parameters(client, form)
        finally:
            jose.parse_jws = parse


@fault("rfc9101-6.2-unknown-critical-header-refused")
class CriticalHeadersAreIgnored(_Headers):
    """BUG: the crit header of a request object is ignored (RFC 9101 section 6.2)."""


@fault("rfc9101-6.2-invalid-signature-error-code")
class InvalidSignatureIsInvalidClient(AuthorizationServer):
    """BUG: an invalid signature of a request object is told as invalid_client (RFC 9101 section 6.2)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Use the other code."""
        try:
            super().verify_object_signature(client, jws)
        except OAuthError:
            raise OAuthError("invalid_client", "the signature is invalid") from None


@fault("rfc9101-10.5-alg-none-refused", "rfc9126-3-signature-validated")
class UnsignedObjectsAreTaken(_Trusting):
    """BUG: alg none is accepted (RFC 9101 section 10.5)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept it unsigned, where the client need not sign."""
        return jws.alg == "none" and not client.require_signed_request_object and not self.inside_jwe

    inside_jwe = False

    def decrypt_request_object(self, text: str) -> str:
        """Note whether it was encrypted."""
        self.inside_jwe = text.count(".") == 4
        return super().decrypt_request_object(text)


@fault("rfc9101-10.5-alg-none-refused")
class NoneIsRefusedInLowerCase(_Trusting):
    """BUG: alg none is refused as spelt so, and accepted as None or NONE (RFC 9101 section 10.5)."""

    def trusts(self, client: RegisteredClient, jws: jose.Jws) -> bool:
        """Accept the other spellings."""
        return jws.alg != "none" and jws.alg.lower() == "none" and not self.inside_jwe

    inside_jwe = False

    def decrypt_request_object(self, text: str) -> str:
        """Note whether it was encrypted."""
        self.inside_jwe = text.count(".") == 4
        return super().decrypt_request_object(text)


# -- JWTs that were made for something else


@fault("rfc9101-10.8-client-assertion-as-object-refused")
class AssertionsAreObjects(AuthorizationServer):
    """BUG: a client assertion passes for a request object, the form for its claims (RFC 9101 section 10.8)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form where the object is an assertion of the client."""
        try:
            jws = jose.parse_jws(form.get("request") or "")
            own = jws.claims().get("sub") == client.client_id
            self.verify_object_signature(client, jws)
        except (ValueError, OAuthError):
            own = False
        if own:
            return {name: value for name, value in self.form_parameters(form).items() if name != "request"}
        return super().pushed_parameters(client, form)


@fault("rfc9101-10.8-id-token-as-object-refused")
class IdTokensAreObjects(AuthorizationServer):
    """BUG: the server's own keys verify request objects too (RFC 9101 section 10.8)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form where the object is an ID Token."""
        try:
            jws = jose.parse_jws(form.get("request") or "")
        except ValueError:
            return super().pushed_parameters(client, form)
        if jws.alg == "RS256" and jose.verify(jws, signing_key("RS256").private.public_key(), jws.alg):
            return {name: value for name, value in self.form_parameters(form).items() if name != "request"}
        return super().pushed_parameters(client, form)


@fault("rfc9101-10.8-other-typ-refused")
class ObjectsOfAnyTypeAreTaken(AuthorizationServer):
    """BUG: typ of a request object is not looked at (RFC 9101 section 10.8)."""

    def check_object_type(self, jws: jose.Jws) -> None:
        """Let it pass."""


@fault("rfc9101-10.8-untyped-object-accepted")
class ObjectsNeedTheirType(AuthorizationServer):
    """BUG: a request object without the explicit type is refused (RFC 9101 section 10.8)."""

    def check_object_type(self, jws: jose.Jws) -> None:
        """Demand it."""
        if jws.typ != "oauth-authz-req+jwt":
            raise OAuthError("invalid_request_object", "the request object is invalid")


@fault("rfc9101-4-typed-object-accepted", "rfc9101-5-object-suffices", "rfc9126-3-request-object-accepted", alone=True)
class ObjectsMustNotHaveTheirType(AuthorizationServer):
    """BUG: the registered type of request objects is refused (RFC 9101 section 4)."""

    def check_object_type(self, jws: jose.Jws) -> None:
        """Know JWT only."""
        if jws.typ not in {None, "jwt"}:
            raise OAuthError("invalid_request_object", "the request object is invalid")
