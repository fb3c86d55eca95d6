"""Faults of mutual TLS (RFC 8705)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.profile.impostors import impostor
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Token

JWT = {"mtls_bound_tokens": True, "access_tokens": "jwt"}
BOUND = {"mtls_bound_tokens": True}


@fault(
    "rfc8705-2-certificate-accepted-on-push",
    "rfc8705-2.1-registered-subject-accepted",
    "rfc8705-2.2-registered-certificate-accepted",
    "rfc8705-5-alias-of-par-endpoint-works",
    "rfc9126-2-token-endpoint-methods-accepted",
    alone=True,
)
class PushTakesNoCertificates(AuthorizationServer):
    """BUG: certificates authenticate at the token endpoint, and not at the push (RFC 8705 section 2)."""

    def shown_certificate(self, request: web.Request) -> x509.Certificate | None:
        """None at the push."""
        return None if request.path.endswith("/par") else super().shown_certificate(request)


@fault("rfc8705-2-missing-certificate-refused", "rfc9126-2.1-missing-credentials-refused")
class MissingCertificateIsNoFailure(AuthorizationServer):
    """BUG: a certificate is compared only where one was shown (RFC 8705 section 2)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Skip what is not there."""
        if not client.uses_tls or self.shown_certificate(request) is not None:
            super().verify_credentials(request, client, presented)


@fault("rfc8705-2-missing-certificate-refused")
class ConventionalEndpointNeedsNoCertificate(AuthorizationServer):
    """BUG: at the endpoint that asks for no certificates, clients are served without (RFC 8705 section 2)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """The other port takes care of that."""
        if not client.uses_tls or f"https://{request.host}" != self.origin:
            super().verify_credentials(request, client, presented)


@fault(
    "rfc8705-2-foreign-certificate-refused",
    "rfc9126-2.1-foreign-credentials-refused",
    "rfc8705-2.1-other-subject-refused",
)
class AnyTrustedCertificateWillDo(AuthorizationServer):
    """BUG: every certificate that chains to a trusted authority is every client's (RFC 8705 section 2)."""

    def verify_certificate_subject(self, client: RegisteredClient, certificate: x509.Certificate | None) -> None:
        """Only see that there is one."""
        if certificate is None:
            raise invalid_client()


@fault("rfc8705-2.1-other-subject-refused")
class IssuerIsCompared(AuthorizationServer):
    """BUG: the issuer of the certificate is compared, and not its subject (RFC 8705 section 2.1)."""

    def verify_certificate_subject(self, client: RegisteredClient, certificate: x509.Certificate | None) -> None:
        """Look at the issuer."""
        if certificate is None or client.certificate is None or certificate.issuer != client.certificate.issuer:
            raise invalid_client()


class _Credulous(AuthorizationServer):
    believed = ""

    def trust_anchors(self) -> list[str]:
        """As if nothing were verified in the handshake: what lookalikes chain to is trusted too."""
        anchors = super().trust_anchors()
        for client in self.clients.values():
            if client.auth == self.believed and client.certificate is not None:
                anchors.append(impostor(client.certificate.public_bytes(Encoding.PEM).decode("ascii"))[2])
        return anchors


@fault("rfc8705-2.1-untrusted-authority-refused")
class EveryAuthorityIsTrusted(_Credulous):
    """BUG: the subject is compared, whoever vouches for it (RFC 8705 section 2.1)."""

    believed = "tls_client_auth"


@fault("rfc8705-2.2-unregistered-self-signed-refused")
class SelfSignedIsComparedBySubject(_Credulous):
    """BUG: a self-signed certificate is compared with the registered one by its subject (RFC 8705 section 2.2)."""

    believed = "self_signed_tls_client_auth"

    def verify_own_certificate(self, client: RegisteredClient, certificate: x509.Certificate | None) -> None:
        """Compare names."""
        if certificate is None or client.certificate is None or certificate.subject != client.certificate.subject:
            raise invalid_client()


@fault("rfc8705-2-certificate-in-header-refused", "rfc9700-4.13-certificate-header-not-trusted")
class HeaderIsACertificate(AuthorizationServer):
    """BUG: a certificate in the header X-Client-Cert counts, whoever set it (RFC 8705 section 2)."""

    def shown_certificate(self, request: web.Request) -> x509.Certificate | None:
        """Look at the header first."""
        try:
            return x509.load_der_x509_certificate(base64.b64decode(request.headers["X-Client-Cert"], validate=True))
        except (KeyError, ValueError):
            return super().shown_certificate(request)


@fault("rfc8705-2-missing-client-id-refused")
class CertificateNamesTheClient(AuthorizationServer):
    """BUG: where client_id is missing, the client is found by its certificate (RFC 8705 section 2)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Look for it among all."""
        certificate = self.shown_certificate(request)
        if certificate is not None and form.get("client_id") is None:
            for client in self.clients.values():
                if client.certificate == certificate:
                    return client
        return super().authenticate_client(request, form)

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """It need not be there."""
        super().check_client_id_matches(client, form, required=required and not client.uses_tls)


@fault("rfc8705-2-failure-error-code")
class BadCertificateIsAnInvalidRequest(AuthorizationServer):
    """BUG: a wrong certificate is answered with invalid_request (RFC 8705 section 2)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Another code."""
        try:
            super().verify_credentials(request, client, presented)
        except OAuthError as error:
            if client.uses_tls and self.shown_certificate(request) is not None:
                raise OAuthError("invalid_request", error.description) from None
            raise


@fault(
    "rfc8705-5-alias-of-par-endpoint-works",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc8705-2.1-registered-subject-accepted",
    "rfc8705-2.2-registered-certificate-accepted",
)
class AliasLeadsNowhere(AuthorizationServer):
    """BUG: the alias of the PAR endpoint has a path that is not served (RFC 8705 section 5)."""

    def mtls_aliases(self) -> dict[str, str]:
        """Another path."""
        aliases = super().mtls_aliases()
        aliases["pushed_authorization_request_endpoint"] += "/mtls"
        return aliases


@fault(
    "rfc8705-5-conventional-endpoint-works-without-alias",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc8705-2.1-registered-subject-accepted",
    "rfc8705-2.2-registered-certificate-accepted",
)
class AliasIsMissing(AuthorizationServer):
    """BUG: only another port takes certificates, and the metadata do not say so (RFC 8705 section 5)."""

    def mtls_aliases(self) -> dict[str, str]:
        """One less."""
        aliases = super().mtls_aliases()
        del aliases["pushed_authorization_request_endpoint"]
        return aliases


@fault(
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "openid-core-9-client-secret-jwt-keyed-with-utf8-secret",
    "rfc7523-2.2-assertion-accepted",
    alone=True,
)
class ConventionalEndpointRefusesJwtClients(AuthorizationServer):
    """BUG: with mutual TLS switched on, a client that signs its assertions cannot push (RFC 8705 section 6.1)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Ask for a certificate."""
        super().verify_credentials(request, client, presented)
        if client.auth == "client_secret_jwt" and request.path.endswith("/par"):
            raise invalid_client()


# -- tokens -----------------------------------------------------------------------------------------------------------


@fault("rfc8705-3.3-metadata-value-is-boolean", "rfc8414-2-member-types")
class BooleanIsText(AuthorizationServer):
    """BUG: tls_client_certificate_bound_access_tokens is a text (RFC 8705 section 3.3)."""

    def authentication_metadata(self) -> dict[str, Any]:
        """Quoted."""
        return {**super().authentication_metadata(), "tls_client_certificate_bound_access_tokens": "false"}


@fault("rfc8705-3.1-thumbprint-in-jwt-access-token", settings=JWT)
class JwtHasNoCertificate(AuthorizationServer):
    """BUG: a bound access token that is a JWT has no cnf (RFC 8705 section 3.1)."""

    def sign_access_token(self, token: Token) -> str:
        """Leave the certificate out."""
        x5t, token.x5t = token.x5t, None
        value = super().sign_access_token(token)
        token.x5t = x5t
        return value


@fault("rfc8705-3.2-thumbprint-in-introspection", settings=BOUND)
class IntrospectionHidesTheCertificate(AuthorizationServer):
    """BUG: introspection does not tell the thumbprint of the certificate (RFC 8705 section 3.2)."""

    def confirmation(self, token: Token) -> dict[str, str]:
        """Without it."""
        return {name: value for name, value in super().confirmation(token).items() if name == "jkt"}


@fault("rfc8705-3.2-thumbprint-in-introspection", "rfc8705-3.1-thumbprint-in-jwt-access-token", settings=JWT)
class ThumbprintIsSha1(AuthorizationServer):
    """BUG: the thumbprint is a SHA-1 hash (RFC 8705 section 3.1)."""

    def certificate_thumbprint(self, request: web.Request) -> str | None:
        """An older hash, of the usual length."""
        certificate = self.shown_certificate(request)
        if certificate is None:
            return None
        digest = hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()
        return base64.urlsafe_b64encode(digest + bytes(12)).rstrip(b"=").decode("ascii")


@fault("rfc8705-3.1-thumbprint-well-formed", settings=BOUND)
class ThumbprintIsPadded(AuthorizationServer):
    """BUG: the thumbprint is padded (RFC 8705 section 3.1)."""

    def confirmation(self, token: Token) -> dict[str, str]:
        """With a sign more."""
        told = super().confirmation(token)
        return {name: f"{value}=" if name == "x5t#S256" else value for name, value in told.items()}


@fault("rfc8705-3-refreshed-token-bound", settings=BOUND)
class RefreshedTokensAreNotBound(AuthorizationServer):
    """BUG: the access token that a refresh token brings is bound to no certificate (RFC 8705 section 3)."""

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Forget it."""
        members = await super().grant_refresh(request, client, form, jkt)
        token = self.tokens.get(members["access_token"])
        if token is not None:
            token.x5t = None
        return members
