"""Faults of rich authorization requests (RFC 9396)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Grant, Interaction, Parameters, PushedRequest, Session, Token

PARAMETER = "authorization_details"


@fault(
    "rfc9396-2-details-that-are-no-json-refused",
)
class DetailsThatAreNoJsonAreDropped(AuthorizationServer):
    """BUG: authorization_details that cannot be parsed is left out (RFC 9396 section 2)."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Try to parse it first."""
        try:
            json.loads(str(parameters.get(PARAMETER)))
        except ValueError:
            if isinstance(parameters.get(PARAMETER), str):
                parameters.pop(PARAMETER)
        super().check_authorization_details(client, parameters)


@fault("rfc9396-2-details-that-are-no-array-refused")
class OneObjectIsAnArray(AuthorizationServer):
    """BUG: a single object is taken for an array of one (RFC 9396 section 2)."""

    def read_authorization_details(self, value: object) -> list[Any]:
        """Wrap it."""
        parsed = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
        return super().read_authorization_details([parsed] if isinstance(parsed, dict) else parsed)


class _Entries(AuthorizationServer):
    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """An entry as it is checked."""
        return entry

    def check_detail(self, client: RegisteredClient, entry: Mapping[str, Any]) -> None:
        """Check something else than what is stored."""
        super().check_detail(client, self.repaired(dict(entry), dict(client.authorization_details[0])))


@fault("rfc9396-2-missing-type-refused")
class TypeIsGuessed(_Entries):
    """BUG: an entry without type has the client's first one (RFC 9396 section 2)."""

    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """Fill it in."""
        return {"type": sample["type"], **entry}


@fault("rfc9396-2-type-that-is-no-string-refused")
class TypeMayBeAnArray(_Entries):
    """BUG: of an array of types the first one is taken (RFC 9396 section 2)."""

    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """Unwrap it."""
        kind = entry.get("type")
        return {**entry, "type": kind[0]} if isinstance(kind, list) else entry


@fault("rfc9396-5-unknown-field-refused")
class UnknownFieldsAreStored(_Entries):
    """BUG: fields that the type does not define are stored unseen (RFC 9396 section 5)."""

    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """Leave them out of the check."""
        entry.pop("par_conformance", None)
        return entry


@fault("rfc9396-5-field-of-wrong-type-refused")
class FieldsAreNotTyped(_Entries):
    """BUG: only the names of fields are compared, not the JSON types of their values (RFC 9396 section 5)."""

    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """Check the sample's own values."""
        same = entry.keys() == sample.keys() and entry["type"] == sample["type"]
        return dict(sample) if same else entry


@fault(
    "rfc9396-5-unknown-type-refused",
)
class UnknownTypesAreStored(AuthorizationServer):
    """BUG: an entry of an unknown type, known by its address, is stored unseen (RFC 9396 section 5)."""

    def check_detail(self, client: RegisteredClient, entry: Mapping[str, Any]) -> None:
        """Somebody will know it."""
        if not str(entry.get("type")).startswith("https:"):
            super().check_detail(client, entry)


@fault("rfc9396-5-unknown-type-refused", "rfc9396-2-missing-type-refused")
class OnlyTheFirstEntryIsChecked(AuthorizationServer):
    """BUG: of several entries the first one is checked (RFC 9396 section 5)."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Check a part of it."""
        value = parameters.get(PARAMETER)
        if value is None:
            return
        details = self.read_authorization_details(value)
        self.check_detail(client, details[0])
        parameters[PARAMETER] = details


@fault("rfc9396-12-type-compared-exactly")
class CaseOfTypesIsIgnored(_Entries):
    """BUG: types are compared in lower case (RFC 9396 section 12)."""

    def repaired(self, entry: dict[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
        """Lower case."""
        return {**entry, "type": entry["type"].lower()} if isinstance(entry.get("type"), str) else entry


@fault("rfc9396-2-several-entries-of-one-type-accepted")
class OneEntryOfAType(AuthorizationServer):
    """BUG: a second entry of one type is refused (RFC 9396 section 2)."""

    def read_authorization_details(self, value: object) -> list[Any]:
        """Count."""
        entries = super().read_authorization_details(value)
        if len({str(entry.get("type")) for entry in entries}) < len(entries):
            raise OAuthError("invalid_authorization_details", "there are two entries of one type")
        return entries


@fault("rfc9396-3-accepted-in-push", alone=True)
class DetailsAreForTheQuery(AuthorizationServer):
    """BUG: authorization_details in the form of a push is refused (RFC 9396 section 3)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Refuse it."""
        if form.get(PARAMETER) is not None:
            raise OAuthError("invalid_request", "authorization_details is not supported here")
        return super().form_parameters(form)


@fault("rfc9396-3-accepted-in-request-object", "rfc9101-4-structured-claims-survive")
class ArrayInRequestObjectIsRefused(AuthorizationServer):
    """BUG: a request object may carry authorization_details as text only (RFC 9396 section 3)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """No structures."""
        if isinstance(claims.get(PARAMETER), list):
            raise OAuthError("invalid_request_object", "a claim is no text")
        return super().object_parameters(claims)


@fault("rfc9396-5-error-code")
class FaultyDetailsAreAnInvalidRequest(AuthorizationServer):
    """BUG: the error for faulty details at the push is invalid_request (RFC 9396 section 5)."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Another code."""
        try:
            super().check_authorization_details(client, parameters)
        except OAuthError as error:
            raise OAuthError("invalid_request", error.description) from None


# -- consent ----------------------------------------------------------------------------------------------------------


class _Consent(AuthorizationServer):
    def shown(self, html: str, interaction: Interaction) -> str:
        """The page as it is shown."""
        return html

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The usual page, changed where there are details."""
        page = super().consent_page(session, interaction)
        if interaction.request.parameters.get(PARAMETER):
            page.text = self.shown(page.text or "", interaction)
        return page


@fault("rfc9396-3.1-consent-shows-details")
class ConsentHidesDetails(_Consent):
    """BUG: the consent page names the type of each entry, and nothing else of it (RFC 9396 section 3.1)."""

    def shown(self, html: str, interaction: Interaction) -> str:
        """Cut them out."""
        kinds = ", ".join(str(entry["type"]) for entry in interaction.request.parameters[PARAMETER])
        head, _, rest = html.partition("<h2>Details</h2>")
        return f"{head}<p>{kinds}</p><form{rest.rpartition('<form')[2]}"


@fault("rfc9396-3.1-consent-shows-scope-beside-details")
class DetailsDisplaceScope(_Consent):
    """BUG: where there are details, the consent page does not show the scope (RFC 9396 section 3.1)."""

    def shown(self, html: str, interaction: Interaction) -> str:
        """Cut it out."""
        head, _, rest = html.partition("<h2>Scope</h2>")
        return head + rest[rest.find("</ul>") :] if rest else head


@fault("rfc9396-12-markup-in-details-escaped")
class DetailsAreMarkup(_Consent):
    """BUG: the consent page shows details as they are, markup included (RFC 9396 section 12)."""

    def shown(self, html: str, interaction: Interaction) -> str:
        """Put them in unescaped."""
        raw = json.dumps(interaction.request.parameters[PARAMETER], indent=2)
        return html.replace("</pre>", f"</pre><div>{raw}</div>", 1)


@fault("rfc9396-12-markup-in-details-escaped")
class DetailsEndAnAttribute(_Consent):
    """BUG: details in an attribute of the consent page are escaped, but for quotes (RFC 9396 section 12)."""

    def shown(self, html: str, interaction: Interaction) -> str:
        """The creditor as a tooltip."""
        for entry in interaction.request.parameters[PARAMETER]:
            html = html.replace("<pre", f"<pre title='{entry.get('creditor', '')}'", 1)
        return html


@fault("rfc9396-13-details-stay-out-of-urls")
class DetailsStandInACookie(AuthorizationServer):
    """BUG: the details are kept in a cookie, encoded (RFC 9396 section 13)."""

    async def begin(self, request: web.Request, asked: Any) -> web.StreamResponse:
        """Set the cookie."""
        response = await super().begin(request, asked)
        if asked.parameters.get(PARAMETER):
            raw = json.dumps(asked.parameters[PARAMETER], ensure_ascii=False).encode()
            response.set_cookie("restart", base64.urlsafe_b64encode(raw).decode())
        return response


# -- what is granted --------------------------------------------------------------------------------------------------


class _Answers(AuthorizationServer):
    def answered(self, members: dict[str, Any], grant: Grant) -> dict[str, Any]:
        """The members of a token answer with details."""
        return members

    def issue_tokens(self, grant: Grant, *rest: Any, **first: Any) -> dict[str, Any]:
        """The usual answer, changed where there are details."""
        members = super().issue_tokens(grant, *rest, **first)
        return self.answered(members, grant) if PARAMETER in members else members


@fault("rfc9396-7-granted-details-returned", "rfc9101-4-structured-claims-survive")
class DetailsAreNotReturned(_Answers):
    """BUG: the token answer does not say which details were granted (RFC 9396 section 7)."""

    def answered(self, members: dict[str, Any], grant: Grant) -> dict[str, Any]:
        """Leave them out."""
        members.pop(PARAMETER)
        return members


@fault("rfc9396-7-granted-details-returned")
class OneEntryIsReturned(_Answers):
    """BUG: of several granted entries the token answer returns the first one (RFC 9396 section 7)."""

    def answered(self, members: dict[str, Any], grant: Grant) -> dict[str, Any]:
        """Cut the rest off."""
        return {**members, PARAMETER: members[PARAMETER][:1]}


@fault("rfc9396-3.1-scope-and-details-both-processed")
class DetailsReplaceScope(AuthorizationServer):
    """BUG: with details, only the first value of the scope is granted (RFC 9396 section 3.1)."""

    def granted_scope(self, asked: Any) -> str:
        """Cut the rest off."""
        scope = super().granted_scope(asked)
        return scope.split(" ")[0] if asked.parameters.get(PARAMETER) else scope


@fault("rfc9396-3.2-resource-leaves-details-alone")
class ResourceReplacesDetails(AuthorizationServer):
    """BUG: with a resource, details are dropped (RFC 9396 section 3.2)."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """One of the two."""
        if parameters.get("resource"):
            parameters.pop(PARAMETER, None)
        super().check_authorization_details(client, parameters)


@fault(
    "rfc9396-12-query-cannot-change-pushed-details",
    "rfc9126-4-outside-parameter-not-merged",
    "rfc9126-4-outside-value-without-effect",
)
class DetailsOfTheQueryWin(AuthorizationServer):
    """BUG: authorization_details of the query replaces the pushed one (RFC 9396 section 12)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """One exception."""
        parameters = super().effective_parameters(query, pushed)
        return parameters | ({PARAMETER: query.get(PARAMETER)} if query.get(PARAMETER) else {})


@fault("rfc9396-12-query-cannot-change-pushed-details", "rfc9126-4-outside-parameter-not-merged")
class DetailsOfTheQueryAreAdded(AuthorizationServer):
    """BUG: authorization_details of the query is taken where none was pushed (RFC 9396 section 12)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """One exception."""
        parameters = super().effective_parameters(query, pushed)
        return ({PARAMETER: query.get(PARAMETER)} if query.get(PARAMETER) else {}) | parameters


@fault("rfc9396-6-more-than-granted-not-issued", "rfc9396-8-token-error-code")
class TokenRequestChoosesDetails(AuthorizationServer):
    """BUG: a token request gets the details that it asks for, granted or not (RFC 9396 section 6)."""

    def narrowed_details(self, grant: Grant, form: Form) -> list[Any]:
        """What is asked for."""
        text = form.get(PARAMETER)
        return grant.authorization_details if text is None else self.checked(grant, text)

    def checked(self, grant: Grant, text: str) -> list[Any]:
        """Details that the client may ask for at all."""
        details = self.read_authorization_details(text)
        try:
            for entry in details:
                self.check_detail(self.clients[grant.client_id], entry)
        except OAuthError:
            raise OAuthError("invalid_scope", "the details are unknown") from None
        return details


@fault("rfc9396-8-token-error-code")
class DetailsBeyondTheGrantAreAnInvalidGrant(AuthorizationServer):
    """BUG: the token endpoint's error for faulty details is invalid_grant (RFC 9396 section 8)."""

    def narrowed_details(self, grant: Grant, form: Form) -> list[Any]:
        """Another code."""
        try:
            return super().narrowed_details(grant, form)
        except OAuthError as error:
            raise OAuthError("invalid_grant", error.description) from None


@fault("rfc9396-11.2-details-survive-refresh")
class RefreshLosesDetails(AuthorizationServer):
    """BUG: a refreshed access token has no details (RFC 9396 section 11.2)."""

    async def grant_refresh(self, *arguments: Any) -> dict[str, Any]:
        """Take them out of the new token."""
        members = await super().grant_refresh(*arguments)
        token = self.tokens.get(members["access_token"])
        if token is not None:
            token.authorization_details = []
        members.pop(PARAMETER, None)
        return members


@fault("rfc9396-9.1-details-in-jwt-access-token", settings={"access_tokens": "jwt"})
class JwtHasNoDetails(AuthorizationServer):
    """BUG: an access token that is a JWT has no details in it (RFC 9396 section 9.1)."""

    def sign_access_token(self, token: Token) -> str:
        """Leave them out."""
        details, token.authorization_details = token.authorization_details, []
        value = super().sign_access_token(token)
        token.authorization_details = details
        return value


@fault("rfc9396-9.2-details-in-introspection-well-formed")
class IntrospectionTellsDetailsAsText(AuthorizationServer):
    """BUG: the introspection answer carries the details as a text with JSON in it (RFC 9396 section 9.2)."""

    def introspection_members(self, client: RegisteredClient, token: Token | None) -> dict[str, Any]:
        """Encode them twice."""
        members = super().introspection_members(client, token)
        return {**members, PARAMETER: json.dumps(members[PARAMETER])} if PARAMETER in members else members


@fault("rfc9396-10-types-advertised")
class TypesAreNotAdvertised(AuthorizationServer):
    """BUG: the metadata do not list the types (RFC 9396 section 10)."""

    def detail_types(self) -> list[str]:
        """None."""
        return []


@fault("rfc9396-10-types-advertised")
class OneTypeIsAdvertised(AuthorizationServer):
    """BUG: the metadata list one of the types (RFC 9396 section 10)."""

    def detail_types(self) -> list[str]:
        """The first."""
        return super().detail_types()[:1]


@fault("rfc9396-6-more-than-granted-not-issued")
class DetailsAreComparedByTheirType(AuthorizationServer):
    """BUG: a token request gets what it asks for if details of the type were granted (RFC 9396 section 6)."""

    def narrowed_details(self, grant: Grant, form: Form) -> list[Any]:
        """Look at the type alone."""
        text = form.get(PARAMETER)
        asked = self.read_authorization_details(text) if text is not None else []
        if asked and {entry["type"] for entry in asked} <= {entry["type"] for entry in grant.authorization_details}:
            return asked
        return super().narrowed_details(grant, form)
