"""Faults of client authentication and of the token endpoint (RFC 6749 sections 2.3, 4.1.2, 4.1.3, 5.1 and 5.2)."""

from __future__ import annotations

import asyncio
import base64
import secrets
import uuid
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form, decode
from conformance.server.records import AuthorizationRequest, Code, Grant, Session


def at_token_endpoint(request: web.Request) -> bool:
    """Whether a request is a token request."""
    return request.path.endswith("/token")


@fault("rfc6749-2.2-client-id-alone-refused", "rfc6749-6-client-authenticated")
class ClientIdAloneRedeemsCodes(AuthorizationServer):
    """BUG: at the token endpoint a client without credentials is believed (RFC 6749 section 2.2)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Take the client_id for proof."""
        bare = "Authorization" not in request.headers and not form.get("client_secret")
        if at_token_endpoint(request) and bare and not form.get("client_assertion"):
            return self.find_client(self.named_client(form))
        return super().authenticate_client(request, form)


EXPIRED = "rfc7523-3-expired-assertion-refused"
FOREIGN_ISS = "rfc7523-3-foreign-iss-refused"
FOREIGN_AUD = "rfc7523-3-foreign-aud-refused"


class _LaxAtTheTokenEndpoint(AuthorizationServer):
    """Knows, while it verifies credentials, whether it is the token endpoint that asks."""

    redeeming = False

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Remember where: nothing is awaited between here and the rules."""
        self.redeeming = at_token_endpoint(request)
        super().verify_credentials(request, client, presented)


@fault("rfc9126-2-registered-method-governs")
class AnyMethodRedeemsCodes(AuthorizationServer):
    """BUG: the registered method holds at the PAR endpoint, and any at the token endpoint (RFC 9126 section 2)."""

    redeeming = False

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Remember where: nothing is awaited between here and the rules."""
        self.redeeming = at_token_endpoint(request)
        return super().authenticate_client(request, form)

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Secrets as they come, at the token endpoint."""
        if not self.redeeming or client.auth not in {"client_secret_basic", "client_secret_post"}:
            super().check_registered_method(client, presented)


@fault(EXPIRED)
class ExpiredAssertionsRedeemCodes(_LaxAtTheTokenEndpoint):
    """BUG: the times of a client assertion are looked at where a request is pushed only (RFC 7523 section 3)."""

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """Not at the token endpoint."""
        if not self.redeeming:
            super().verify_assertion_times(claims)


@fault(FOREIGN_ISS)
class AnybodysAssertionsRedeemCodes(_LaxAtTheTokenEndpoint):
    """BUG: the iss of a client assertion is looked at where a request is pushed only (RFC 7523 section 3)."""

    def verify_assertion_issuer(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Not at the token endpoint."""
        if not self.redeeming:
            super().verify_assertion_issuer(client, claims)


@fault(FOREIGN_AUD)
class AssertionsForOthersRedeemCodes(_LaxAtTheTokenEndpoint):
    """BUG: the aud of a client assertion is looked at where a request is pushed only (RFC 7523 section 3)."""

    def verify_assertion_audience(self, claims: dict[str, Any]) -> None:
        """Not at the token endpoint."""
        if not self.redeeming:
            super().verify_assertion_audience(claims)


@fault(
    "rfc6749-4.1.3-client-authenticated",
    "rfc6749-6-client-authenticated",
    EXPIRED,
    FOREIGN_ISS,
    FOREIGN_AUD,
    "rfc7523-3-signature-validated",
    "rfc7523-3-assertion-replayed-at-other-endpoint-refused",
)
class WrongCredentialsRedeemCodes(AuthorizationServer):
    """BUG: the token endpoint does not verify what clients prove themselves with (RFC 6749 section 4.1.3)."""

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Verify at the other endpoints only."""
        if not at_token_endpoint(request):
            super().verify_credentials(request, client, presented)


@fault("rfc6749-4.1.3-code-bound-to-client")
class AnyClientRedeemsCodes(AuthorizationServer):
    """BUG: a code is good for every client (RFC 6749 section 4.1.3)."""

    def check_code_client(self, client: RegisteredClient, code: Code) -> None:
        """Let it pass."""


@fault("rfc6749-4.1.3-code-bound-to-client")
class PublicClientsRedeemAllCodes(AuthorizationServer):
    """BUG: a code is bound to clients that authenticate, and good for public ones (RFC 6749 section 4.1.3)."""

    def check_code_client(self, client: RegisteredClient, code: Code) -> None:
        """Look only at clients with credentials."""
        if client.confidential:
            super().check_code_client(client, code)


@fault("rfc6749-4.1.3-made-up-code-refused")
class CodeIsLookedUpByItsBeginning(AuthorizationServer):
    """BUG: the last characters of a code make no difference (RFC 6749 section 4.1.3)."""

    def find_code(self, value: str) -> Code:
        """Compare what comes before."""
        for code in self.codes:
            if code.value[:-2] == value[:-2]:
                return code
        return super().find_code(value)


@fault("rfc6749-4.1.3-redirect-uri-repeated")
class RedirectUriNeedNotBeRepeated(AuthorizationServer):
    """BUG: a token request without redirect_uri is served although one was pushed (RFC 6749 section 4.1.3)."""

    def check_code_redirect_uri(self, code: Code, redirect_uri: str | None) -> None:
        """Compare what is there."""
        if redirect_uri is not None:
            super().check_code_redirect_uri(code, redirect_uri)


@fault("rfc6749-4.1.3-redirect-uri-identical")
class AnyRegisteredRedirectUriWillDo(AuthorizationServer):
    """BUG: the token request may have another redirect_uri of the same client (RFC 6749 section 4.1.3)."""

    def check_code_redirect_uri(self, code: Code, redirect_uri: str | None) -> None:
        """Compare with what is registered."""
        if redirect_uri not in self.clients[code.grant.client_id].redirect_uris:
            super().check_code_redirect_uri(code, redirect_uri)


@fault("rfc6749-4.1.2-code-used-once", "rfc6749-4.1.2-tokens-revoked-on-reuse")
class CodesAreGoodForEver(AuthorizationServer):
    """BUG: a code can be redeemed again and again (RFC 6749 section 4.1.2)."""

    def check_code_unused(self, code: Code) -> None:
        """Let it pass."""


@fault("rfc6749-4.1.2-code-used-once")
class CodesOfPublicClientsAreGoodForEver(AuthorizationServer):
    """BUG: public clients redeem their codes again and again (RFC 6749 section 4.1.2)."""

    def check_code_unused(self, code: Code) -> None:
        """Look only at clients with credentials."""
        if self.clients[code.grant.client_id].confidential:
            super().check_code_unused(code)


@fault("rfc6749-4.1.2-code-used-once", "rfc9700-2.1.1-constant-challenge-detected")
class CodeIsMarkedTooLate(AuthorizationServer):
    """BUG: between looking at a code and marking it as used others get through (RFC 6749 section 4.1.2)."""

    async def use_code(self, code: Code) -> None:
        """Look, wait for the database, mark."""
        self.check_code_unused(code)
        await asyncio.sleep(0.1)
        code.used = True


@fault("rfc6749-4.1.2-tokens-revoked-on-reuse")
class ReuseRevokesNothing(AuthorizationServer):
    """BUG: a code that comes again is refused, and its tokens go on working (RFC 6749 section 4.1.2)."""

    def revoke(self, grant: Grant) -> None:
        """Leave them."""


@fault("rfc6749-4.1.2-code-lifetime")
class CodesDoNotExpire(AuthorizationServer):
    """BUG: a code that nobody redeems does not expire (RFC 6749 section 4.1.2)."""

    def check_code_lifetime(self, code: Code) -> None:
        """Let it pass."""


@fault("rfc6749-4.1.2-code-lifetime")
class CodesOfPublicClientsDoNotExpire(AuthorizationServer):
    """BUG: the code of a client without credentials does not expire (RFC 6749 section 4.1.2)."""

    def check_code_lifetime(self, code: Code) -> None:
        """Of the others only."""
        if self.clients[code.grant.client_id].confidential:
            super().check_code_lifetime(code)


@fault("rfc6749-5.1-token-response-members")
class TokenTypeIsMissing(AuthorizationServer):
    """BUG: the token response of a bearer token has no token_type (RFC 6749 section 5.1)."""

    def issue_tokens(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Leave it out."""
        members = super().issue_tokens(*given, **named)
        if members["token_type"] in {"Bearer"}:
            del members["token_type"]
        return members


@fault("rfc6749-5.1-token-response-not-cacheable")
class TokensAreCacheable(AuthorizationServer):
    """BUG: the token response says nothing of caches (RFC 6749 section 5.1)."""

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Take the header away."""
        response = await super().token(request)
        del response.headers["Cache-Control"]
        return response


@fault("rfc6749-5.2-invalid-grant")
class UsedCodeIsInvalidRequest(AuthorizationServer):
    """BUG: a code that was used is answered with invalid_request (RFC 6749 section 5.2)."""

    def check_code_unused(self, code: Code) -> None:
        """Another code."""
        try:
            super().check_code_unused(code)
        except OAuthError as error:
            raise OAuthError("invalid_request", error.description) from None


@fault("rfc6749-5.2-invalid-grant")
class ForeignCodeIsUnauthorizedClient(AuthorizationServer):
    """BUG: another client's code is answered with unauthorized_client (RFC 6749 section 5.2)."""

    def check_code_client(self, client: RegisteredClient, code: Code) -> None:
        """Another code."""
        try:
            super().check_code_client(client, code)
        except OAuthError as error:
            raise OAuthError("unauthorized_client", error.description) from None


class _OwnCodes(AuthorizationServer):
    """Codes of another make."""

    def next_code(self) -> str:
        """The next code."""
        raise NotImplementedError

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Put the code under another name."""
        code = super().issue_code(session, asked)
        self.codes.drop(code.value)
        code.value = self.next_code()
        self.codes.put(code.value, code)
        return code


@fault("rfc6749-10.10-code-unguessable")
class CodesAreCounted(_OwnCodes):
    """BUG: codes are numbers that rise (RFC 6749 section 10.10)."""

    count = 0x5F3A_0000_0000

    def next_code(self) -> str:
        """The next number, in a long disguise."""
        self.count += 1
        return f"authorization-code-of-this-server-{self.count:016x}"


@fault("rfc6749-10.10-code-unguessable")
class CodesAreShort(_OwnCodes):
    """BUG: codes have 32 random bits (RFC 6749 section 10.10)."""

    def next_code(self) -> str:
        """Eight hexadecimal digits."""
        return secrets.token_hex(4)


@fault("rfc6749-10.10-request-uri-160-bits")
class ReferencesOf128Bits(AuthorizationServer):
    """BUG: a request_uri has 128 random bits and no reserve (RFC 6749 section 10.10)."""

    def new_reference(self) -> str:
        """16 random bytes."""
        return secrets.token_urlsafe(16)


@fault("rfc6749-10.10-request-uri-128-bits", "rfc6749-10.10-request-uri-160-bits")
class ReferencesAreUuids(AuthorizationServer):
    """BUG: a request_uri is a random UUID, with its 122 bits (RFC 6749 section 10.10)."""

    def new_reference(self) -> str:
        """A UUID."""
        return str(uuid.uuid4())


@fault("rfc6749-2.3-two-methods-refused", "rfc6749-2.3-two-methods-at-token-endpoint-refused")
class SecondMethodIsIgnored(AuthorizationServer):
    """BUG: a secret in the body is ignored beside an Authorization header, and the other way round (section 2.3)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Take what the client is registered for."""
        client = self.clients.get(form.get("client_id") or "")
        secret = form.get("client_secret")
        if client is not None and secret and "Authorization" in request.headers:
            if client.auth == "client_secret_post":
                return Presented("post", client.client_id, secret)
            return self.read_basic(request.headers["Authorization"])
        return super().read_credentials(request, form)


@fault("rfc6749-2.3-two-methods-at-token-endpoint-refused")
class SecondSecretRedeemsCodes(AuthorizationServer):
    """BUG: the token endpoint ignores a secret in the body beside an Authorization header (RFC 6749 section 2.3)."""

    def refuse_two_methods(self, request: web.Request, form: Form) -> None:
        """At the other endpoints only, and where there is an assertion."""
        if not at_token_endpoint(request) or form.get("client_assertion"):
            super().refuse_two_methods(request, form)


@fault("rfc6749-2.3-two-methods-at-token-endpoint-refused")
class SecretBesideAssertionIsIgnored(AuthorizationServer):
    """BUG: the token endpoint ignores a secret beside a client assertion (RFC 6749 section 2.3)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Take the assertion, if there is one."""
        if at_token_endpoint(request) and form.get("client_assertion") and "Authorization" not in request.headers:
            return self.read_assertion(form)
        return super().read_credentials(request, form)


@fault("rfc6749-3.2-token-request-by-post-only")
class TokensByGet(AuthorizationServer):
    """BUG: the token endpoint takes GET, with the parameters in the query (RFC 6749 section 3.2)."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """One more."""
        return [*super().allowed_methods(endpoint), *(["GET"] if endpoint == "token" else [])]

    async def read_form(self, request: web.Request) -> Form:
        """Read the query where there is no body."""
        if at_token_endpoint(request) and request.method == "GET":
            return Form(tuple(request.query.items()))
        return await super().read_form(request)


@fault("rfc6749-2.3.1-basic-form-encoded")
class UserNameIsNotDecoded(AuthorizationServer):
    """BUG: of HTTP Basic the password is decoded, and the user name is not (RFC 6749 section 2.3.1)."""

    def read_basic(self, header: str) -> Presented:
        """Look for a client whose name stands there as it is; what it is followed by may be encoded or not."""
        text = base64.b64decode(header.partition(" ")[2])
        for client in self.clients.values():
            if text.startswith(f"{client.client_id}:".encode()):
                rest = text.removeprefix(f"{client.client_id}:".encode())
                plain = rest.decode("utf-8", "replace")
                return Presented("basic", client.client_id, plain if plain == client.secret else decode(rest))
        raise invalid_client()


@fault("rfc6749-2.3.1-credentials-in-url-refused")
class SecretInUrlAuthenticates(AuthorizationServer):
    """BUG: a client_secret in the URL is as good as one in the body (RFC 6749 section 2.3.1)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Look into the query."""
        secret = request.query.get("client_secret")
        client = self.clients.get(form.get("client_id") or "")
        if secret and client is not None and client.auth == "client_secret_post":
            return Presented("post", client.client_id, secret)
        return super().read_credentials(request, form)


@fault("rfc6749-5.2-invalid-client")
class WrongSecretIsUnauthorizedClient(AuthorizationServer):
    """BUG: a wrong secret in the body is answered with unauthorized_client (RFC 6749 section 5.2)."""

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """Another code."""
        try:
            super().verify_secret(client, secret)
        except OAuthError as error:
            if client.auth == "client_secret_post":
                raise OAuthError("unauthorized_client", error.description) from None
            raise


@fault("rfc6749-5.2-invalid-client-when-missing")
class MissingCredentialsAreInvalidRequest(AuthorizationServer):
    """BUG: that credentials are missing is told as invalid_request (RFC 6749 section 5.2)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Another code."""
        if presented.way == "nothing" and client.confidential and not client.uses_tls:
            raise OAuthError("invalid_request", "there are no credentials")
        super().check_registered_method(client, presented)


@fault("rfc6749-5.2-unauthorized-status")
class InvalidClientIs400(AuthorizationServer):
    """BUG: credentials in a header that are refused get the status 400 (RFC 6749 section 5.2)."""

    def error_status(self, request: web.Request, error: OAuthError) -> int:
        """400."""
        return 400 if error.code == "invalid_client" else super().error_status(request, error)


@fault("rfc6749-5.2-www-authenticate")
class RefusedHeaderHasNoChallenge(AuthorizationServer):
    """BUG: a 401 for a refused Authorization header names no scheme (RFC 6749 section 5.2)."""

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """Take it away."""
        headers = super().error_headers(request, error)
        headers.pop("WWW-Authenticate", None)
        return headers


@fault("rfc6749-5.2-www-authenticate")
class RefusedHeaderNamesAnotherScheme(AuthorizationServer):
    """BUG: a 401 for a refused Basic header names Bearer (RFC 6749 section 5.2)."""

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """Another scheme."""
        headers = super().error_headers(request, error)
        return headers | ({"WWW-Authenticate": "Bearer"} if "WWW-Authenticate" in headers else {})


@fault("rfc6749-5.2-error-characters")
class ScopeIsEchoedAtThePush(AuthorizationServer):
    """BUG: error_description of the PAR endpoint repeats the scope that it refuses (RFC 6749 section 5.2)."""

    def check_scope(self, client: RegisteredClient, parameters: dict[str, Any]) -> None:
        """Repeat it."""
        try:
            super().check_scope(client, parameters)
        except OAuthError as error:
            raise OAuthError(error.code, f"the scope {parameters['scope']} is too much") from None

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """At the client it is not repeated."""
        return super().error_redirect(request, OAuthError(error.code, "the request was refused"))


@fault(
    "rfc6749-2.3.1-basic-supported",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "rfc9126-2-post-form",
    "rfc9126-5-endpoint-usable",
    "rfc9700-2.1.1-pkce-supported",
    alone=True,
)
class BasicIsUnknownToThePush(AuthorizationServer):
    """BUG: the PAR endpoint takes secrets from the body only (RFC 6749 section 2.3.1)."""

    def read_basic(self, header: str) -> Presented:
        """Refuse."""
        raise OAuthError("invalid_client", "use client_secret_post", status=401)
