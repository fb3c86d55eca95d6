"""Faults that a person in a browser meets: pages, cookies, tabs, other sites. Most of them show nowhere else."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html import escape, unescape
from typing import Any

from aiohttp import web

from conformance.server import pages
from conformance.server.app import BROWSER, AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, PushedRequest, Session

LOOSE = "script-src 'unsafe-inline'; img-src *; form-action *; frame-ancestors 'none'"


class Remembering(AuthorizationServer):
    """A server that remembers what a fault needs to know later."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.remembered: set[object] = set()


class BrowserServer(AuthorizationServer):
    """A server whose pages may have more on them: `further` is HTML at the end of a page."""

    def further(self, interaction: Interaction) -> str:
        """What stands at the end of login and consent pages."""
        return ""

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """A page whose policy does not hold back what a fault adds."""
        response = super().page(html, status=status, redirect_uri=redirect_uri)
        response.headers["Content-Security-Policy"] = LOOSE
        return response

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """The login page with an addition."""
        return self._extended(super().login_page(interaction, failed=failed), interaction)

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The consent page with an addition."""
        return self._extended(super().consent_page(session, interaction), interaction)

    def _extended(self, response: web.Response, interaction: Interaction) -> web.Response:
        response.text = (response.text or "").replace("</body>", self.further(interaction) + "</body>")
        return response


# -- the way through ---------------------------------------------------------------------------------------------------


@fault("rfc9126-4-client-id-and-request-uri-suffice", "rfc6749-4.1.2.1-denial-told", browser=True)
class FormPolicyKeepsPeopleIn(AuthorizationServer):
    """BUG: the page's own form-action policy stops the redirect to the client (RFC 9126 section 4)."""

    def page_headers(self, redirect_uri: str = "") -> dict[str, str]:
        """Nothing but the server itself is allowed."""
        return super().page_headers()


@fault("rfc9126-2-response-mode-effective", browser=True)
class FormPostIsHeldBack(AuthorizationServer):
    """BUG: the page of response_mode=form_post forbids its own form to leave (RFC 9126 section 2)."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """A form_post page with the policy of any other page."""
        response = super().deliver(redirect_uri, mode, parameters)
        if mode == "form_post":
            response.headers.update(self.page_headers())
        return response


@fault("rfc9126-2-response-mode-effective", browser=True)
class FormPostComesByTheQuery(AuthorizationServer):
    """BUG: response_mode=form_post is answered by the query (RFC 9126 section 2)."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """No page."""
        return super().deliver(redirect_uri, "query" if mode == "form_post" else mode, parameters)


@fault("rfc9126-4-reload-tolerated", browser=True)
class PagesAreShownOnce(Remembering):
    """BUG: a login or consent page that is loaded again is gone (RFC 9126 section 4)."""

    async def next_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Each page once."""
        page = (interaction.id, self.needs_login(session, interaction))
        if page in self.remembered:
            raise OAuthError("invalid_request", "the page was shown already")
        self.remembered.add(page)
        return await super().next_page(session, interaction)


@fault("rfc9126-4-one-time-use", "rfc9126-2.2-single-use-in-race", browser=True)
class OpenPagesOutliveTheRequest(AuthorizationServer):
    """BUG: a request_uri that was used is refused when it is opened, but not on pages open already (section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Mark it as used, and do not look whether it was."""
        pushed.used = True


@fault("rfc9126-4-slow-login-tolerated", browser=True)
class SlowPeopleAreTurnedAway(AuthorizationServer):
    """BUG: a person who logs in after the request_uri's end is told that it has expired (RFC 9126 section 4)."""

    async def past_login(self, interaction: Interaction) -> None:
        """Look at the lifetime again."""
        if interaction.request.pushed is not None:
            self.check_not_expired(interaction.request.pushed)
        await super().past_login(interaction)


@fault("rfc6749-4.1.2.1-denial-told", "rfc9126-4-denied-request-used-up", browser=True)
class RefusalIsTakenForConsent(Remembering):
    """BUG: a link that a person refused grants access when it is opened again, unasked (RFC 6749 section 4.1.2.1)."""

    async def use_up_denied(self, pushed: PushedRequest | None) -> None:
        """Keep the request, and remember that it was answered."""
        if pushed is not None:
            self.remembered.add(pushed.request_uri)

    def needs_consent(self, session: Session, interaction: Interaction) -> bool:
        """Whoever was asked is not asked again."""
        pushed = interaction.request.pushed
        if pushed is not None and pushed.request_uri in self.remembered:
            return False
        return super().needs_consent(session, interaction)


@fault("openid-core-3.1.2.1-prompt-login-asks-once", browser=True)
class NewLoginIsAskedForTwice(Remembering):
    """BUG: the login that prompt=login or max_age=0 asks for is forgotten once (OpenID Connect Core 3.1.2.1)."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Ask again after the first time."""
        asks = "login" in self.prompts(interaction.request) or interaction.request.parameters.get("max_age") in {0, "0"}
        if asks and interaction.logged_in and interaction.id not in self.remembered:
            self.remembered.add(interaction.id)
            interaction.logged_in = False
        return super().needs_login(session, interaction)


@fault(
    "openid-core-3.1.2.3-prompt-login-reauthenticates",
    "openid-core-3.1.2.1-max-age-zero-reauthenticates",
    browser=True,
)
class LoggedInIsLoggedIn(AuthorizationServer):
    """BUG: prompt=login and max_age=0 are overlooked where somebody is logged in (OpenID Connect Core 3.1.2.3)."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Look at the session alone."""
        asks = "login" in self.prompts(interaction.request) or interaction.request.parameters.get("max_age") in {0, "0"}
        if asks and session.user is not None:
            return False
        return super().needs_login(session, interaction)


@fault("rfc9126-4-reload-tolerated", browser=True)
class PreviewUsesItUp(AuthorizationServer):
    """BUG: a browser that loads a link in advance uses it up (RFC 9126 section 4)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Consume the request for a preview."""
        advance = "prefetch" in request.headers.get("Sec-Purpose", "")
        if asked.pushed is not None and (advance or request.headers.get("Sec-Fetch-Dest") == "image"):
            asked.pushed.used = True
        return await super().begin(request, asked)


# -- consent -----------------------------------------------------------------------------------------------------------


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


# -- sessions ----------------------------------------------------------------------------------------------------------


@fault("rfc6749-3.1-resource-owner-authenticated", browser=True)
class PageKnowsItsPerson(AuthorizationServer):
    """BUG: who is logged in hangs on the page's address and not on the browser (RFC 6749 section 3.1)."""

    def find_interaction(self, request: web.Request) -> tuple[Session, Interaction]:
        """The session of the page, whoever opens it."""
        interaction = self.interactions.get(request.match_info["interaction"])
        session = self.sessions.get(interaction.session_id) if interaction else None
        if interaction is None or session is None or interaction.finished:
            raise OAuthError("invalid_request", "there is no such page, or no longer")
        return session, interaction


@fault("rfc6749-3.1-resource-owner-authenticated", browser=True)
class SessionKeepsItsName(AuthorizationServer):
    """BUG: the session has the same name before and after the login (RFC 6749 section 3.1)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Keep it."""
        return session


@fault("rfc6749-10.12-session-cookie-protected", browser=True)
class ScriptsReadTheCookie(AuthorizationServer):
    """BUG: the session cookie is not HttpOnly (RFC 6749 section 10.12)."""

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """Leave HttpOnly out."""
        super().set_cookie(response, session)
        response.cookies[self.cookie_name]["httponly"] = ""


@fault(
    "rfc9700-4.12-no-307",
    "rfc9700-2.1-credentials-not-forwarded",
    "rfc9126-4-client-id-and-request-uri-suffice",
    settings={"consent": "none"},
    browser=True,
)
class PasswordTravelsOn(AuthorizationServer):
    """BUG: the login form is answered with a 307 to the client (RFC 9700 section 4.12)."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Go to the client at once."""
        response = await super().login(request)
        interaction = self.interactions.get(request.match_info["interaction"])
        session = self.sessions.get(interaction.session_id) if interaction else None
        if response.status != 303 or interaction is None or session is None or session.user is None:
            return response
        answer = await self.next_page(session, interaction)
        if answer.status == 303:
            answer.set_status(307)
        self.set_cookie(answer, session)
        return answer


@fault("rfc9700-2.6-no-cors-at-authorization-endpoint", browser=True)
class ScriptsReadTheAuthorizationEndpoint(AuthorizationServer):
    """BUG: the authorization endpoint lets every origin read it, with cookies (RFC 9700 section 2.6)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Allow whoever asks."""
        super().finish_response(endpoint, request, response)
        if endpoint in BROWSER and "Origin" in request.headers:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Allow-Credentials"] = "true"


# -- privacy -----------------------------------------------------------------------------------------------------------


@fault("rfc9126-8-request-data-not-left-in-browser", browser=True)
class RequestInLocalStorage(BrowserServer):
    """BUG: a script keeps the request in local storage (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Store the state under its encoded name, which the page itself does not show."""
        state = base64.b64encode((interaction.request.text("state") or "").encode()).decode()
        half = len(state) // 2
        return f"<script>localStorage.setItem('request', atob('{state[:half]}' + '{state[half:]}'))</script>"


@fault("rfc9126-8-request-data-not-in-urls", "rfc9126-8-request-data-not-left-in-browser", browser=True)
class PictureCarriesTheState(BrowserServer):
    """BUG: a picture of the page is loaded with the state in its URL (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Load it from the server itself."""
        return f'<img alt="" src="/picture?state={escape(interaction.request.text("state") or "")}">'


@fault("rfc9126-8-request-data-not-told-to-others", "rfc9700-4.2.4-no-third-party-resources", browser=True)
class PictureOfAnotherSite(BrowserServer):
    """BUG: a picture of another site is loaded with the request_uri in its URL (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Count the visit elsewhere."""
        pushed = interaction.request.pushed
        return f'<img alt="" src="https://counter.example/p?of={escape(pushed.request_uri if pushed else "")}">'


@fault("rfc9396-13-details-stay-out-of-urls", browser=True)
class DetailsInCookie(AuthorizationServer):
    """BUG: authorization_details are kept in a cookie (RFC 9396 section 13)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Put them there."""
        response = await super().begin(request, asked)
        details = asked.parameters.get("authorization_details")
        if details:
            content = base64.urlsafe_b64encode(json.dumps(details).encode()).decode().rstrip("=")
            response.set_cookie("details", content[:3500], path="/", httponly=True, secure=True, samesite="Lax")
        return response


@fault("rfc9700-4.2.4-referrer-suppressed", browser=True)
class RefererTellsThePage(AuthorizationServer):
    """BUG: the client is told the whole address of the page before (RFC 9700 section 4.2.4)."""

    def browser_headers(self) -> dict[str, str]:
        """Referrer-Policy: unsafe-url."""
        return {**super().browser_headers(), "Referrer-Policy": "unsafe-url"}


# -- errors ------------------------------------------------------------------------------------------------------------


@fault("rfc9126-4-dead-request-told-before-login", browser=True)
class LoginComesBeforeTheError(AuthorizationServer):
    """BUG: who opens a dead request is asked to log in first (RFC 9126 section 4)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """A login page that leads to the error."""
        session = self.session_of(request)
        if error.code != "invalid_request_uri" or (session is not None and session.user is not None):
            return super().authorization_error(request, error)
        fields = '<input type="text" name="username"><input type="password" name="password"><button>Log in</button>'
        return self.page(pages.page("Log in", pages.form(f"{self.issuer}/nowhere", "", fields)))


@fault("rfc9700-2.1-no-open-redirector", browser=True)
class ErrorPageLeadsAway(BrowserServer):
    """BUG: a script of the error page goes to the redirect_uri of the link (RFC 9700 section 2.1)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Go on to whatever the link says."""
        address = request.query.get("redirect_uri", "")
        if error.about is not None or not address.startswith("https://"):
            return super().authorization_error(request, error)
        told = json.dumps(address).replace("<", "\\u003c")
        return self.page(pages.page("One moment", f"<script>location.replace({told})</script>"), status=400)


@fault("rfc6749-10.14-input-escaped", browser=True)
class ErrorPageRepeatsTheLink(BrowserServer):
    """BUG: the error page repeats parameters of the link as they are (RFC 6749 section 10.14)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Tell the parameters."""
        if error.about is not None:
            return super().authorization_error(request, error)
        told = "".join(f"<p>{name}: {value}</p>" for name, value in request.query.items())
        return self.page(pages.page("The request was refused", told), status=400)


@fault("rfc6749-10.14-input-escaped", browser=True)
class LoginHintIsAlive(BrowserServer):
    """BUG: the login page fills login_hint in without escaping it (RFC 6749 section 10.14)."""

    def further(self, interaction: Interaction) -> str:
        """Greet whoever comes."""
        return f'<p title="{interaction.request.text("login_hint") or ""}">Welcome.</p>'
