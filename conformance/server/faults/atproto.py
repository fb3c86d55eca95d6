"""Faults of the OAuth profile of the AT protocol, tried on the server that conforms to it."""

from __future__ import annotations

import contextlib
import socket
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient, User
from conformance.server.dpop import invalid_proof
from conformance.server.errors import invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Grant, Interaction, Parameters, PushedRequest, Session

AT = "reference-atproto"


# -- clients ----------------------------------------------------------------------------------------------------------


@fault("atproto-oauth-client-id-metadata-document-private-addresses-not-fetched", profile=AT)
class PrivateAddressesAreFetched(AuthorizationServer):
    """BUG: the document of an unknown client is asked for, wherever it lies (client-id-metadata-document)."""

    def find_client(self, client_id: str) -> RegisteredClient:
        """Connect first."""
        parts = urlsplit(client_id)
        if client_id not in self.clients and parts.hostname == "127.0.0.1" and parts.port:
            with contextlib.suppress(OSError), socket.create_connection((parts.hostname, parts.port), 1):
                pass
        return super().find_client(client_id)


@fault("atproto-oauth-localhost-client-development-localhost-clients-accepted", profile=AT)
class LocalhostIsNoClient(AuthorizationServer):
    """BUG: developers cannot use the client http://localhost (localhost-client-development)."""

    def localhost_client(self, client_id: str) -> RegisteredClient | None:
        """There is none."""
        return None


@fault("atproto-oauth-localhost-client-development-localhost-client-with-port-refused", profile=AT)
class LocalhostMayHaveAPort(AuthorizationServer):
    """BUG: the client http://localhost may have a port (localhost-client-development)."""

    def localhost_client(self, client_id: str) -> RegisteredClient | None:
        """Cut it off."""
        parts = urlsplit(client_id)
        bare = parts._replace(netloc="localhost").geturl() if parts.hostname == "localhost" else client_id
        client = super().localhost_client(bare)
        return self.under(client, client_id)

    def under(self, client: RegisteredClient | None, client_id: str) -> RegisteredClient | None:
        """The same client under its own name."""
        if client is None:
            return None
        own = RegisteredClient(
            role=client.role,
            client_id=client_id,
            auth=client.auth,
            redirect_uris=client.redirect_uris,
            scopes=client.scopes,
            dpop_bound=True,
        )
        return self.clients.setdefault(client_id, own)


@fault("atproto-oauth-localhost-client-development-loopback-address-as-client-refused", profile=AT)
class LoopbackAddressIsLocalhost(LocalhostMayHaveAPort):
    """BUG: http://127.0.0.1 is a client like http://localhost (localhost-client-development)."""

    def localhost_client(self, client_id: str) -> RegisteredClient | None:
        """Call it localhost."""
        local = client_id.replace("http://127.0.0.1?", "http://localhost?", 1)
        return self.under(AuthorizationServer.localhost_client(self, local), client_id)


# -- requests ---------------------------------------------------------------------------------------------------------


@fault(
    "atproto-oauth-pushed-authorization-requests-par-par-required-in-metadata", "rfc9126-4-policy-signalled", profile=AT
)
class MetadataDemandNoPushes(AuthorizationServer):
    """BUG: the metadata leave require_pushed_authorization_requests out (pushed-authorization-requests-par)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Without it."""
        members = super().endpoint_metadata()
        members.pop("require_pushed_authorization_requests")
        return members


@fault("atproto-oauth-pushed-authorization-requests-par-pushes-supported", profile=AT)
class PublicClientsGetNowhere(AuthorizationServer):
    """BUG: the request_uri of a public client leads nowhere (pushed-authorization-requests-par)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Forget it."""
        pushed = await super().store(client, parameters)
        if not client.confidential:
            self.pushed.drop(pushed.request_uri)
        return pushed


@fault("atproto-oauth-request-fields-missing-state-refused", profile=AT)
class StateIsOptional(AuthorizationServer):
    """BUG: a push needs no state (request-fields)."""

    def check_state(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Only where there is one."""
        if parameters.get("state"):
            super().check_state(client, parameters)


@fault("atproto-oauth-request-fields-duplicate-state-refused", profile=AT)
class StateMayComeAgain(AuthorizationServer):
    """BUG: a state is not remembered (request-fields)."""

    def check_state(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Forget what was seen."""
        self.seen.drop(f"state {client.client_id} {parameters.get('state')}")
        super().check_state(client, parameters)


@fault("atproto-oauth-request-fields-scope-without-atproto-refused", profile=AT)
class ScopeNeedsNoAtproto(AuthorizationServer):
    """BUG: the scope need not have atproto (request-fields)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Add it while looking."""
        own = parameters.get("scope")
        super().check_scope(client, {**parameters, "scope": f"{own} atproto" if own else "atproto"})


@fault("atproto-oauth-proof-key-for-code-exchange-pkce-reused-code-challenge-refused", profile=AT)
class ChallengesMayComeAgain(AuthorizationServer):
    """BUG: a code_challenge may be used for ever (proof-key-for-code-exchange-pkce)."""

    def refuse_constant_challenge(self, client: RegisteredClient, challenge: str) -> None:
        """Let it pass."""


# -- client authentication --------------------------------------------------------------------------------------------


@fault("atproto-oauth-confidential-client-authentication-assertion-iat-required", profile=AT)
class AssertionNeedsNoDate(AuthorizationServer):
    """BUG: a client assertion without iat is taken (confidential-client-authentication)."""

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """Fill it in."""
        super().verify_assertion_times({"iat": self.now(), **claims})


@fault("atproto-oauth-confidential-client-authentication-assertion-jti-required", profile=AT)
class AssertionNeedsNoName(AuthorizationServer):
    """BUG: a client assertion without jti is taken (confidential-client-authentication)."""

    def remember_jti(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Only where there is one."""
        if "jti" in claims:
            super().remember_jti(client, claims)


@fault("atproto-oauth-confidential-client-authentication-assertion-audience-must-be-issuer", profile=AT)
class EndpointIsAnAudience(AuthorizationServer):
    """BUG: a client assertion may be for an endpoint (confidential-client-authentication)."""

    def verify_assertion_audience(self, claims: dict[str, Any]) -> None:
        """Two more."""
        if claims.get("aud") not in {self.url("token"), self.url("pushed_authorization_request")}:
            super().verify_assertion_audience(claims)


@fault("atproto-oauth-confidential-client-authentication-recent-assertion-accepted", profile=AT)
class AssertionsMustBeFresh(AuthorizationServer):
    """BUG: a client assertion that is half a minute old is refused (confidential-client-authentication)."""

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """Look at its age."""
        super().verify_assertion_times(claims)
        if self.now() - float(claims["iat"]) > 30:
            raise invalid_client()


@fault(
    "atproto-oauth-confidential-client-authentication-session-bound-to-client-key",
    "atproto-oauth-tokens-and-session-lifetime-same-client-key-for-refresh",
    profile=AT,
)
class AnyKeyOfTheClientWillDo(AuthorizationServer):
    """BUG: a session goes on with any key of its client (confidential-client-authentication)."""

    def check_client_key(self, client: RegisteredClient, form: Form, grant: Grant) -> None:
        """Let it pass."""


@fault("atproto-oauth-tokens-and-session-lifetime-same-client-key-for-refresh", profile=AT)
class AnyKeyRefreshes(AuthorizationServer):
    """BUG: a refresh token works with any key of its client (tokens-and-session-lifetime)."""

    def check_client_key(self, client: RegisteredClient, form: Form, grant: Grant) -> None:
        """Look at codes only."""
        if form.get("refresh_token") is None:
            super().check_client_key(client, form, grant)


# -- tokens and accounts ----------------------------------------------------------------------------------------------


@fault("atproto-oauth-identity-authentication-account-did-returned", profile=AT)
class AccountIsAHandle(AuthorizationServer):
    """BUG: sub is the name of the account, and not its DID (identity-authentication)."""

    def named_by_did(self, user: User) -> User:
        """As it is."""
        return user


@fault("atproto-oauth-authorization-scopes-granted-scope-returned", profile=AT)
class RefreshSaysNoScope(AuthorizationServer):
    """BUG: the answer to a refresh request has no scope (authorization-scopes)."""

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """Leave it out."""
        members = super().issue_tokens(grant, *rest, first=first)
        return members if first else {name: value for name, value in members.items() if name != "scope"}


@fault("atproto-oauth-tokens-and-session-lifetime-access-token-lives-30-minutes-at-most", profile=AT)
class AccessTokensLiveAnHour(AuthorizationServer):
    """BUG: access tokens live an hour (tokens-and-session-lifetime)."""

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """Say so."""
        return {**super().issue_tokens(grant, *rest, first=first), "expires_in": 3600}


@fault("atproto-oauth-authorization-interface-client-id-shown", profile=AT)
class ConsentShowsTheHostOnly(AuthorizationServer):
    """BUG: the consent page shows the host of the client, and not its client_id (authorization-interface)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Shorten it."""
        page = super().consent_page(session, interaction)
        client_id = interaction.request.client.client_id
        page.text = (page.text or "").replace(client_id, urlsplit(client_id).hostname or "")
        return page


@fault("atproto-oauth-authorization-interface-login-hint-restricts-account", profile=AT)
class AnyAccountMayGoOn(AuthorizationServer):
    """BUG: login_hint restricts nothing (authorization-interface)."""

    def is_meant(self, session: Session, interaction: Interaction) -> bool:
        """Whoever it is."""
        return True


# -- proofs and nonces ------------------------------------------------------------------------------------------------


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-push-without-proof-refused", profile=AT)
class PushNeedsNoKey(AuthorizationServer):
    """BUG: a push needs no key (demonstrating-proof-of-possession-d-po-p)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """Only where there is one."""
        if jkt is not None or "dpop_jkt" in parameters:
            super().bind_key(client, parameters, jkt)


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-in-every-answer", profile=AT)
class ErrorsHaveNoNonce(AuthorizationServer):
    """BUG: errors, but for the demand for a nonce, come without one (demonstrating-proof-of-possession-d-po-p)."""

    def nonce_headers(self, request: web.Request) -> dict[str, str]:
        """Only for successes."""
        return {} if request.get("failed") else super().nonce_headers(request)

    def error_headers(self, request: web.Request, error: Any) -> dict[str, str]:
        """Note that this is an error."""
        request["failed"] = True
        return super().error_headers(request, error)


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-lives-5-minutes-at-most", profile=AT)
class NoncesLiveLong(AuthorizationServer):
    """BUG: every nonce that was ever issued is good (demonstrating-proof-of-possession-d-po-p)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Take the newest for it."""
        known: set[object] = self.__dict__.setdefault("known", set())
        if claims.get("nonce") not in known:
            super().check_proof_nonce(claims)

    def current_nonce(self) -> str:
        """Keep it for ever."""
        nonce = super().current_nonce()
        self.__dict__.setdefault("known", set()).add(nonce)
        return nonce


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-stale-nonce-accepted", profile=AT)
class OnlyTheNewestNonce(AuthorizationServer):
    """BUG: the nonce before the newest is refused at once (demonstrating-proof-of-possession-d-po-p)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Nothing but the newest."""
        stale = claims.get("nonce") != self.current_nonce()
        super().check_proof_nonce({**claims, "nonce": None} if stale else claims)


# -- metadata and scripts ---------------------------------------------------------------------------------------------


class _Told(AuthorizationServer):
    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """The metadata as they are published."""
        return members

    def metadata(self) -> dict[str, Any]:
        """Changed in one place."""
        return self.told(super().metadata())


@fault("atproto-oauth-server-metadata-grant-types-in-metadata", profile=AT)
class RefreshIsNotListed(_Told):
    """BUG: grant_types_supported does not list refresh_token (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "grant_types_supported": ["authorization_code"]}


@fault("atproto-oauth-server-metadata-auth-methods-in-metadata", profile=AT)
class PublicClientsAreNotListed(_Told):
    """BUG: token_endpoint_auth_methods_supported does not list none (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "token_endpoint_auth_methods_supported": ["private_key_jwt"]}


@fault("atproto-oauth-server-metadata-s256-in-metadata", "rfc8414-2-code-challenge-methods-supported", profile=AT)
class S256IsNotListed(_Told):
    """BUG: code_challenge_methods_supported is not there (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Without it."""
        return {name: value for name, value in members.items() if name != "code_challenge_methods_supported"}


@fault("atproto-oauth-server-metadata-assertion-algs-in-metadata", "rfc8414-2-assertion-algorithm-not-none", profile=AT)
class AlgorithmNoneIsListed(_Told):
    """BUG: none is among the algorithms of client assertions (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more."""
        return {**members, "token_endpoint_auth_signing_alg_values_supported": ["ES256", "none"]}


@fault("atproto-oauth-server-metadata-atproto-scope-in-metadata", profile=AT)
class ScopeIsNotListed(_Told):
    """BUG: scopes_supported does not list atproto (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "scopes_supported": ["transition:generic"]}


@fault("atproto-oauth-server-metadata-dpop-algs-in-metadata", "rfc9449-4.3-unadvertised-alg-refused", profile=AT)
class ProofsByEs256AreNotListed(_Told):
    """BUG: dpop_signing_alg_values_supported does not list ES256 (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Another one."""
        return {**members, "dpop_signing_alg_values_supported": ["ES384"]}


@fault("atproto-oauth-server-metadata-iss-flag-in-metadata", "rfc9207-2.3-support-announced", profile=AT)
class IssIsNotPromised(_Told):
    """BUG: authorization_response_iss_parameter_supported is not there (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Without it."""
        name = "authorization_response_iss_parameter_supported"
        return {key: value for key, value in members.items() if key != name}


@fault("atproto-oauth-server-metadata-client-id-documents-in-metadata", profile=AT)
class DocumentsAreNotPromised(_Told):
    """BUG: client_id_metadata_document_supported is a text (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Quoted."""
        return {**members, "client_id_metadata_document_supported": "true"}


@fault("atproto-oauth-server-metadata-request-uri-registration-not-disclaimed", profile=AT)
class RegistrationIsDisclaimed(_Told):
    """BUG: require_request_uri_registration is false (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more."""
        return {**members, "require_request_uri_registration": False}


@fault("atproto-oauth-server-metadata-metadata-answer", "rfc8414-3.2-media-type-json", profile=AT)
class MetadataAreText(AuthorizationServer):
    """BUG: the metadata come as text/plain (server-metadata)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """Another type."""
        response = await super().metadata_document(request)
        response.content_type = "text/plain"
        return response


@fault(
    "atproto-oauth-server-metadata-issuer-is-origin",
    "rfc9207-2.3-iss-identical",
    "rfc8414-3.3-issuer-identical",
    profile=AT,
)
class IssuerHasASlash(_Told):
    """BUG: the issuer of the metadata ends with a slash (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more sign."""
        return {**members, "issuer": f"{self.issuer}/"}


@fault("atproto-oauth-authorization-servers-cors-at-metadata", profile=AT)
class MetadataAreNotForScripts(AuthorizationServer):
    """BUG: scripts cannot read the metadata (authorization-servers)."""

    def has_cors(self, endpoint: str) -> bool:
        """Not these."""
        return endpoint != "metadata" and super().has_cors(endpoint)


@fault("atproto-oauth-authorization-servers-cors-at-par-endpoint", profile=AT)
class ScriptsCannotPushProofs(AuthorizationServer):
    """BUG: the preflight of a push does not allow the DPoP header (authorization-servers)."""

    def preflight_headers(self, endpoint: str) -> dict[str, str]:
        """Without it."""
        headers = super().preflight_headers(endpoint)
        if endpoint == "pushed_authorization_request":
            headers["Access-Control-Allow-Headers"] = "Content-Type"
        return headers


@fault(
    "atproto-oauth-authorization-servers-cors-at-par-endpoint",
    "atproto-oauth-authorization-servers-cors-at-token-endpoint",
    "rfc9449-8-nonce-readable-for-browser-clients",
    profile=AT,
)
class ScriptsCannotReadNonces(AuthorizationServer):
    """BUG: scripts can read the answers, and not the nonce in their headers (authorization-servers)."""

    def cors_headers(self, endpoint: str) -> dict[str, str]:
        """Expose nothing."""
        headers = super().cors_headers(endpoint)
        return {name: value for name, value in headers.items() if name != "Access-Control-Expose-Headers"}


@fault("atproto-oauth-authorization-servers-cors-at-token-endpoint", profile=AT)
class ScriptsCannotReadTokens(AuthorizationServer):
    """BUG: scripts can push, and cannot use the token endpoint (authorization-servers)."""

    def has_cors(self, endpoint: str) -> bool:
        """Not this one."""
        return endpoint != "token" and super().has_cors(endpoint)


@fault(
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-demanded-on-push",
    "rfc9449-11.3-proof-without-nonce-refused",
    profile=AT,
)
class PushNeedsNoNonce(AuthorizationServer):
    """BUG: only the token endpoint demands a nonce (demonstrating-proof-of-possession-d-po-p)."""

    def read_proof(self, request: web.Request, endpoint: str, access_token: str | None = None) -> str | None:
        """Note where this is."""
        self.at_push = endpoint == "pushed_authorization_request"
        return super().read_proof(request, endpoint, access_token)

    at_push = False

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Not at the push, where there is none."""
        if not self.at_push or "nonce" in claims:
            super().check_proof_nonce(claims)


@fault(
    "atproto-oauth-confidential-client-authentication-es256-assertions-accepted",
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-es256-proofs-accepted",
    "atproto-oauth-pushed-authorization-requests-par-pushes-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc9126-2-post-form",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc9126-5-endpoint-usable",
    "rfc9449-8-retry-with-nonce-accepted",
    profile=AT,
    alone=True,
)
class AssertionsByEs256AreRefused(AuthorizationServer):
    """BUG: client assertions by ES256 are refused (confidential-client-authentication)."""

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Another one is wanted."""
        if jws.alg == "ES256":
            raise invalid_client()


@fault(
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-es256-proofs-accepted",
    "atproto-oauth-confidential-client-authentication-es256-assertions-accepted",
    "atproto-oauth-pushed-authorization-requests-par-pushes-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc9126-2-post-form",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc9126-2.1-public-client-served",
    "rfc9126-5-endpoint-usable",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    profile=AT,
    alone=True,
)
class ProofsByEs256AreRefused(AuthorizationServer):
    """BUG: proofs by ES256 are refused (demonstrating-proof-of-possession-d-po-p)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Another one is wanted."""
        if jws.alg == "ES256":
            raise invalid_proof()
        super().verify_proof_signature(jws)
