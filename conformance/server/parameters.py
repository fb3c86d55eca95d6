"""The parameters of an authorization request: one rule a method, the same at push and at authorization."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.openid import OpenidRules
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest, Seen

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_DIGITS = re.compile(r"[0-9]{1,9}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(/.*)")

#: Parameters that are texts wherever they come from.
TEXTS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "acr_values",
    "dpop_jkt",
    "id_token_hint",
)

#: How long a code_challenge that has done its work is remembered (seconds).
CHALLENGE_MEMORY = 86_400


class ParameterRules(OpenidRules):
    """What a valid authorization request is."""

    def check_authorization_request(
        self,
        client: RegisteredClient,
        parameters: Parameters,
        pushed: PushedRequest | None = None,
        *,
        authenticated: bool = False,
    ) -> AuthorizationRequest:
        """The checked request; `authenticated` where it came from the client itself, at a push.

        OAuthError for the first rule that is broken; its `about` is set where the redirect URI was found to be the
        client's, so that an error may be sent there (RFC 6749, section 4.1.2.1).
        """
        self.check_texts(parameters)
        redirect_uri = self.check_redirect_uri(client, parameters, authenticated=authenticated)
        request = AuthorizationRequest(client, parameters, redirect_uri, pushed)
        try:
            self.check_response_type(parameters)
            self.check_response_mode(parameters)
            self.check_scope(client, parameters)
            self.check_pkce(client, parameters)
            self.check_prompt(parameters)
            self.check_max_age(parameters)
            if self.is_openid(parameters):
                self.check_claims(parameters)
                self.check_id_token_hint(parameters)
            self.check_dpop_jkt(client, parameters)
            self.check_resource(client, parameters)
            self.check_authorization_details(client, parameters)
        except OAuthError as error:
            error.about = request
            raise
        return request

    def check_texts(self, parameters: Parameters) -> None:
        """What must be a text is one: a request object could carry anything."""
        for name in TEXTS:
            if not isinstance(parameters.get(name, ""), str):
                raise OAuthError("invalid_request", "a parameter has the wrong type")

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """The redirect URI, registered exactly so (RFC 6749, section 3.1.2; RFC 9700, section 2.1). Without one the
        sole registered URI is meant, but not under OpenID Connect (Core, section 3.1.2.1)."""
        redirect_uri: str | None = parameters.get("redirect_uri")
        if redirect_uri is None:
            several = len(client.redirect_uris) != 1
            if several or self.is_openid(parameters) or self.settings.redirect_uri_required:
                raise OAuthError("invalid_request", "redirect_uri is missing")
            return client.redirect_uris[0]
        trusted = authenticated and self.may_be_unregistered(client, redirect_uri)
        if not self.is_registered(client, redirect_uri) and not trusted:
            raise OAuthError("invalid_request", "redirect_uri is not registered for this client")
        return redirect_uri

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Whether a redirect URI is registered, as the very same string; of a native application's loopback address
        the port may differ (RFC 8252, section 7.3; RFC 9700, section 4.1.3)."""
        if redirect_uri in client.redirect_uris:
            return True
        loopback = _LOOPBACK.fullmatch(redirect_uri)
        return loopback is not None and not client.confidential and loopback[1] + loopback[2] in client.redirect_uris

    def may_be_unregistered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Whether policy trusts a new redirect URI: of clients that authenticate only (RFC 9126, section 2.4)."""
        if not self.settings.unregistered_redirect_uris or not client.confidential:
            return False
        if not _URI.fullmatch(redirect_uri):
            return False
        try:
            parts = urlsplit(redirect_uri)
            return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            return False

    def check_response_type(self, parameters: Parameters) -> None:
        """Only the authorization code flow."""
        response_type = parameters.get("response_type")
        if not response_type:
            raise OAuthError("invalid_request", "response_type is missing")
        if response_type != "code":
            raise OAuthError("unsupported_response_type", "the only response_type is code")

    def response_modes(self) -> list[str]:
        """The response modes that exist here."""
        modes = [] if self.settings.signed_responses_only else ["query", "fragment", "form_post"]
        return [*modes, "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] if self.settings.jarm else modes

    def check_response_mode(self, parameters: Parameters) -> None:
        """A response mode that does not exist is refused, not replaced."""
        if parameters.get("response_mode", "query") not in self.response_modes():
            raise OAuthError("invalid_request", "response_mode is not supported")

    def is_openid(self, parameters: Parameters) -> bool:
        """Whether this is an authentication request (OpenID Connect Core, section 3.1.2.1)."""
        return self.settings.openid and "openid" in str(parameters.get("scope", "")).split(" ")

    def allowed_scopes(self, client: RegisteredClient) -> frozenset[str]:
        """The scopes that a client may be granted."""
        return (client.scopes | set(self.settings.scopes_supported)) - client.forbidden_scopes

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Well-formed, and nothing that the client may not have (RFC 6749, section 3.3)."""
        scope = parameters.get("scope")
        if scope is None:
            return
        asked = scope.split(" ")
        if self.settings.unknown_scopes == "ignore":
            asked = [value for value in asked if value in self.scopes_that_exist()]
        if not asked or not _SCOPE.fullmatch(scope) or not self.allowed_scopes(client).issuperset(asked):
            raise OAuthError("invalid_scope", "the scope is malformed or exceeds what the client may have")

    def scopes_that_exist(self) -> set[str]:
        """Every scope that means something here, even if nobody may have it."""
        named = [client.scopes | client.forbidden_scopes for client in self.clients.values()]
        return set(self.settings.scopes_supported).union(*named)

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """A challenge of the right shape and method, and that there is one where needed (RFC 7636, section 4)."""
        challenge = parameters.get("code_challenge")
        if challenge is None:
            if self.needs_pkce(client) or "code_challenge_method" in parameters:
                raise OAuthError("invalid_request", "code_challenge is missing")
            return
        if parameters.get("code_challenge_method", "plain") not in self.challenge_methods():
            raise OAuthError("invalid_request", "code_challenge_method is not supported")
        if not _CHALLENGE.fullmatch(challenge):
            raise OAuthError("invalid_request", "code_challenge is malformed")
        self.refuse_constant_challenge(client, challenge)

    def refuse_constant_challenge(self, client: RegisteredClient, challenge: str) -> None:
        """Where that is policy, a challenge that has done its work does not come back (RFC 9700, section 2.1.1)."""
        seen = self.seen.get(self.name_of_challenge(client.client_id, challenge))
        if seen is not None and self.now() < seen.expires_at:
            raise OAuthError("invalid_request", "the code_challenge was used before")

    def remember_challenge(self, client_id: str, parameters: Parameters) -> None:
        """Note a challenge whose code was redeemed."""
        if self.settings.constant_challenges == "refuse" and "code_challenge" in parameters:
            name = self.name_of_challenge(client_id, parameters["code_challenge"])
            self.seen.put(name, Seen(self.now() + CHALLENGE_MEMORY))

    def name_of_challenge(self, client_id: str, challenge: str) -> str:
        """What a challenge is remembered by."""
        return hashlib.sha256(f"challenge {client_id} {challenge}".encode()).hexdigest()

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """Public clients always, others by policy (RFC 9700, section 2.1.1)."""
        return self.settings.pkce_required or not client.confidential

    def challenge_methods(self) -> list[str]:
        """Supported code challenge methods."""
        return ["S256", "plain"] if self.settings.plain_pkce else ["S256"]

    def check_prompt(self, parameters: Parameters) -> None:
        """Known values, and none stands alone (OpenID Connect Core, section 3.1.2.1)."""
        prompts = parameters.get("prompt", "").split()
        if "none" in prompts and len(prompts) > 1:
            raise OAuthError("invalid_request", "prompt=none goes with no other value")
        if not {"none", "login", "consent", "select_account"}.issuperset(prompts):
            raise OAuthError("invalid_request", "prompt has an unknown value")

    def check_max_age(self, parameters: Parameters) -> None:
        """A number of seconds: digits, or a JSON number in a request object."""
        max_age = parameters.get("max_age", 0)
        number = isinstance(max_age, int) and not isinstance(max_age, bool) and max_age >= 0
        if not number and not (isinstance(max_age, str) and _DIGITS.fullmatch(max_age)):
            raise OAuthError("invalid_request", "max_age is no number of seconds")

    def check_dpop_jkt(self, client: RegisteredClient, parameters: Parameters) -> None:
        """dpop_jkt is a SHA-256 thumbprint (RFC 9449, section 10); it is there where DPoP is a duty."""
        if not self.settings.dpop:
            return
        jkt = parameters.get("dpop_jkt")
        if jkt is not None and not _THUMBPRINT.fullmatch(jkt):
            raise OAuthError("invalid_request", "dpop_jkt is malformed")
