"""Client certificates (RFC 8705)."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.server import jose
from conformance.server.base import Base
from conformance.server.clients import RegisteredClient
from conformance.server.errors import invalid_client


class Certificates(Base):
    """What the connection shows."""

    def oldest_tls(self) -> ssl.TLSVersion:
        """The oldest version of TLS that is spoken (RFC 9325, section 3.1.1)."""
        return ssl.TLSVersion.TLSv1_2

    def trust_anchors(self) -> list[str]:
        """What client certificates have to chain to, in PEM: what the registered clients have."""
        return [client.trust_anchor for client in self.clients.values() if client.trust_anchor]

    def shown_certificate(self, request: web.Request) -> x509.Certificate | None:
        """The certificate that the client showed in the TLS handshake; the handshake has verified its chain."""
        tls = request.transport.get_extra_info("ssl_object") if request.transport else None
        if not isinstance(tls, (ssl.SSLObject, ssl.SSLSocket)):
            return None
        der = tls.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der) if der else None

    def verify_certificate_subject(self, client: RegisteredClient, certificate: x509.Certificate | None) -> None:
        """The certificate has the registered subject, from the registered issuer (RFC 8705, section 2.1)."""
        registered = client.certificate
        if registered is None or certificate is None:
            raise invalid_client()
        if certificate.subject != registered.subject or certificate.issuer != registered.issuer:
            raise invalid_client()

    def verify_own_certificate(self, client: RegisteredClient, certificate: x509.Certificate | None) -> None:
        """The certificate is the registered one itself (RFC 8705, section 2.2)."""
        if client.certificate is None or certificate is None or certificate != client.certificate:
            raise invalid_client()

    def certificate_thumbprint(self, request: web.Request) -> str | None:
        """x5t#S256 of the shown certificate (RFC 8705, section 3.1)."""
        certificate = self.shown_certificate(request)
        if certificate is None:
            return None
        return jose.encode(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def tls_context(context: ssl.SSLContext, anchors: Sequence[str]) -> ssl.SSLContext:
    """Let a server's TLS context ask for certificates, and trust those that chain to `anchors` (PEM)."""
    if anchors:
        context.load_verify_locations(cadata="\n".join(anchors))
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
