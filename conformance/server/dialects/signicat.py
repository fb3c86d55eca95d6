"""Signicat eID and Wallet Hub: response_type beside request_uri, ten minutes, 64 capital hexadecimal digits.

Sources: the page "Pushed Authorization Requests (PAR)" of Signicat's documentation and its pages on clients and
request objects. What these leave open is a setting here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.dialects import DialectSettings, dialect
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest
from conformance.server.request_object import invalid_object


@dataclass(frozen=True, kw_only=True)
class SignicatSettings(DialectSettings):
    """What is set in the Dashboard for a client, and what the pages do not say."""

    requires_par: bool = False
    """Requires Pushed Authorization Requests (PAR), of every client; the role par_required has it in any case."""
    response_type_needed: bool = True
    """The authorization endpoint wants response_type beside request_uri."""
    invalid_client: Literal[401, 400] = 401
    """Status of failed client authentication; not documented."""

    lifetime: float = 600
    consent: Literal["ask", "remember", "none"] = "none"
    login_pages: Literal[1, 2] = 2
    """An eID asks for the person first, and then for a proof."""
    metadata: Literal["both", "oauth", "openid"] = "openid"
    jarm: bool = False
    dpop: bool = False
    rar: bool = False
    resource_indicators: bool = False
    mtls: bool = False

    def profile(self) -> str:
        """One profile for all."""
        return "signicat"

    def variables(self) -> Mapping[str, str]:
        """What the clients have; the emulator's eID is filled in as a form."""
        return {
            "SIGNICAT_REQUIRES_PAR": "true" if self.requires_par else "false",
            "SIGNICAT_PAR_LIFETIME": f"{self.lifetime:g}",
            "SIGNICAT_LOGIN": "form",
        }


class Signicat(AuthorizationServer):
    """The authorization server of one domain."""

    settings: SignicatSettings
    paths: Mapping[str, str] = {
        **AuthorizationServer.paths,
        "pushed_authorization_request": "/connect/par",
        "authorization": "/connect/authorize",
        "token": "/connect/token",
        "userinfo": "/connect/userinfo",
        "introspection": "/connect/introspect",
        "jwks": "/.well-known/openid-configuration/jwks",
    }

    def new_reference(self) -> str:
        """32 random bytes, in capitals."""
        return secrets.token_hex(32).upper()

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """The client's switch."""
        return self.settings.requires_par or super().require_par_applies(client)

    def pushed_request(self, client: RegisteredClient, query: Form, pushed: PushedRequest) -> AuthorizationRequest:
        """client_id and response_type are required beside the request_uri."""
        if self.settings.response_type_needed and query.get("response_type") is None:
            raise OAuthError("invalid_request", "response_type is missing")
        return super().pushed_request(client, query, pushed)

    def error_status(self, request: web.Request, error: OAuthError) -> int:
        """One status for failed client authentication."""
        if error.code == "invalid_client":
            return self.settings.invalid_client
        return super().error_status(request, error)

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """A request object with a jti is good once."""
        jti, expires = claims.get("jti"), claims.get("exp")
        until = float(expires) if isinstance(expires, int | float) else self.now()
        if isinstance(jti, str) and not self.first_time(f"object {claims.get('client_id')} {jti}", until):
            raise invalid_object()
        return super().object_parameters(claims)


dialect(
    "signicat",
    "Signicat: response_type beside request_uri, an eID in two pages",
    server=Signicat,
    settings=SignicatSettings,
    origin_variable="SIGNICAT_URL",
    ca_variable="SIGNICAT_CA_FILE",
)
