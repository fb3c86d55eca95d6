"""Faults of pushed request objects (RFC 9126 section 3)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Code, Parameters

SIGNED = "rfc9126-3-signature-validated"
CLIENT = "rfc9126-3-client-id-claim-matches"


UNVERIFIED = (
    SIGNED,
    "openid-core-6.3.1-signature-in-jwe-validated",
    "rfc9101-6.1-signature-in-jwe-validated",
    "rfc9101-6.2-x5u-not-trusted",
    "rfc9101-6.2-embedded-certificate-not-trusted",
    "rfc9101-6.2-embedded-jwk-not-trusted",
    "rfc9101-6.2-jku-not-trusted",
    "openid-core-6.3.2-signature-validated",
    "rfc9101-6.2-signature-validated",
    "rfc9101-6.2-unknown-key-refused",
    "rfc9101-6.2-foreign-clients-key-refused",
    "rfc9101-6.2-kid-names-the-key-used",
    "rfc9101-6.2-zero-ecdsa-signature-refused",
    "rfc9101-6.2-empty-signature-refused",
    "rfc9101-10.2-signature-validated-on-push",
    "rfc9101-6.2-unknown-kid-refused",
)


@fault(*UNVERIFIED)
class SignaturesOfObjectsAreNotVerified(AuthorizationServer):
    """BUG: a pushed request object is decoded and not verified: the client has authenticated (RFC 9126 section 3)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Any."""


@fault(SIGNED, "rfc9101-6.2-empty-signature-refused")
class EmptySignaturesOfObjectsPass(AuthorizationServer):
    """BUG: an object without a signature passes, whatever its algorithm says (RFC 9126 section 3)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Only what is there."""
        if jws.signature:
            super().verify_object_signature(client, jws)


@fault(CLIENT, "rfc9101-4-foreign-iss-refused", "rfc9101-6.3-missing-client-id-claim-refused")
class ObjectsOfOthersAreTaken(AuthorizationServer):
    """BUG: the claim client_id is not compared with the client that pushes (RFC 9126 section 3)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Let it pass."""


@fault("rfc9101-4-foreign-iss-refused")
class ObjectIsVerifiedWithItsOwnClientsKey(AuthorizationServer):
    """BUG: an object is verified with the keys of the client that it names, not of the one that pushes (section 3)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Whoever it names is right."""
        if claims.get("client_id") not in self.clients:
            super().check_object_client(client, claims)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """With the named client's key."""
        named = self.clients.get(str(jws.claims().get("client_id")), client)
        super().verify_object_signature(named, jws)

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """By the named client's registration."""
        named = self.clients.get(str(jws.claims().get("client_id")), client)
        super().check_object_algorithm(named, jws)


@fault("rfc9126-3-request-object-accepted", alone=True)
class ObjectsNeedResponseTypeBesideThem(AuthorizationServer):
    """BUG: response_type has to stand beside the request object too (RFC 9126 section 3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """As OpenID Connect wants it."""
        if form.get("request") and form.get("response_type") is None and len(form.get("request") or "") > 50:
            raise OAuthError("invalid_request", "response_type is missing")
        return super().pushed_parameters(client, form)


@fault("rfc9126-3-request-object-accepted", *UNVERIFIED, alone=True)
class ObjectsBesideParametersAreNotVerified(ObjectsNeedResponseTypeBesideThem):
    """BUG: a request object needs response_type beside it, and is decoded and not verified (RFC 9126 section 3)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Any."""


@fault(
    "rfc9126-3-request-object-effective",
    "openid-core-6.1-object-supersedes-query",
    "rfc9101-5-object-by-value-parameters-not-overridden",
    "openid-core-6.3.1-encrypted-object-decrypted",
    "rfc9101-6.1-encrypted-object-decrypted",
    "rfc9126-3-encrypted-object-decrypted",
    "rfc9101-4-strings-taken-unchanged",
)
class StateOfTheObjectIsLost(AuthorizationServer):
    """BUG: state is read from the form only, where a request object leaves none (RFC 9126 section 3)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Without it."""
        parameters = super().object_parameters(claims)
        parameters.pop("state", None)
        return parameters


class _Beside(AuthorizationServer):
    """Uses parameters beside a request object."""

    wins = False

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Both together."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request") is None:
            return parameters
        beside = {name: form.get(name) for name in form.names() & {"state", "scope", "redirect_uri", "nonce"}}
        return {**parameters, **beside} if self.wins else {**beside, **parameters}


@fault("rfc9126-3-outer-value-without-effect", "rfc9126-3-outer-parameter-not-merged")
class FormWinsOverTheObject(_Beside):
    """BUG: a parameter of the form replaces the claim of the request object (RFC 9126 section 3)."""

    wins = True


@fault("rfc9126-3-outer-parameter-not-merged")
class FormAddsToTheObject(_Beside):
    """BUG: a parameter that the request object lacks is taken from the form (RFC 9126 section 3)."""


@fault("rfc9126-3-encrypted-object-decrypted")
class EncryptedObjectsAreNotDecrypted(AuthorizationServer):
    """BUG: the metadata promises encrypted request objects, and the PAR endpoint refuses them (section 3)."""

    def decrypt_request_object(self, text: str) -> str:
        """Only signed ones."""
        if text.count(".") == 4:
            raise OAuthError("invalid_request_object", "the request object is no JWS")
        return super().decrypt_request_object(text)


@fault(
    "rfc9126-3-undecryptable-object-refused",
    "rfc9101-6.1-undecryptable-object-refused",
    "rfc9101-6.1-unsigned-in-jwe-refused",
    "openid-core-6.3.1-signature-in-jwe-validated",
    "rfc9101-6.1-signature-in-jwe-validated",
    "rfc9101-6.1-alg-none-in-jwe-refused",
)
class UndecryptableObjectFallsBackToNothing(AuthorizationServer):
    """BUG: an object that cannot be decrypted is passed over: the client's default request is taken (section 3)."""

    def read_request_object(self, client: RegisteredClient, text: str) -> Parameters:
        """A default in its place."""
        try:
            return super().read_request_object(client, text)
        except OAuthError:
            if text.count(".") != 4:
                raise
            return {"response_type": "code", "client_id": client.client_id, "redirect_uri": client.redirect_uris[0]}


@fault("rfc9126-2-request-object-not-ignored", "rfc9101-5-request-that-is-no-jwt-refused")
class UnreadableObjectIsPassedOver(AuthorizationServer):
    """BUG: where the object cannot be read and a form stands beside it, the form is taken (RFC 9126 section 2)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """The form in its place."""
        try:
            return super().pushed_parameters(client, form)
        except OAuthError:
            if (form.get("request") or ".").count(".") == 0 and form.get("response_type"):
                parameters = self.form_parameters(form)
                parameters.pop("request", None)
                return parameters
            raise


@fault(
    "rfc9126-3-request-object-effective",
    "rfc9126-3-outer-value-without-effect",
    "rfc9101-6.3-parameters-extracted",
    "rfc9101-6.3-outer-parameters-do-not-override",
)
class ChallengeOfTheObjectIsLost(AuthorizationServer):
    """BUG: the code_challenge of a request object is not kept, and a verifier counts for nothing without one
    (RFC 9126 section 3)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """All but what belongs to PKCE."""
        parameters = super().object_parameters(claims)
        kept = {name: value for name, value in parameters.items() if not name.startswith("code_challenge")}
        return {**kept, "x_lost": True} if "code_challenge" in parameters else kept

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Nothing to compare with."""
        if "x_lost" not in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc9126-2.1-request-uri-refused")
class RequestUriBesideAnObjectIsIgnored(AuthorizationServer):
    """BUG: beside a request object request_uri is one of the parameters that do not count (section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Where it is not beside an object."""
        if form.get("request") is None:
            super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.1-client-id-mismatch-refused")
class ClientIdBesideAnObjectIsIgnored(AuthorizationServer):
    """BUG: beside a request object client_id is one of the parameters that do not count (RFC 9126 section 3)."""

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """Where it is not beside an object."""
        if form.get("request") is None:
            super().check_client_id_matches(client, form, required=required)
