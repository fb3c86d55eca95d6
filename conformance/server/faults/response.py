"""Faults of the successful response (RFC 9126 section 2.2) and of the references in it (sections 2.2 and 7.1)."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
import time
import uuid
from dataclasses import replace
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, PushedRequest, Session

PREFIX = "urn:ietf:params:oauth:request_uri:"
#: What other documents say of references that can be guessed.
UNGUESSABLE = ("rfc9101-10.2-request-uri-unguessable", "openid-core-6.2.1-request-uri-unguessable")


class _Members(AuthorizationServer):
    """Answers with other members."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """What is answered in place of the right members."""
        return members

    def push_members(self, pushed: PushedRequest) -> dict[str, Any]:
        """The changed members."""
        return self.changed(super().push_members(pushed), pushed)


class _Answer(AuthorizationServer):
    """Answers a successful push otherwise."""

    def spoilt(self, response: web.Response, pushed: PushedRequest) -> web.Response:
        """What is answered in place of the right response."""
        return response

    def push_response(self, request: web.Request, pushed: PushedRequest) -> web.Response:
        """The spoilt answer."""
        return self.spoilt(super().push_response(request, pushed), pushed)


@fault("rfc9126-2.2-status-201")
class PublicClientsGet200(_Answer):
    """BUG: the status is 200 where no credentials were sent (RFC 9126 section 2.2)."""

    def spoilt(self, response: web.Response, pushed: PushedRequest) -> web.Response:
        """200 for public clients."""
        if not self.clients[pushed.client_id].confidential:
            response.set_status(200)
        return response


@fault("rfc9126-2.2-media-type-json")
class SuccessIsTextHtml(_Answer):
    """BUG: the answer is JSON with the media type text/html (RFC 9126 section 2.2)."""

    def spoilt(self, response: web.Response, pushed: PushedRequest) -> web.Response:
        """The framework's default."""
        response.content_type = "text/html"
        return response


@fault("rfc9126-2.2-media-type-json")
class SuccessHasAVendorsType(_Answer):
    """BUG: the media type is application/vnd.example+json (RFC 9126 section 2.2)."""

    def spoilt(self, response: web.Response, pushed: PushedRequest) -> web.Response:
        """A vendor's type."""
        response.content_type = "application/vnd.example.par+json"
        return response


@fault("rfc9126-2.2-not-cacheable")
class SuccessMayBeCached(_Answer):
    """BUG: the answer says no-cache where it should say no-store (RFC 9126 section 2.2)."""

    def spoilt(self, response: web.Response, pushed: PushedRequest) -> web.Response:
        """A weaker directive."""
        response.headers["Cache-Control"] = "no-cache"
        return response


@fault("rfc9126-2.2-top-level-members", "rfc9126-2.2-request-uri-issued", "rfc9126-2.2-expires-in-present", alone=True)
class MembersAreNested(_Members):
    """BUG: the members stand in an envelope (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """One level down."""
        return {"data": members, "status": "ok"}


@fault("rfc9126-2.2-request-uri-issued")
class ReferenceHasAnotherName(_Members):
    """BUG: public clients get requestUri in place of request_uri (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """Another name."""
        if not self.clients[pushed.client_id].confidential:
            members["requestUri"] = members.pop("request_uri")
        return members


@fault("rfc9126-2.2-request-uri-absolute", "rfc9101-5.2-issued-request-uri-is-urn")
class ReferenceIsNoUri(AuthorizationServer):
    """BUG: request_uri is a bare reference without a scheme (RFC 9126 section 2.2)."""

    def new_request_uri(self, client: RegisteredClient) -> str:
        """The reference alone."""
        return self.new_reference()


@fault("rfc9126-2.2-request-uri-absolute")
class ReferenceHasForbiddenSigns(AuthorizationServer):
    """BUG: request_uri holds signs that a URI may not have: braces and blanks (RFC 3986)."""

    def new_request_uri(self, client: RegisteredClient) -> str:
        """A template that nobody filled in."""
        return f"urn:example:{{{client.client_id}}} {self.new_reference()}"


@fault(
    "rfc9126-2.2-request-uri-absolute",
    "rfc9101-5.2-request-uri-at-most-512-characters",
    "openid-core-6.2-request-uri-at-most-512-characters",
)
class ReferenceIsNotAscii(AuthorizationServer):
    """BUG: request_uri has the name of a tenant in it, as people write it (RFC 9126 section 2.2)."""

    def new_request_uri(self, client: RegisteredClient) -> str:
        """An IRI, which is no URI."""
        return f"urn:example:müller:{self.new_reference()}"


@fault("rfc9126-2.2-request-uri-opaque")
class ReferenceIsTheRequestInBase64(AuthorizationServer):
    """BUG: the reference is the request itself, encoded, with random signs behind it (RFC 9126 section 2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Under a name that tells everything."""
        pushed = await super().store(client, parameters)
        told = base64.urlsafe_b64encode(json.dumps(parameters, default=str).encode()).decode().rstrip("=")
        self.pushed.drop(pushed.request_uri)
        pushed.request_uri = f"{PREFIX}{told}.{secrets.token_urlsafe(32)}"
        self.pushed.put(pushed.request_uri, pushed)
        return pushed


@fault("rfc9126-2.2-request-uri-opaque")
class ReferenceIsTheRequestInHex(AuthorizationServer):
    """BUG: the reference tells the state, in hexadecimal digits (RFC 9126 section 2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Under a name that tells the state."""
        pushed = await super().store(client, parameters)
        self.pushed.drop(pushed.request_uri)
        pushed.request_uri += "-" + str(parameters.get("state", "")).encode().hex()
        self.pushed.put(pushed.request_uri, pushed)
        return pushed


# expires_in


@fault("rfc9126-2.2-expires-in-present", alone=True)
class ExpiresInIsMissing(_Members):
    """BUG: the answer has no expires_in (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """Without it."""
        members.pop("expires_in")
        return members


@fault("rfc9126-2.2-expires-in-integer")
class ExpiresInHasAFraction(_Members):
    """BUG: expires_in is a number with a fraction (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """What is left, to the millisecond."""
        return {**members, "expires_in": members["expires_in"] - 0.125}


@fault("rfc9126-2.2-expires-in-integer")
class ExpiresInIsADate(_Members):
    """BUG: expires_in is a date in place of seconds (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """A point in time."""
        return {**members, "expires_in": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(pushed.expires_at))}


@fault("rfc9126-2.2-expires-in-positive", "rfc9126-2.2-expires-in-range", alone=True)
class ExpiresInIsZero(_Members):
    """BUG: expires_in is 0, which the author took for no limit (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """Nought."""
        return {**members, "expires_in": 0}


@fault("rfc9126-2.2-expires-in-range", "rfc9101-10.2-request-uri-short-lived")
class ExpiresInIsInMilliseconds(_Members):
    """BUG: expires_in is told in milliseconds (RFC 9126 section 2.2)."""

    def changed(self, members: dict[str, Any], pushed: PushedRequest) -> dict[str, Any]:
        """A thousand times too much."""
        return {**members, "expires_in": members["expires_in"] * 1000}


# Randomness


@fault("rfc9126-2.2-request-uri-unique", alone=True)
class EverySixteenthIsTheOneBefore(AuthorizationServer):
    """BUG: the generator's buffer is refilled too late: each sixteenth reference is the one before (section 2.2)."""

    count = 0
    last = ""

    def new_reference(self) -> str:
        """Now and then the same again."""
        self.count += 1
        if self.count % 16 or not self.last:
            self.last = super().new_reference()
        return self.last


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class ReferenceIsTheRequestHashed(AuthorizationServer):
    """BUG: a reference is the hash of what was pushed (RFC 9126 section 2.2)."""

    asked = ""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Hash it: nothing is awaited before the reference is made."""
        self.asked = json.dumps([client.client_id, parameters], sort_keys=True, default=str)
        return await super().store(client, parameters)

    def new_reference(self) -> str:
        """The hash."""
        return hashlib.sha256(self.asked.encode()).hexdigest()


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class ReferencesAreASequence(AuthorizationServer):
    """BUG: references are the numbers of a database sequence, a long prefix before them (section 2.2)."""

    count = 10_000_000

    def new_reference(self) -> str:
        """The next number."""
        self.count += 1
        return f"par-{'0' * 32}-{self.count}"


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class ReferencesAreTimeUuids(AuthorizationServer):
    """BUG: references are UUIDs of version 1: time and network address (RFC 9126 section 7.1)."""

    def new_reference(self) -> str:
        """The time."""
        return str(uuid.uuid1())


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class ReferencesAreTheTimeHashed(AuthorizationServer):
    """BUG: references are the hash of the second in which they are made, and of a few random bits (section 7.1)."""

    def new_reference(self) -> str:
        """The time."""
        return hashlib.sha256(f"{int(self.now())}".encode()).hexdigest() + secrets.token_hex(5)


@fault(
    "rfc9126-7.1-request-uri-entropy",
    *UNGUESSABLE,
    "rfc6749-10.10-request-uri-128-bits",
    "rfc6749-10.10-request-uri-160-bits",
)
class SixtyFourBitsBehindAPrefix(AuthorizationServer):
    """BUG: 64 random bits stand behind a prefix that looks random and is not (RFC 9126 section 7.1)."""

    def new_reference(self) -> str:
        """Little that varies."""
        return "q3ZxT0mVb81nKcPqRjWy7sLhDfUoAeG2" + secrets.token_hex(8)


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class FortyBits(AuthorizationServer):
    """BUG: a reference has eight random letters (RFC 9126 section 7.1)."""

    def new_reference(self) -> str:
        """Forty bits, in the base64 of much that is always the same."""
        return base64.b32encode(b"pushed-authorization-request:" + secrets.token_bytes(5)).decode().rstrip("=")


@fault("rfc9126-7.1-request-uri-entropy", *UNGUESSABLE)
class NinetyBits(AuthorizationServer):
    """BUG: fifteen random signs, 90 bits (RFC 9126 section 7.1, RFC 6749 section 10.10)."""

    def new_reference(self) -> str:
        """A short text."""
        return "".join(
            secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") for _ in range(15)
        )


@fault("rfc9126-2.2-request-uri-unique")
class SeededWithTheSecond(AuthorizationServer):
    """BUG: a reference comes from a generator that is seeded anew with a small number each time (section 7.1)."""

    def new_reference(self) -> str:
        """Looks like 256 bits, holds seven."""
        generator = random.Random(secrets.randbelow(1 << 7))  # noqa: S311 - that is the fault
        return generator.randbytes(32).hex()


# What it stands for


@fault("rfc9126-2.2-request-uri-stands-for-request")
class SessionKeepsTheNewest(AuthorizationServer):
    """BUG: a browser that has finished a newer request gets that one again for an older request_uri (section 2.2)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Those of the newest."""
        session = self.session_of(request)
        newest: AuthorizationRequest | None = vars(session).get("newest") if session else None
        if newest is not None and newest.client == asked.client and newest.parameters.keys() == asked.parameters.keys():
            order = list(self.pushed)
            if asked.pushed in order and newest.pushed in order[order.index(asked.pushed) :]:
                asked = replace(asked, parameters=newest.parameters)
        return await super().begin(request, asked)

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Remember it."""
        vars(session)["newest"] = interaction.request
        return await super().conclude(session, interaction, allowed=allowed)
