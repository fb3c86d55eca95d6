"""Right request_uris: forms, lifetimes, moments of consumption."""

from __future__ import annotations

import base64
import secrets
import uuid
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest
from conformance.server.variants import clients, limits, right, variant, without

#: RFC 6749 section 10.10 asks for 128 bits and recommends 160: a random UUID has 122, which nobody guesses either.
SHORT = ("rfc6749-10.10-request-uri-128-bits", "rfc6749-10.10-request-uri-160-bits")
RELOAD = "rfc9126-4-reload-tolerated"

variant("random-uuids", "request_uris are urn:uuid with 122 random bits", settings={"request_uri_form": "uuid"},
        notes=SHORT)  # fmt: skip
variant("urn-of-the-vendor", "request_uris are a URN of the vendor's own (RFC 9126 section 2.2)",
        settings={"request_uri_form": "vendor"})  # fmt: skip
variant(
    "https-references",
    "request_uris are https URLs (RFC 9101 section 5.2)",
    settings={"request_uri_form": "https"},
    notes=("rfc9101-5.2-issued-request-uri-is-urn",),
)
variant("lives-five-seconds", "the shortest lifetime that the document names", settings={"lifetime": 5})
variant("lives-ten-minutes", "the longest lifetime that the document names", settings={"lifetime": 600})
variant("lives-a-day", "a lifetime beyond the usual range, which is the server's to choose",
        limits(longest_wait=100_000), clients(request_objects=None), without("signed_only"),
        settings={"lifetime": 86_400, "jar": False, "jar_by_value": False},
        notes=("rfc9126-2.2-expires-in-range",))  # fmt: skip
variant("announces-a-second-less", "expires_in is 299 for 300 seconds, as whole seconds are rounded down",
        limits(expires_in=300), settings={"lifetime": 300, "expires_in_offset": 1})  # fmt: skip
variant("used-up-at-the-visit", "a request_uri is used up when it is opened: a reload MAY be tolerated",
        settings={"consume_at": "visit"}, notes=(RELOAD,))  # fmt: skip
variant("used-up-at-login", "a request_uri is used up when the person has logged in", settings={"consume_at": "login"})
variant("used-up-at-consent", "a request_uri is used up when the person has answered",
        settings={"consume_at": "consent"})  # fmt: skip
variant("denial-leaves-it-alive", "a person who refused may think better of it while the request_uri lives",
        settings={"denial_consumes": False}, notes=("rfc9126-4-denied-request-used-up",))  # fmt: skip


@right()
class TwoHundredSigns(AuthorizationServer):
    """RIGHT: a request_uri has two hundred signs."""

    def new_reference(self) -> str:
        """Many random bytes."""
        return secrets.token_urlsafe(150)


@right()
class SealedReferences(AuthorizationServer):
    """RIGHT: a request_uri has the form of a sealed token: parts between dots, the first of them constant."""

    def new_reference(self) -> str:
        """Five parts, as in a JWE."""
        head = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"
        return ".".join((head, "", secrets.token_urlsafe(12), secrets.token_urlsafe(180), secrets.token_urlsafe(16)))


@right()
class TimeAndRandomness(AuthorizationServer):
    """RIGHT: a request_uri begins with the time, which may be known: 160 random bits come after it."""

    def new_reference(self) -> str:
        """Milliseconds and random bytes."""
        return f"{int(self.now() * 1000):012x}-{secrets.token_hex(20)}"


@right(notes=SHORT)
class UuidInTheRegisteredForm(AuthorizationServer):
    """RIGHT: the registered URN with a random UUID in capitals at its end."""

    def new_reference(self) -> str:
        """A UUID."""
        return str(uuid.uuid4()).upper()


class _ReadsLeniently(AuthorizationServer):
    """Looks a request_uri up by what it means, not by its letters."""

    def meaning(self, request_uri: str) -> bytes:
        """What a lenient reader makes of it."""
        raise NotImplementedError

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """By its meaning."""
        meant = self.meaning(request_uri)
        return next((pushed for pushed in self.pushed if self.meaning(pushed.request_uri) == meant), None)


@right()
class SealedInBase64WithUnusedBits(_ReadsLeniently):
    """RIGHT: a request_uri is sealed bytes in base64url; its reader passes over the unused bits of the last sign."""

    def new_reference(self) -> str:
        """31 bytes are 42 signs, and the last one holds four unused bits; all of them are 0."""
        return secrets.token_urlsafe(31)[:-1] + "A"

    def meaning(self, request_uri: str) -> bytes:
        """The bytes: a sign that says nothing by itself does not count."""
        signs = request_uri.rpartition(":")[2].replace("-", "+").replace("_", "/")
        kept = signs[: len(signs) - (len(signs) % 4 == 1)]
        try:
            return base64.b64decode(kept + "=" * (-len(kept) % 4))
        except ValueError:
            return request_uri.encode()


@right()
class SealedInBase64Evenly(SealedInBase64WithUnusedBits):
    """RIGHT: the signs of a sealed request_uri are whole groups of four, and its reader stops at a sign too many."""

    def new_reference(self) -> str:
        """33 bytes are 44 signs."""
        return secrets.token_urlsafe(33)


@right(settings={"request_uri_form": "uuid"}, notes=SHORT)
class UuidsAreFoundAsUuids(_ReadsLeniently):
    """RIGHT: a database keeps UUIDs as such: upper and lower case are the same one (RFC 9562 section 4)."""

    def new_reference(self) -> str:
        """One that ends with a letter."""
        return str(uuid.uuid4())[:-1] + "a"

    def meaning(self, request_uri: str) -> bytes:
        """In lower case."""
        return request_uri.lower().encode()


@right()
class FoundUsedAtTheEnd(AuthorizationServer):
    """RIGHT: that a request_uri was used or has expired is seen when the code would be issued, after the login."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Let the person log in first: `consume` refuses."""


@right()
class BoundToTheFirstBrowser(AuthorizationServer):
    """RIGHT: the browser that opened a request_uri first is the only one that may go on with it."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Remember the browser."""
        response = await super().begin(request, asked)
        if asked.pushed is not None:
            owners: dict[str, str] = self.__dict__.setdefault("owners", {})
            session = self.session_of(request)
            newest = max(
                (one for one in self.interactions if one.request is asked),
                key=lambda one: one.expires_at,
            )
            mine = {newest.session_id, session.id if session else ""}
            if owners.setdefault(asked.pushed.request_uri, newest.session_id) not in mine:
                raise OAuthError("invalid_request", "this request was opened elsewhere")
        return response


@right(notes=("rfc9126-2.2-foreign-attempt-spoils-nothing",))
class ForeignAttemptEndsIt(AuthorizationServer):
    """RIGHT: who finds a request_uri in foreign hands may end it; that the owner keeps it is said nowhere."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Forget it."""
        if pushed.client_id != client.client_id:
            pushed.used = True
        super().check_bound_to_client(pushed, client)


@right()
class ObjectShortensTheLife(AuthorizationServer):
    """RIGHT: a request_uri does not outlive the request object that was pushed."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Keep exp for later."""
        return {**super().object_parameters(claims), "object_expires": claims.get("exp")}

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """The smaller of the two."""
        expires = parameters.pop("object_expires", None)
        usual = super().lifetime_of(client, parameters)
        return usual if expires is None else min(usual, float(expires) - self.now())


@right()
class ChecksAgainAtTheEnd(AuthorizationServer):
    """RIGHT: the lifetime limits the time until the page is opened, and everything is checked when it ends again."""

    async def finish(self, interaction: Any) -> None:
        """Once more through all rules but the lifetime."""
        asked = interaction.request
        self.check_authorization_request(
            asked.client, asked.parameters, asked.pushed, authenticated=asked.pushed is not None
        )
        await super().finish(interaction)


@right(notes=("rfc9101-7-unsupported-request-uri-refused",))
class ReferenceAloneIsNoWholeRequest(AuthorizationServer):
    """RIGHT: a foreign request_uri without the parameters that OpenID Connect wants beside it is told to lack them."""

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Miss response_type before the reference is looked at (OpenID Connect Core section 6.2)."""
        if query.get("response_type") is None and len(client.redirect_uris) == 1:
            error = OAuthError("unsupported_response_type", "response_type is missing")
            error.about = AuthorizationRequest(client, {}, client.redirect_uris[0])
            raise error
        return await super().referenced_request(client, query, request_uri)
