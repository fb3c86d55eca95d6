"""Faults of the error response of the PAR endpoint (RFC 9126 section 2.3)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.faults.endpoint import is_push
from conformance.server.forms import Form
from conformance.server.records import Parameters

JSON = "rfc9126-2.3-error-json"
TYPE = "rfc9126-2.3-error-media-type"
STATUS = "rfc9126-2.3-error-status"
OBJECT = "rfc9126-2.3-signed-object-policy-error"
CODE = "rfc9126-2.3-error-code-registered"


class _Errors(AuthorizationServer):
    """Answers refused pushes otherwise."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """What is answered in place of the right error."""
        return response

    def error_response(self, request: web.Request, error: OAuthError) -> web.Response:
        """The other answer, at the PAR endpoint."""
        response = super().error_response(request, error)
        return self.told(request, error, response) if is_push(self, request) else response


@fault(
    JSON,
    TYPE,
    "rfc6749-5.2-invalid-client",
    "rfc6749-5.2-invalid-client-when-missing",
    "rfc6749-5.2-www-authenticate",
    "rfc7636-4.4.1-error-explained",
    "rfc7636-4.4.1-unknown-method-error",
    "rfc8705-2-failure-error-code",
    "rfc8707-2.1-invalid-target",
    "rfc9101-6.3-refusal-is-an-oauth-error",
    "rfc9396-5-error-code",
    "rfc9449-10.1-invalid-proof-error-code-on-push",
)
class ErrorsArePages(_Errors):
    """BUG: a refused push is answered with an HTML page (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """The page of the authorization endpoint."""
        html = f"<h1>Error</h1><p>{error.code}</p>"
        headers = {"Cache-Control": "no-store"}
        return web.Response(text=html, status=response.status, content_type="text/html", headers=headers)


@fault(
    JSON, TYPE, "rfc6749-5.2-invalid-client", "rfc6749-5.2-invalid-client-when-missing", "rfc8705-2-failure-error-code"
)
class FailedAuthenticationIsAPage(_Errors):
    """BUG: the framework answers failed client authentication by itself, with a page (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """A page for invalid_client alone."""
        if error.code != "invalid_client":
            return response
        headers = {"WWW-Authenticate": response.headers.get("WWW-Authenticate", "Basic")}
        return web.Response(text="<h1>401</h1>", status=401, content_type="text/html", headers=headers)


@fault(
    JSON,
    TYPE,
    "rfc6749-5.2-invalid-client",
    "rfc6749-5.2-invalid-client-when-missing",
    "rfc6749-5.2-www-authenticate",
    "rfc7636-4.4.1-error-explained",
    "rfc7636-4.4.1-unknown-method-error",
    "rfc8705-2-failure-error-code",
    "rfc8707-2.1-invalid-target",
    "rfc9101-6.3-refusal-is-an-oauth-error",
    "rfc9396-5-error-code",
    "rfc9449-10.1-invalid-proof-error-code-on-push",
)
class ErrorsHaveNoBody(_Errors):
    """BUG: a refused push is answered with a bare status (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """Nothing."""
        return web.Response(status=response.status, headers={"Cache-Control": "no-store"})


@fault(
    JSON,
    "rfc6749-5.2-error-characters",
    "rfc6749-5.2-invalid-client",
    "rfc6749-5.2-invalid-client-when-missing",
    "rfc6749-5.2-www-authenticate",
    "rfc7636-4.4.1-error-explained",
    "rfc7636-4.4.1-unknown-method-error",
    "rfc8705-2-failure-error-code",
    "rfc8707-2.1-invalid-target",
    "rfc9101-6.3-refusal-is-an-oauth-error",
    "rfc9396-5-error-code",
    "rfc9449-10.1-invalid-proof-error-code-on-push",
)
class ErrorIsAnObject(_Errors):
    """BUG: error is an object with a code and a message (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """Another shape."""
        members = {"error": {"code": error.code, "message": error.description}}
        return self.json_response(members, status=response.status, headers=self.credential_headers())


@fault(TYPE)
class ErrorsAreProblemDetails(_Errors):
    """BUG: the error's media type is application/problem+json (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """Another type for the same members."""
        response.content_type = "application/problem+json"
        return response


@fault(STATUS, OBJECT, "rfc6749-5.2-unauthorized-status", "rfc9101-6.3-refusal-is-an-oauth-error")
class ErrorsAre200(_Errors):
    """BUG: a refused push is answered with the status 200 and an error in its body (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """200."""
        if response.status in {400, 401}:
            response.set_status(200)
        return response


@fault(STATUS, OBJECT)
class InvalidRequestsAre422(_Errors):
    """BUG: a faulty request has the status 422 of the web framework (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """422 for what is wrong in the request."""
        if error.code == "invalid_request" and response.status == 400:
            response.set_status(422)
        return response


@fault(STATUS, "rfc6749-5.2-unauthorized-status")
class FailedAuthenticationIs403(_Errors):
    """BUG: failed client authentication has the status 403 (RFC 9126 section 2.3, RFC 6749 section 5.2)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """403 for invalid_client."""
        if error.code == "invalid_client":
            response.set_status(403)
        return response


@fault(STATUS, OBJECT)
class FaultyRequestsAre401(_Errors):
    """BUG: every refusal has the status 401, also of clients that authenticated (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """401 always."""
        if response.status == 400:
            response.set_status(401)
        return response


@fault(
    "rfc9126-2.3-no-redirect", JSON, TYPE, STATUS, "rfc7636-4.4.1-error-explained", "rfc7636-4.4.1-unknown-method-error"
)
class ErrorsAreSentToTheRedirectUri(_Errors):
    """BUG: an error of the request is a redirect to the client, as at the authorization endpoint (section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """A redirect for what would be one there."""
        if error.code in {"invalid_request", "unsupported_response_type", "invalid_scope"} and response.status == 400:
            location = f"https://client.example/callback?error={error.code}"
            return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})
        return response


@fault(
    CODE,
    OBJECT,
    "rfc9126-2.3-redirect-fault-invalid-request",
    "rfc9126-2.3-response-type-fault-code",
    "rfc7636-4.4.1-unknown-method-error",
)
class ErrorCodesAreInvented(_Errors):
    """BUG: error codes are the server's own (RFC 9126 section 2.3)."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Codes of the code base."""
        members = super().error_members(error)
        own = {"invalid_request": "bad_request", "unsupported_response_type": "bad_response_type"}
        return {**members, "error": own.get(error.code, error.code)}


@fault(
    CODE,
    "rfc7523-3.2-invalid-assertion-error-code",
    "rfc8705-2-failure-error-code",
    "rfc6749-5.2-invalid-client-when-missing",
)
class WrongCredentialsAreInvalidCredentials(_Errors):
    """BUG: failed client authentication is called invalid_credentials (RFC 9126 section 2.3)."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Another code for invalid_client."""
        members = super().error_members(error)
        if error.code == "invalid_client":
            members["error"] = "invalid_credentials"
        return members


@fault("rfc9126-2.3-redirect-fault-invalid-request")
class RedirectFaultHasTheCodeOfRegistration(AuthorizationServer):
    """BUG: a wrong redirect_uri is told as invalid_redirect_uri, which belongs to registration (section 2.3)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Another code."""
        try:
            return super().check_redirect_uri(client, parameters, authenticated=authenticated)
        except OAuthError:
            raise OAuthError("invalid_redirect_uri", "redirect_uri is not registered") from None


@fault("rfc9126-2.3-scope-fault-invalid-scope")
class ScopeFaultIsInvalidRequest(AuthorizationServer):
    """BUG: a scope that the client may not have is told as invalid_request (RFC 9126 section 2.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Another code."""
        try:
            super().check_scope(client, parameters)
        except OAuthError:
            raise OAuthError("invalid_request", "scope is not allowed") from None


@fault("rfc9126-2.3-response-type-fault-code")
class ResponseTypeFaultIsInvalidScope(AuthorizationServer):
    """BUG: an unknown response_type is told as invalid_scope (RFC 9126 section 2.3)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Another code."""
        try:
            super().check_response_type(parameters)
        except OAuthError as error:
            if error.code == "unsupported_response_type":
                raise OAuthError("invalid_scope", "response_type is not allowed") from None
            raise


@fault(
    "rfc9126-2.3-no-interaction-codes",
    "openid-core-3.1.2.1-prompt-none-shows-no-page",
    "openid-core-3.1.2.3-prompt-none-answers-with-error",
)
class PushWithPromptNoneNeedsALogin(AuthorizationServer):
    """BUG: a push with prompt=none is refused with login_required: nobody can be logged in there (section 2.3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """As at the authorization endpoint."""
        if form.get("prompt") == "none" and form.get("response_type"):
            raise OAuthError("login_required", "nobody is logged in")
        return super().form_parameters(form)


@fault("rfc9126-2.3-no-interaction-codes", "openid-core-3.1.2.3-prompt-login-reauthenticates")
class PushWithPromptLoginNeedsAnInteraction(AuthorizationServer):
    """BUG: a push with prompt=login is refused with interaction_required (RFC 9126 section 2.3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """As at the authorization endpoint."""
        if form.get("prompt") == "login" and form.get("response_type"):
            raise OAuthError("interaction_required", "somebody has to log in")
        return super().form_parameters(form)


@fault("rfc9126-2.3-error-not-cacheable")
class ErrorsMayBeCached(_Errors):
    """BUG: a refused push says nothing of caches (RFC 9126 section 2.3)."""

    def told(self, request: web.Request, error: OAuthError, response: web.Response) -> web.Response:
        """Without the header."""
        response.headers.pop("Cache-Control", None)
        return response


class _Crashes(AuthorizationServer):
    """Ends in an exception where it should refuse."""

    def breaks(self, form: Form) -> bool:
        """Whether a form is too much for this server."""
        return False

    async def read_form(self, request: web.Request) -> Form:
        """500 for such forms."""
        form = await super().read_form(request)
        if is_push(self, request) and self.breaks(form):
            raise OAuthError("server_error", "unexpected", status=500)
        return form


@fault("rfc9126-2.3-malformed-answered", examples=100)
class BrokenEscapesAreServerErrors(AuthorizationServer):
    """BUG: a percent sign without digits ends in an exception and 500 (RFC 9126 section 2.3)."""

    async def read_form(self, request: web.Request) -> Form:
        """500 in place of 400."""
        try:
            return await super().read_form(request)
        except OAuthError as error:
            if is_push(self, request) and "form in UTF-8" in error.description:
                error.status = 500
            raise


@fault("rfc9126-2.3-malformed-answered")
class PushesOfLittleAreServerErrors(_Crashes):
    """BUG: a push without response_type and redirect_uri is something else, which fails (RFC 9126 section 2.3)."""

    def breaks(self, form: Form) -> bool:
        """Neither of both, and no request object that may have them."""
        return not form.get("response_type") and not form.get("redirect_uri") and not form.get("request")


@fault("rfc9126-2.3-malformed-answered", "rfc9126-2-other-media-type-refused")
class OtherMediaTypesAreServerErrors(AuthorizationServer):
    """BUG: a push that is no form ends in an exception and 500 (RFC 9126 section 2.3)."""

    def check_content_type(self, request: web.Request) -> None:
        """500 in place of 400."""
        try:
            super().check_content_type(request)
        except OAuthError as error:
            error.status = 500
            raise


@fault("rfc9126-2.3-malformed-answered")
class NulIsAServerError(_Crashes):
    """BUG: the database cannot store a NUL, and nobody caught that (RFC 9126 section 2.3)."""

    def breaks(self, form: Form) -> bool:
        """A NUL."""
        return any("\0" in value for _, value in form.pairs)


@fault("rfc9126-2.3-malformed-answered")
class LongNamesAreServerErrors(_Crashes):
    """BUG: a parameter's name has 255 signs at most, or the statement fails (RFC 9126 section 2.3)."""

    def breaks(self, form: Form) -> bool:
        """A long name."""
        return any(len(name) > 255 for name, _ in form.pairs)


@fault("rfc9126-2.3-malformed-answered")
class LongStatesHangUp(AuthorizationServer):
    """BUG: a state of more than four kilobytes kills the worker: no answer at all (RFC 9126 section 2.3)."""

    async def read_form(self, request: web.Request) -> Form:
        """Hang up."""
        form = await super().read_form(request)
        if is_push(self, request) and len(form.get("state") or "") > 4_096 and request.transport is not None:
            request.transport.abort()
        return form


@fault("rfc9126-2.3-signed-object-policy-of-server", settings={"require_signed_request_object": True})
class ServersPolicyOfObjectsIsForgotten(AuthorizationServer):
    """BUG: the server says that it requires signed request objects and takes plain pushes (section 2.3)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Ask the client's registration only."""
        if client.require_signed_request_object:
            super().require_request_object(client)


@fault("rfc9126-2.3-signed-object-policy-of-client", "rfc9101-10.5-plain-request-refused-where-required-for-client")
class ClientsPolicyOfObjectsIsForgotten(AuthorizationServer):
    """BUG: a client that must sign may push plain parameters (RFC 9126 section 2.3)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Ask the server's policy only."""
        if self.settings.require_signed_request_object:
            super().require_request_object(client)


@fault("rfc9126-2.3-signed-object-policy-error")
class MissingObjectIsAnInvalidObject(AuthorizationServer):
    """BUG: where a request object is missing, the error is invalid_request_object (RFC 9126 section 2.3)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Another code."""
        try:
            super().require_request_object(client)
        except OAuthError:
            raise OAuthError("invalid_request_object", "a signed request object is required") from None


@fault("rfc9126-2.3-signed-object-policy-error")
class MissingObjectIsForbidden(AuthorizationServer):
    """BUG: where a request object is missing, the status is 403 (RFC 9126 section 2.3)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Another status."""
        try:
            super().require_request_object(client)
        except OAuthError:
            raise OAuthError("invalid_request", "a signed request object is required", status=403) from None
