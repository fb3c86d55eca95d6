"""Faults of what the metadata says of PAR (RFC 9126 section 5), and of http where there should be https (section 2)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault

PUSH = "pushed_authorization_request"
MEMBER = "pushed_authorization_request_endpoint"
FLAG = "require_pushed_authorization_requests"


class _Published(AuthorizationServer):
    """Publishes something else."""

    def published(self, members: dict[str, Any]) -> dict[str, Any]:
        """What is published in place of the right members."""
        return members

    def endpoint_metadata(self) -> dict[str, Any]:
        """The other members."""
        return self.published(super().endpoint_metadata())


@fault("rfc9126-2-metadata-published")
class EndpointIsNotPublished(_Published):
    """BUG: the metadata does not name the PAR endpoint (RFC 9126 section 2)."""

    def published(self, members: dict[str, Any]) -> dict[str, Any]:
        """Without it."""
        members.pop(MEMBER)
        return members


@fault("rfc9126-5-endpoint-url")
class EndpointIsAPath(_Published):
    """BUG: the metadata names the PAR endpoint by its path (RFC 9126 section 5)."""

    def published(self, members: dict[str, Any]) -> dict[str, Any]:
        """The path."""
        return members | {MEMBER: urlsplit(members[MEMBER]).path}


@fault("rfc9126-5-require-par-boolean")
class RequirementIsText(_Published):
    """BUG: require_pushed_authorization_requests is the text "false" (RFC 9126 section 5)."""

    def published(self, members: dict[str, Any]) -> dict[str, Any]:
        """A text."""
        return members | {FLAG: str(members[FLAG]).lower()}


@fault("rfc9126-2-methods-advertised")
class MethodsAreNotAllListed(AuthorizationServer):
    """BUG: private_key_jwt is accepted and not listed in the metadata (RFC 9126 section 2)."""

    def authentication_metadata(self) -> dict[str, Any]:
        """Without it."""
        members = super().authentication_metadata()
        listed = members["token_endpoint_auth_methods_supported"]
        return members | {"token_endpoint_auth_methods_supported": [one for one in listed if one != "private_key_jwt"]}


class _FurtherPort(AuthorizationServer):
    """A further port of an endpoint: it speaks plain http, and hands TLS on to the right port."""

    endpoint = PUSH
    scheme = "https"
    outside: socket.socket
    inside: socket.socket

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take two free ports: the further one, and one behind it for what is not TLS."""
        super().__init__(*arguments, **named)
        self.outside = socket.create_server(("127.0.0.1", 0))
        self.inside = socket.create_server(("127.0.0.1", 0))

    def url(self, endpoint: str) -> str:
        """The endpoint at the further port."""
        if endpoint != self.endpoint:
            return super().url(endpoint)
        port = self.outside.getsockname()[1]
        return f"{self.scheme}://127.0.0.1:{port}{self.settings.issuer_path}{self.paths[endpoint]}"

    def application(self) -> web.Application:
        """The application, with the further port while it runs."""
        app = super().application()
        app.cleanup_ctx.append(self._opened)
        return app

    async def _opened(self, _: web.Application) -> AsyncIterator[None]:
        runner = web.AppRunner(super().application(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, self.inside).start()
        server = await asyncio.start_server(self._hand_on, sock=self.outside)
        yield
        server.close()
        await runner.cleanup()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        port = urlsplit(self.origin).port if first == b"\x16" else self.inside.getsockname()[1]
        with contextlib.suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
            other_writer.write(first)
            await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@fault("rfc9126-2-no-plain-http")
class EndpointAlsoSpeaksPlainHttp(_FurtherPort):
    """BUG: the PAR endpoint takes pushes over plain http too, at the same host and path (RFC 9126 section 2)."""


@fault("rfc6749-3.1-authorization-endpoint-tls")
class AuthorizationEndpointAlsoSpeaksPlainHttp(_FurtherPort):
    """BUG: people can log in over plain http too, at the same host and path (RFC 6749 section 3.1)."""

    endpoint = "authorization"

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """The login page, whatever the scheme."""
        if request.scheme == "https":
            return await super().authorize(request)
        fields = '<input type="text" name="username"> <input type="password" name="password"> <button>Log in</button>'
        return self.page(pages.page("Log in", pages.form("/login", "", fields)))


@fault("rfc9126-2-endpoint-https")
class EndpointIsPlainHttp(_FurtherPort):
    """BUG: the metadata names a PAR endpoint under http (RFC 9126 section 2)."""

    scheme = "http"
