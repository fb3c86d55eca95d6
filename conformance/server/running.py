"""Starting and stopping the server: its own thread and event loop, on ports that the system chooses."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme
from aiohttp import web

from conformance.profile.keyring import Keyring
from conformance.profile.model import Profile
from conformance.server.app import AuthorizationServer
from conformance.server.mutual_tls import tls_context
from conformance.server.settings import Settings

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    """A server that runs. `ca_file` is a PEM file of the CA to trust; it is gone when the server stops."""

    issuer: str
    ca_file: Path
    ca_pem: str
    authorization_server: AuthorizationServer

    @property
    def requests(self) -> int:
        """How many requests the server has seen."""
        return self.authorization_server.requests


@cache
def _certificates() -> tuple[trustme.CA, trustme.LeafCert]:
    """One CA and one server certificate a process."""
    authority = trustme.CA()
    return authority, authority.issue_cert(HOST, "localhost")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _certificates()[1].configure_cert(context)
    return context


@cache
def _shared_context() -> ssl.SSLContext:
    """The context of ports that ask for no certificate."""
    return _context()


@contextmanager
def serve(
    profile: Profile,
    keyring: Keyring,
    *,
    server: type[AuthorizationServer] = AuthorizationServer,
    settings: Settings | None = None,
    now: Callable[[], float] = time.time,
) -> Iterator[Running]:
    """Run a server with the profile's clients and the keyring's secrets until the block ends.

    `settings` default to the profile's; `now` gives Unix seconds and can be a clock that tests turn. SettingsError
    if the profile's settings are wrong.
    """
    settings = settings or Settings.from_profile(profile.settings)
    main = socket.create_server((HOST, 0))
    scheme = "https" if settings.tls else "http"
    needs_mtls = settings.tls and settings.mtls and any(one.certificate for one in profile.clients.values())
    mtls = socket.create_server((HOST, 0)) if needs_mtls else None
    authorization_server = server(
        profile,
        keyring,
        settings,
        origin=f"{scheme}://{HOST}:{main.getsockname()[1]}",
        mtls_origin=f"https://{HOST}:{mtls.getsockname()[1]}" if mtls else None,
        now=now,
    )
    pem = _certificates()[0].cert_pem.bytes()
    with tempfile.TemporaryDirectory(prefix="par-conformance-") as folder:
        ca_file = Path(folder, "ca.pem")
        ca_file.write_bytes(pem)
        thread = _Thread(authorization_server, main, mtls)
        thread.start()
        try:
            thread.wait_until_ready()
            yield Running(authorization_server.issuer, ca_file, pem.decode("ascii"), authorization_server)
        finally:
            thread.stop()
            main.close()
            if mtls is not None:
                mtls.close()


class _Thread(threading.Thread):
    """The thread that the server runs in."""

    def __init__(self, server: AuthorizationServer, main: socket.socket, mtls: socket.socket | None) -> None:
        super().__init__(name="reference authorization server", daemon=True)
        self._server = server
        self._main = main
        self._mtls = mtls
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        settings = self._server.settings
        runner = web.AppRunner(
            self._server.application(), access_log=None, auto_decompress=False, shutdown_timeout=0.05
        )
        await runner.setup()
        try:
            context = _shared_context() if settings.tls else None
            await web.SockSite(runner, self._main, ssl_context=context).start()
            if self._mtls is not None:
                asking = tls_context(_context(), self._server.clients.values())
                await web.SockSite(runner, self._mtls, ssl_context=asking).start()
            self._ready.set()
            await self._ended.wait()
        finally:
            await runner.cleanup()

    def wait_until_ready(self) -> None:
        """Return once connections are taken; raise what kept the server from starting."""
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the server and wait for it; raise what it died of."""
        if self._loop is not None and self._ended is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()
        if self._failure is not None:
            raise self._failure
