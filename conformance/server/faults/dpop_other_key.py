"""Faults of keys and proofs that are nearly the right ones (RFC 9449 sections 4.3, 5.2, 10.1 and 11.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import invalid_proof
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Code

HOST = "rfc9449-4.3-htu-of-other-host-refused"


@fault("rfc9449-10.1-proof-binds-code")
class KeysOfOneTypeAreCompared(AuthorizationServer):
    """BUG: only proofs with the algorithm of the push are compared with its key (RFC 9449 section 10.1)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """As ever, and note the algorithm."""
        super().verify_proof_signature(jws)
        self.__dict__.setdefault("algs", {})[jose.thumbprint(jws.header["jwk"])] = jws.alg

    def check_code_key(self, code: Code, jkt: str | None) -> None:
        """Where the algorithms are the same."""
        algs: dict[str | None, str] = self.__dict__.get("algs", {})
        if jkt is None or algs.get(jkt) == algs.get(code.grant.parameters.get("dpop_jkt"), algs.get(jkt)):
            super().check_code_key(code, jkt)


@fault("rfc9449-11.1-replayed-proof-refused")
class ProofsAreForgottenSoon(AuthorizationServer):
    """BUG: jti of a proof is remembered for a few seconds, and proofs are good for a minute (RFC 9449 section 11.1)."""

    def remember_proof(self, jkt: str, claims: dict[str, Any]) -> None:
        """For five seconds."""
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti or not self.first_time(f"proof {jkt} {jti}", self.now() + 5):
            raise invalid_proof()


class _TargetNearly(AuthorizationServer):
    """Passes over one part of htu."""

    def near(self, target: str, own: str) -> bool:
        """Whether htu is near enough to the endpoint."""
        return target == own

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Near, or right."""
        target = claims.get("htu")
        if not isinstance(target, str) or not self.near(target, self.url(endpoint)):
            super().check_proof_target(endpoint, claims)


@fault(HOST)
class PortOfTheTargetIsNotCompared(_TargetNearly):
    """BUG: the port of htu is not compared (RFC 9449 section 4.3 check 9)."""

    def near(self, target: str, own: str) -> bool:
        """But for the port."""
        one, other = urlsplit(target), urlsplit(own)
        return (one.scheme, one.hostname, one.path) == (other.scheme, other.hostname, other.path)


@fault(HOST)
class SchemeOfTheTargetIsNotCompared(_TargetNearly):
    """BUG: the scheme of htu is not compared, for the proxy changes it (RFC 9449 section 4.3 check 9)."""

    def near(self, target: str, own: str) -> bool:
        """But for the scheme."""
        return target.partition("://")[2] == own.partition("://")[2]


@fault("rfc9449-5.2-token-request-without-proof-refused")
class BoundClientsRefreshWithoutAProof(AuthorizationServer):
    """BUG: a client with dpop_bound_access_tokens refreshes without a proof, to a bearer token (section 5.2)."""

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Nothing is awaited before the rule."""
        self.refreshing = True
        return await super().grant_refresh(request, client, form, jkt)

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """For codes alone."""
        if not self.__dict__.pop("refreshing", False):
            super().require_proof(client, jkt)
