"""Faults of the pushed authorization request endpoint as an HTTP resource (RFC 9126 sections 1, 2 and 2.3)."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form, parse_form
from conformance.server.records import Parameters, PushedRequest

PUSH = "pushed_authorization_request"


def is_push(server: AuthorizationServer, request: web.Request) -> bool:
    """Whether a request goes to the PAR endpoint."""
    return request.path == server.settings.issuer_path + server.paths[PUSH]


def query_of(request: web.Request) -> Form:
    """The query of a URL as a form."""
    return parse_form(request.raw_path.partition("?")[2].encode())


@fault("rfc9126-2-post-form")
class ClientIdMustComeFirst(AuthorizationServer):
    """BUG: the form is taken apart by position: response_type must come before redirect_uri (RFC 9126 section 2)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Look at the order."""
        names = [name for name, _ in form.pairs]
        both = {"response_type", "redirect_uri"} <= set(names)
        if both and names.index("redirect_uri") < names.index("response_type"):
            raise OAuthError("invalid_request", "response_type is missing")
        return super().form_parameters(form)


class _ByGet(AuthorizationServer):
    """Serves pushes whose parameters stand in the query."""

    also: tuple[str, ...] = ("GET",)

    def allowed_methods(self, endpoint: str) -> list[str]:
        """One method more."""
        methods = super().allowed_methods(endpoint)
        return [*methods, *self.also] if endpoint == PUSH else methods

    async def read_form(self, request: web.Request) -> Form:
        """The query where there is no body."""
        if is_push(self, request) and request.method in {"GET", "HEAD", "DELETE"}:
            return query_of(request)
        return await super().read_form(request)


@fault("rfc9126-2-post-only", "rfc9126-2.3-status-405")
class PushByGet(_ByGet):
    """BUG: GET with the parameters in the URL is a push as well (RFC 9126 section 2)."""


@fault("rfc9126-2-post-only", "rfc9126-2.3-status-405")
class PushByDelete(_ByGet):
    """BUG: the handler is registered for every method, DELETE too (RFC 9126 section 2)."""

    also = ("DELETE",)


@fault("rfc9126-2-post-only", "rfc9126-2.3-status-405")
class PushByPut(_ByGet):
    """BUG: PUT is taken for POST (RFC 9126 section 2)."""

    also = ("PUT",)


@fault("rfc9126-2-post-only")
class PushByPatch(_ByGet):
    """BUG: PATCH is taken for POST (RFC 9126 section 2)."""

    also = ("PATCH",)


@fault("rfc9126-2.3-status-405")
class OtherMethodsAreBadRequests(AuthorizationServer):
    """BUG: a method other than POST is answered with 400 (RFC 9126 section 2.3)."""

    def check_method(self, endpoint: str, request: web.Request) -> None:
        """400 in place of 405, at this endpoint."""
        if endpoint == PUSH and request.method not in self.allowed_methods(endpoint):
            raise OAuthError("invalid_request", "only POST is allowed")
        super().check_method(endpoint, request)


@fault("rfc9126-2.3-status-405")
class DeleteIsAnsweredWith200(AuthorizationServer):
    """BUG: DELETE is answered with 200 and an empty object; nothing is deleted (RFC 9126 section 2.3)."""

    def check_method(self, endpoint: str, request: web.Request) -> None:
        """Pretend."""
        if endpoint == PUSH and request.method == "DELETE":
            raise OAuthError("invalid_request", "nothing to delete", status=200)
        super().check_method(endpoint, request)


@fault("rfc9126-2-body-only")
class PushReadsTheQueryOnly(AuthorizationServer):
    """BUG: a push with an empty body takes its parameters from the URL (RFC 9126 section 2)."""

    async def read_form(self, request: web.Request) -> Form:
        """The query where the body says nothing but credentials."""
        form = await super().read_form(request)
        bare = not form.names() - {"client_secret", "client_assertion", "client_assertion_type"}
        if is_push(self, request) and bare:
            return Form((*query_of(request).pairs, *form.pairs))
        return form


@fault("rfc9126-2-body-only", "rfc6749-2.3.1-credentials-in-url-refused")
class QueryWinsOverTheBody(AuthorizationServer):
    """BUG: a parameter of the URL replaces the one of the body (RFC 9126 section 2)."""

    async def read_form(self, request: web.Request) -> Form:
        """The query first, then what it does not have."""
        form = await super().read_form(request)
        if not is_push(self, request) or not form.names():
            return form
        query = query_of(request)
        rest = tuple(pair for pair in form.pairs if pair[0] not in query.names())
        return Form((*query.pairs, *rest))


@fault("rfc9126-2-body-only")
class QueryAddsToTheBody(AuthorizationServer):
    """BUG: a parameter that the body lacks is taken from the URL (RFC 9126 section 2)."""

    async def read_form(self, request: web.Request) -> Form:
        """The body first, then what it does not have."""
        form = await super().read_form(request)
        if not is_push(self, request) or not form.get("response_type"):
            return form
        rest = tuple(pair for pair in query_of(request).pairs if pair[0] not in form.names())
        return Form((*form.pairs, *rest))


class _OtherFormats(AuthorizationServer):
    """Takes bodies of further formats."""

    formats: tuple[str, ...] = ()

    def check_content_type(self, request: web.Request) -> None:
        """Let the further formats pass at the PAR endpoint."""
        said = request.content_type if "Content-Type" in request.headers else ""
        if not (is_push(self, request) and said in self.formats):
            super().check_content_type(request)


@fault("rfc9126-2-other-media-type-refused")
class PushAsJson(_OtherFormats):
    """BUG: a JSON body is a push as well (RFC 9126 section 2)."""

    formats = ("application/json",)

    async def read_form(self, request: web.Request) -> Form:
        """The members of the object."""
        if is_push(self, request) and request.content_type == "application/json":
            members = json.loads(await self.read_body(request))
            return Form(tuple((name, str(value)) for name, value in members.items()))
        return await super().read_form(request)


@fault("rfc9126-2-other-media-type-refused")
class PushAsMultipart(_OtherFormats):
    """BUG: a multipart body is a push as well (RFC 9126 section 2)."""

    formats = ("multipart/form-data",)

    async def read_form(self, request: web.Request) -> Form:
        """The parts."""
        if is_push(self, request) and request.content_type == "multipart/form-data":
            return Form(tuple((name, str(value)) for name, value in (await request.post()).items()))
        return await super().read_form(request)


@fault("rfc9126-2-other-media-type-refused")
class MediaTypeIsNotLookedAt(_OtherFormats):
    """BUG: a body is read as a form whatever its media type says, if it says any (RFC 9126 section 2)."""

    formats = ("text/plain",)


@fault("rfc9126-2-other-media-type-refused")
class MediaTypeMayBeMissing(_OtherFormats):
    """BUG: a body without a media type is read as a form (RFC 9126 section 2)."""

    formats = ("",)


@fault("rfc9126-2-charset-parameter-accepted")
class CharsetIsRefused(AuthorizationServer):
    """BUG: the media type is compared with all its parameters (RFC 9126 section 2)."""

    def check_content_type(self, request: web.Request) -> None:
        """Compare texts."""
        if is_push(self, request) and ";" in request.headers.get("Content-Type", ""):
            raise OAuthError("invalid_request", "the content type must be application/x-www-form-urlencoded")
        super().check_content_type(request)


@fault("rfc9126-2-charset-parameter-accepted")
class CharsetLeadsToTheLogin(AuthorizationServer):
    """BUG: a form that is not exactly of the expected type is taken for a person's visit (RFC 9126 section 2)."""

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Send the person to a page."""
        if ";" in request.headers.get("Content-Type", ""):
            return self.see_other(f"{self.url('interaction')}/start")
        return await super().push(request)


class _OtherText(AuthorizationServer):
    """Damages texts on their way in."""

    def damaged(self, text: str) -> str:
        """What becomes of a text."""
        return text

    def form_parameters(self, form: Form) -> Parameters:
        """Damage the state."""
        parameters = super().form_parameters(form)
        if isinstance(parameters.get("state"), str):
            parameters["state"] = self.damaged(parameters["state"])
        return parameters


@fault("rfc9126-2-utf8")
class FormsAreLatin1(_OtherText):
    """BUG: percent-encoded bytes are read as ISO 8859-1 (RFC 9126 section 2)."""

    def damaged(self, text: str) -> str:
        """Every byte a sign."""
        return text.encode().decode("latin-1")


@fault("rfc9126-2-utf8")
class TextIsNormalized(_OtherText):
    """BUG: texts are brought into Unicode's normal form C, so that what comes back is other bytes (section 2)."""

    def damaged(self, text: str) -> str:
        """Compose."""
        return unicodedata.normalize("NFC", text)


@fault("rfc9126-2-utf8")
class FourByteSignsAreLost(_OtherText):
    """BUG: the column holds signs of three bytes at most; those of four become question marks (section 2)."""

    def damaged(self, text: str) -> str:
        """Nothing beyond the basic plane."""
        return "".join(sign if sign <= "\uffff" else "?" for sign in text)


@fault("rfc9126-1-large-request-accepted", "rfc9126-2.3-status-413")
class LongValuesAreRefused(AuthorizationServer):
    """BUG: a parameter has four kilobytes at most, as in a URL (RFC 9126 section 1)."""

    async def read_form(self, request: web.Request) -> Form:
        """Measure."""
        form = await super().read_form(request)
        if is_push(self, request) and any(len(value) > 8_000 for _, value in form.pairs):
            raise OAuthError("invalid_request", "a parameter is too long")
        return form


@fault("rfc9126-2.3-status-413")
class TooLargeIsAServerError(AuthorizationServer):
    """BUG: a body beyond the limit ends in an exception and 500 (RFC 9126 section 2.3)."""

    async def read_body(self, request: web.Request) -> bytes:
        """500 in place of 413."""
        try:
            return await super().read_body(request)
        except OAuthError as error:
            error.status = 500 if error.status == 413 else error.status
            raise


@fault("rfc9126-2.3-status-413")
class NoSizeLimit(AuthorizationServer):
    """BUG: the declared limit is not enforced (RFC 9126 section 2.3)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """A limit of a gigabyte."""
        super().__init__(*arguments, **named)
        object.__setattr__(self.settings, "body_limit", 1 << 30)


@fault("rfc9126-2.1-public-client-served")
class PublicClientsAreNotServed(AuthorizationServer):
    """BUG: the PAR endpoint wants credentials of everyone, also of clients that have none (section 2.1)."""

    def check_rate(self, client: RegisteredClient) -> None:
        """Refuse whoever has no credentials."""
        if not client.confidential:
            raise OAuthError("invalid_client", "client authentication is required", status=401)
        super().check_rate(client)


@fault("rfc9126-2-token-endpoint-methods-accepted")
class SecretInTheBodyIsTokenEndpointOnly(AuthorizationServer):
    """BUG: client_secret_post works at the token endpoint and not at the PAR endpoint (RFC 9126 section 2)."""

    def check_rate(self, client: RegisteredClient) -> None:
        """Refuse the method."""
        if client.auth == "client_secret_post":
            raise OAuthError("invalid_client", "use another method", status=401)
        super().check_rate(client)


@fault(
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc8705-2.1-registered-subject-accepted",
    "rfc8705-5-alias-of-par-endpoint-works",
)
class CertificatesAreTokenEndpointOnly(AuthorizationServer):
    """BUG: mutual TLS works at the token endpoint and not at the PAR endpoint (RFC 9126 section 2)."""

    def check_rate(self, client: RegisteredClient) -> None:
        """Refuse the method."""
        if client.auth == "tls_client_auth":
            raise OAuthError("invalid_client", "use another method", status=401)
        super().check_rate(client)


@fault("rfc9126-2.1-token-parameters-without-meaning")
class TokenParametersConfuseThePush(AuthorizationServer):
    """BUG: a push with grant_type is refused, though the parameter means nothing there (RFC 9126 section 2.1)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Refuse grant_type."""
        if form.get("grant_type"):
            raise OAuthError("unsupported_grant_type", "there is no grant here")
        super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.1-token-parameters-without-meaning")
class PushGivesTokens(AuthorizationServer):
    """BUG: endpoints share a handler: with grant_type the PAR endpoint's answer has a token too (section 2.1)."""

    wanted: set[str]

    def form_parameters(self, form: Form) -> Parameters:
        """Remember who asks for a token."""
        parameters = super().form_parameters(form)
        self.__dict__.setdefault("wanted", set())
        if form.get("grant_type"):
            self.wanted.add(str(parameters.get("state")))
        return parameters

    def push_members(self, pushed: PushedRequest) -> dict[str, Any]:
        """With a token for them."""
        members = super().push_members(pushed)
        if pushed.parameters.get("state") in self.__dict__.get("wanted", ()):
            members |= {"access_token": self.random(), "token_type": "Bearer"}
        return members
