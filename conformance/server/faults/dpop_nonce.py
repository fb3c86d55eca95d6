"""Faults of DPoP nonces (RFC 9449 sections 8 and 11.3)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Seen

ON = {"dpop_nonce": True}


@fault("rfc9449-11.3-proof-without-nonce-refused", settings=ON)
class NonceIsOptional(AuthorizationServer):
    """BUG: nonces are given out, and a proof without one is accepted (RFC 9449 section 11.3)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Compare only where there is one."""
        if "nonce" in claims:
            super().check_proof_nonce(claims)


@fault("rfc9449-8-wrong-nonce-refused", settings=ON)
class AnyNonceWillDo(AuthorizationServer):
    """BUG: a proof needs a nonce, whichever it is (RFC 9449 section 8)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Only see that it is there."""
        if "nonce" not in claims:
            super().check_proof_nonce(claims)


@fault("rfc9449-8-nonce-challenge-error", settings=ON)
class MissingNonceIsABadProof(AuthorizationServer):
    """BUG: a proof without nonce is answered with invalid_dpop_proof (RFC 9449 section 8)."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Another code."""
        members = super().error_members(error)
        return {**members, "error": "invalid_dpop_proof"} if error.code == "use_dpop_nonce" else members


@fault("rfc9449-8-nonce-challenge-error", settings=ON)
class ChallengeIs401(AuthorizationServer):
    """BUG: the demand for a nonce has the status 401, as at a resource server (RFC 9449 section 8)."""

    def error_status(self, request: web.Request, error: OAuthError) -> int:
        """Another status."""
        return 401 if error.code == "use_dpop_nonce" else super().error_status(request, error)


@fault("rfc9449-8-nonce-challenge-carries-nonce", settings=ON, alone=True)
class ChallengeWithoutNonce(AuthorizationServer):
    """BUG: the demand for a nonce comes without one (RFC 9449 section 8)."""

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """Without it."""
        headers = super().error_headers(request, error)
        headers.pop("DPoP-Nonce", None)
        return headers


@fault("rfc9449-8-nonce-challenge-carries-nonce", settings=ON)
class TokenChallengeWithoutNonce(AuthorizationServer):
    """BUG: the token endpoint, and it alone, demands a nonce without giving one (RFC 9449 section 8)."""

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """Without it."""
        headers = super().error_headers(request, error)
        if request.path.endswith("/token"):
            headers.pop("DPoP-Nonce", None)
        return headers


@fault("rfc9449-8-retry-with-nonce-accepted", settings=ON, alone=True)
class NonceOfChallengeIsUseless(AuthorizationServer):
    """BUG: the nonce of a challenge is never accepted (RFC 9449 section 8)."""

    def current_nonce(self) -> str:
        """Something else."""
        return self.random()


@fault("rfc9449-8.2-new-nonce-from-success-accepted", settings=ON)
class NonceOfSuccessIsUseless(AuthorizationServer):
    """BUG: the nonce that comes with a success is never accepted (RFC 9449 section 8.2)."""

    def nonce_headers(self, request: web.Request) -> dict[str, str]:
        """Something else."""
        return {name: self.random() for name in super().nonce_headers(request)}


@fault("rfc9449-8-one-nonce-header", settings=ON)
class TwoNonces(AuthorizationServer):
    """BUG: successful answers carry a second nonce, of a layer above (RFC 9449 section 8)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Add one."""
        super().finish_response(endpoint, request, response)
        if response.status == 201 and "DPoP-Nonce" in response.headers:
            response.headers.add("DPoP-Nonce", self.current_nonce())


class _Numbered(AuthorizationServer):
    number = 0

    def next_number(self) -> str:
        """What the next nonce is."""
        self.number += 1
        return str(self.number)

    def current_nonce(self) -> str:
        """As usual, but for its value."""
        before = self.last_nonce
        after = super().current_nonce()
        if after != before:
            self.last_nonce = self.next_number()
            self.seen.put(f"nonce {self.last_nonce}", Seen(self.now() + self.settings.dpop_nonce_lifetime))
        return self.last_nonce


@fault("rfc9449-8-nonce-unpredictable", settings=ON)
class NoncesAreCounted(_Numbered):
    """BUG: nonces are the numbers of a counter (RFC 9449 section 8)."""


@fault("rfc9449-8-nonce-unpredictable", settings=ON)
class NonceIsTheTime(_Numbered):
    """BUG: a nonce is the time, to the second (RFC 9449 section 8)."""

    def next_number(self) -> str:
        """The time in hexadecimal."""
        return f"{int(self.now()):x}"


@fault("rfc9449-8.1-nonce-syntax", settings=ON)
class NonceHasQuotes(_Numbered):
    """BUG: nonces stand in quotes (RFC 9449 section 8.1)."""

    def next_number(self) -> str:
        """A good nonce, in quotes."""
        return f'"{self.random()}"'


@fault("rfc9449-8.2-nonce-answers-uncacheable", settings=ON)
class ChallengeMayBeStored(AuthorizationServer):
    """BUG: the demand for a nonce may be kept by caches (RFC 9449 section 8.2)."""

    def error_response(self, request: web.Request, error: OAuthError) -> web.Response:
        """For five minutes."""
        response = super().error_response(request, error)
        if error.code == "use_dpop_nonce":
            response.headers["Cache-Control"] = "max-age=300"
        return response


@fault("rfc9449-8-nonce-readable-for-browser-clients", settings=ON)
class NonceIsNotExposed(AuthorizationServer):
    """BUG: scripts of other origins cannot read DPoP-Nonce (RFC 9449 section 8)."""

    def cors_headers(self, endpoint: str) -> dict[str, str]:
        """Without the list."""
        headers = super().cors_headers(endpoint)
        headers.pop("Access-Control-Expose-Headers")
        return headers


@fault("rfc9449-8-challenge-spends-nothing-else", settings=ON)
class ChallengeSpendsTheRequestObject(AuthorizationServer):
    """BUG: a request object counts as used although a nonce was demanded (RFC 9449 section 8)."""

    def check_duplicates(self, form: Form) -> None:
        """Remember it before anything else is looked at."""
        super().check_duplicates(form)
        token = form.get("request")
        if token is not None and not self.first_time(f"object {token}", self.now() + 600):
            raise OAuthError("invalid_request_object", "the request object was used already")
