"""One browser a run: found and started when the first check asks for it, closed when the run ends."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

from playwright.async_api import Browser as Process
from playwright.async_api import BrowserContext, BrowserType, Error, Playwright, Route, async_playwright

from conformance.browser.find import Found, NoBrowserError, find, how_to_install
from conformance.http.message import split
from conformance.http.pacing import Pace
from conformance.http.redaction import Redactor
from conformance.profile.model import Profile

#: Windows at the same time: with more, two cores are full and each one waits for the others.
MOST_WINDOWS = 4
#: Size of a window (CSS pixels): ordinary pages fit, and pictures of them stay small.
VIEWPORT = {"width": 900, "height": 640}
#: How long the browser may take to start (seconds).
START_SECONDS = 30
#: Chromium calls no host of its own accord.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)


class Leg:
    """The browser of one run, on the engine's event loop."""

    def __init__(self, profile: Profile, redactor: Redactor, pace: Pace, issuer: str | None) -> None:
        self.profile = profile
        self.redactor = redactor
        self._pace = pace
        self.problem: str | None = None
        """Why there is no browser, once that is known: one line."""
        self._issuer = issuer
        self._playwright: Playwright | None = None
        self._process: Process | None = None
        self._lock = asyncio.Lock()

    @property
    def version(self) -> str | None:
        """Name and version of the browser that was started."""
        return f"{self._process.browser_type.name} {self._process.version}" if self._process else None

    @property
    def ended(self) -> bool:
        """Whether the browser that was started is gone: by itself, or because somebody ended it."""
        return self._process is not None and not self._process.is_connected()

    async def process(self) -> Process:
        """The running browser, a new one if it has ended. NoBrowserError where there is none: found out once."""
        async with self._lock:
            if self.problem is not None:
                raise NoBrowserError(self.problem)
            if self._process is None or self.ended:
                try:
                    self._process = await self._start()
                except NoBrowserError as problem:
                    self.problem = str(problem)
                    raise
            return self._process

    async def _start(self) -> Process:
        if self._playwright is None:
            try:
                self._playwright = await async_playwright().start()
            except Exception as failure:  # the library has no type for it
                raise NoBrowserError(f"what drives the browser does not start: {failure}") from failure
        use = self.profile.browser
        kind: BrowserType = getattr(self._playwright, use.engine)
        found = find(use, bundled=kind.executable_path)
        options: dict[str, Any] = {
            "executable_path": found.executable,
            "channel": found.channel,
            "headless": use.headless,
            "timeout": START_SECONDS * 1000,
            "handle_sigint": False,  # Ctrl-C in a terminal reaches all: the run ends first, and then its browser
        }
        if use.engine != "chromium":
            return await self._launched(kind, found, options)
        options["args"] = [*QUIET, f"--host-resolver-rules={self._hosts()}"]
        if os.geteuid() != 0:  # Chromium's sandbox refuses root, and containers often refuse the sandbox
            try:
                return await kind.launch(**options, chromium_sandbox=True)
            except Error:
                return await self._launched(kind, found, options)
        return await self._launched(kind, found, options)

    async def _launched(self, kind: BrowserType, found: Found, options: dict[str, Any]) -> Process:
        try:
            return await kind.launch(**options)
        except Error as error:
            told = next((line.strip() for line in error.message.splitlines() if line.strip()), "no reason was given")
            raise NoBrowserError(
                f"the browser {found.name} does not start ({told}): {how_to_install(kind.name)}"  # type: ignore[arg-type]
            ) from error

    def _hosts(self) -> str:
        """Which host names the browser does not look up: on loopback all others, elsewhere those of the clients."""
        issuer = split(self._issuer or "").hostname or ""
        if is_loopback(issuer):
            return f"MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE {issuer}"
        clients = {split(uri).hostname for client in self.profile.clients.values() for uri in client.redirect_uris}
        own = {issuer, *self.profile.hosts}
        away = sorted(host for host in clients if host and host not in own and not is_loopback(host))
        return ", ".join(f"MAP {host} ~NOTFOUND" for host in away) or "MAP client.invalid ~NOTFOUND"

    @property
    def trusts_any_certificate(self) -> bool:
        """The browser does not know a private CA: on loopback, and where the profile names one, it looks away."""
        tls = self.profile.tls
        return tls.ca_file is not None or is_loopback(split(self._issuer or "").hostname or "")

    @property
    def paced(self) -> bool:
        """Whether the browser has to keep to a number of requests per second."""
        return self.profile.limits.requests_per_second > 0

    async def wait_for_turn(self, route: Route) -> None:
        """Let a request of a page out when its turn comes."""
        await self._pace.turn()
        await route.continue_()

    async def context(self) -> BrowserContext:
        """A fresh window with cookies of its own."""
        process = await self.process()
        context = await process.new_context(
            ignore_https_errors=self.trusts_any_certificate,
            viewport=VIEWPORT,  # type: ignore[arg-type]
            service_workers="block",
            accept_downloads=False,
            locale="en-US",
        )
        if self.profile.browser.engine == "chromium":
            # Pages of other sites may load from a target on loopback: what is judged is the target, not the browser.
            with suppress(Error):  # a browser that is too old for the permission needs none
                await context.grant_permissions(["local-network-access"])
        return context

    async def close(self) -> None:
        """End the browser and what drives it."""
        process, self._process = self._process, None
        playwright, self._playwright = self._playwright, None
        if process is not None:
            await process.close()
        if playwright is not None:
            await playwright.stop()


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    return host in {"localhost", "::1"} or host.endswith(".localhost") or host.startswith("127.")
