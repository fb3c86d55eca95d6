"""Faults in what is made of a pushed request object: parameters, answers, references, policy (RFC 9101)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters

VALIDATED = "openid-core-6.3.3-object-validated-like-any-request"


@fault(
    "rfc9101-5-request-that-is-no-jwt-refused",
    "rfc9101-7-invalid-object-error-code",
    "rfc9126-2-request-object-not-ignored",
)
class GarbageIsNoObject(AuthorizationServer):
    """BUG: a request parameter that cannot be read is passed over in favour of the form (RFC 9101 section 5)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form where the object cannot be read."""
        text = form.get("request")
        try:
            if text is not None and text.count(".") != 4:
                jose.parse_jws(text)
        except ValueError:
            return {name: value for name, value in self.form_parameters(form).items() if name != "request"}
        return super().pushed_parameters(client, form)


@fault("rfc9101-6.1-undecryptable-object-refused")
class UndecryptableIsNoObject(AuthorizationServer):
    """BUG: an object that cannot be decrypted is passed over if a request stands beside it (RFC 9101 section 6.1)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form where the object cannot be decrypted."""
        text = form.get("request") or ""
        try:
            self.decrypt_request_object(text)
        except (ValueError, OAuthError):
            if form.get("response_type") and text.count(".") == 4:
                return {name: value for name, value in self.form_parameters(form).items() if name != "request"}
        return super().pushed_parameters(client, form)


@fault("rfc9101-6.3-outer-parameters-do-not-override", "rfc9126-3-outer-value-without-effect")
class ChallengeBesideTheObjectWins(AuthorizationServer):
    """BUG: a code_challenge beside a pushed request object replaces its claim (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """The challenge alone."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request") and form.get("code_challenge") and "code_challenge" in parameters:
            parameters["code_challenge"] = form.get("code_challenge")
        return parameters


@fault(
    "rfc9101-6.3-outer-parameters-do-not-override",
    "rfc9101-6.3-outer-parameters-not-merged",
    "rfc9126-3-outer-value-without-effect",
    "rfc9126-3-outer-parameter-not-merged",
)
class FormWinsOverObject(AuthorizationServer):
    """BUG: a state beside a pushed request object wins over it (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Put the form's on top."""
        parameters = super().pushed_parameters(client, form)
        return {**parameters, "state": form.get("state")} if form.get("request") and form.get("state") else parameters


@fault("rfc9101-6.3-outer-parameters-not-merged", "rfc9126-3-outer-parameter-not-merged")
class FormFillsTheObject(AuthorizationServer):
    """BUG: what a pushed request object lacks is taken from the form (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Put the form's below."""
        parameters = super().pushed_parameters(client, form)
        outer = {name: value for name, value in self.form_parameters(form).items() if name != "request"}
        return {**outer, **parameters} if form.get("request") else parameters


@fault("rfc9101-6.3-outer-parameters-not-merged", "rfc9126-3-outer-parameter-not-merged")
class FormFillsTheScope(AuthorizationServer):
    """BUG: a pushed request object without scope gets the one of the form (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """The scope alone."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request") and form.get("scope"):
            parameters.setdefault("scope", form.get("scope"))
        return parameters


@fault("rfc9101-6.3-outer-parameters-do-not-override", "rfc9126-3-outer-value-without-effect")
class ScopesAreUnited(AuthorizationServer):
    """BUG: the scope beside a pushed request object is added to the signed one (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Unite both."""
        parameters = super().pushed_parameters(client, form)
        outer = form.get("scope")
        if form.get("request") and outer and parameters.get("scope"):
            scopes = dict.fromkeys([*parameters["scope"].split(), *outer.split()])
            parameters["scope"] = " ".join(scopes)
        return parameters


class _Loses(AuthorizationServer):
    """Loses a parameter of pushed request objects."""

    lost = ""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Forget it."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request"):
            parameters.pop(self.lost, None)
        return parameters


@fault("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective")
class ChallengeOfObjectsIsLost(_Loses):
    """BUG: the code_challenge in a request object is lost (RFC 9101 section 6.3)."""

    lost = "code_challenge"

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Forget its method as well."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request"):
            parameters.pop("code_challenge_method", None)
        return parameters


@fault("rfc9101-6.3-parameters-extracted")
class NonceOfObjectsIsLost(_Loses):
    """BUG: the nonce in a request object is lost (RFC 9101 section 6.3)."""

    lost = "nonce"


@fault("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective")
class FirstRedirectUriIsUsed(AuthorizationServer):
    """BUG: after a request object the code goes to the first registered redirect URI (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Replace it by the first one, if it is registered at all."""
        parameters = super().pushed_parameters(client, form)
        if form.get("request") and parameters.get("redirect_uri") in client.redirect_uris:
            parameters["redirect_uri"] = client.redirect_uris[0]
        return parameters


@fault("rfc9101-6.3-parameters-extracted", "rfc9126-3-request-object-effective")
class ScopeOfObjectsIsCut(AuthorizationServer):
    """BUG: only openid and profile are taken from the scope of a request object (RFC 9101 section 6.3)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Leave email out."""
        parameters = super().object_parameters(claims)
        if isinstance(parameters.get("scope"), str):
            parameters["scope"] = parameters["scope"].replace(" email", "")
        return parameters


class _Trusts(AuthorizationServer):
    """Takes a signature for a licence: knows which parameters were signed."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Mark them."""
        return {**super().object_parameters(claims), "par_conformance_signed": "yes"}


@fault("rfc9101-6.3-redirect-uri-in-object-validated", VALIDATED)
class SignedRedirectUrisAreTrusted(_Trusts):
    """BUG: a redirect_uri in a request object need not be registered (RFC 9101 section 6.3)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Take it as it is."""
        if "par_conformance_signed" in parameters and parameters.get("redirect_uri"):
            return str(parameters["redirect_uri"])
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("rfc9101-6.3-scope-in-object-validated", VALIDATED)
class SignedScopesAreTrusted(_Trusts):
    """BUG: a scope in a request object need not be allowed to the client (RFC 9101 section 6.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Let it pass."""
        if "par_conformance_signed" not in parameters:
            super().check_scope(client, parameters)

    def granted_scope(self, asked: AuthorizationRequest) -> str:
        """Grant all of it."""
        signed = "par_conformance_signed" in asked.parameters
        return asked.text("scope") or "" if signed else super().granted_scope(asked)


@fault("rfc9101-6.3-response-type-in-object-validated", VALIDATED)
class SignedResponseTypesAreTrusted(_Trusts):
    """BUG: any response_type in a request object is served as code (RFC 9101 section 6.3)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Let it pass."""
        if "par_conformance_signed" not in parameters:
            super().check_response_type(parameters)


# -- answers and references


@fault("rfc9101-7-invalid-object-error-code")
class ExpiredObjectIsInvalidRequest(AuthorizationServer):
    """BUG: an expired request object is told as invalid_request (RFC 9101 section 7)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Use the other code."""
        try:
            super().check_object_times(claims)
        except OAuthError as error:
            raise OAuthError("invalid_request", error.description) from None


@fault("rfc9101-6.3-refusal-is-an-oauth-error")
class BadObjectsAreToldInHtml(AuthorizationServer):
    """BUG: a bad request object is answered with a page (RFC 9101 section 6.3)."""

    def error_response(self, request: Any, error: OAuthError) -> Any:
        """Drop the JSON."""
        response = super().error_response(request, error)
        if error.code == "invalid_request_object":
            response.body = b"<h1>Bad request object</h1>"
            response.content_type = "text/html"
        return response


@fault(
    "rfc9101-10.2-client-authenticated",
    "rfc9126-2.1-request-object-is-no-authentication",
)
class ObjectIsCredential(AuthorizationServer):
    """BUG: a signed request object stands in for client authentication (RFC 9101 section 10.2)."""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Take the client whose object it is."""
        client = self.clients.get(form.get("client_id") or "")
        bare = "Authorization" not in request.headers and not form.get("client_assertion")
        if client and bare and client.keys and form.get("request"):
            self.read_request_object(client, form.get("request") or "")
            return client
        return super().authenticate_client(request, form)


@fault("rfc9101-10.8-object-as-client-assertion-refused", "rfc9126-2.1-request-object-is-no-authentication")
class ObjectIsAssertion(AuthorizationServer):
    """BUG: an untyped JWT that the client signed without sub passes for a client assertion (RFC 9101 section 10.8)."""

    def read_assertion(self, form: Form) -> Presented:
        """Take client_id for sub."""
        text, named = form.get("client_assertion") or "", form.get("client_id")
        try:
            claims = jose.parse_jws(text).claims()
        except ValueError:
            return super().read_assertion(form)
        if "sub" in claims or named is None or claims.get("client_id") != named:
            return super().read_assertion(form)
        return Presented("assertion", named, text)

    def verify_assertion_issuer(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Let an object's claims pass."""
        if "client_id" not in claims or "sub" in claims:
            super().verify_assertion_issuer(client, claims)


@fault("rfc9101-10.2-request-uri-bound-to-client")
class SignedRequestsAreForAnybody(AuthorizationServer):
    """BUG: the request_uri of a pushed request object can be opened by any client (RFC 9101 section 10.2)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Mark it."""
        return {**super().object_parameters(claims), "par_conformance_signed": "yes"}

    def check_bound_to_client(self, pushed: Any, client: RegisteredClient) -> None:
        """Check plain requests only."""
        if "par_conformance_signed" not in pushed.parameters:
            super().check_bound_to_client(pushed, client)

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Look among the redirect URIs of the client that pushed it."""
        owner = self.clients.get(str(parameters.get("client_id")), client)
        return super().check_redirect_uri(owner, parameters, authenticated=authenticated)


@fault("rfc9101-10.2-request-uri-one-time")
class SignedRequestsWorkAgain(_Trusts):
    """BUG: the request_uri of a pushed request object works as often as one likes (RFC 9101 section 10.2)."""

    async def consume(self, pushed: Any) -> None:
        """Use up plain requests only."""
        if "par_conformance_signed" not in pushed.parameters:
            await super().consume(pushed)


@fault("rfc9101-10.2-request-uri-short-lived")
class SignedRequestsLiveLong(_Trusts):
    """BUG: the request_uri of a pushed request object lives for an hour (RFC 9101 section 10.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """An hour where it is signed."""
        return 3600.0 if "par_conformance_signed" in parameters else super().lifetime_of(client, parameters)


# -- policy


@fault("rfc9101-10.5-metadata-value-is-boolean", "rfc8414-2-member-types")
class SignedPolicyIsText(AuthorizationServer):
    """BUG: require_signed_request_object is a string in the metadata (RFC 9101 section 10.5)."""

    def request_object_metadata(self) -> dict[str, Any]:
        """The word for it."""
        return {**super().request_object_metadata(), "require_signed_request_object": "false"}


@fault(
    "rfc9101-10.5-plain-push-refused-where-required-for-client",
    "rfc9126-2.3-signed-object-policy-of-client",
)
class SignedPolicyIsNotForPushes(AuthorizationServer):
    """BUG: a client that must sign may push plain parameters (RFC 9101 section 10.5)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Check nothing."""
        return self.form_parameters(form) if form.get("request") is None else super().pushed_parameters(client, form)


@fault("rfc9101-10.5-plain-request-refused-where-required-for-client")
class SignedPolicyIsForPushesOnly(AuthorizationServer):
    """BUG: a client that must sign is served a plain query at the authorization endpoint (RFC 9101 section 10.5)."""

    def plain_request(self, client: RegisteredClient, query: Form) -> Any:
        """Check nothing else."""
        self.require_pushed(client)
        return self.check_authorization_request(client, self.form_parameters(query))


@fault(
    "rfc9101-10.5-plain-push-refused-where-required-for-all",
    "rfc9126-2.3-signed-object-policy-of-server",
    settings={"require_signed_request_object": True},
)
class AnnouncedSignedPolicyIsNotKept(AuthorizationServer):
    """BUG: require_signed_request_object is announced for all and enforced for nobody (RFC 9101 section 10.5)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Ask those that are registered so only."""
        if client.require_signed_request_object:
            super().require_request_object(client)


class _WithoutAClaim(AuthorizationServer):
    """Takes the parameters of a request object, all but one."""

    lost: str

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """One is read from forms alone."""
        found = super().object_parameters(claims)
        return {name: value for name, value in found.items() if name != self.lost}


@fault("rfc9101-6.3-parameters-extracted")
class PromptOfObjectsIsLost(_WithoutAClaim):
    """BUG: the prompt in a request object has no effect (RFC 9101 section 6.3)."""

    lost = "prompt"


@fault("rfc9101-6.3-parameters-extracted")
class ResponseModeOfObjectsIsLost(_WithoutAClaim):
    """BUG: the response_mode in a request object has no effect (RFC 9101 section 6.3)."""

    lost = "response_mode"
