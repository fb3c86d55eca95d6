"""Right pages between the authorization request and its answer: more of them, and more on them."""

from __future__ import annotations

from html import escape

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer, Handler
from conformance.server.errors import OAuthError
from conformance.server.records import Interaction, Session
from conformance.server.variants import right

_HEADER = """<body>
<form method="post" action="/leave"><button name="leave" value="1">Sign out</button></form>
<form method="post" action="/language"><button name="language" value="fr">Français</button></form>
<form action="/search"><input type="search" name="q"><button>Search</button></form>
<p><a href="/back">Back</a></p>"""


@right()
class PagesHaveAHeader(AuthorizationServer):
    """RIGHT: above what a page is for stand the forms that stand on every page: language, search, logout."""

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """A header on it. Nothing is served where its forms lead: who fills them in has gone astray."""
        return super().page(html.replace("<body>", _HEADER), status=status, redirect_uri=redirect_uri)


@right()
class TermsComeBeforeConsent(AuthorizationServer):
    """RIGHT: after each login a person agrees to terms, and cannot refuse before the consent page."""

    agreed: frozenset[str] = frozenset()

    def routes(self) -> list[tuple[str, str, Handler]]:
        """And the place where the terms are agreed to."""
        path = f"{self.settings.issuer_path}{self.paths['interaction']}/{{interaction}}/terms"
        return [*super().routes(), ("consent", path, self.agree)]

    async def next_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The terms, once an interaction, as soon as it is known who is there."""
        if self.needs_login(session, interaction) or interaction.id in self.agreed:
            return await super().next_page(session, interaction)
        box = '<p><label><input type="checkbox" name="read" required> I have read them</label></p>'
        terms = pages.form(
            self.interaction_url(interaction, "/terms"), interaction.csrf, box + "<button>Go on</button>"
        )
        return self.page(pages.page("Terms of use", terms), redirect_uri=interaction.request.redirect_uri)

    async def agree(self, request: web.Request) -> web.StreamResponse:
        """POST of the terms."""
        _, interaction = self.find_interaction(request)
        form = await self.read_form(request)
        self.check_csrf(request, form, interaction)
        if form.get("read") is None:
            raise OAuthError("invalid_request", "the box is not ticked")
        self.agreed |= {interaction.id}
        return self.see_other(self.interaction_url(interaction))


@right()
class AnswersByAFormThatGets(AuthorizationServer):
    """RIGHT: a last page has a form that leads back to the client, by GET: the answer comes in the query."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """A page with a button, where there is no query that the form would take the place of."""
        if mode not in {"query", ""} or "?" in redirect_uri:
            return super().deliver(redirect_uri, mode, parameters)
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in parameters.items()
        )
        form = f'<form method="get" action="{escape(redirect_uri)}">{fields}<button>Return</button></form>'
        return self.page(pages.page("Done", form), redirect_uri=redirect_uri)
