"""Faults of which clients are served, and how they authenticate (FAPI 2.0 Security Profile section 5.3.2.1)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import FAPI, fault

#: What a server is told that has none but FAPI clients among those of the ordinary profile.
STRICT = {
    "auth_methods": ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"),
    "public_clients": False,
}


class _Serves(AuthorizationServer):
    served = ""

    def may_register(self, client: RegisteredClient) -> bool:
        """One more than there should be."""
        return client.client_id == self.served or super().may_register(client)


@fault(
    "fapi2-security-profile-5.3.2.1-client-secrets-refused",
    "rfc9396-10-types-advertised",
    "fapi2-security-profile-5.3.2.1-par-endpoint-audience-refused",
    "fapi2-security-profile-5.3.2.1-token-endpoint-audience-refused",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc9126-2-post-form",
    "fapi2-security-profile-5.3.2.1-audience-array-refused",
    "fapi2-security-profile-5.4.1-other-proof-algs-refused",
    "fapi2-security-profile-5.3.2.2-client-authenticated-push-supported",
    "fapi2-security-profile-5.3.2.2-requests-without-push-refused",
    "rfc9126-5-endpoint-usable",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "rfc9700-2.1.1-pkce-supported",
    "rfc9126-4-policy-signalled",
    "rfc9126-4-par-required-request-object-refused",
    plans=("fapi2",),
    settings=STRICT,
)
class SecretStillWorks(_Serves):
    """BUG: a client with a secret, from before, is still served (FAPI 2.0 section 5.3.2.1)."""

    served = "secret-jwt-client"


@fault(
    "fapi2-security-profile-5.3.2.1-public-clients-refused",
    "fapi2-security-profile-5.3.2.2-client-authenticated-push-supported",
    "fapi2-security-profile-5.3.2.2-requests-without-push-refused",
    "fapi2-security-profile-5.4.1-other-proof-algs-refused",
    "openid-core-9-client-secret-jwt-keyed-with-utf8-secret",
    "rfc7523-2.2-assertion-accepted",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "rfc9126-2-post-form",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc9126-4-par-required-request-object-refused",
    "rfc9126-4-policy-signalled",
    "rfc9126-5-endpoint-usable",
    "rfc9396-10-types-advertised",
    "rfc9700-2.1.1-pkce-supported",
    plans=("fapi2",),
    settings=STRICT,
    alone=True,
)
class PublicClientIsStillServed(_Serves):
    """BUG: a public client, from before, is still served (FAPI 2.0 section 5.3.2.1)."""

    served = "native-client"


@fault("fapi2-security-profile-5.3.2.1-audience-array-refused", profile=FAPI)
class ArrayOfOneIsAnAudience(AuthorizationServer):
    """BUG: an array with the issuer alone is taken for an audience (FAPI 2.0 section 5.3.2.1)."""

    def verify_assertion_audience(self, claims: dict[str, Any]) -> None:
        """Unwrap it."""
        if claims.get("aud") != [self.issuer]:
            super().verify_assertion_audience(claims)
