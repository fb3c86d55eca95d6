"""Faults of PKCE (RFC 7636, RFC 9700 sections 2.1.1 and 4.8.2)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Code, Parameters, Session


@fault(
    "rfc7636-4.2-s256-supported",
    "rfc9700-2.1.1-pkce-supported",
    "rfc9126-2-pkce-effective",
    "rfc6749-2.3.1-basic-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    "rfc9449-5-public-clients-refresh-token-bound",
    "rfc9449-5-token-type-dpop",
    "rfc9449-6.1-thumbprint-in-jwt-access-token",
    "rfc9449-6.2-introspection-token-type",
    "rfc9449-6.2-thumbprint-in-introspection",
    alone=True,
)
class HexInPlaceOfBase64(AuthorizationServer):
    """BUG: S256 is computed without the base64url encoding (RFC 7636 section 4.2)."""

    def challenge_of(self, verifier: str, method: str) -> str:
        """Something else."""
        return super().challenge_of(verifier, method)[::-1]


@fault("rfc7636-4.2-malformed-challenge-refused", "rfc9700-2.1.1-constant-challenge-detected")
class AnyTextIsAChallenge(AuthorizationServer):
    """BUG: neither length nor characters of a code_challenge are looked at (RFC 7636 section 4.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Check as if it were well-formed."""
        well_formed = {"code_challenge": "a" * 43} if "code_challenge" in parameters else {}
        super().check_pkce(client, parameters | well_formed)


@fault("rfc7636-4.3-missing-method-is-plain")
class MissingMethodIsS256(AuthorizationServer):
    """BUG: a code_challenge without a method counts as S256 (RFC 7636 section 4.3)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Fill in the better method."""
        if "code_challenge" in parameters:
            parameters.setdefault("code_challenge_method", "S256")
        super().check_pkce(client, parameters)


@fault("rfc7636-4.3-missing-method-is-plain", "rfc7636-7.2-plain-refused")
class MissingMethodIsNotVerified(AuthorizationServer):
    """BUG: a code_challenge without a method is accepted and never verified (RFC 7636 section 4.3)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Accept it."""
        if "code_challenge" not in parameters or "code_challenge_method" in parameters:
            super().check_pkce(client, parameters)

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Let it pass."""
        if "code_challenge_method" in code.grant.parameters or "code_challenge" not in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.4-challenge-bound-to-code")
class ChallengesAreTheClients(AuthorizationServer):
    """BUG: a verifier is good for every code of its client (RFC 7636 section 4.4)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Compare with all challenges of the client."""
        own = [
            other
            for other in self.codes
            if other.grant.client_id == code.grant.client_id and other.grant.parameters.get("code_challenge")
        ]
        for other in own:
            try:
                return super().verify_code_challenge(other, verifier)
            except OAuthError:
                continue
        return super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.4-challenge-not-exposed")
class CodeCarriesTheChallenge(AuthorizationServer):
    """BUG: the code_challenge stands inside the code (RFC 7636 section 4.4)."""

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Append it."""
        code = super().issue_code(session, asked)
        self.codes.drop(code.value)
        code.value = f"{asked.text('code_challenge') or ''}.{code.value}"
        self.codes.put(code.value, code)
        return code


@fault("rfc7636-4.4.1-missing-challenge-refused", settings={"pkce_required": True})
class RequiredChallengeMayBeMissing(AuthorizationServer):
    """BUG: that PKCE is required is not enforced on pushed requests (RFC 7636 section 4.4.1)."""

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """Never."""
        return False


@fault("rfc7636-4.4.1-missing-challenge-refused", settings={"pkce_required": True})
class RequiredChallengeMayBeMissingOfPublicClients(AuthorizationServer):
    """BUG: PKCE is required of clients that authenticate only (RFC 7636 section 4.4.1)."""

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """Of them only."""
        return client.confidential


@fault("rfc7636-4.4.1-missing-challenge-error", settings={"pkce_required": True})
class MissingChallengeIsUnauthorizedClient(AuthorizationServer):
    """BUG: a missing code_challenge is told as unauthorized_client (RFC 7636 section 4.4.1)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Another code."""
        if "code_challenge" not in parameters and self.needs_pkce(client):
            raise OAuthError("unauthorized_client", "code_challenge is missing")
        super().check_pkce(client, parameters)


@fault("rfc7636-4.4.1-unknown-method-refused")
class UnknownMethodIsS256(AuthorizationServer):
    """BUG: every code_challenge_method counts as S256 (RFC 7636 section 4.4.1)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Accept it."""
        method = (
            {"code_challenge_method": "S256"} if parameters.get("code_challenge_method", "plain") != "plain" else {}
        )
        super().check_pkce(client, parameters | method)


@fault("rfc7636-4.4.1-unknown-method-refused")
class MethodInLowerCase(AuthorizationServer):
    """BUG: s256 is as good as S256 (RFC 7636 section 4.4.1)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Accept it."""
        method = {"code_challenge_method": "S256"} if parameters.get("code_challenge_method") == "s256" else {}
        super().check_pkce(client, parameters | method)


def _unknown_method(server: AuthorizationServer, parameters: Parameters) -> bool:
    known = parameters.get("code_challenge_method", "plain") in {*server.challenge_methods(), "plain"}
    return "code_challenge" in parameters and not known


@fault("rfc7636-4.4.1-unknown-method-error")
class UnknownMethodIsUnsupported(AuthorizationServer):
    """BUG: an unknown code_challenge_method is told by an error code of its own (RFC 7636 section 4.4.1)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Another code."""
        if _unknown_method(self, parameters):
            raise OAuthError("unsupported_response_type", "code_challenge_method is not supported")
        super().check_pkce(client, parameters)


@fault("rfc7636-4.4.1-error-explained")
class FaultOfPkceIsNotExplained(AuthorizationServer):
    """BUG: errors of the PAR endpoint have no error_description (RFC 7636 section 4.4.1)."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Take it away."""
        return {"error": error.code}


@fault("rfc7636-4.5-missing-verifier-refused")
class VerifierMayBeMissing(AuthorizationServer):
    """BUG: a code_verifier is verified where it is there, and may be missing (RFC 7636 section 4.5)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Skip."""
        if verifier is not None:
            super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.5-missing-verifier-refused")
class VerifierOfPublicClientMayBeMissing(AuthorizationServer):
    """BUG: a public client's code_verifier may be missing (RFC 7636 section 4.5)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Skip."""
        if verifier is not None or self.clients[code.grant.client_id].confidential:
            super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.5-bound-method-used")
class ChallengeIsItsOwnVerifier(AuthorizationServer):
    """BUG: the challenge itself redeems the code, whatever its method (RFC 7636 section 4.5)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Compare as plain, too."""
        if verifier is None or verifier != code.grant.parameters.get("code_challenge"):
            super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.6-right-verifier-accepted")
class LongVerifiersAreRefused(AuthorizationServer):
    """BUG: a code_verifier has 64 characters at most (RFC 7636 section 4.6)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Refuse longer ones."""
        super().verify_code_challenge(code, verifier if len(verifier or "") <= 64 else "")


@fault("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced")
class VerifierIsCut(AuthorizationServer):
    """BUG: what comes after the 43rd character of a code_verifier makes no difference (RFC 7636 section 4.6)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Try it cut, too."""
        try:
            super().verify_code_challenge(code, verifier)
        except OAuthError:
            if len(verifier or "") <= 43:
                raise
            super().verify_code_challenge(code, (verifier or "")[:43])


@fault(
    "rfc7636-4.4-challenge-bound-to-code",
    "rfc7636-4.5-bound-method-used",
    "rfc7636-4.6-wrong-verifier-refused",
    "rfc9700-2.1.1-challenge-enforced",
    "rfc9700-2.1.1-pkce-supported",
)
class PublicClientsChallengeIsIgnored(AuthorizationServer):
    """BUG: any code_verifier redeems a public client's code (RFC 9700 section 2.1.1)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Look at its presence only."""
        confidential = self.clients[code.grant.client_id].confidential
        if confidential or verifier is None or "code_challenge" not in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced")
class OneWrongVerifierOpensTheWay(AuthorizationServer):
    """BUG: for a code whose code_verifier was wrong once any other one is good enough (RFC 7636 section 4.6)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.tried: set[str] = set()

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """The first attempt is compared."""
        if verifier is not None and code.value in self.tried:
            return
        try:
            super().verify_code_challenge(code, verifier)
        except OAuthError:
            if verifier is not None:
                self.tried.add(code.value)
            raise


@fault("rfc7636-4.6-invalid-grant")
class WrongVerifierIsInvalidRequest(AuthorizationServer):
    """BUG: a wrong code_verifier is told as invalid_request (RFC 7636 section 4.6)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Another code."""
        try:
            super().verify_code_challenge(code, verifier)
        except OAuthError as error:
            raise OAuthError("invalid_request", error.description) from None


@fault("rfc7636-7.2-plain-refused")
class PlainIsAccepted(AuthorizationServer):
    """BUG: the method plain is accepted though the metadata do not list it (RFC 7636 section 7.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Take it for the other one."""
        plain = parameters.get("code_challenge_method") == "plain"
        super().check_pkce(client, parameters | ({"code_challenge_method": "S256"} if plain else {}))


@fault("rfc9700-4.8.2-verifier-without-challenge-refused")
class UnexpectedVerifierIsIgnored(AuthorizationServer):
    """BUG: a code_verifier is ignored where no code_challenge was pushed (RFC 9700 section 4.8.2)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Skip."""
        if "code_challenge" in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc9700-2.1.1-constant-challenge-detected")
class ConstantChallengesPass(AuthorizationServer):
    """BUG: a code_challenge may come again and again (RFC 9700 section 2.1.1)."""

    def refuse_constant_challenge(self, client: RegisteredClient, challenge: str) -> None:
        """Let it pass."""


@fault("rfc9700-2.1.1-pkce-in-metadata", "rfc8414-2-code-challenge-methods-supported")
class PkceIsKeptSecret(AuthorizationServer):
    """BUG: the metadata do not say that there is PKCE (RFC 9700 section 2.1.1)."""

    def flow_metadata(self) -> dict[str, Any]:
        """Leave it out."""
        return super().flow_metadata() | {"code_challenge_methods_supported": None}
