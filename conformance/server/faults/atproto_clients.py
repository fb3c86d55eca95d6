"""Faults of clients and their authentication in the OAuth profile of the AT protocol."""

from __future__ import annotations

import contextlib
import socket
from typing import Any
from urllib.parse import urlsplit

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import invalid_client
from conformance.server.faults import AT, fault
from conformance.server.forms import Form
from conformance.server.records import Grant

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
