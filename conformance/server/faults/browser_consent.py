"""Faults of the consent page: what it shows, whose form it takes, what overrules it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html import unescape
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, Session


class ShowsTheQuery(AuthorizationServer):
    """A consent page that shows what stood beside request_uri."""

    name = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.beside: dict[str, str] = {}

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Remember the query."""
        if asked.pushed is not None and self.name in request.query:
            self.beside[asked.pushed.request_uri] = request.query[self.name]
        return await super().begin(request, asked)

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Show it; what is granted stays as it was."""
        asked = interaction.request
        beside = self.beside.get(asked.pushed.request_uri) if asked.pushed else None
        if beside is None:
            return super().consent_page(session, interaction)
        value = json.loads(beside) if self.name == "authorization_details" else beside
        shown = replace(interaction, request=replace(asked, parameters={**asked.parameters, self.name: value}))
        return super().consent_page(session, shown)


@fault("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query", browser=True)
class ConsentShowsScopeOfTheQuery(ShowsTheQuery):
    """BUG: the consent page shows the scope of the query while the pushed one is granted (RFC 9126 section 4)."""

    name = "scope"


@fault("rfc9396-12-query-cannot-change-pushed-details", browser=True)
class ConsentShowsDetailsOfTheQuery(ShowsTheQuery):
    """BUG: the consent page shows the authorization_details of the query (RFC 9396 section 12)."""

    name = "authorization_details"


@fault("rfc9396-3.1-consent-shows-details", browser=True)
class DetailsAreThereButNotSeen(AuthorizationServer):
    """BUG: the authorization_details stand in the consent page and are not displayed (RFC 9396 section 3.1)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Hide them."""
        response = super().consent_page(session, interaction)
        response.text = (response.text or "").replace("<pre class=", "<pre hidden class=")
        return response


@fault("rfc9396-12-markup-in-details-escaped", browser=True)
class MarkupInDetailsIsAlive(AuthorizationServer):
    """BUG: the consent page does not escape authorization_details (RFC 9396 section 12)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Undo the escaping between the marks of the details."""
        response = super().consent_page(session, interaction)
        head, mark, rest = (response.text or "").partition('<pre class="authorization-details">')
        inside, end, tail = rest.partition("</pre>")
        response.text = head + mark + unescape(inside).replace('\\"', '"') + end + tail
        return response


class CookiesTravel(AuthorizationServer):
    """A server whose cookie goes along with forms of other sites."""

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """SameSite=None."""
        super().set_cookie(response, session)
        response.cookies[self.cookie_name]["samesite"] = "None"


@fault("rfc6749-10.12-consent-not-forgeable", browser=True)
class ConsentTakesAnyForm(CookiesTravel):
    """BUG: the consent form needs no value of the page, and cookies travel (RFC 6749 section 10.12)."""

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """Let every form pass."""


@fault("rfc6749-10.12-consent-not-forgeable", browser=True)
class ConsentTakesTheFormOfAnybody(CookiesTravel):
    """BUG: the form of one person's page is good in another person's browser (RFC 6749 section 10.12)."""

    def check_same_browser(self, session: Session | None, interaction: Interaction) -> None:
        """Do not ask whose page it is."""

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """The token has to fit the page, wherever the form comes from."""
        if form.get("csrf") != interaction.csrf:
            raise OAuthError("invalid_request", "the form is not from this page")


@fault("rfc9700-4.16-clickjacking-prevented", "rfc6749-10.13-frames-refused", browser=True)
class EverySiteMayFrameIt(AuthorizationServer):
    """BUG: a policy against frames admits every site, in a way that looks like a list (RFC 9700 section 4.16)."""

    def page_headers(self, redirect_uri: str = "") -> dict[str, str]:
        """frame-ancestors with a host of any name."""
        headers = super().page_headers(redirect_uri)
        headers["Content-Security-Policy"] = headers["Content-Security-Policy"].replace(
            "frame-ancestors 'none'", "frame-ancestors https://*"
        )
        del headers["X-Frame-Options"]
        return headers


@fault("rfc9126-4-outside-value-without-effect", browser=True)
class FormsOverruleTheRequest(AuthorizationServer):
    """BUG: state, redirect_uri and scope in a login or consent form replace the pushed ones (RFC 9126 section 4)."""

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """Take what the form has."""
        super().check_csrf(request, form, interaction)
        given = {name: value for name in ("state", "redirect_uri", "scope") if (value := form.get(name)) is not None}
        asked = interaction.request
        interaction.request = replace(
            asked,
            parameters={**asked.parameters, **given},
            redirect_uri=given.get("redirect_uri", asked.redirect_uri),
        )


@fault("rfc9126-4-outside-value-without-effect", "rfc9126-8-request-data-not-left-in-browser", browser=True)
class CookieOverrulesTheRequest(AuthorizationServer):
    """BUG: the request stands in a cookie, from where it is taken at the end (RFC 9126 sections 4 and 8)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Put the state into a cookie."""
        response = await super().begin(request, asked)
        if asked.text("state"):
            content = base64.urlsafe_b64encode(json.dumps({"state": asked.text("state")}).encode()).decode()
            response.set_cookie("restart", content.rstrip("="), path="/", httponly=True, secure=True, samesite="Lax")
        return response

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """Take the state from the cookie."""
        super().check_csrf(request, form, interaction)
        content = request.cookies.get("restart", "")
        if content and interaction.request.text("state"):
            state = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))["state"]
            asked = interaction.request
            interaction.request = replace(asked, parameters={**asked.parameters, "state": state})
