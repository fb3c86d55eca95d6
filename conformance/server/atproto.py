"""The OAuth profile of the AT protocol, where the setting `atproto` asks for it (https://atproto.com/specs/oauth)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from conformance.server import jose
from conformance.server.clients import RegisteredClient, User
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.forms import Form
from conformance.server.metadata import Metadata
from conformance.server.records import Grant, Interaction, Parameters, PushedRequest, Seen, Session

#: The scope that says that the profile is in force.
SCOPE = "atproto"
#: How long a state is remembered (seconds).
STATE_MEMORY = 86_400
#: Where the name of the client key that a session is bound to is kept with its request.
KEY = " client key"


class Atproto(Metadata):
    """Rules of the profile that no other document has; each holds only where the setting is on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Name people by DIDs."""
        super().__init__(*arguments, **options)
        if self.settings.atproto:
            self.users = {name: self.named_by_did(user) for name, user in self.users.items()}

    def named_by_did(self, user: User) -> User:
        """A person whose subject is a DID."""
        return replace(user, subject=f"did:web:{user.username}.example")

    def extension_metadata(self) -> dict[str, Any]:
        """Clients are known by their documents."""
        members = super().extension_metadata()
        return {**members, "client_id_metadata_document_supported": True} if self.settings.atproto else members

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Every answer to a proof carries a nonce."""
        if self.settings.atproto and "DPoP-Nonce" not in response.headers:
            response.headers.update(self.nonce_headers(request))

    # Clients

    def find_client(self, client_id: str) -> RegisteredClient:
        """The registered client, or the one that developers use on their own machine."""
        return self.localhost_client(client_id) or super().find_client(client_id)

    def localhost_client(self, client_id: str) -> RegisteredClient | None:
        """The client http://localhost, whose query says its redirect URIs and scope; None for any other."""
        parts = urlsplit(client_id) if self.settings.atproto else urlsplit("")
        if (parts.scheme, parts.netloc, parts.path) not in {("http", "localhost", ""), ("http", "localhost", "/")}:
            return None
        query = parse_qs(parts.query)
        client = RegisteredClient(
            role="localhost",
            client_id=client_id,
            auth="none",
            redirect_uris=tuple(query.get("redirect_uri", ("http://127.0.0.1/", "http://[::1]/"))),
            scopes=frozenset(query.get("scope", [SCOPE])[0].split()),
            dpop_bound=True,
        )
        return self.clients.setdefault(client_id, client)

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """iat is there."""
        super().verify_assertion_times(claims)
        if self.settings.atproto and claims.get("iat") is None:
            raise invalid_client()

    # A session is bound to the key that the client signed its push with

    def key_used(self, client: RegisteredClient, form: Form) -> str | None:
        """The name of the key that the client assertion of a request is signed with; None without one."""
        assertion = form.get("client_assertion")
        if not self.settings.atproto or assertion is None:
            return None
        jws = jose.parse_jws(assertion)
        return next((key.kid for key in self.keys_of(client, jws) if jose.verify(jws, key.key, jws.alg)), None)

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """The parameters, and the key."""
        parameters = super().pushed_parameters(client, form)
        key = self.key_used(client, form)
        return {**parameters, KEY: key} if key else parameters

    def check_client_key(self, client: RegisteredClient, form: Form, grant: Grant) -> None:
        """The session goes on with the key that it began with."""
        if self.key_used(client, form) != grant.parameters.get(KEY):
            raise OAuthError("invalid_grant", "the session is bound to another client key")

    async def grant_code(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Tokens for a code, for the client key that pushed."""
        if self.settings.atproto:
            self.check_client_key(client, form, self.find_code(form.get("code") or "").grant)
        return await super().grant_code(request, client, form, jkt)

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """A new access token, for the client key that pushed."""
        if self.settings.atproto:
            self.check_client_key(client, form, self.find_refresh_token(client, form.get("refresh_token") or "").grant)
        return await super().grant_refresh(request, client, form, jkt)

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """The answer says whose account it is."""
        members = super().issue_tokens(grant, *rest, first=first)
        return {**members, "sub": grant.user.subject} if self.settings.atproto else members

    # Requests

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Keep a push that has a state of its own."""
        if self.settings.atproto:
            self.check_state(client, parameters)
        return await super().store(client, parameters)

    def check_state(self, client: RegisteredClient, parameters: Parameters) -> None:
        """There is a state, and it was not there before."""
        state = parameters.get("state")
        if not state:
            raise OAuthError("invalid_request", "state is missing")
        name = f"state {client.client_id} {state}"
        if self.seen.get(name) is not None:
            raise OAuthError("invalid_request", "the state was used before")
        self.seen.put(name, Seen(self.now() + STATE_MEMORY))

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """The scope says that the profile is in force."""
        super().check_scope(client, parameters)
        if self.settings.atproto and SCOPE not in str(parameters.get("scope", "")).split(" "):
            raise OAuthError("invalid_scope", f"the scope {SCOPE} is missing")

    # Accounts

    def is_meant(self, session: Session, interaction: Interaction) -> bool:
        """Whether this is the account that login_hint names, if it names one."""
        hint = interaction.request.text("login_hint") if self.settings.atproto else None
        return hint is None or session.user is None or session.user.username == hint

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Another account than the meant one has to log in anew."""
        other = not self.is_meant(session, interaction) and not interaction.logged_in
        return other or super().needs_login(session, interaction)

    async def next_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The next page, or the end for an account that is not meant."""
        if interaction.logged_in and not self.is_meant(session, interaction):
            raise OAuthError("access_denied", "another account was asked for", about=interaction.request)
        return await super().next_page(session, interaction)
