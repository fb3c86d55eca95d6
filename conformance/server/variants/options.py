"""Right servers that lack an option, or that ask for more than others."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.profile.model import Client
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.records import Code, Grant, Parameters
from conformance.server.variants import clients, features, first_is, only, right, variant, without

SIGNING = ("signed", "signed_second", "signed_only")


def no_openid(client: Client) -> str | None:
    """The scope of a client without openid."""
    return " ".join(one for one in (client.scope or "").split() if one != "openid") or None


variant("without-openid", "plain OAuth 2.0: no ID tokens", clients(scope=no_openid),
        settings={"openid": False, "metadata": "oauth"})  # fmt: skip
variant("openid-is-a-mere-scope", "plain OAuth 2.0 with a scope that happens to be named openid",
        settings={"openid": False})  # fmt: skip
variant("without-scopes", "no client has a scope", clients(scope=None, further_scope=None, forbidden_scope=None))
variant("without-request-objects", "no request objects: request_not_supported (RFC 9101 section 7)",
        without("signed_only"), clients(request_objects=None),
        settings={"jar": False, "jar_by_value": False, "jwe": False})  # fmt: skip
variant("request-objects-pushed-only", "request objects at the PAR endpoint alone",
        settings={"jar_by_value": False})  # fmt: skip
variant("request-objects-unencrypted", "no encrypted request objects", settings={"jwe": False})
variant("signed-objects-required", "signed request objects are required of everyone",
        clients(request_objects=lambda client: client.request_objects
                and client.request_objects.model_copy(update={"required": True})),
        only("first", *SIGNING), first_is("signed"), without("signed"),
        settings={"require_signed_request_object": True}, plans=("rfc9126",))  # fmt: skip
variant("without-dpop", "no DPoP (RFC 9449)", without("dpop"), settings={"dpop": False}, plans=("rfc9126",))
variant("dpop-nonces", "DPoP proofs need a nonce of the server (RFC 9449 section 8)", settings={"dpop_nonce": True})
variant("without-public-clients", "no public clients", without("public", "native"), settings={"public_clients": False})
variant("without-refresh-tokens", "no refresh tokens", settings={"refresh_tokens": False})
variant("without-introspection", "no introspection", settings={"introspection": False})
variant("without-iss", "no iss in responses, and none promised (RFC 9207)", settings={"iss": False}, plans=("rfc9126",))
variant("without-jarm", "no signed responses", settings={"jarm": False})
variant("without-details-and-resources", "neither RFC 9396 nor RFC 8707",
        without("rar", "rar_two"), clients(authorization_details=None, resource=None),
        settings={"rar": False, "resource_indicators": False})  # fmt: skip
variant("pkce-required", "a code_challenge is required of everyone", features(require_pkce=True),
        settings={"pkce_required": True})  # fmt: skip
variant("plain-pkce", "the method plain is known as well (RFC 7636)", settings={"plain_pkce": True}, plans=("rfc9126",))
variant("issuer-is-the-only-audience", "client assertions name the issuer and nothing else",
        settings={"assertion_audience": "issuer"}, plans=("rfc7523bis",))  # fmt: skip
variant("no-client-uses-pkce", "the profile's confidential clients do without PKCE",
        clients(pkce=lambda client: client.auth == "none"), plans=("rfc9126",))  # fmt: skip


class NoPkce(AuthorizationServer):
    """A server that has never heard of RFC 7636 and ignores its parameters."""

    def challenge_methods(self) -> list[str]:
        """None."""
        return []

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Unknown parameters."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """An unknown parameter."""


@right(plans=("rfc9126",))
class WithoutPkce(NoPkce):
    """RIGHT: RFC 7636 is unknown here, and unknown parameters are ignored (RFC 6749 section 3.1)."""


@right(clients(pkce=False), plans=("rfc9126",))
class WithoutPkceAndToldSo(NoPkce):
    """RIGHT: as before, and the profile's clients send no code_challenge."""


@right()
class StateIsRequired(AuthorizationServer):
    """RIGHT: policy asks for a state in every request."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """And for a state."""
        super().check_response_mode(parameters)
        if "state" not in parameters:
            raise OAuthError("invalid_request", "state is missing")


@right()
class NonceIsRequired(AuthorizationServer):
    """RIGHT: policy asks for a nonce in every OpenID Connect request."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """And for a nonce."""
        super().check_response_mode(parameters)
        if self.is_openid(parameters) and "nonce" not in parameters:
            raise OAuthError("invalid_request", "nonce is missing")


@right()
class StateIsVisibleAscii(AuthorizationServer):
    """RIGHT: a state of other signs than visible ASCII is refused (RFC 6749 appendix A.5)."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """And the signs of the state."""
        super().check_response_mode(parameters)
        if not all(" " <= sign <= "~" for sign in parameters.get("state", "")):
            raise OAuthError("invalid_request", "state has signs that it may not have")


@right()
class ShortStatesOnly(AuthorizationServer):
    """RIGHT: a state of more than 512 signs is refused, for the answer must fit into a URL."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """And the length of the state."""
        super().check_response_mode(parameters)
        if len(parameters.get("state", "")) > 512:
            raise OAuthError("invalid_request", "state is too long")


@right()
class PromptIsUnknown(AuthorizationServer):
    """RIGHT: prompt=none is refused: the server has pages and means to show them."""

    def check_prompt(self, parameters: Parameters) -> None:
        """No promise that no page is shown."""
        super().check_prompt(parameters)
        if "none" in parameters.get("prompt", ""):
            raise OAuthError("invalid_request", "prompt=none is not supported")


@right()
class ScopeLeftOutWhenItIsTheSame(AuthorizationServer):
    """RIGHT: the token answer says no scope where it is what was asked for (RFC 6749 section 5.1)."""

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """Leave scope out."""
        members = super().issue_tokens(grant, *rest, first=first)
        if members.get("scope") == grant.parameters.get("scope"):
            members.pop("scope", None)
        return members


@right(notes=("rfc9126-2-registered-method-governs",))
class SecretsByEitherWay(AuthorizationServer):
    """RIGHT: who has a secret may send it by header or in the body, whichever is registered."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Either way for secrets."""
        if client.auth.startswith("client_secret_") and presented.way in {"basic", "post"}:
            if client.auth.endswith("jwt"):
                raise invalid_client()
            return
        super().check_registered_method(client, presented)


@right(notes=("rfc9126-2.1-client-id-required",))
class ClientIdFromTheCredentials(AuthorizationServer):
    """RIGHT: a push needs no client_id in its body where the credentials say it."""

    def check_client_id_matches(self, client: RegisteredClient, form: Any, *, required: bool) -> None:
        """Never required."""
        super().check_client_id_matches(client, form, required=False)

    def form_parameters(self, form: Any) -> Parameters:
        """Without its client_id."""
        parameters = super().form_parameters(form)
        parameters.pop("client_id", None)
        return parameters


@right()
class CodesAreJwts(AuthorizationServer):
    """RIGHT: codes and tokens are long and have dots in them."""

    def random(self) -> str:
        """Three parts."""
        return f"eyJhbGciOiJFUzI1NiJ9.{super().random()}.{super().random()}"


@right()
class WideGrants(AuthorizationServer):
    """RIGHT: a server of RFC 6749 that has the same scopes for everybody."""

    def allowed_scopes(self, client: RegisteredClient) -> frozenset[str]:
        """All scopes of all clients, but not those that are forbidden to this one."""
        everything: set[str] = set()
        for one in self.clients.values():
            everything |= one.scopes
        return frozenset(everything - client.forbidden_scopes)


@right(settings={"rate_limit": 400, "rate_window": 1.0})
class ThrottlesWithRetryAfter(AuthorizationServer):
    """RIGHT: too many pushes of one client are answered with 429 (RFC 9126 section 2.3)."""


@right(settings={"auth_time": "asked"})
class IdTokenWithoutExtras(AuthorizationServer):
    """RIGHT: the ID token has the claims that are required and asked for (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Few claims."""
        claims = super().id_token_claims(grant)
        names = ("iss", "sub", "aud", "iat", "exp", "nonce", "auth_time")  # the last where max_age asks for it
        return {name: claims[name] for name in names if name in claims}


@right()
class OtherErrorCodes(AuthorizationServer):
    """RIGHT: where two codes fit, the other one: unauthorized_client for a response type, invalid_request_uri for a
    pushed request_uri."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Another code for the same."""
        members = super().error_members(error)
        if error.code == "unsupported_response_type":
            members["error"] = "unauthorized_client"
        return members


@right()
class LimitedParameters(AuthorizationServer):
    """RIGHT: a body of more than two hundred parameters, or with a NUL, is refused."""

    async def read_form(self, request: web.Request) -> Any:
        """Look at the form before anything else."""
        form = await super().read_form(request)
        if len(form.pairs) > 200 or any("\0" in f"{name}{value}" for name, value in form.pairs):
            raise OAuthError("invalid_request", "the form is not acceptable")
        return form


@right()
class OneResourceAtATime(AuthorizationServer):
    """RIGHT: a token is for one resource; who asks for several is told invalid_target (RFC 8707 section 2)."""

    def check_resource(self, client: RegisteredClient, parameters: Parameters) -> None:
        """And that there is one."""
        super().check_resource(client, parameters)
        if len(self.resources_of(parameters)) > 1:
            raise OAuthError("invalid_target", "one resource at a time")
