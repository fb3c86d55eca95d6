"""Faults of times ahead in assertions, proofs and request objects (FAPI 2.0 Security Profile section 5.3.2.1)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.dpop import invalid_proof
from conformance.server.errors import invalid_client
from conformance.server.faults import FAPI, fault
from conformance.server.request_object import invalid_object


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
