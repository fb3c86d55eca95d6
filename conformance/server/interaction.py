"""Login and consent: one interaction a person and request, bound to the browser session that opened it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from aiohttp import web

from conformance.server import pages
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, PushedRequest, Session
from conformance.server.responses import Responses


class Interactions(Responses):
    """Brings a person from the authorization request to its answer."""

    # Sessions

    @property
    def cookie_name(self) -> str:
        """The session cookie; the prefix makes browsers insist on https, this host, and the whole of it."""
        return "__Host-session" if self.settings.tls else "session"

    def session_of(self, request: web.Request) -> Session | None:
        """The browser's living session."""
        session = self.sessions.get(request.cookies.get(self.cookie_name, ""))
        return session if session is not None and self.now() < session.expires_at else None

    def new_session(self) -> Session:
        """A session for a browser that has none."""
        session = Session(id=self.random(), expires_at=self.now() + self.settings.session_lifetime)
        self.sessions.put(session.id, session)
        return session

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """The session under a new name once somebody has logged in, against fixation; the old name is dead."""
        self.sessions.drop(session.id)
        renewed = self.new_session()
        for other in self.interactions:
            if other.session_id == session.id:
                other.session_id = renewed.id
        return renewed

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """Give the browser its session cookie: it carries a random name, and nothing of the request."""
        response.set_cookie(
            self.cookie_name,
            session.id,
            path="/",
            httponly=True,
            secure=self.settings.tls,
            samesite="Lax",
        )

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """As policy says, nobody who has not logged in is sent to a client (RFC 9700, section 4.11.2)."""
        session = self.session_of(request)
        if self.settings.errors_before_login == "page" and (session is None or session.user is None):
            return self.error_page(error)
        return super().authorization_error(request, error)

    # The way through

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Open an interaction, or answer at once where no page may be shown or none is needed."""
        session = self.session_of(request) or self.new_session()
        interaction = self.new_interaction(session, asked)
        if not self.needs_login(session, interaction):
            await self.past_login(interaction)
        if "none" in self.prompts(asked):
            response = await self.without_pages(session, interaction)
        elif self.needs_login(session, interaction) or self.needs_consent(session, interaction):
            response = self.see_other(self.interaction_url(interaction))
        else:
            response = await self.conclude(session, interaction, allowed=True)
        self.set_cookie(response, session)
        return response

    def new_interaction(self, session: Session, asked: AuthorizationRequest) -> Interaction:
        """An interaction in this browser."""
        interaction = Interaction(
            id=self.random(),
            session_id=session.id,
            csrf=self.random(),
            request=asked,
            expires_at=self.now() + self.settings.interaction_lifetime,
        )
        self.interactions.put(interaction.id, interaction)
        return interaction

    def interaction_url(self, interaction: Interaction, step: str = "") -> str:
        """The address of an interaction's page; it carries a random name, and nothing of the request."""
        return f"{self.url('interaction')}/{interaction.id}{step}"

    async def without_pages(self, session: Session, interaction: Interaction) -> web.Response:
        """prompt=none: an answer without a page (OpenID Connect Core, section 3.1.2.6)."""
        if self.needs_login(session, interaction):
            return self.error_redirect(interaction.request, OAuthError("login_required", "nobody is logged in"))
        if self.needs_consent(session, interaction):
            return self.error_redirect(
                interaction.request, OAuthError("consent_required", "the person has to be asked")
            )
        return await self.conclude(session, interaction, allowed=True)

    def prompts(self, asked: AuthorizationRequest) -> list[str]:
        """The values of prompt."""
        return (asked.text("prompt") or "").split()

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Nobody is logged in, or the request wants it done again: once."""
        if session.user is None:
            return True
        if interaction.logged_in:
            return False
        if not {"login", "select_account"}.isdisjoint(self.prompts(interaction.request)):
            return True
        max_age = interaction.request.parameters.get("max_age")
        return max_age is not None and self.now() - session.auth_time >= int(max_age)

    def needs_consent(self, session: Session, interaction: Interaction) -> bool:
        """Whether the person is asked: always, once for the same request, or never."""
        if "consent" in self.prompts(interaction.request) or self.settings.consent == "ask":
            return True
        if self.settings.consent == "none":
            return False
        return self.consent_name(session, interaction) not in self.consents

    def consent_name(self, session: Session, interaction: Interaction) -> str:
        """What a remembered consent covers: this person, client, scope, details and resources."""
        asked = interaction.request
        covered = [asked.parameters.get(name) for name in ("scope", "authorization_details", "resource")]
        subject = session.user.subject if session.user else ""
        return repr([subject, asked.client.client_id, covered])

    # Pages

    async def interaction_page(self, request: web.Request) -> web.StreamResponse:
        """GET of an interaction: the page that is next."""
        session, interaction = self.find_interaction(request)
        return await self.next_page(session, interaction)

    async def next_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The login page, the consent page, or the end."""
        if self.needs_login(session, interaction):
            return self.login_page(interaction)
        await self.past_login(interaction)
        if self.needs_consent(session, interaction):
            return self.consent_page(session, interaction)
        return await self.conclude(session, interaction, allowed=True)

    def find_interaction(self, request: web.Request) -> tuple[Session, Interaction]:
        """The session and its open interaction; another browser does not get in."""
        session = self.session_of(request)
        interaction = self.interactions.get(request.match_info["interaction"])
        if interaction is None or self.now() >= interaction.expires_at or interaction.finished:
            raise OAuthError("invalid_request", "there is no such page, or no longer")
        self.check_same_browser(session, interaction)
        if session is None:
            raise OAuthError("invalid_request", "this browser has no session")
        return session, interaction

    def check_same_browser(self, session: Session | None, interaction: Interaction) -> None:
        """The interaction goes on in the browser that opened it."""
        if session is None or session.id != interaction.session_id:
            raise OAuthError("invalid_request", "this page belongs to another browser")

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """The form is the one of our page, sent from it. Origin is `null` under our own referrer policy."""
        if not hmac.compare_digest((form.get("csrf") or "").encode(), interaction.csrf.encode()):
            raise OAuthError("invalid_request", "the form is not from this page")
        if request.headers.get("Origin", "null") not in {"null", self.origin}:
            raise OAuthError("invalid_request", "the form was sent from another place")

    # Login

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """Asks for user name and password, together or one after the other."""
        html = pages.login(
            interaction,
            self.interaction_url(interaction, "/login"),
            ask=self.asked_at_login(interaction),
            failed=failed,
        )
        return self.page(html, redirect_uri=interaction.request.redirect_uri)

    def asked_at_login(self, interaction: Interaction) -> Sequence[str]:
        """What the next login page asks for."""
        if self.settings.login_pages == 1:
            return ("username", "password")
        return ("password",) if interaction.username else ("username",)

    async def login(self, request: web.Request) -> web.StreamResponse:
        """POST of a login page."""
        session, interaction = self.find_interaction(request)
        form = await self.read_form(request)
        self.check_csrf(request, form, interaction)
        asked = self.asked_at_login(interaction)
        if "username" in asked:
            interaction.username = form.get("username") or ""
        if "password" not in asked:
            return self.see_other(self.interaction_url(interaction))
        user = self.users.get(interaction.username)
        password = form.get("password") or ""
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            interaction.username = ""
            return self.login_page(interaction, failed=True)
        await self.past_login(interaction)
        session = self.renew_session(session, interaction)
        session.user, session.auth_time = user, self.now()
        interaction.logged_in = True
        response = self.see_other(self.interaction_url(interaction))
        self.set_cookie(response, session)
        return response

    # Consent

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Shows the person what is asked for."""
        username = session.user.username if session.user else ""
        html = pages.consent(interaction, self.interaction_url(interaction, "/consent"), username)
        return self.page(html, redirect_uri=interaction.request.redirect_uri)

    async def consent(self, request: web.Request) -> web.StreamResponse:
        """POST of the consent page."""
        session, interaction = self.find_interaction(request)
        form = await self.read_form(request)
        self.check_csrf(request, form, interaction)
        if self.needs_login(session, interaction):
            raise OAuthError("invalid_request", "nobody is logged in")
        await self.past_login(interaction)
        allowed = form.get("decision") == "allow"
        if allowed:
            self.consents.add(self.consent_name(session, interaction))
        return await self.conclude(session, interaction, allowed=allowed)

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """The end of an interaction: a code, or access_denied; either way at most once."""
        await self.finish(interaction)
        await self.use_up("consent", interaction.request.pushed)
        if not allowed:
            await self.use_up_denied(interaction.request.pushed)
            return self.error_redirect(interaction.request, OAuthError("access_denied", "the person refused"))
        try:
            self.check_person(session, interaction.request)
        except OAuthError as error:
            return self.error_redirect(interaction.request, error)
        await self.use_up("code", interaction.request.pushed)
        code = self.issue_code(session, interaction.request)
        return self.authorization_response(interaction.request, code.value)

    def check_person(self, session: Session, asked: AuthorizationRequest) -> None:
        """Who logged in, and how, is what an authentication request asks for (OpenID Connect Core, 3.1.2.2)."""
        if session.user is not None and self.is_openid(asked.parameters):
            self.check_wanted_person(asked.parameters, session.user.subject)
            self.check_wanted_acr(asked.parameters)

    async def finish(self, interaction: Interaction) -> None:
        """One interaction ends once, however many forms arrive at the same time."""
        async with self.lock:
            if interaction.finished:
                raise OAuthError("invalid_request", "this page was answered already")
            interaction.finished = True
        self.interactions.drop(interaction.id)

    # One-time use

    async def past_login(self, interaction: Interaction) -> None:
        """The moment, once in an interaction, when it is known who is there: just logged in, or before."""
        if not interaction.past_login:
            await self.use_up("login", interaction.request.pushed)
            interaction.past_login = True

    async def use_up(self, moment: str, pushed: PushedRequest | None) -> None:
        """Consume the request_uri if this is the moment when it is consumed."""
        if pushed is not None and self.settings.consume_at == moment:
            await self.consume(pushed)

    async def use_up_denied(self, pushed: PushedRequest | None) -> None:
        """A denied request is over as well."""
        if pushed is not None and self.settings.denial_consumes and self.settings.consume_at == "code":
            await self.consume(pushed)

    async def consume(self, pushed: PushedRequest) -> None:
        """Use a request_uri up: of many at the same time, one gets through (RFC 9126, section 7.3)."""
        async with self.lock:
            if pushed.used:
                raise OAuthError("invalid_request_uri", "the request_uri was used already")
            pushed.used = True
