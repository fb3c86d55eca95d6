"""DPoP: proofs of possession, and codes and tokens bound to the key (RFC 9449)."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server import jose
from conformance.server.client_auth import ClientAuthentication
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.records import Parameters, Seen


def invalid_proof() -> OAuthError:
    """The one answer to every bad proof."""
    return OAuthError("invalid_dpop_proof", "the DPoP proof is invalid")


class Dpop(ClientAuthentication):
    """Reads proofs and says which key they were made with."""

    def proof_at_push(self, request: web.Request) -> str | None:
        """Thumbprint of the key of the proof at a push; None without a proof (RFC 9449, section 10.1)."""
        return self.read_proof(request, "pushed_authorization_request")

    def read_proof(self, request: web.Request, endpoint: str, access_token: str | None = None) -> str | None:
        """Thumbprint of the key of the request's proof, fully checked; None without a DPoP header."""
        if not self.settings.dpop:
            return None
        proofs = request.headers.getall("DPoP", [])
        if not proofs:
            return None
        self.check_one_proof(proofs)
        try:
            jws = jose.parse_jws(proofs[0])
            claims = jws.claims()
            self.check_proof_type(jws)
            self.verify_proof_signature(jws)
            self.check_proof_method(request, claims)
            self.check_proof_target(endpoint, claims)
            self.check_proof_nonce(claims)
            self.check_proof_time(claims)
            self.check_proof_token(claims, access_token)
            jkt = jose.thumbprint(jws.header["jwk"])
            self.remember_proof(jkt, claims)
        except ValueError:
            raise invalid_proof() from None
        return jkt

    def check_one_proof(self, proofs: list[str]) -> None:
        """There is one DPoP header (RFC 9449, section 4.3, check 1)."""
        if len(proofs) > 1:
            raise invalid_proof()

    def check_proof_type(self, jws: jose.Jws) -> None:
        """typ is dpop+jwt (check 4)."""
        if jws.typ != "dpop+jwt":
            raise invalid_proof()

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Signed with the key in the header, asymmetrically (checks 5 to 7)."""
        if jws.alg not in self.proof_algs():
            raise invalid_proof()
        key = jose.load_public_jwk(jws.header.get("jwk"), jws.alg)
        if not jose.verify(jws, key, jws.alg):
            raise invalid_proof()

    def proof_algs(self) -> list[str]:
        """The algorithms that proofs may have, which the metadata lists (check 5)."""
        return list(self.signing_algs())

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """htm is the request's method (check 8)."""
        if claims.get("htm") != request.method:
            raise invalid_proof()

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """htu is this endpoint, query and fragment aside (check 9)."""
        target = claims.get("htu")
        if not isinstance(target, str):
            raise invalid_proof()
        own = [url for url in (self.url(endpoint), self.mtls_url(endpoint)) if url]
        if _normal(target) not in [_normal(url) for url in own]:
            raise invalid_proof()

    def check_proof_time(self, claims: dict[str, Any]) -> None:
        """iat is about now (check 11). Seconds."""
        issued = jose.seconds(claims.get("iat"))
        now = self.now()
        if issued is None or not now - self.settings.dpop_lifetime <= issued <= now + self.settings.clock_skew:
            raise invalid_proof()

    def check_proof_token(self, claims: dict[str, Any], access_token: str | None) -> None:
        """At a resource, ath is the hash of the access token (check 12)."""
        if access_token is None:
            return
        if claims.get("ath") != jose.encode(hashlib.sha256(access_token.encode()).digest()):
            raise invalid_proof()

    def remember_proof(self, jkt: str, claims: dict[str, Any]) -> None:
        """A proof is good for one request (RFC 9449, section 11.1)."""
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise invalid_proof()
        until = float(claims["iat"]) + self.settings.dpop_lifetime + 1
        if not self.first_time(f"proof {jkt} {jti}", until):
            raise invalid_proof()

    # Nonces

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Where nonces are asked for, the proof has one of the server (check 10; section 8)."""
        if not self.settings.dpop_nonce:
            return
        nonce = claims.get("nonce")
        seen = self.seen.get(f"nonce {nonce}") if isinstance(nonce, str) else None
        if seen is None or seen.expires_at <= self.now():
            raise OAuthError(
                "use_dpop_nonce",
                "the DPoP proof needs a nonce of the server",
                headers={"DPoP-Nonce": self.current_nonce()},
            )

    def current_nonce(self) -> str:
        """The nonce to use next: a new one when the last is halfway through its life."""
        now = self.now()
        seen = self.seen.get(f"nonce {self.last_nonce}")
        if seen is None or seen.expires_at - self.settings.dpop_nonce_lifetime / 2 <= now:
            self.last_nonce = self.random()
            self.seen.put(f"nonce {self.last_nonce}", Seen(now + self.settings.dpop_nonce_lifetime))
        return self.last_nonce

    def nonce_headers(self, request: web.Request) -> dict[str, str]:
        """The nonce to use next, for a client that sent a proof."""
        if self.settings.dpop and self.settings.dpop_nonce and "DPoP" in request.headers:
            return {"DPoP-Nonce": self.current_nonce()}
        return {}

    # Binding

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """A proof at the push counts as its key's dpop_jkt; the two must not differ (RFC 9449, section 10.1)."""
        if jkt is not None:
            if parameters.get("dpop_jkt", jkt) != jkt:
                raise OAuthError("invalid_dpop_proof", "dpop_jkt is not the key of the DPoP proof")
            parameters["dpop_jkt"] = jkt
        elif self.settings.dpop and self.settings.require_dpop and "dpop_jkt" not in parameters:
            raise OAuthError("invalid_dpop_proof", "a DPoP proof or dpop_jkt is required")

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """Clients registered with dpop_bound_access_tokens always show a proof (RFC 9449, section 5.2)."""
        duty = self.settings.dpop and (client.dpop_bound or self.settings.require_dpop)
        if duty and jkt is None:
            raise invalid_proof()


def _normal(url: str) -> tuple[str, str, int, str]:
    """A URL for comparison: scheme, host, port, path (RFC 3986, section 6.2.2). ValueError if it is none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}.get(scheme, 0)
    return scheme, (parts.hostname or "").lower(), port, parts.path or "/"
