"""Starting and stopping a bridge: its own thread and event loop, on loopback."""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from aiohttp import web

from conformance.bridge.authlete import Bridge

HOST = "127.0.0.1"
LOGGER = logging.getLogger("conformance.bridge")
LOGGER.addHandler(logging.NullHandler())


@contextmanager
def serving(bridge: Bridge, port: int, *, tls: bool = False, client_ca: Path | None = None) -> Iterator[Path | None]:
    """Run a bridge until the block ends; the CA's file comes back where it serves https.

    `client_ca` is a PEM file of authorities: with it clients are asked for certificates. OSError if the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="par-conformance-") as folder:
        authority = trustme.CA()
        ca_file = Path(folder, "ca.pem")
        ca_file.write_bytes(authority.cert_pem.bytes())
        running = _Thread(bridge, port, _context(authority, client_ca) if tls else None)
        running.start()
        try:
            running.wait()
            yield ca_file if tls else None
        finally:
            running.stop()


def _context(authority: trustme.CA, client_ca: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    if client_ca is not None:
        context.load_verify_locations(cafile=str(client_ca))
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class _Thread(threading.Thread):
    """The thread that a bridge runs in."""

    def __init__(self, bridge: Bridge, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(name="bridge", daemon=True)
        self._bridge, self._port, self._context = bridge, port, context
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
        runner = web.AppRunner(
            self._bridge.application(), access_log=None, logger=LOGGER, shutdown_timeout=0.05, max_line_size=65_536
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port, ssl_context=self._context).start()
            self._ready.set()
            await self._ended.wait()
        finally:
            for connection in runner.server.connections if runner.server else ():
                if connection.transport is not None:  # a TLS connection would wait for its other end
                    connection.transport.abort()
            await runner.cleanup()

    def wait(self) -> None:
        """Return once connections are taken; raise what kept the bridge from starting."""
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the bridge and wait for it."""
        if self._loop is not None and self._ended is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()
