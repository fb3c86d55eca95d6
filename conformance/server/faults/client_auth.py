"""Faults of client authentication at the PAR endpoint (RFC 9126 sections 2 and 2.1 step 1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import ASSERTION_TYPE, Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.faults.endpoint import is_push
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest

MISSING = "rfc9126-2.1-missing-credentials-refused"
WRONG = "rfc9126-2.1-wrong-credentials-refused"
FOREIGN = "rfc9126-2.1-foreign-credentials-refused"
ALIKE = "rfc9126-2.1-client-authenticated"
FORGED = "rfc9126-2.1-forged-assertion-refused"
MISMATCH = "rfc9126-2.1-client-id-mismatch-refused"
METHOD = "rfc9126-2-registered-method-governs"


class _AtPush(AuthorizationServer):
    """Authenticates clients otherwise at the PAR endpoint; the token endpoint is right."""

    pushing = False

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Know where the request goes; nothing is awaited in here."""
        self.pushing = is_push(self, request)
        try:
            return super().authenticate_client(request, form)
        finally:
            self.pushing = False


@fault(MISSING, "rfc6749-2.3.1-credentials-in-url-refused")
class CredentialsMayBeMissing(_AtPush):
    """BUG: credentials are checked where they are sent; client_id alone will do (RFC 9126 section 2.1)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Nothing is right for everyone."""
        if not (self.pushing and presented.way == "nothing"):
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Only what is there."""
        if not (self.pushing and presented.way == "nothing" and not client.uses_tls):
            super().verify_credentials(request, client, presented)


@fault(MISSING)
class AssertionClientsNeedNone(_AtPush):
    """BUG: clients with a key are served at the PAR endpoint without an assertion (RFC 9126 section 2.1)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Nothing is right for them."""
        if not (self.pushing and presented.way == "nothing" and client.auth == "private_key_jwt"):
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Only what is there."""
        if presented.way != "nothing" or client.auth != "private_key_jwt":
            super().verify_credentials(request, client, presented)


@fault(
    MISSING,
    FOREIGN,
    "rfc8705-2-foreign-certificate-refused",
    "rfc8705-2-missing-certificate-refused",
    "rfc8705-2.1-other-subject-refused",
)
class CertificatesAreNotLookedAt(_AtPush):
    """BUG: the PAR endpoint serves a client of mutual TLS whatever certificate is shown (RFC 9126 section 2.1)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Without them."""
        if not (self.pushing and client.uses_tls):
            super().verify_credentials(request, client, presented)


@fault(WRONG, FOREIGN, ALIKE)
class SecretsAreNotCompared(_AtPush):
    """BUG: the PAR endpoint wants a secret and takes any (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """That there is one."""
        if not self.pushing:
            super().verify_secret(client, secret)


@fault(WRONG, ALIKE)
class EightSignsOfTheSecretCount(_AtPush):
    """BUG: only the first eight signs of a secret are compared at the PAR endpoint (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """The first eight."""
        if not (self.pushing and (client.secret or "")[:8] == secret[:8]):
            super().verify_secret(client, secret)


@fault(WRONG, ALIKE)
class LastSignOfTheSecretIsCut(_AtPush):
    """BUG: the last sign of a secret is cut off before it is compared (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """All but the last."""
        if not (self.pushing and secret and (client.secret or "")[:-1] == secret[:-1]):
            super().verify_secret(client, secret)


@fault(WRONG)
class CaseOfTheSecretIsIgnored(AuthorizationServer):
    """BUG: secrets are compared without regard to case (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """In lower case."""
        if not client.secret or client.secret.lower() != secret.lower():
            raise invalid_client()


@fault(WRONG)
class EmptySecretIsEnough(AuthorizationServer):
    """BUG: an empty password in the Authorization header counts as right (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """Nothing equals everything."""
        if secret:
            super().verify_secret(client, secret)


@fault(WRONG)
class BeginningOfTheSecretIsEnough(AuthorizationServer):
    """BUG: the secret only has to begin like the registered one (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """A prefix will do."""
        if not (secret and client.secret and client.secret.startswith(secret)):
            super().verify_secret(client, secret)


@fault(FOREIGN)
class AnySecretOfAnyClientWillDo(AuthorizationServer):
    """BUG: a secret is looked for among those of all clients (RFC 9126 section 2.1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """One of all."""
        if secret not in {one.secret for one in self.clients.values() if one.secret}:
            super().verify_secret(client, secret)


@fault(
    WRONG,
    FORGED,
    FOREIGN,
    ALIKE,
    "rfc7523-3-alg-none-refused",
    "rfc7523-3-embedded-jwk-not-trusted",
    "rfc7523-3-empty-signature-refused",
    "rfc7523-3-foreign-clients-key-refused",
    "rfc7523-3-hmac-with-public-key-refused",
    "rfc7523-3-invalid-mac-refused",
    "rfc7523-3-jku-not-trusted",
    "rfc7523-3-signature-validated",
    "rfc7523-3-unknown-key-refused",
    "rfc7523-3-unregistered-alg-refused",
)
class AssertionsAreOnlyReadAtThePush(_AtPush):
    """BUG: the PAR endpoint reads client assertions and does not verify them (RFC 9126 section 2.1)."""

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Any."""
        if not self.pushing:
            super().verify_assertion_algorithm(client, jws)

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Any."""
        if not self.pushing:
            super().verify_assertion_signature(client, jws)


@fault(FORGED, "rfc7523-3-alg-none-refused")
class AlgorithmNoneNeedsNoSignature(AuthorizationServer):
    """BUG: an assertion with the algorithm none needs no signature (RFC 9126 section 2.1)."""

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """And none."""
        if jws.alg != "none":
            super().verify_assertion_algorithm(client, jws)

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """None needs none."""
        if jws.alg != "none":
            super().verify_assertion_signature(client, jws)


@fault(MISMATCH, "rfc7523-3-client-id-parameter-mismatch-refused")
class AnyClientIdWillDo(_AtPush):
    """BUG: client_id of the body is not compared with the client that authenticated (RFC 9126 section 2.1)."""

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """Only that it is there."""
        if required and form.get("client_id") is None:
            super().check_client_id_matches(client, form, required=required)


@fault(MISMATCH)
class BodyNamesTheClient(AuthorizationServer):
    """BUG: one client authenticates, and the request is checked and stored for the client_id of its body."""

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """Only that it is there."""
        if form.get("client_id") is None:
            super().check_client_id_matches(client, form, required=required)

    def check_authorization_request(
        self, client: RegisteredClient, parameters: Parameters, *rest: Any, authenticated: bool = False
    ) -> AuthorizationRequest:
        """By the rules for whom the body names."""
        named = self.clients.get(str(parameters.get("client_id")), client)
        return super().check_authorization_request(named, parameters, *rest, authenticated=authenticated)

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """For whom the body names."""
        return await super().store(self.clients.get(str(parameters.get("client_id")), client), parameters)


@fault("rfc9126-2.1-unknown-client-refused")
class UnknownClientsAreRegistered(AuthorizationServer):
    """BUG: a client_id that nobody registered becomes a public client on the spot (RFC 9126 section 2.1)."""

    def find_client(self, client_id: str) -> RegisteredClient:
        """Make it up."""
        found = self.clients.get(client_id)
        if found is None and client_id.startswith("par-conformance"):
            uris = tuple(uri for one in list(self.clients.values())[:1] for uri in one.redirect_uris)
            scopes = frozenset({"openid", "profile"})
            found = RegisteredClient("new", client_id, "none", uris, scopes=scopes)
        return found or super().find_client(client_id)


@fault("rfc9126-2.1-unidentified-client-refused", "rfc9126-2.1-client-id-required")
class RedirectUriNamesTheClient(AuthorizationServer):
    """BUG: a push without client_id and credentials is taken for the client of its redirect_uri (section 2.1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Look for the redirect URI."""
        anonymous = not form.names() & {"client_id", "client_secret", "client_assertion"}
        if anonymous and "Authorization" not in request.headers and form.get("response_type"):
            for client in self.clients.values():
                if form.get("redirect_uri") in client.redirect_uris:
                    return client
        return super().authenticate_client(request, form)

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """It is known already, unless the credentials said it."""
        if form.get("client_id") is not None or client.auth != "client_secret_basic":
            super().check_client_id_matches(client, form, required=required)


@fault("rfc9126-2.1-client-id-required")
class ClientIdIsNotRequired(AuthorizationServer):
    """BUG: a push needs no client_id where the credentials name the client (RFC 9126 section 2.1)."""

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """Never required of clients that authenticated."""
        super().check_client_id_matches(client, form, required=required and not client.confidential)


@fault(METHOD)
class BasicClientsMayPost(_AtPush):
    """BUG: at the PAR endpoint a client of client_secret_basic may send its secret in the body (section 2)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """One way for another."""
        if not (self.pushing and client.auth == "client_secret_basic" and presented.way == "post"):
            super().check_registered_method(client, presented)


@fault(METHOD)
class PostClientsMayUseBasic(_AtPush):
    """BUG: at the PAR endpoint a client of client_secret_post may use the header (RFC 9126 section 2)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """One way for another."""
        if not (self.pushing and client.auth == "client_secret_post" and presented.way == "basic"):
            super().check_registered_method(client, presented)


class _Audience(AuthorizationServer):
    """Takes fewer audiences than it should."""

    refused = ""

    def assertion_audiences(self) -> set[str]:
        """All but one."""
        return {name for name in super().assertion_audiences() if name != getattr(self, self.refused)}

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return self.url("token")

    @property
    def push_url(self) -> str:
        """The PAR endpoint."""
        return self.url("pushed_authorization_request")


@fault("rfc9126-2-audience-token-endpoint-accepted")
class TokenEndpointIsNoAudience(_Audience):
    """BUG: an assertion for the token endpoint's URL is refused (RFC 9126 section 2)."""

    refused = "token_url"


@fault("rfc9126-2-audience-par-endpoint-accepted")
class PushEndpointIsNoAudience(_Audience):
    """BUG: an assertion for the PAR endpoint's URL is refused (RFC 9126 section 2)."""

    refused = "push_url"


@fault(
    "rfc9126-2-audience-issuer-accepted",
    "rfc9126-2-token-endpoint-methods-accepted",
    "openid-core-9-client-secret-jwt-keyed-with-utf8-secret",
    "rfc7523-2.2-assertion-accepted",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    alone=True,
)
class IssuerAloneIsNoAudience(_Audience):
    """BUG: an assertion has to name an endpoint: the issuer alone is refused (RFC 9126 section 2)."""

    refused = "issuer"


@fault("rfc9126-2.1-request-object-is-no-authentication")
class SignedRequestAuthenticates(AuthorizationServer):
    """BUG: who pushes a signed request object needs no credentials: its signature was verified (section 2.1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Take the object for a credential."""
        plain = not form.names() & {"client_secret", "client_assertion"} and "Authorization" not in request.headers
        client = self.clients.get(form.get("client_id") or "")
        if plain and form.get("request") and client is not None and client.keys:
            self.read_request_object(client, form.get("request") or "")
            return client
        return super().authenticate_client(request, form)


@fault(
    "rfc9126-2.1-request-object-is-no-authentication",
    "rfc6749-5.2-invalid-client",
    "rfc7523-3.2-invalid-assertion-error-code",
)
class RequestObjectIsAnAssertion(AuthorizationServer):
    """BUG: a request object passes as a client assertion: issuer and signature are right (section 2.1)."""

    def verify_assertion(self, client: RegisteredClient, assertion: str) -> None:
        """Take it."""
        try:
            super().verify_assertion(client, assertion)
        except OAuthError:
            self.read_request_object(client, assertion)

    def read_assertion(self, form: Form) -> Presented:
        """The subject, or the issuer where there is none."""
        assertion = form.get("client_assertion") or ""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return super().read_assertion(form)
        try:
            claims = jose.parse_jws(assertion).claims()
        except ValueError:
            raise invalid_client() from None
        return Presented("assertion", str(claims.get("sub") or claims.get("iss")), assertion)


@fault("rfc9126-2.1-wrong-credentials-refused")
class SecretsAreTrimmed(AuthorizationServer):
    """BUG: blanks around a secret are taken away before it is compared (RFC 9126 section 2.1 step 1)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """A copied secret often has one."""
        super().verify_secret(client, secret.strip(" "))


@fault("rfc9126-2.1-missing-credentials-refused")
class ConnectionsAreAuthenticatedOnce(AuthorizationServer):
    """BUG: who has proved itself on a connection pushes without credentials from then on (section 2.1 step 1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Remember the connections, and ask no more."""
        known: set[tuple[int, str]] = self.__dict__.setdefault("known", set())
        connection = (id(request.transport), form.get("client_id") or "")
        shown = form.names() & {"client_secret", "client_assertion", "request"}
        bare = not shown and "Authorization" not in request.headers and not request.query
        if bare and connection in known and is_push(self, request):
            return self.find_client(connection[1])
        client = super().authenticate_client(request, form)
        known.add((connection[0], client.client_id))
        return client


class _ServesUnproven(_AtPush):
    """Serves some clients without credentials."""

    request: web.Request

    def excepted(self, client: RegisteredClient) -> bool:
        """Whether it is one of them."""
        raise NotImplementedError

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Keep the request; nothing is awaited in here."""
        self.request = request
        return super().authenticate_client(request, form)

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Nothing is right for them."""
        if not (self.pushing and presented.way == "nothing" and self.excepted(client)):
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Only what is there."""
        if not (self.pushing and presented.way == "nothing" and self.excepted(client)):
            super().verify_credentials(request, client, presented)


@fault(MISSING)
class ProofOfPossessionAuthenticates(_ServesUnproven):
    """BUG: a request with a DPoP proof needs no credentials: the sender has a key (RFC 9126 section 2.1 step 1)."""

    def excepted(self, client: RegisteredClient) -> bool:
        """Who sends a proof."""
        return "DPoP" in self.request.headers and not client.dpop_bound and bool(client.secret)


@fault(MISSING)
class ClientsThatMustPushNeedNoCredentials(_ServesUnproven):
    """BUG: clients that must push are served without credentials, as the push itself was trusted (section 2.1)."""

    def excepted(self, client: RegisteredClient) -> bool:
        """Who has to push."""
        return client.require_par


class _Resembling(AuthorizationServer):
    """Finds clients by a name that resembles theirs."""

    def resembled(self, client_id: str) -> RegisteredClient | None:
        """The client with such a name."""
        raise NotImplementedError

    def find_client(self, client_id: str) -> RegisteredClient:
        """That one under the name that was sent, where there is none of the very name."""
        alike = None if client_id in self.clients else self.resembled(client_id)
        return replace(alike, client_id=client_id) if alike else super().find_client(client_id)


@fault("rfc9126-2.1-unknown-client-refused")
class ClientsAreFoundInAnyCase(_Resembling):
    """BUG: the database compares client identifiers without regard to case (RFC 6749 section 1.9)."""

    def resembled(self, client_id: str) -> RegisteredClient | None:
        """In lower case."""
        return next((one for one in self.clients.values() if one.client_id.lower() == client_id.lower()), None)


@fault("rfc9126-2.1-unknown-client-refused")
class BlanksAroundClientIdsAreCutOff(_Resembling):
    """BUG: blanks around a client_id are cut off, though they are signs of it (RFC 6749 appendix A.1)."""

    def resembled(self, client_id: str) -> RegisteredClient | None:
        """Without them."""
        return self.clients.get(client_id.strip())


@fault("rfc9126-2.2-bound-to-client")
class RequestsAreOpenedInAnyCase(AuthorizationServer):
    """BUG: the authorization endpoint compares client identifiers without regard to case (RFC 6749 section 1.9)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """In lower case."""
        named = (query.get("client_id") or "").lower()
        found = next((one for one in self.clients.values() if one.client_id.lower() == named), None)
        return found or super().asking_client(query)
