"""Faults of authentication requests (OpenID Connect Core sections 2, 3.1.2, 5.5, 9 and 15.1)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from conformance.profile.keyring import SigningKey, generate_key
from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Grant, Interaction, Parameters, Session


@fault("openid-core-2-pushed-nonce-in-id-token")
class LongNonceIsCut(AuthorizationServer):
    """BUG: a nonce is cut after 255 characters (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Cut it."""
        claims = super().id_token_claims(grant)
        return claims | ({"nonce": claims["nonce"][:255]} if "nonce" in claims else {})


@fault("openid-core-2-pushed-nonce-in-id-token")
class NonceIsDecodedTwice(AuthorizationServer):
    """BUG: what looks percent-encoded in a nonce is decoded (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Once too often."""
        claims = super().id_token_claims(grant)
        return claims | ({"nonce": unquote(claims["nonce"])} if "nonce" in claims else {})


@fault("openid-core-2-no-nonce-without-request")
class NonceIsMadeUp(AuthorizationServer):
    """BUG: an ID token has an empty nonce where none was pushed (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Add one."""
        return {"nonce": ""} | super().id_token_claims(grant)


@fault("openid-core-2-auth-time-with-max-age")
class AuthTimeIsAText(AuthorizationServer):
    """BUG: auth_time is a string (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Between quotes."""
        claims = super().id_token_claims(grant)
        return claims | ({"auth_time": str(claims["auth_time"])} if "auth_time" in claims else {})


@fault("openid-core-2-auth-time-with-max-age")
class NoAuthTimeForMaxAgeZero(AuthorizationServer):
    """BUG: max_age=0 is mistaken for no max_age when the ID token is made (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Look at what the number is worth."""
        claims = super().id_token_claims(grant)
        if grant.parameters.get("max_age") in {"0", 0}:
            claims.pop("auth_time", None)
        return claims


@fault("openid-core-2-id-token-aud-has-client-id")
class IdTokenIsForTheIssuer(AuthorizationServer):
    """BUG: aud of an ID token is the server itself (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Another audience."""
        return super().id_token_claims(grant) | {"aud": [self.issuer]}


@fault("openid-core-2-id-token-azp-is-client-id")
class AuthorizedPartyIsThePerson(AuthorizationServer):
    """BUG: azp of an ID token names the person (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Another party."""
        return super().id_token_claims(grant) | {"azp": grant.user.subject}


@fault("openid-core-2-id-token-times")
class IdTokenIsDeadAtBirth(AuthorizationServer):
    """BUG: exp of an ID token is counted from an hour ago (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """An hour in the wrong direction."""
        claims = super().id_token_claims(grant)
        return claims | {"iat": claims["iat"] - 7200, "exp": claims["iat"] - 3600}


@fault("openid-core-2-id-token-times")
class ExpIsAText(AuthorizationServer):
    """BUG: exp of an ID token is a string (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Between quotes."""
        claims = super().id_token_claims(grant)
        return claims | {"exp": str(claims["exp"])}


@cache
def unpublished_key() -> SigningKey:
    """A key that looks like the server's own."""
    return generate_key("RS256", "server-RS256")


@fault("openid-core-2-id-token-signed")
class IdTokenIsSignedWithAnotherKey(AuthorizationServer):
    """BUG: ID tokens are signed with a key that is not published (OpenID Connect Core section 2)."""

    def id_token(self, grant: Grant) -> str:
        """A key of yesterday."""
        return unpublished_key().sign(self.id_token_claims(grant))

    def signed_here(self, jws: jose.Jws) -> bool:
        """As a hint it is known."""
        key = unpublished_key()
        return super().signed_here(jws) or jose.verify(jws, key.private.public_key(), key.alg)


@fault("openid-core-2-id-token-signed")
class IdTokenIsNotSigned(AuthorizationServer):
    """BUG: ID tokens have no signature, whoever they are for (OpenID Connect Core section 2)."""

    def id_token(self, grant: Grant) -> str:
        """Its signature left away."""
        parts = (json.dumps(part).encode() for part in ({"alg": "none"}, self.id_token_claims(grant)))
        return ".".join(jose.encode(part) for part in parts) + "."

    def check_id_token_hint(self, parameters: Parameters) -> None:
        """As a hint it is believed, if there is nothing to verify."""
        if not str(parameters.get("id_token_hint", "")).endswith("."):
            super().check_id_token_hint(parameters)


@fault("openid-core-3.1.2.1-unknown-scope-ignored")
class UnknownScopesAreRefused(AuthorizationServer):
    """BUG: a scope that means nothing here is refused beside openid (OpenID Connect Core section 3.1.2.1)."""

    def scopes_that_exist(self) -> set[str]:
        """Whatever is asked for."""
        return _Everything()


class _Everything(set[str]):
    """A set that has everything in it."""

    def __contains__(self, value: object) -> bool:
        return True


@fault(
    "openid-core-3.1.2.2-missing-response-type-refused",
    "rfc9126-2.1-response-type-validated",
    "openid-core-6.3.3-object-validated-like-any-request",
    "rfc6749-3.1-empty-parameter-omitted",
    "rfc9101-6.3-response-type-in-object-validated",
)
class OpenidResponseTypeIsCode(AuthorizationServer):
    """BUG: an authentication request without response_type means code (OpenID Connect Core section 3.1.2.2)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Fill in the usual value."""
        if not self.is_openid(parameters) or "response_type" in parameters:
            super().check_response_type(parameters)


@fault("openid-core-3.1.2.2-missing-redirect-uri-refused")
class OpenidRedirectUriHasADefault(AuthorizationServer):
    """BUG: an authentication request may do without redirect_uri (OpenID Connect Core section 3.1.2.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Take the first one."""
        if "redirect_uri" not in parameters and self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault(
    "openid-core-3.1.2.6-unsupported-response-mode-refused",
)
class UnknownResponseModeIsReplaced(AuthorizationServer):
    """BUG: an unknown response_mode is replaced by the usual one (OpenID Connect Core section 3.1.2.6)."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """Let it pass."""


@fault("openid-core-3.1.2.6-unsupported-response-mode-refused")
class ResponseModeInAnyCase(AuthorizationServer):
    """BUG: a response_mode in another case is replaced by the usual one (OpenID Connect Core section 3.1.2.6)."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """Compare in lower case."""
        lower = {"response_mode": parameters["response_mode"].lower()} if "response_mode" in parameters else {}
        super().check_response_mode(parameters | lower)


@fault(
    "openid-core-3.1.2.1-prompt-none-shows-no-page",
    "openid-core-3.1.2.3-prompt-none-answers-with-error",
)
class PromptNoneIsIgnored(AuthorizationServer):
    """BUG: prompt=none makes no difference (OpenID Connect Core section 3.1.2.1)."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave it out."""
        return [prompt for prompt in super().prompts(asked) if prompt != "none"]


@fault("openid-core-3.1.2.3-prompt-none-answers-with-error")
class PromptNoneIsServerError(AuthorizationServer):
    """BUG: what would have to be asked under prompt=none is told as server_error (section 3.1.2.3)."""

    async def without_pages(self, session: Session, interaction: Interaction) -> web.Response:
        """Another code."""
        return self.error_redirect(interaction.request, OAuthError("server_error", "somebody has to be asked"))


@fault(
    "openid-core-3.1.2.1-prompt-none-with-others-refused",
)
class PromptNoneGoesWithOthers(AuthorizationServer):
    """BUG: of prompt=none with other values the others count (OpenID Connect Core section 3.1.2.1)."""

    def check_prompt(self, parameters: Parameters) -> None:
        """Let it pass."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave none out where it is not alone."""
        prompts = super().prompts(asked)
        return prompts if prompts == ["none"] else [prompt for prompt in prompts if prompt != "none"]


@fault("openid-core-3.1.2.3-prompt-login-reauthenticates")
class PromptLoginIsIgnored(AuthorizationServer):
    """BUG: prompt=login makes no difference to somebody who is logged in (OpenID Connect Core section 3.1.2.3)."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave it out."""
        return [prompt for prompt in super().prompts(asked) if prompt != "login"]


@fault("openid-core-3.1.2.3-prompt-login-reauthenticates")
class PromptLoginCountsAlone(AuthorizationServer):
    """BUG: prompt=login is obeyed only where it stands alone (OpenID Connect Core section 3.1.2.3)."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave it out beside others."""
        prompts = super().prompts(asked)
        return prompts if len(prompts) == 1 else [prompt for prompt in prompts if prompt != "login"]


@fault("openid-core-3.1.2.1-max-age-zero-reauthenticates")
class MaxAgeZeroIsNone(AuthorizationServer):
    """BUG: max_age=0 is mistaken for no max_age (OpenID Connect Core section 3.1.2.1)."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Look at what the number is worth."""
        zero = interaction.request.parameters.get("max_age") in {"0", 0}
        return super().needs_login(session, interaction) and not (zero and session.user is not None)


@fault("openid-core-3.1.2.1-max-age-honoured")
class OldLoginsWillDo(AuthorizationServer):
    """BUG: max_age is obeyed where it is 0, and ignored elsewhere (OpenID Connect Core section 3.1.2.1)."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Ask for prompt and for 0 only."""
        asked = interaction.request
        obeyed = asked.parameters.get("max_age", "0") in {"0", 0} or "login" in self.prompts(asked)
        return super().needs_login(session, interaction) and (obeyed or session.user is None)


@fault("openid-core-3.1.2.1-prompt-login-asks-once")
class LoginIsAskedForTwice(AuthorizationServer):
    """BUG: that a new login was done is forgotten once (OpenID Connect Core section 3.1.2.1)."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Forget it the first time."""
        _, interaction = self.find_interaction(request)
        response = await super().login(request)
        again = {"login"} & set(self.prompts(interaction.request))
        if interaction.logged_in and again and not hasattr(interaction, "asked_twice"):
            interaction.logged_in = False
            setattr(interaction, "asked_twice", True)  # noqa: B010 - the record has no place for a fault
        return response


@fault("openid-core-3.1.2.1-prompt-consent-asks", settings={"consent": "remember"})
class PromptConsentIsIgnored(AuthorizationServer):
    """BUG: prompt=consent makes no difference where consent is remembered (OpenID Connect Core section 3.1.2.1)."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave it out."""
        return [prompt for prompt in super().prompts(asked) if prompt != "consent"]


@fault("openid-core-3.1.2.1-prompt-select-account-asks")
class PromptSelectAccountIsIgnored(AuthorizationServer):
    """BUG: prompt=select_account makes no difference (OpenID Connect Core section 3.1.2.1)."""

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """Leave it out."""
        return [prompt for prompt in super().prompts(asked) if prompt != "select_account"]


@fault("openid-core-3.1.2.1-id-token-hint-of-other-user-refused")
class HintIsNotCompared(AuthorizationServer):
    """BUG: whom id_token_hint names makes no difference (OpenID Connect Core section 3.1.2.1)."""

    def check_wanted_person(self, parameters: Parameters, subject: str) -> None:
        """Leave it out."""
        parameters = {name: value for name, value in parameters.items() if name != "id_token_hint"}
        super().check_wanted_person(parameters, subject)


@fault("openid-core-3.1.2.2-foreign-id-token-hint-refused")
class HintIsNotVerified(AuthorizationServer):
    """BUG: the signature of id_token_hint is not looked at (OpenID Connect Core section 3.1.2.2)."""

    def signed_here(self, jws: jose.Jws) -> bool:
        """Believe it."""
        return True


@fault("openid-core-3.1.2.2-other-user-than-claimed-refused")
class ClaimedSubIsNotCompared(AuthorizationServer):
    """BUG: a sub that is asked for with claims makes no difference (OpenID Connect Core section 3.1.2.2)."""

    def check_wanted_person(self, parameters: Parameters, subject: str) -> None:
        """Leave it out."""
        parameters = {name: value for name, value in parameters.items() if name != "claims"}
        super().check_wanted_person(parameters, subject)


@fault(
    "openid-core-5.5-pushed-claims-honoured",
    "rfc9101-4-structured-claims-survive",
    "rfc9126-4-outside-value-without-effect",
)
class ClaimsAreIgnored(AuthorizationServer):
    """BUG: auth_time is not returned for the claims parameter (OpenID Connect Core section 5.5)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Leave it out."""
        claims = super().id_token_claims(grant)
        if "max_age" not in grant.parameters:
            claims.pop("auth_time", None)
        return claims


@fault("openid-core-5.5-unknown-members-of-claims-ignored")
class UnknownMembersOfClaimsAreRefused(AuthorizationServer):
    """BUG: a member of claims that is neither userinfo nor id_token is refused (OpenID Connect Core section 5.5)."""

    def check_claims(self, parameters: Parameters) -> None:
        """Refuse it."""
        super().check_claims(parameters)
        if not {"userinfo", "id_token"}.issuperset(parameters.get("claims", {})):
            raise OAuthError("invalid_request", "claims has an unknown member")


@fault("openid-core-5.5.1.1-essential-acr-enforced")
class EssentialAcrIsAWish(AuthorizationServer):
    """BUG: an essential acr that is given as values makes no difference (OpenID Connect Core section 5.5.1.1)."""

    def check_wanted_acr(self, parameters: Parameters) -> None:
        """Look at a single value only."""
        if "value" in self.asked_of_id_token(parameters).get("acr", {}):
            super().check_wanted_acr(parameters)


class _Refusing(AuthorizationServer):
    """Refuses a parameter that every server has to bear."""

    refused = ""
    known: frozenset[str] = frozenset()

    def check_prompt(self, parameters: Parameters) -> None:
        """Refuse it, known values aside."""
        if parameters.get(self.refused, next(iter(self.known), None)) not in {None, *self.known}:
            raise OAuthError("invalid_request", "a parameter is not supported")
        super().check_prompt(parameters)


@fault("openid-core-15.1-display-tolerated")
class OnlySomeDisplays(_Refusing):
    """BUG: display=wap is refused (OpenID Connect Core section 15.1)."""

    refused = "display"
    known = frozenset({"page", "popup", "touch"})


@fault("openid-core-3.1.2.1-unsupported-locales-tolerated")
class UnknownLanguageIsAnError(_Refusing):
    """BUG: a language that the server does not have is an error (OpenID Connect Core section 3.1.2.1)."""

    refused = "ui_locales"
    known = frozenset({"en", "en fr-CA"})


@fault("openid-core-15.1-ui-locales-tolerated", "openid-core-3.1.2.1-unsupported-locales-tolerated")
class LanguagesAreAnError(_Refusing):
    """BUG: ui_locales is refused (OpenID Connect Core section 15.1)."""

    refused = "ui_locales"


@fault("openid-core-15.1-claims-locales-tolerated")
class ClaimsLocalesAreAnError(_Refusing):
    """BUG: claims_locales is refused (OpenID Connect Core section 15.1)."""

    refused = "claims_locales"


@fault("openid-core-15.1-acr-values-tolerated")
class UnknownAcrValuesAreAnError(_Refusing):
    """BUG: acr_values that the server does not have are refused (OpenID Connect Core section 15.1)."""

    refused = "acr_values"


@fault(
    "openid-core-9-client-secret-jwt-keyed-with-utf8-secret",
    "rfc7523-2.2-assertion-accepted",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "rfc9126-2-token-endpoint-methods-accepted",
    alone=True,
)
class HmacIsKeyedOtherwise(AuthorizationServer):
    """BUG: the HMAC of a client assertion is keyed with the secret in base64url (OpenID Connect Core section 9)."""

    def assertion_keys(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """Encode it."""
        keys = super().assertion_keys(client, jws)
        return [jose.encode(key).encode() for key in keys] if client.auth == "client_secret_jwt" else keys


@fault("openid-core-9-assertion-jti-required")
class JtiMayBeMissing(AuthorizationServer):
    """BUG: a client assertion without jti is accepted (OpenID Connect Core section 9)."""

    def remember_jti(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Let it pass."""
        if "jti" in claims:
            super().remember_jti(client, claims)


@fault(
    "openid-core-9-assertion-used-once",
    "rfc7523-3-assertion-replayed-at-other-endpoint-refused",
    "rfc7523-3-replayed-assertion-refused",
)
class AssertionsAreGoodAgain(AuthorizationServer):
    """BUG: a client assertion is accepted as often as it comes (OpenID Connect Core section 9)."""

    def remember_jti(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Look at its form only."""
        if not isinstance(claims.get("jti"), str):
            raise invalid_client()


@fault("openid-core-9-unknown-assertion-claims-ignored")
class UnknownAssertionClaimsAreRefused(AuthorizationServer):
    """BUG: a client assertion with a claim that nobody knows is refused (OpenID Connect Core section 9)."""

    def verify_assertion_issuer(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Refuse it."""
        if not {"iss", "sub", "aud", "iat", "exp", "nbf", "jti"}.issuperset(claims):
            raise invalid_client()
        super().verify_assertion_issuer(client, claims)


@fault("openid-core-3.1.2.1-max-age-honoured", settings={"consent": "remember"})
class SilenceForgetsMaxAge(AuthorizationServer):
    """BUG: under prompt=none any login will do, however old (OpenID Connect Core section 3.1.2.1)."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """That there is one."""
        silent = "none" in self.prompts(interaction.request)
        return session.user is None if silent else super().needs_login(session, interaction)
