"""Faults of what is bound to a DPoP key: codes, tokens, refresh tokens (RFC 9449 sections 5, 6 and 10)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import invalid_proof
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Code, Grant, Parameters, PushedRequest, Token


@fault("rfc9449-10.1-proof-binds-code", "rfc9449-10.1-proof-binds-code-against-missing-proof")
class PushForgetsTheKey(AuthorizationServer):
    """BUG: the proof of a push is checked, and its key forgotten (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """Keep only what came as dpop_jkt."""
        named = parameters.get("dpop_jkt")
        super().bind_key(client, parameters, jkt)
        if named is None:
            parameters.pop("dpop_jkt", None)


@fault("rfc9449-10.1-proof-binds-code", "rfc9449-10.1-proof-binds-code-against-missing-proof")
class PushForgetsTheKeyOfPublicClients(AuthorizationServer):
    """BUG: the key of a pushed proof is forgotten, if the client is public (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """Bind confidential clients only."""
        named = parameters.get("dpop_jkt")
        super().bind_key(client, parameters, jkt)
        if named is None and not client.confidential:
            parameters.pop("dpop_jkt", None)


@fault(
    "rfc9449-10.1-proof-binds-code",
    "rfc9449-10.1-proof-binds-code-against-missing-proof",
    "rfc9449-10-dpop-jkt-enforced",
    "rfc9449-10-dpop-jkt-enforced-against-missing-proof",
    "rfc9449-10.1-dpop-jkt-in-request-object-binds-code",
)
class KeyOfCodeIsNotCompared(AuthorizationServer):
    """BUG: the key is stored with the code, and not compared when it is redeemed (RFC 9449 section 10)."""

    def check_code_key(self, code: Code, jkt: str | None) -> None:
        """Let it pass."""


@fault(
    "rfc9449-10.1-proof-binds-code-against-missing-proof",
    "rfc9449-10-dpop-jkt-enforced-against-missing-proof",
    "rfc9449-10.1-dpop-jkt-in-request-object-binds-code",
)
class BoundCodeNeedsNoProof(AuthorizationServer):
    """BUG: a bound code can be redeemed without any proof (RFC 9449 section 10)."""

    def check_code_key(self, code: Code, jkt: str | None) -> None:
        """Compare only where there is something to compare."""
        if jkt is not None:
            super().check_code_key(code, jkt)


@fault(
    "rfc9449-10-dpop-jkt-enforced",
    "rfc9449-10-dpop-jkt-enforced-against-missing-proof",
    "rfc9449-10.1-dpop-jkt-in-request-object-binds-code",
    "rfc9449-10-malformed-dpop-jkt-refused",
)
class DpopJktIsIgnored(AuthorizationServer):
    """BUG: dpop_jkt is taken, and binds nothing without a proof beside it (RFC 9449 section 10)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """Only a proof counts."""
        super().bind_key(client, parameters, jkt)
        if jkt is None:
            parameters.pop("dpop_jkt", None)


@fault("rfc9449-10.1-dpop-jkt-in-request-object-binds-code", "rfc9449-10.1-mismatch-with-request-object-refused")
class DpopJktOfRequestObjectIsLost(AuthorizationServer):
    """BUG: dpop_jkt is not among the claims that are taken from a request object (RFC 9449 section 10.1)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """All claims but one."""
        return super().object_parameters({name: value for name, value in claims.items() if name != "dpop_jkt"})


@fault("rfc9449-10-code-verifier-enforced-beside-dpop-jkt")
class KeyStandsInForVerifier(AuthorizationServer):
    """BUG: a code that is bound to a key needs no code_verifier (RFC 9449 section 10)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """One protection is enough."""
        if "dpop_jkt" not in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc9449-10-malformed-dpop-jkt-refused")
class AnyTextIsAThumbprint(AuthorizationServer):
    """BUG: dpop_jkt may be any text (RFC 9449 section 10)."""

    def check_dpop_jkt(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Let it pass."""


@fault("rfc9449-10.1-dpop-jkt-supported")
class DpopJktNeedsAProof(AuthorizationServer):
    """BUG: dpop_jkt is taken beside a proof only (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """A thumbprint alone proves nothing."""
        if jkt is None and "dpop_jkt" in parameters:
            raise invalid_proof()
        super().bind_key(client, parameters, jkt)


@fault("rfc9449-10.1-dpop-header-supported", alone=True)
class PushTakesNoProof(AuthorizationServer):
    """BUG: a DPoP header at the push is refused unless dpop_jkt is there too (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """The parameter has to be there."""
        if jkt is not None and "dpop_jkt" not in parameters:
            raise invalid_proof()
        super().bind_key(client, parameters, jkt)


@fault("rfc9449-10.1-matching-header-and-dpop-jkt-accepted")
class OneWayToNameAKey(AuthorizationServer):
    """BUG: a push with both a DPoP header and dpop_jkt is refused (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """One of the two."""
        if jkt is not None and "dpop_jkt" in parameters:
            raise invalid_proof()
        super().bind_key(client, parameters, jkt)


@fault("rfc9449-10.1-mismatch-refused", "rfc9449-10.1-mismatch-with-request-object-refused")
class ProofOverrulesDpopJkt(AuthorizationServer):
    """BUG: where proof and dpop_jkt differ, the proof wins (RFC 9449 section 10.1)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """The proof wins."""
        if jkt is not None:
            parameters["dpop_jkt"] = jkt
        super().bind_key(client, parameters, jkt)


@fault("rfc9449-10.1-query-dpop-jkt-has-no-effect")
class KeyOfTheQueryWins(AuthorizationServer):
    """BUG: dpop_jkt of the query replaces the pushed one (RFC 9449 section 10.1)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """One exception."""
        parameters = super().effective_parameters(query, pushed)
        return parameters | ({"dpop_jkt": query.get("dpop_jkt")} if query.get("dpop_jkt") else {})


@fault("rfc9449-10.1-query-dpop-jkt-has-no-effect")
class KeyOfTheQueryIsAdded(AuthorizationServer):
    """BUG: dpop_jkt of the query is taken where none was pushed (RFC 9449 section 10.1)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """One exception."""
        parameters = super().effective_parameters(query, pushed)
        return ({"dpop_jkt": query.get("dpop_jkt")} if query.get("dpop_jkt") else {}) | parameters


# -- the token endpoint -----------------------------------------------------------------------------------------------


@fault("rfc9449-5-invalid-proof-at-token-endpoint-refused", "rfc9449-11.1-replayed-proof-at-token-endpoint-refused")
class TokenEndpointReadsOnlyTheKey(AuthorizationServer):
    """BUG: at the token endpoint the key of a proof is read, and nothing is checked (RFC 9449 section 5)."""

    def read_proof(self, request: web.Request, endpoint: str, access_token: str | None = None) -> str | None:
        """Read the key."""
        if endpoint != "token" or "DPoP" not in request.headers:
            return super().read_proof(request, endpoint, access_token)
        try:
            return jose.thumbprint(jose.parse_jws(request.headers["DPoP"]).header["jwk"])
        except (ValueError, KeyError):
            raise invalid_proof() from None


@fault("rfc9449-5-invalid-proof-at-token-endpoint-refused")
class ProofOfThePushRedeems(AuthorizationServer):
    """BUG: a proof that was made for the PAR endpoint is good for the token endpoint (RFC 9449 section 5)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """One of the two will do."""
        if endpoint != "token" or claims.get("htu") != self.url("pushed_authorization_request"):
            super().check_proof_target(endpoint, claims)


@fault("rfc9449-11.1-replayed-proof-at-token-endpoint-refused")
class ProofsRedeemAgainAndAgain(AuthorizationServer):
    """BUG: the token endpoint does not remember proofs (RFC 9449 section 11.1)."""

    redeeming = False

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Remember where: nothing is awaited between here and the end of the checks."""
        self.redeeming = endpoint == "token"
        super().check_proof_target(endpoint, claims)

    def remember_proof(self, jkt: str, claims: dict[str, Any]) -> None:
        """At the other endpoints only."""
        if not self.redeeming or "jti" not in claims:
            super().remember_proof(jkt, claims)


@fault("rfc9449-5-invalid-proof-error-code")
class BadProofIsBadGrant(AuthorizationServer):
    """BUG: the token endpoint answers a bad proof with invalid_grant (RFC 9449 section 5)."""

    def read_proof(self, request: web.Request, endpoint: str, access_token: str | None = None) -> str | None:
        """Another code."""
        try:
            return super().read_proof(request, endpoint, access_token)
        except OAuthError as error:
            if endpoint == "token" and error.code == "invalid_dpop_proof":
                raise OAuthError("invalid_grant", error.description) from None
            raise


@fault("rfc9449-5.2-token-request-without-proof-refused")
class BoundClientNeedsNoProof(AuthorizationServer):
    """BUG: a client with dpop_bound_access_tokens gets bearer tokens without a proof (RFC 9449 section 5.2)."""

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """Let it pass."""


# -- the tokens -------------------------------------------------------------------------------------------------------


@fault("rfc9449-5-token-type-dpop")
class BoundTokenIsCalledBearer(AuthorizationServer):
    """BUG: a bound token is announced as a bearer token (RFC 9449 section 5)."""

    def issue_tokens(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The usual word."""
        return {**super().issue_tokens(*args, **kwargs), "token_type": "Bearer"}


@fault("rfc9449-5-token-type-dpop")
class RefreshedTokensAreUnbound(AuthorizationServer):
    """BUG: only the first access token is bound to the key of the proof (RFC 9449 section 5)."""

    def issue_tokens(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Without the key, which is the fourth thing given, where a token is refreshed."""
        if not kwargs["first"]:
            args = (*args[:3], None, *args[4:])
        return super().issue_tokens(*args, **kwargs)


class _UnboundRefresh(AuthorizationServer):
    def kept_key(self, jkt: str | None) -> str | None:
        """What is kept with a refresh token."""
        return jkt

    def new_token(
        self, kind: str, grant: Grant, scope: str, resources: list[str], jkt: str | None, *rest: Any
    ) -> Token:
        """Tokens as usual, but for what refresh tokens are bound to."""
        key = self.kept_key(jkt) if kind == "refresh" else jkt
        return super().new_token(kind, grant, scope, resources, key, *rest)


@fault("rfc9449-5-public-clients-refresh-token-bound")
class RefreshTokenIsNotBound(_UnboundRefresh):
    """BUG: a public client's refresh token works with any key (RFC 9449 section 5)."""

    def kept_key(self, jkt: str | None) -> str | None:
        """None."""
        return None


@fault("rfc9449-5-public-clients-refresh-token-bound")
class RefreshNeedsNoProof(AuthorizationServer):
    """BUG: a bound refresh token works without any proof (RFC 9449 section 5)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """Forget the key where no proof can be compared with it."""
        token = super().find_refresh_token(client, value)
        if self.proofless:
            token.jkt = None
        return token

    proofless = False

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """Remember whether there is a proof."""
        super().require_proof(client, jkt)
        self.proofless = jkt is None


@fault("rfc9449-6.1-thumbprint-in-jwt-access-token", settings={"access_tokens": "jwt"})
class JwtHasNoThumbprint(AuthorizationServer):
    """BUG: a bound access token that is a JWT has no cnf.jkt (RFC 9449 section 6.1)."""

    def sign_access_token(self, token: Token) -> str:
        """Leave the key out."""
        jkt, token.jkt = token.jkt, None
        value = super().sign_access_token(token)
        token.jkt = jkt
        return value


class _Introspects(AuthorizationServer):
    def told(self, token: Token, members: dict[str, Any]) -> dict[str, Any]:
        """What is told of a living token."""
        return members

    def introspection_members(self, client: RegisteredClient, token: Token | None) -> dict[str, Any]:
        """Changed where the token is bound to a key."""
        members = super().introspection_members(client, token)
        return self.told(token, members) if token is not None and token.jkt and members["active"] else members


@fault("rfc9449-6.2-thumbprint-in-introspection")
class IntrospectionHidesTheKey(_Introspects):
    """BUG: introspection does not tell the thumbprint (RFC 9449 section 6.2)."""

    def told(self, token: Token, members: dict[str, Any]) -> dict[str, Any]:
        """Without cnf."""
        return {name: value for name, value in members.items() if name != "cnf"}


@fault("rfc9449-6.2-introspection-token-type")
class IntrospectionSaysBearer(_Introspects):
    """BUG: introspection calls a bound token a bearer token (RFC 9449 section 6.2)."""

    def told(self, token: Token, members: dict[str, Any]) -> dict[str, Any]:
        """The usual word."""
        return {**members, "token_type": "Bearer"}
