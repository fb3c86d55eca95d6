"""Faults of TLS and of URLs without it (FAPI 2.0 Security Profile sections 5.2.1 and 5.2.3)."""

from __future__ import annotations

import ssl
from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.faults import FAPI, fault


@fault("fapi2-security-profile-5.2.1-old-tls-refused", profile=FAPI)
class OldTlsIsSpoken(AuthorizationServer):
    """BUG: TLS 1.0 and 1.1 are spoken (FAPI 2.0 section 5.2.1)."""

    def oldest_tls(self) -> ssl.TLSVersion:
        """From the year 1999."""
        return ssl.TLSVersion.TLSv1


@fault("fapi2-security-profile-5.2.3-tls-stripping-prevented", profile=FAPI)
class BrowsersMayLeaveTls(AuthorizationServer):
    """BUG: Strict-Transport-Security is not sent (FAPI 2.0 section 5.2.3)."""

    def browser_headers(self) -> dict[str, str]:
        """Without it."""
        return {name: value for name, value in super().browser_headers().items() if name != "Strict-Transport-Security"}


@fault("fapi2-security-profile-5.2.1-endpoints-use-tls", profile=FAPI)
class UserinfoOverPlainHttp(AuthorizationServer):
    """BUG: an endpoint, registration, is a plain http URL (FAPI 2.0 section 5.2.1)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """One more."""
        return {**super().endpoint_metadata(), "registration_endpoint": "http://as.example/register"}
