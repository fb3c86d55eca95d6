"""Faults of DPoP proofs at the pushed authorization request endpoint (RFC 9449 section 4.3)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.dpop import invalid_proof
from conformance.server.errors import OAuthError
from conformance.server.faults import fault

PAR = "pushed_authorization_request"


@fault(
    "rfc9449-10.1-proof-checked-on-push",
    "rfc9449-10.1-proof-binds-code",
    "rfc9449-10.1-proof-binds-code-against-missing-proof",
    alone=True,
)
class PushIgnoresProofs(AuthorizationServer):
    """BUG: the DPoP header of a push is not looked at (RFC 9449 section 10.1)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """There is none."""
        return None


@fault("rfc9449-10.1-proof-checked-on-push")
class PushWithCertificateSkipsProofs(AuthorizationServer):
    """BUG: the proof of a client that authenticates with a certificate is not checked (RFC 9449 section 10.1)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Two ways to prove a key are one too many."""
        return None if self.shown_certificate(request) else super().proof_at_push(request)


@fault("rfc9449-10.1-invalid-proof-error-code-on-push")
class BadProofIsBadClient(AuthorizationServer):
    """BUG: a bad proof at the push is answered with access_denied (RFC 9449 section 10.1)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """One code for all that goes wrong."""
        try:
            return super().proof_at_push(request)
        except OAuthError as error:
            raise OAuthError("access_denied", error.description) from None


@fault("rfc9449-4.1-header-name-case-insensitive")
class HeaderNameIsCaseSensitive(AuthorizationServer):
    """BUG: the header is found only where it is spelled DPoP (RFC 9449 section 4.1)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Compare bytes."""
        return super().proof_at_push(request) if b"DPoP" in dict(request.raw_headers) else None


@fault("rfc9449-4.3-two-headers-refused")
class FirstOfTwoHeadersCounts(AuthorizationServer):
    """BUG: of two DPoP headers the first one is taken (RFC 9449 section 4.3 check 1)."""

    def check_one_proof(self, proofs: list[str]) -> None:
        """Do not count."""


@fault("rfc9449-4.3-two-proofs-in-one-header-refused")
class FirstOfTwoProofsCounts(AuthorizationServer):
    """BUG: a DPoP header may list proofs, and the first one is taken (RFC 9449 section 4.3 check 1)."""

    def check_one_proof(self, proofs: list[str]) -> None:
        """Cut the header at its comma."""
        super().check_one_proof(proofs)
        proofs[0] = proofs[0].split(",")[0]


@fault("rfc9449-4.3-malformed-proof-refused", "rfc9449-4.3-two-proofs-in-one-header-refused")
class MalformedProofIsNone(AuthorizationServer):
    """BUG: a DPoP header that cannot be parsed counts as absent (RFC 9449 section 4.3 check 2)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Parse first."""
        try:
            jose.parse_jws(request.headers.get("DPoP", ""))
        except ValueError:
            return None
        return super().proof_at_push(request)


@fault("rfc9449-4.3-malformed-proof-refused")
class SignatureMayBeLeftAway(AuthorizationServer):
    """BUG: a proof of two parts, without a signature, counts as absent (RFC 9449 section 4.3 check 2)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Count the dots."""
        return None if request.headers.get("DPoP", "").count(".") == 1 else super().proof_at_push(request)


# -- claims and header parameters -------------------------------------------------------------------------------------


@fault("rfc9449-4.3-jti-required", "rfc9449-5-invalid-proof-at-token-endpoint-refused")
class ProofNeedsNoJti(AuthorizationServer):
    """BUG: a proof without jti is accepted, and not remembered (RFC 9449 section 4.3 check 3)."""

    def remember_proof(self, jkt: str, claims: dict[str, Any]) -> None:
        """Only where there is something to remember."""
        if "jti" in claims:
            super().remember_proof(jkt, claims)


@fault("rfc9449-4.3-htm-required")
class ProofNeedsNoMethod(AuthorizationServer):
    """BUG: htm is compared only where it is there (RFC 9449 section 4.3 check 3)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """Fill in what is missing."""
        super().check_proof_method(request, {"htm": request.method, **claims})


@fault("rfc9449-4.3-htu-required")
class ProofNeedsNoTarget(AuthorizationServer):
    """BUG: htu is compared only where it is there (RFC 9449 section 4.3 check 3)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Fill in what is missing."""
        super().check_proof_target(endpoint, {"htu": self.url(endpoint), **claims})


@fault("rfc9449-4.3-iat-required")
class ProofNeedsNoDate(AuthorizationServer):
    """BUG: a proof without iat is accepted (RFC 9449 section 4.3 check 3)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """It is from now."""
        claims.setdefault("iat", int(self.now()))
        super().check_proof_time(claims)


@fault("rfc9449-4.3-jwk-required")
class ProofWithoutKeyIsNone(AuthorizationServer):
    """BUG: a proof without jwk counts as absent (RFC 9449 section 4.3 check 3)."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Look for the key first."""
        try:
            proof = jose.parse_jws(request.headers.get("DPoP", ""))
        except ValueError:
            return super().proof_at_push(request)
        return super().proof_at_push(request) if "jwk" in proof.header else None


@fault(
    "rfc9449-4.3-typ-required",
    "rfc9449-4.3-other-typ-refused",
    "rfc9449-11.5-other-jwt-as-proof-refused",
    "rfc9449-5-invalid-proof-at-token-endpoint-refused",
)
class TypeIsNotCompared(AuthorizationServer):
    """BUG: typ is not looked at, at the push or at the token endpoint (RFC 9449 section 4.3 check 4)."""

    def check_proof_type(self, jws: jose.Jws) -> None:
        """Let it pass."""


@fault("rfc9449-4.3-typ-required")
class TypeMayBeAbsent(AuthorizationServer):
    """BUG: typ is compared only where it is there (RFC 9449 section 4.3 check 4)."""

    def check_proof_type(self, jws: jose.Jws) -> None:
        """Only where it is there."""
        if "typ" in jws.header:
            super().check_proof_type(jws)


@fault("rfc9449-4.3-other-typ-refused")
class AnyStructuredTypeWillDo(AuthorizationServer):
    """BUG: every typ that ends in +jwt is taken (RFC 9449 section 4.3 check 4)."""

    def check_proof_type(self, jws: jose.Jws) -> None:
        """Look at the end only."""
        if not (jws.typ or "").endswith("+jwt"):
            raise invalid_proof()


@fault("rfc9449-11.5-other-jwt-as-proof-refused", "rfc9449-5-invalid-proof-at-token-endpoint-refused")
class OrdinaryJwtIsAProof(AuthorizationServer):
    """BUG: a JWT with typ JWT, such as a client assertion, passes for a proof (RFC 9449 section 11.5)."""

    def check_proof_type(self, jws: jose.Jws) -> None:
        """What libraries write is taken as well."""
        if jws.typ != "jwt":
            super().check_proof_type(jws)


@fault("rfc9449-4.2-further-claims-tolerated")
class FurtherClaimsAreRefused(AuthorizationServer):
    """BUG: a proof with an unknown claim is refused (RFC 9449 section 4.2)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """Only the claims that the text names."""
        super().check_proof_method(request, claims)
        if claims.keys() - {"jti", "htm", "htu", "iat", "ath", "nonce", "iss", "sub", "aud", "exp"}:
            raise invalid_proof()


# -- the signature ----------------------------------------------------------------------------------------------------


@fault(
    "rfc9449-4.3-signature-validated",
    "rfc9449-5-invalid-proof-at-token-endpoint-refused",
    "rfc9449-7.1-proof-checked-at-userinfo",
)
class SignatureOfProofIsNotVerified(AuthorizationServer):
    """BUG: the key of a proof is read, and its signature is not verified (RFC 9449 section 4.3 check 6)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Only see that the key is one."""
        jose.load_public_jwk(jws.header.get("jwk"), jws.alg)


@fault("rfc9449-4.3-alg-none-refused")
class UnsignedProofIsTaken(AuthorizationServer):
    """BUG: alg none is refused in lower case only (RFC 9449 section 4.3 check 5)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """A deny list of one."""
        if jws.alg == "none" or jws.alg.lower() != "none":
            super().verify_proof_signature(jws)


@fault("rfc9449-4.3-symmetric-alg-refused")
class MacIsASignature(AuthorizationServer):
    """BUG: with HS256 the public key is taken for the secret (RFC 9449 section 4.3 check 5)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Whatever alg says."""
        if jws.alg != "HS256":
            super().verify_proof_signature(jws)
            return
        key = jose.load_public_jwk(jws.header.get("jwk"), "ES256")
        if not jose.verify(jws, jose.pem(key), "HS256"):
            raise invalid_proof()


@fault(
    "rfc9449-4.3-unadvertised-alg-refused",
    "rfc8414-2-assertion-algorithm-rs256",
    settings={"signing_algs": ("ES256", "PS256")},
)
class UnadvertisedAlgorithmsWork(AuthorizationServer):
    """BUG: proofs may have every algorithm that the library knows, whatever is advertised (RFC 9449 section 4.3)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Do not look at the list."""
        key = jose.load_public_jwk(jws.header.get("jwk"), jws.alg)
        if not jose.verify(jws, key, jws.alg):
            raise invalid_proof()


@fault("rfc9449-4.3-private-key-in-jwk-refused")
class PrivateKeyMayBeShown(AuthorizationServer):
    """BUG: a proof may carry its private key (RFC 9449 section 4.3 check 7)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Take what is public, and leave the rest."""
        jwk = jws.header.get("jwk")
        if isinstance(jwk, dict):
            jwk.pop("d", None)
        super().verify_proof_signature(jws)


# -- method, target, time ---------------------------------------------------------------------------------------------


@fault(
    "rfc9449-4.3-htm-must-match",
    "rfc9449-4.3-htm-has-case",
    "rfc9449-5-invalid-proof-at-token-endpoint-refused",
    "rfc9449-7.1-proof-checked-at-userinfo",
)
class MethodIsNotCompared(AuthorizationServer):
    """BUG: htm has to be there and may be anything (RFC 9449 section 4.3 check 8)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """It is there."""
        if not isinstance(claims.get("htm"), str):
            raise invalid_proof()


@fault("rfc9449-4.3-htu-must-match")
class ProofForTokenEndpointIsTaken(AuthorizationServer):
    """BUG: a proof that was made for the token endpoint is good for a push (RFC 9449 section 4.3 check 9)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """One of the two will do."""
        if endpoint != PAR or claims.get("htu") != self.url("token"):
            super().check_proof_target(endpoint, claims)


@fault("rfc9449-4.3-htu-must-match")
class TargetIsAPrefix(AuthorizationServer):
    """BUG: it is enough that htu begins with the endpoint's URL (RFC 9449 section 4.3 check 9)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Look at the beginning only."""
        if not str(claims.get("htu")).startswith(self.url(endpoint)):
            super().check_proof_target(endpoint, claims)


@fault(
    "rfc9449-4.3-htu-of-other-host-refused",
    "rfc9449-5-invalid-proof-at-token-endpoint-refused",
    "rfc9449-7.1-proof-checked-at-userinfo",
)
class HostIsNotCompared(AuthorizationServer):
    """BUG: of htu only the path is compared (RFC 9449 section 4.3 check 9)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Look at the end only."""
        if not str(claims.get("htu")).endswith(self.paths[endpoint]):
            raise invalid_proof()


@fault("rfc9449-4.3-query-of-request-ignored")
class QueryCounts(AuthorizationServer):
    """BUG: htu is compared with the URL of the request, query included (RFC 9449 section 4.3 check 9)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """The query has to be the same."""
        super().check_proof_method(request, claims)
        if request.query_string != str(claims.get("htu")).partition("?")[2]:
            raise invalid_proof()


@fault("rfc9449-4.3-htu-case-normalised")
class TargetIsComparedAsText(AuthorizationServer):
    """BUG: htu is compared letter by letter (RFC 9449 section 4.3)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """No normalisation."""
        super().check_proof_target(endpoint, claims)
        if claims.get("htu") not in {self.url(endpoint), self.mtls_url(endpoint)}:
            raise invalid_proof()


@fault("rfc9449-4.3-old-proof-refused", "rfc9449-5-invalid-proof-at-token-endpoint-refused")
class ProofsDoNotAge(AuthorizationServer):
    """BUG: a proof may be of any age (RFC 9449 section 4.3 check 11)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """Look at the future only."""
        issued = jose.seconds(claims.get("iat"))
        if issued is None or issued > self.now() + self.settings.clock_skew:
            raise invalid_proof()


@fault("rfc9449-4.3-future-proof-refused")
class ProofsMayBeFromTheFuture(AuthorizationServer):
    """BUG: a proof may be dated ahead as far as one likes (RFC 9449 section 4.3 check 11)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """Look at the past only."""
        super().check_proof_time({**claims, "iat": min(float(claims.get("iat") or 0), self.now())})


@fault("rfc9449-11.1-slightly-future-proof-accepted")
class ClocksMustAgree(AuthorizationServer):
    """BUG: a proof that is dated a second ahead is refused (RFC 9449 section 11.1)."""

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """No tolerance."""
        super().check_proof_time(claims)
        if float(claims["iat"]) > self.now() + 1:
            raise invalid_proof()


@fault("rfc9449-11.1-replayed-proof-refused", "rfc9449-11.1-replayed-proof-at-token-endpoint-refused")
class ProofsAreGoodForever(AuthorizationServer):
    """BUG: jti has to be there, and is not remembered (RFC 9449 section 11.1)."""

    def remember_proof(self, jkt: str, claims: dict[str, Any]) -> None:
        """Only see that it is there."""
        if not isinstance(claims.get("jti"), str):
            raise invalid_proof()


# -- metadata ---------------------------------------------------------------------------------------------------------


@fault("rfc9449-5.1-signing-algs-advertised")
class ProofsAreNotAdvertised(AuthorizationServer):
    """BUG: the metadata do not list the algorithms of proofs (RFC 9449 section 5.1)."""

    def extension_metadata(self) -> dict[str, Any]:
        """Without them."""
        return {**super().extension_metadata(), "dpop_signing_alg_values_supported": None}


@fault("rfc9449-5.1-only-asymmetric-algs-advertised")
class MacIsAdvertised(AuthorizationServer):
    """BUG: the metadata list HS256 for proofs (RFC 9449 section 5.1)."""

    def extension_metadata(self) -> dict[str, Any]:
        """With one more."""
        return {**super().extension_metadata(), "dpop_signing_alg_values_supported": [*self.proof_algs(), "HS256"]}


@fault("rfc9449-2-used-over-https-only")
class ProofsOverPlainHttp(AuthorizationServer):
    """BUG: the userinfo endpoint, which takes proofs, is a plain http URL (RFC 9449 section 2)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """An address from before."""
        return {**super().endpoint_metadata(), "userinfo_endpoint": "http://as.example/userinfo"}
