"""Authorization codes: issued at the end of an interaction, redeemed once."""

from __future__ import annotations

import hashlib
import hmac
import re

from conformance.server import jose
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.push import Push
from conformance.server.records import AuthorizationRequest, Code, Grant, Session

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Codes(Push):
    """Gives codes out and takes them back."""

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """A code for what the person of this session allowed."""
        if session.user is None:
            raise OAuthError("server_error", "nobody is logged in")
        grant = Grant(
            id=self.random(),
            client_id=asked.client.client_id,
            user=session.user,
            scope=self.granted_scope(asked),
            auth_time=session.auth_time,
            parameters=asked.parameters,
            authorization_details=list(asked.parameters.get("authorization_details", [])),
            resources=self.resources_of(asked.parameters),
        )
        code = Code(
            value=self.random(),
            grant=grant,
            redirect_uri=asked.text("redirect_uri"),
            expires_at=self.now() + self.settings.code_lifetime,
        )
        self.codes.put(code.value, code)
        return code

    def granted_scope(self, asked: AuthorizationRequest) -> str:
        """The scope that is granted: what was asked for, values aside that mean nothing here."""
        scope = asked.text("scope") or ""
        if self.settings.unknown_scopes == "refuse":
            return scope
        return " ".join(value for value in scope.split() if value in self.allowed_scopes(asked.client))

    def check_code(self, client: RegisteredClient, code: Code, form: Form, jkt: str | None) -> None:
        """OAuthError invalid_grant for a code that is not this client's, dead, used, or that comes with another
        redirect URI, verifier or key."""
        self.check_code_client(client, code)
        self.check_code_unused(code)
        self.check_code_lifetime(code)
        self.check_code_redirect_uri(code, form.get("redirect_uri"))
        self.verify_code_challenge(code, form.get("code_verifier"))
        self.check_code_key(code, jkt)

    def find_code(self, value: str) -> Code:
        """The code that was issued."""
        code = self.codes.get(value)
        if code is None:
            raise OAuthError("invalid_grant", "the code is unknown")
        return code

    def check_code_client(self, client: RegisteredClient, code: Code) -> None:
        """A code is bound to the client it was issued to (RFC 6749, section 4.1.3)."""
        if code.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the code is unknown")

    def check_code_unused(self, code: Code) -> None:
        """A second use is refused, and takes back what the first one gave (RFC 6749, section 4.1.2)."""
        if code.used:
            self.revoke(code.grant)
            raise OAuthError("invalid_grant", "the code was used already")

    def revoke(self, grant: Grant) -> None:
        """Every token of the grant is dead."""
        grant.revoked = True

    def check_code_lifetime(self, code: Code) -> None:
        """A code does not live long (RFC 6749, section 4.1.2)."""
        if self.now() >= code.expires_at:
            raise OAuthError("invalid_grant", "the code has expired")

    def check_code_redirect_uri(self, code: Code, redirect_uri: str | None) -> None:
        """The redirect URI of the authorization request, if it carried one (RFC 6749, section 4.1.3)."""
        if code.redirect_uri is not None and code.redirect_uri != redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request")

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """The verifier fits the challenge; without a challenge there is none (RFC 7636, section 4.6; RFC 9700,
        section 2.1.1)."""
        challenge = code.grant.parameters.get("code_challenge")
        if challenge is None and verifier is None:
            return
        if challenge is None or verifier is None or not _VERIFIER.fullmatch(verifier):
            raise OAuthError("invalid_grant", "code_verifier is missing, malformed or unexpected")
        method = code.grant.parameters.get("code_challenge_method", "plain")
        if not hmac.compare_digest(self.challenge_of(verifier, method), challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")

    def challenge_of(self, verifier: str, method: str) -> str:
        """The code challenge that belongs to a verifier."""
        if method == "plain":
            return verifier
        return jose.encode(hashlib.sha256(verifier.encode("ascii")).digest())

    def check_code_key(self, code: Code, jkt: str | None) -> None:
        """A code that is bound to a key needs a proof with that key (RFC 9449, section 10)."""
        bound = code.grant.parameters.get("dpop_jkt") if self.settings.dpop else None
        if bound is not None and bound != jkt:
            raise OAuthError("invalid_grant", "the code is bound to another key")

    async def use_code(self, code: Code) -> None:
        """Use the code up: of many at the same time, one gets through."""
        async with self.lock:
            self.check_code_unused(code)
            code.used = True
        self.remember_challenge(code.grant.client_id, code.grant.parameters)
