"""Faults on the way through in a browser: pages, tabs, reloads, logins that are asked for."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Interaction, PushedRequest, Session


class Remembering(AuthorizationServer):
    """A server that remembers what a fault needs to know later."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.remembered: set[object] = set()


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
