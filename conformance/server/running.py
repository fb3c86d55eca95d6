"""Starting and stopping the server: a thread or process and event loop of its own, on ports that the system chooses."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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

Sockets = tuple[socket.socket, socket.socket | None]

#: Tells of broken HTTP and of crashes; silent unless somebody listens, for broken HTTP is what the server is sent.
LOGGER = logging.getLogger("conformance.server")
LOGGER.addHandler(logging.NullHandler())


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


def _context(oldest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = oldest
    if oldest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    _certificates()[1].configure_cert(context)
    return context


@cache
def _shared_context(oldest: ssl.TLSVersion) -> ssl.SSLContext:
    """The context of ports that ask for no certificate."""
    return _context(oldest)


@contextmanager
def serve(
    profile: Profile,
    keyring: Keyring,
    *,
    server: type[AuthorizationServer] = AuthorizationServer,
    settings: Settings | None = None,
    port: int = 0,
    now: Callable[[], float] = time.time,
    apart: bool = False,
) -> Iterator[Running]:
    """Run a server with the profile's clients and the keyring's secrets until the block ends.

    `settings` default to the profile's; `port` 0 lets the system choose; `now` gives Unix seconds and can be a clock
    that tests turn. With `apart` it gets a process of its own where the system can fork: it is twice as fast then, and
    its state cannot be looked at. SettingsError if the profile's settings are wrong, OSError if the port is taken.
    """
    settings = settings or Settings.from_profile(profile.settings)
    authority = _certificates()[0].cert_pem.bytes()
    with ExitStack() as stack:
        main, mtls = sockets = _sockets(profile, settings, port, stack)
        authorization_server = server(
            profile,
            keyring,
            settings,
            origin=f"{'https' if settings.tls else 'http'}://{_authority(main)}",
            mtls_origin=f"https://{_authority(mtls)}" if mtls else None,
            now=now,
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="par-conformance-"))
        ca_file = Path(folder, "ca.pem")
        ca_file.write_bytes(authority)
        home = (_Process if apart and _can_fork() else _Thread)(authorization_server, sockets)
        home.start()
        stack.callback(home.stop)
        home.wait_until_ready()
        yield Running(authorization_server.issuer, ca_file, authority.decode("ascii"), authorization_server)


def _can_fork() -> bool:
    """A process with other threads is not safe to fork, nor is any on macOS."""
    return sys.platform == "linux" and threading.active_count() == 1


def _sockets(profile: Profile, settings: Settings, port: int, stack: ExitStack) -> Sockets:
    """The listening sockets: the server's own, and one for client certificates where they can come."""
    asks = settings.tls and settings.mtls and any(client.certificate for client in profile.clients.values())
    main = stack.enter_context(socket.create_server((HOST, port)))
    return main, stack.enter_context(socket.create_server((HOST, 0))) if asks else None


def _authority(listening: socket.socket) -> str:
    """Host and port of a socket."""
    return f"{HOST}:{listening.getsockname()[1]}"


async def _serve(
    server: AuthorizationServer,
    sockets: Sockets,
    ready: Callable[[], None],
    until: Callable[[asyncio.Event], None],
) -> None:
    """Serve until the event is set that `until` is handed; tell `ready` once connections are taken."""
    ended = asyncio.Event()
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        logger=LOGGER,
        auto_decompress=False,
        shutdown_timeout=0.05,
        max_line_size=65_536,
    )
    await runner.setup()
    main, mtls = sockets
    listening: list[asyncio.Server] = []
    try:
        oldest = server.oldest_tls()
        context = _shared_context(oldest) if server.settings.tls else None
        assert runner.server is not None
        loop, connection = asyncio.get_running_loop(), server.connection(runner.server)
        listening.append(await loop.create_server(connection, sock=main, ssl=context))
        if mtls is not None:
            asking = tls_context(_context(oldest), server.trust_anchors())
            listening.append(await loop.create_server(connection, sock=mtls, ssl=asking))
        until(ended)
        ready()
        await ended.wait()
    finally:
        for server_of_socket in listening:
            server_of_socket.close()
        await _close(runner)


async def _close(runner: web.AppRunner) -> None:
    """Cut every connection: a TLS connection would otherwise wait for its other end."""
    for connection in runner.server.connections if runner.server else ():
        if connection.transport is not None:
            connection.transport.abort()
    await runner.cleanup()


class _Thread(threading.Thread):
    """The thread that the server runs in."""

    def __init__(self, server: AuthorizationServer, sockets: Sockets) -> None:
        super().__init__(name="reference authorization server", daemon=True)
        self._server = server
        self._sockets = sockets
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(_serve(self._server, self._sockets, self._ready.set, self._until))
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    def _until(self, ended: asyncio.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), ended

    def wait_until_ready(self) -> None:
        """Return once connections are taken; raise what kept the server from starting."""
        self._ready.wait()
        self._tell()

    def stop(self) -> None:
        """End the server and wait for it; raise what it died of, if nobody has heard of that."""
        if self._loop is not None and self._ended is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()
        self._tell()

    def _tell(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


class _Process:
    """A process that the server runs in, so that what it costs does not slow the checks down."""

    def __init__(self, server: AuthorizationServer, sockets: Sockets) -> None:
        self._server = server
        self._sockets = sockets
        self._here, self._there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the process."""
        self._process.start()
        self._there.close()

    def _run(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it, after the report is written
        self._here.close()
        try:
            asyncio.run(_serve(self._server, self._sockets, lambda: self._there.send(""), self._until))
        except Exception as failure:  # told to whoever waits for it
            self._there.send(f"{type(failure).__name__}: {failure}")

    def _until(self, ended: asyncio.Event) -> None:
        """The other end of the pipe is closed, by intent or because its process is gone."""
        asyncio.get_running_loop().add_reader(self._there.fileno(), ended.set)

    def wait_until_ready(self) -> None:
        """Return once connections are taken. RuntimeError for what kept the server from starting."""
        told = self._here.recv()
        if told:
            raise RuntimeError(told)

    def stop(self) -> None:
        """End the server and wait for it."""
        self._here.close()
        self._process.join()
