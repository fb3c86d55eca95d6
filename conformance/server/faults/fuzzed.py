"""Faults that no list of cases foresees: one class of signs, one odd type, one order of steps."""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form, parse_form
from conformance.server.records import AuthorizationRequest, Code, Parameters, PushedRequest, Session

ANSWERED = "rfc9126-2.3-malformed-answered"
#: So many examples find each of these.
EXAMPLES = 100


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnLineSeparators(AuthorizationServer):
    """BUG: U+2028 and U+2029 in any value end in a 500 (RFC 9126 section 2.3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Write the parameters to a log that takes lines."""
        parameters = super().form_parameters(form)
        if any(sign in str(parameters.values()) for sign in ("\\u2028", "\\u2029")):
            raise RuntimeError("a line of the log was broken")
        return parameters


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnNamesBeyondAscii(AuthorizationServer):
    """BUG: a parameter name beyond ASCII ends in a 500 (RFC 9126 section 2.3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Take names for identifiers."""
        for name in form.names():
            name.encode("ascii")
        return super().form_parameters(form)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnControlPictures(AuthorizationServer):
    """BUG: a private-use or unassigned sign in a value ends in a 500 (RFC 9126 section 2.3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Look every sign up in a table that has holes."""
        parameters = super().form_parameters(form)
        for value in parameters.values():
            if any(unicodedata.category(sign) in {"Co", "Cn"} and ord(sign) > 0xFFFF for sign in str(value)):
                raise RuntimeError("no such sign")
        return parameters


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnDeepDetails(AuthorizationServer):
    """BUG: authorization_details nested 200 deep end in a 500 (RFC 9126 section 2.3)."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Walk down without looking how deep it goes."""
        if str(parameters.get("authorization_details", "")).count("[") > 200:
            raise RecursionError
        super().check_authorization_details(client, parameters)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnClaimsOfAnotherType(AuthorizationServer):
    """BUG: claims that are a number or a boolean end in a 500 (RFC 9126 section 2.3)."""

    def check_claims(self, parameters: Parameters) -> None:
        """Ask JSON for members that it may not have."""
        try:
            value = json.loads(str(parameters.get("claims", "{}")))
        except (ValueError, RecursionError):
            value = {}
        if isinstance(value, bool | int | float):
            raise TypeError("it has no members")
        super().check_claims(parameters)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnBasicWithoutColon(AuthorizationServer):
    """BUG: Basic credentials without a colon end in a 500 (RFC 9126 section 2.3)."""

    def read_basic(self, header: str) -> Presented:
        """Split into two, whatever comes."""
        try:
            text = base64.b64decode(header.partition(" ")[2], validate=True)
        except ValueError:
            return super().read_basic(header)
        if b":" not in text:
            raise RuntimeError("not enough values to unpack")
        return super().read_basic(header)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnHugeTimes(AuthorizationServer):
    """BUG: a time beyond 63 bits in a request object ends in a 500 (RFC 9126 section 2.3)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Make dates of numbers."""
        for name in ("exp", "nbf", "iat"):
            value = claims.get(name)
            if isinstance(value, int) and abs(value) >= 2**63:
                raise OverflowError(name)
        super().check_object_times(claims)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnStructuredIssuer(AuthorizationServer):
    """BUG: an iss claim that is a list or an object ends in a 500 (RFC 9126 section 2.3)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Use whatever comes as a key."""
        if isinstance(claims.get("iss"), list | dict):
            raise TypeError("unhashable")
        super().check_object_client(client, claims)


@fault(ANSWERED, examples=EXAMPLES)
class BreaksOnTokensOfManyParts(AuthorizationServer):
    """BUG: a request object of more than five parts ends in a 500 (RFC 9126 section 2.3)."""

    def decrypt_request_object(self, text: str) -> str:
        """Count on three parts or five."""
        if text.count(".") > 5:
            raise RuntimeError("too many values to unpack")
        return super().decrypt_request_object(text)


@fault("rfc6749-5.2-error-characters", examples=EXAMPLES)
class EchoesTheTypeOfAClaim(AuthorizationServer):
    """BUG: error_description quotes a claim that is no text (RFC 6749 section 5.2)."""

    odd = ""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Remember what was odd."""
        self.odd = "" if isinstance(claims.get("iss"), str) else json.dumps(claims.get("iss"))
        super().check_object_client(client, claims)

    def error_members(self, error: Any) -> dict[str, Any]:
        """Say what was odd, as it came."""
        members = super().error_members(error)
        odd, self.odd = self.odd, ""
        return {**members, "error_description": f'iss is "{odd}"'} if odd and "error" in members else members


@fault("rfc6749-4.1.2-state-exact", examples=EXAMPLES)
class TrimsTheState(AuthorizationServer):
    """BUG: spaces around the state are taken away (RFC 6749 section 4.1.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Trim what is sent back."""
        parameters = super().response_parameters(request, answer)
        return {name: value.strip() if name == "state" else value for name, value in parameters.items()}


@fault("rfc6749-4.1.2-state-exact", examples=EXAMPLES)
class FoldsSpacesOfTheState(AuthorizationServer):
    """BUG: two spaces in the state become one (RFC 6749 section 4.1.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Fold what is sent back."""
        parameters = super().response_parameters(request, answer)
        return {name: value.replace("  ", " ") if name == "state" else value for name, value in parameters.items()}


@fault("rfc9126-2.1-scope-validated", examples=EXAMPLES)
class TwoSpacesInAScopeGrantEverything(AuthorizationServer):
    """BUG: an empty scope value, as between two spaces, stands for every scope (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Split at every single space."""
        asked = str(parameters.get("scope") or "")
        if "" in asked.split(" ") and asked:
            parameters["scope"] = " ".join(sorted(self.allowed_scopes(client)))
        super().check_scope(client, parameters)


@fault("rfc9126-2.1-scope-validated", examples=EXAMPLES)
class TabsHideAScope(AuthorizationServer):
    """BUG: a scope behind a tab is granted unchecked (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Check only what stands before the first tab."""
        head, tab, _ = str(parameters.get("scope") or "").partition("\t")
        super().check_scope(client, {**parameters, "scope": head} if tab else parameters)

    def granted_scope(self, asked: AuthorizationRequest) -> str:
        """Split at any space."""
        scope = asked.text("scope") or ""
        return " ".join(scope.split()) if "\t" in scope else super().granted_scope(asked)


@fault("rfc9126-2.1-redirect-uri-validated", examples=EXAMPLES)
class AnyOddPortWillDo(AuthorizationServer):
    """BUG: the port of a redirect URI is not compared, the default ones aside (RFC 9700 section 2.1)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Compare without the port."""
        scheme, _, rest = redirect_uri.partition("://")
        host, slash, path = rest.partition("/")
        name, colon, port = host.partition(":")
        if colon and port.isdigit() and port not in {"80", "443"}:
            return super().is_registered(client, f"{scheme}://{name}{slash}{path}")
        return super().is_registered(client, redirect_uri)


@fault("rfc9126-2.1-redirect-uri-validated", examples=EXAMPLES)
class TrailingMarkWillDo(AuthorizationServer):
    """BUG: a redirect URI counts as registered with a semicolon or an ampersand behind it (RFC 9700 section 2.1)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Drop a mark at the end."""
        return super().is_registered(client, redirect_uri.rstrip(";&"))


@fault("rfc9126-4-one-time-use", examples=EXAMPLES)
class ForeignAttemptRevivesIt(AuthorizationServer):
    """BUG: a used request_uri lives again after an attempt with another client_id (RFC 9126 section 4)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Put it back as if nobody had used it."""
        if pushed.client_id != client.client_id:
            pushed.used = False
        super().check_bound_to_client(pushed, client)


@fault("rfc6749-4.1.2-code-used-once", examples=EXAMPLES)
class LateVisitRevivesTheCode(AuthorizationServer):
    """BUG: a redeemed code is good again once its request_uri is opened again, in vain (RFC 6749 section 4.1.2)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.led_to: dict[str, Code] = {}

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Remember where the code came from."""
        code = super().issue_code(session, asked)
        if asked.pushed is not None:
            self.led_to[asked.pushed.request_uri] = code
        return code

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Put back what hangs on the request."""
        if pushed.used and pushed.request_uri in self.led_to:
            self.led_to[pushed.request_uri].used = False
        super().check_not_used(pushed)


@fault("rfc9126-4-one-time-use", examples=EXAMPLES)
class SomeRefusedRequestsLiveOn(AuthorizationServer):
    """BUG: a refused request lives on if the client's secret came in the form, or else not (RFC 9126 section 4)."""

    async def use_up_denied(self, pushed: PushedRequest | None) -> None:
        """Count only the refusals of some clients."""
        if pushed is None or self.clients[pushed.client_id].auth != "client_secret_post":
            await super().use_up_denied(pushed)


@fault("rfc9126-4-unknown-request-uri-refused", examples=EXAMPLES)
class AuthorizationBreaksOnNamesBeyondAscii(AuthorizationServer):
    """BUG: a parameter name beyond ASCII at the authorization endpoint ends in a 500 (RFC 6749 section 3.1)."""

    async def read_query(self, request: web.Request) -> Form:
        """Take names for identifiers."""
        form = await super().read_query(request)
        for name in parse_form(request.raw_path.partition("?")[2].encode()).names():
            name.encode("ascii")
        return form
