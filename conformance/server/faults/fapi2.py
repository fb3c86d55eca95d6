"""Faults of the FAPI 2.0 Security Profile, tried on the server that conforms to it."""

from __future__ import annotations

import secrets
import ssl
from typing import Any

from aiohttp import web

from conformance.profile.keyring import generate_key
from conformance.server import jose, keys
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import invalid_proof
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Grant, Parameters, Token
from conformance.server.request_object import invalid_object

FAPI = "reference-fapi2"
#: What a server is told that has none but FAPI clients among those of the ordinary profile.
STRICT = {
    "auth_methods": ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"),
    "public_clients": False,
}


# -- transport --------------------------------------------------------------------------------------------------------


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


# -- clients ----------------------------------------------------------------------------------------------------------


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


# -- assertions, proofs, request objects ------------------------------------------------------------------------------


@fault("fapi2-security-profile-5.3.2.1-audience-array-refused", profile=FAPI)
class ArrayOfOneIsAnAudience(AuthorizationServer):
    """BUG: an array with the issuer alone is taken for an audience (FAPI 2.0 section 5.3.2.1)."""

    def verify_assertion_audience(self, claims: dict[str, Any]) -> None:
        """Unwrap it."""
        if claims.get("aud") != [self.issuer]:
            super().verify_assertion_audience(claims)


class _Offset(AuthorizationServer):
    def beyond(self, claims: dict[str, Any], seconds: float) -> bool:
        """Whether a time of the claims lies more than so many seconds ahead."""
        return any((jose.seconds(claims.get(name)) or 0) > self.now() + seconds for name in ("iat", "nbf"))


@fault("fapi2-security-profile-5.3.2.1-assertion-slightly-ahead-accepted", profile=FAPI)
class AssertionsMustBeFromNow(_Offset):
    """BUG: a client assertion that is five seconds ahead is refused (FAPI 2.0 section 5.3.2.1)."""

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """Less tolerance."""
        super().verify_assertion_times(claims)
        if self.beyond(claims, 5):
            raise invalid_client()


@fault("fapi2-security-profile-5.3.2.1-assertion-far-ahead-refused", "rfc7523-3-old-assertion-refused", profile=FAPI)
class AssertionsMayBeFromTheFuture(AuthorizationServer):
    """BUG: iat of a client assertion may lie ahead as far as one likes (FAPI 2.0 section 5.3.2.1)."""

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """Look at nbf and exp."""
        super().verify_assertion_times({**claims, "iat": self.now()})


@fault(
    "fapi2-security-profile-5.3.2.1-proof-slightly-ahead-accepted",
    profile=FAPI,
)
class ProofsMustBeFromNow(_Offset):
    """BUG: a proof that is six seconds ahead is refused (FAPI 2.0 section 5.3.2.1)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """Less tolerance."""
        super().check_proof_time(claims)
        if self.beyond(claims, 6):
            raise invalid_proof()


@fault("fapi2-security-profile-5.3.2.1-proof-far-ahead-refused", profile=FAPI)
class ProofsMayBeTwoMinutesAhead(AuthorizationServer):
    """BUG: a proof may be two minutes ahead (FAPI 2.0 section 5.3.2.1)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """More tolerance."""
        issued = jose.seconds(claims.get("iat"))
        if issued is None or not self.now() - self.settings.dpop_lifetime <= issued <= self.now() + 120:
            raise invalid_proof()


@fault("fapi2-security-profile-5.3.2.1-request-object-slightly-ahead-accepted", profile=FAPI)
class ObjectsMustBeFromNow(_Offset):
    """BUG: a request object that is five seconds ahead is refused (FAPI 2.0 section 5.3.2.1)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Less tolerance."""
        super().check_object_times(claims)
        if self.beyond(claims, 5):
            raise invalid_object()


@fault("fapi2-security-profile-5.3.2.1-request-object-far-ahead-refused", profile=FAPI)
class ObjectsMayBeTwoMinutesAhead(AuthorizationServer):
    """BUG: a request object may be two minutes ahead (FAPI 2.0 section 5.3.2.1)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """More tolerance."""
        late = {name: value - 90 for name, value in claims.items() if name in {"iat", "nbf"}}
        super().check_object_times(claims | late)


# -- codes and tokens -------------------------------------------------------------------------------------------------


@fault(
    "fapi2-security-profile-5.3.2.1-only-sender-constrained-tokens",
    "rfc9449-5.2-token-request-without-proof-refused",
    profile=FAPI,
)
class BearerTokensAreIssued(AuthorizationServer):
    """BUG: a code that is bound to no key is redeemed for a bearer token (FAPI 2.0 section 5.3.2.1)."""

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """Not needed."""

    def require_binding(self, jkt: str | None, x5t: str | None) -> None:
        """Nor is a certificate."""


@fault(
    "fapi2-security-profile-5.3.2.1-bound-by-mutual-tls-or-dpop",
    "rfc8705-3.2-thumbprint-in-introspection",
    profile=FAPI,
)
class BindingToCertificatesIsSecret(AuthorizationServer):
    """BUG: nothing tells that a token is bound to a certificate (FAPI 2.0 section 5.3.2.1)."""

    def confirmation(self, token: Token) -> dict[str, str]:
        """Only keys are told."""
        return {name: value for name, value in super().confirmation(token).items() if name == "jkt"}


@fault("fapi2-security-profile-5.3.2.1-refresh-tokens-not-rotated", profile=FAPI)
class RefreshTokensAreRotated(AuthorizationServer):
    """BUG: a refresh token works once, and a new one comes with the answer (FAPI 2.0 section 5.3.2.1)."""

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Put it under another name."""
        members = await super().grant_refresh(request, client, form, jkt)
        token = self.find_refresh_token(client, form.get("refresh_token") or "")
        self.tokens.drop(token.value)
        token.value = self.random()
        self.tokens.put(token.value, token)
        return {**members, "refresh_token": token.value}


@fault("fapi2-security-profile-5.3.2.1-code-lives-60-seconds-at-most", "rfc6749-4.1.2-code-lifetime", profile=FAPI)
class CodesLiveTwoMinutes(AuthorizationServer):
    """BUG: a code lives two minutes (FAPI 2.0 section 5.3.2.1)."""

    def check_code_lifetime(self, code: Any) -> None:
        """Give it more."""
        code.expires_at += 120
        super().check_code_lifetime(code)


# -- requests ---------------------------------------------------------------------------------------------------------


@fault("fapi2-security-profile-5.3.2.2-client-authenticated-push-supported", profile=FAPI)
class ClientsWithOwnCertificateArePlain(AuthorizationServer):
    """BUG: clients with a self-signed certificate get a request_uri that leads nowhere (FAPI 2.0 section 5.3.2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> Any:
        """Forget it."""
        pushed = await super().store(client, parameters)
        if client.auth == "self_signed_tls_client_auth":
            self.pushed.drop(pushed.request_uri)
        return pushed


@fault("fapi2-security-profile-5.3.2.2-response-type-must-be-code", profile=FAPI)
class HybridIsCode(AuthorizationServer):
    """BUG: response_type=code token is taken for code (FAPI 2.0 section 5.3.2.2)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Look at its parts."""
        if parameters.get("response_type") != "code token":
            super().check_response_type(parameters)


class _Lenient(AuthorizationServer):
    def needs_push(self, client: RegisteredClient) -> bool:
        """Whether a client has to push."""
        return True

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """Not for all."""
        return self.needs_push(client) and super().require_par_applies(client)


@fault("fapi2-security-profile-5.3.2.2-requests-without-push-refused", profile=FAPI)
class ClientsWithCertificateNeedNotPush(_Lenient):
    """BUG: the requests of clients with certificates need not be pushed (FAPI 2.0 section 5.3.2.2)."""

    def needs_push(self, client: RegisteredClient) -> bool:
        """Whoever shows a certificate is trusted."""
        return not client.uses_tls


@fault("fapi2-security-profile-5.3.2.2-missing-code-challenge-refused", profile=FAPI)
class CertificateReplacesPkce(AuthorizationServer):
    """BUG: clients with certificates need no code_challenge (FAPI 2.0 section 5.3.2.2)."""

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """Only the others do."""
        return not client.uses_tls


@fault(
    "fapi2-security-profile-5.3.2.2-plain-code-challenge-refused",
    "rfc7636-7.2-plain-refused",
    profile=FAPI,
)
class PlainIsServed(AuthorizationServer):
    """BUG: the method plain is served where it is named (FAPI 2.0 section 5.3.2.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Let it pass."""
        if parameters.get("code_challenge_method") != "plain" or "code_challenge" not in parameters:
            super().check_pkce(client, parameters)


@fault(
    "fapi2-security-profile-5.3.2.2-missing-code-challenge-method-refused",
    "rfc7636-4.3-missing-method-is-plain",
    profile=FAPI,
)
class MethodIsS256ByDefault(AuthorizationServer):
    """BUG: a code_challenge without method is taken for S256 (FAPI 2.0 section 5.3.2.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Fill it in."""
        if "code_challenge" in parameters:
            parameters.setdefault("code_challenge_method", "S256")
        super().check_pkce(client, parameters)


@fault("fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused", profile=FAPI)
class SoleRedirectUriIsMeant(AuthorizationServer):
    """BUG: a request without redirect_uri means the sole registered one (FAPI 2.0 section 5.3.2.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Fill it in."""
        if "redirect_uri" not in parameters and len(client.redirect_uris) == 1 and not self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("fapi2-security-profile-5.3.2.2-expires-in-below-600", profile=FAPI)
class ExactlyTenMinutes(AuthorizationServer):
    """BUG: a request_uri lives for exactly 600 seconds (FAPI 2.0 section 5.3.2.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """One too many."""
        return 600


@fault("fapi2-security-profile-5.3.2.2-request-uri-long-enough-lived", profile=FAPI)
class TwentySeconds(AuthorizationServer):
    """BUG: a request_uri lives for 20 seconds (FAPI 2.0 section 5.3.2.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """Too few."""
        return 20


@fault("fapi2-security-profile-5.3.2.2-nonce-of-64-characters-accepted", profile=FAPI)
class NonceHasUpTo48Characters(AuthorizationServer):
    """BUG: a nonce of more than 48 characters is refused (FAPI 2.0 section 5.3.2.2)."""

    def check_texts(self, parameters: Parameters) -> None:
        """Count."""
        super().check_texts(parameters)
        if len(parameters.get("nonce", "")) > 48:
            raise OAuthError("invalid_request", "nonce is too long")


@fault("fapi2-security-profile-5.3.2.2-long-nonce-intact-or-refused", profile=FAPI)
class NonceIsCut(AuthorizationServer):
    """BUG: a nonce is cut after 255 characters (FAPI 2.0 section 5.3.2.2)."""

    def check_texts(self, parameters: Parameters) -> None:
        """As wide as the column."""
        super().check_texts(parameters)
        if "nonce" in parameters:
            parameters["nonce"] = parameters["nonce"][:255]


# -- cryptography -----------------------------------------------------------------------------------------------------


@fault("fapi2-security-profile-5.4.1-other-assertion-algs-refused", profile=FAPI)
class AnyRsaAssertionWillDo(AuthorizationServer):
    """BUG: a client with an RSA key may sign its assertions by RS256 (FAPI 2.0 section 5.4.1)."""

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """RSA is RSA."""
        if jws.alg != "RS256":
            super().verify_assertion_algorithm(client, jws)

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """For RS256 those for PS256."""
        if jws.alg != "RS256":
            return super().keys_of(client, jws)
        return [key for key in client.keys if key.alg == "PS256"]


@fault(
    "fapi2-security-profile-5.4.1-other-request-object-algs-refused",
    "openid-core-6.3.2-alg-must-match-registration",
    "rfc9101-6.2-unregistered-alg-refused",
    profile=FAPI,
)
class AnyRsaObjectWillDo(AuthorizationServer):
    """BUG: a client with an RSA key may sign its request objects by RS256 (FAPI 2.0 section 5.4.1)."""

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """RSA is RSA."""
        if jws.alg != "RS256":
            super().check_object_algorithm(client, jws)

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """For RS256 those for PS256."""
        if jws.alg != "RS256":
            return super().keys_of(client, jws)
        return [key for key in client.keys if key.alg == "PS256"]


@fault("fapi2-security-profile-5.4.1-other-proof-algs-refused", profile=FAPI)
class ProofsMayBeSignedByAnything(AuthorizationServer):
    """BUG: proofs may be signed by every algorithm that the library knows, and the metadata say so (section 5.4.1)."""

    def proof_algs(self) -> list[str]:
        """All."""
        return list(jose.ASYMMETRIC)


@fault("fapi2-security-profile-5.4.1-id-token-alg", profile=FAPI)
class IdTokenByRs256(AuthorizationServer):
    """BUG: ID tokens are signed by RS256 (FAPI 2.0 section 5.4.1)."""

    def public_jwks(self) -> list[dict[str, Any]]:
        """With its key."""
        return [*super().public_jwks(), keys.signing_key("RS256").public_jwk()]

    def openid_metadata(self) -> dict[str, Any]:
        """As it is."""
        return {**super().openid_metadata(), "id_token_signing_alg_values_supported": ["RS256"]}

    def id_token(self, *arguments: Any) -> str:
        """Sign with it."""
        return keys.signing_key("RS256").sign(self.id_token_claims(*arguments))


@fault("fapi2-security-profile-5.4.1-jwt-access-token-alg", profile=FAPI, settings={"access_tokens": "jwt"})
class AccessTokenByRs256(AuthorizationServer):
    """BUG: access tokens are signed by RS256 (FAPI 2.0 section 5.4.1)."""

    def sign_access_token(self, token: Token) -> str:
        """Sign with it."""
        claims = self.token_members(token) | {"jti": token.value}
        return keys.signing_key("RS256").sign(claims, {"typ": "at+jwt"})


@fault("fapi2-security-profile-5.4.2-no-key-urls-in-headers", profile=FAPI, settings={"access_tokens": "jwt"})
class AccessTokenPointsToKeys(AuthorizationServer):
    """BUG: access tokens say by jku where their key is (FAPI 2.0 section 5.4.2)."""

    def sign_access_token(self, token: Token) -> str:
        """Add the header."""
        claims = self.token_members(token) | {"jti": token.value}
        return keys.signing_key(self.settings.own_alg).sign(claims, {"typ": "at+jwt", "jku": self.url("jwks")})


@fault("fapi2-security-profile-5.4.1-none-not-advertised", profile=FAPI)
class NoneIsAdvertised(AuthorizationServer):
    """BUG: the metadata list none for ID tokens (FAPI 2.0 section 5.4.1)."""

    def openid_metadata(self) -> dict[str, Any]:
        """One more."""
        return {**super().openid_metadata(), "id_token_signing_alg_values_supported": [self.settings.own_alg, "none"]}


class _Keys(AuthorizationServer):
    def further(self) -> dict[str, Any]:
        """A key that is published beside the others."""
        return {}

    def public_jwks(self) -> list[dict[str, Any]]:
        """One more."""
        return [*super().public_jwks(), self.further()]


@fault("fapi2-security-profile-5.4.1-server-rsa-keys-2048-bits", profile=FAPI)
class ShortRsaKey(_Keys):
    """BUG: an RSA key of 1024 bits is among the server's keys (FAPI 2.0 section 5.4.1)."""

    def further(self) -> dict[str, Any]:
        """A number of half the length."""
        number = (1 << 1023) | secrets.randbits(1022) | 1
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "PS256",
            "kid": "old",
            "e": "AQAB",
            "n": jose.encode(number.to_bytes(128, "big")),
        }


@fault("fapi2-security-profile-5.4.1-server-ec-keys-224-bits", profile=FAPI)
class SmallCurve(_Keys):
    """BUG: a key on the curve P-192 is among the server's keys (FAPI 2.0 section 5.4.1)."""

    def further(self) -> dict[str, Any]:
        """Two numbers of 192 bits."""
        x, y = (jose.encode(secrets.token_bytes(24)) for _ in range(2))
        return {"kty": "EC", "use": "sig", "kid": "small", "crv": "P-192", "x": x, "y": y}


@fault("fapi2-security-profile-5.4.2-no-duplicate-kid", profile=FAPI)
class TwoKeysOfOneName(_Keys):
    """BUG: two keys of the server have one kid (FAPI 2.0 section 5.4.2)."""

    def further(self) -> dict[str, Any]:
        """Another key under a known name."""
        return {**generate_key("ES256", "x").public_jwk(), "kid": keys.signing_key("ES256").kid}


@fault("fapi2-security-profile-5.4.1-opaque-tokens-unguessable", profile=FAPI)
class RefreshTokensAreShort(AuthorizationServer):
    """BUG: refresh tokens have 40 random bits (FAPI 2.0 section 5.4.1)."""

    def new_token(self, kind: str, grant: Grant, *rest: Any) -> Token:
        """Give it a shorter name."""
        token = super().new_token(kind, grant, *rest)
        if kind == "refresh":
            self.tokens.drop(token.value)
            token.value = f"refresh-{secrets.token_hex(5)}"
            self.tokens.put(token.value, token)
        return token


@fault("fapi2-security-profile-5.2.1-endpoints-use-tls", profile=FAPI)
class UserinfoOverPlainHttp(AuthorizationServer):
    """BUG: an endpoint, registration, is a plain http URL (FAPI 2.0 section 5.2.1)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """One more."""
        return {**super().endpoint_metadata(), "registration_endpoint": "http://as.example/register"}


@fault(
    "fapi2-security-profile-5.3.2.2-iss-in-response",
    "rfc9207-2-iss-with-code",
    "rfc9207-2-iss-in-every-mode",
    "rfc9207-3-announced-and-sent",
    profile=FAPI,
)
class IssIsForErrors(AuthorizationServer):
    """BUG: iss stands beside errors, and not beside codes (FAPI 2.0 section 5.3.2.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Take it out."""
        parameters = super().response_parameters(request, answer)
        if "code" in parameters:
            parameters.pop("iss", None)
        return parameters


@fault(
    "fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused",
    "openid-core-3.1.2.2-missing-redirect-uri-refused",
    profile=FAPI,
)
class FirstRedirectUriIsMeant(AuthorizationServer):
    """BUG: a request without redirect_uri means the first registered one (FAPI 2.0 section 5.3.2.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Fill it in."""
        if "redirect_uri" not in parameters and self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("fapi2-security-profile-5.3.2.2-expires-in-below-600", profile=FAPI)
class ObjectSaysHowLong(AuthorizationServer):
    """BUG: a request_uri lives as long as the request object that was pushed (FAPI 2.0 section 5.3.2.2)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Keep exp for later."""
        return {**super().object_parameters(claims), "object_expires": claims.get("exp")}

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """The longer of the two."""
        usual, expires = super().lifetime_of(client, parameters), parameters.pop("object_expires", None)
        return usual if expires is None else max(usual, float(expires) - self.now())
