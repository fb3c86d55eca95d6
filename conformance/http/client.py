"""The one place that talks HTTP: bounded in time and memory, paced, never following anything by itself."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import time
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from conformance.clock import Clock
from conformance.http import raw
from conformance.http.evidence import MUCH, Evidence, RawExchange, learn_head
from conformance.http.message import USER_AGENT, Died, Pairs, Request, Response, host_of
from conformance.http.pacing import Pace, Permits
from conformance.http.redaction import Redactor
from conformance.profile.keyring import Keyring
from conformance.profile.model import Profile
from conformance.verdict import NotExercised

#: No answer is read beyond this (bytes, after decompression).
LARGEST_ANSWER = 2 * 1024 * 1024
#: Nor so much that decompresses to nothing (bytes on the wire).
LARGEST_TRANSFER = 8 * 1024 * 1024
#: How often a throttled request (429) is sent again before it is given up.
RETRIES = 4
#: A Retry-After beyond this is not waited for (seconds).
LONGEST_PAUSE = 60
#: Closing a connection may not wait for its other end (seconds).
_CLOSING = 1

for _name in ("httpx2", "httpcore2"):  # what they log shows URLs and header fields as they are, with their secrets
    logging.getLogger(_name).setLevel(logging.WARNING)


class _NoCookies(CookieJar):
    """Connections are shared by browsers that must not share a session: cookies are theirs alone."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Keep nothing."""

    def add_cookie_header(self, request: Any) -> None:
        """Add nothing."""


class Transport:
    """Connections to one target, shared by all checks of a run. Lives on the engine's event loop."""

    def __init__(self, profile: Profile, keyring: Keyring, redactor: Redactor, clock: Clock) -> None:
        self._profile = profile
        self._keyring = keyring
        self._redactor = redactor
        self._clock = clock
        limits = profile.limits
        self._permits = Permits(limits.concurrency)
        self.pace = Pace(limits.requests_per_second)
        self._idle: dict[str | None, list[httpx2.AsyncClient]] = {}
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._hosts: set[str] = {host.lower() for host in profile.hosts}
        self._throttled = 0
        self._patience = 2 * limits.concurrency + RETRIES
        self._kept = 0
        self.requests = 0
        self.latencies: list[tuple[str, float]] = []

    def allow(self, *urls: str) -> None:
        """Let the suite talk to the hosts of these URLs (the profile names them, or the issuer is there)."""
        self._hosts |= {host for url in urls if (host := host_of(url))}

    def may_reach(self, url: str) -> bool:
        """Whether the suite was told that it may talk to the host of this URL."""
        return host_of(url) in self._hosts

    def learn(self, value: str) -> None:
        """Keep a value out of every report: a secret that was made or received elsewhere than in an exchange."""
        self._redactor.learn(value)

    async def send(
        self,
        request: Request,
        evidence: Evidence,
        *,
        purpose: str,
        priority: int = 1,
        retry_throttled: bool = True,
    ) -> Response:
        """Send one request and return its answer. Raises Died when none came, NotExercised when throttled."""
        if not self.may_reach(request.url):
            raise NotExercised(
                f"{request.url} is on a host that the profile does not name: "
                f"add {host_of(request.url)!r} to `hosts` if the suite may talk to it"
            )
        for attempt in range(1, RETRIES + 1):
            response = await self._once(request, evidence, purpose, priority)
            self._throttled = self._throttled + 1 if response.status == 429 else 0
            if response.status != 429 or not retry_throttled:
                return response
            pause = _retry_after(response, self._clock.now())
            if pause > LONGEST_PAUSE or attempt == RETRIES or self._throttled > self._patience:
                break
            self.pace.pause(pause)
        raise NotExercised(f"the target throttles: 429 to {request.method} {request.url}, asked {attempt} times")

    async def _once(self, request: Request, evidence: Evidence, purpose: str, priority: int) -> Response:
        async with self._permits.held(priority):
            await self.pace.turn()
            try:
                return await self._exchange(request, evidence, purpose)
            except Died as died:
                if not request.repeatable or isinstance(died.__cause__, TimeoutError):
                    raise
            return await self._exchange(
                Request(**{**request.__dict__, "fresh_connection": True}), evidence, f"{purpose} (again)"
            )

    async def _exchange(self, request: Request, evidence: Evidence, purpose: str) -> Response:
        started, begin = self._clock.now(), time.perf_counter()
        client = self._client(request.certificate, fresh=request.fresh_connection) if not request.raw else None
        limit = self._profile.limits.request_seconds
        opened: list[Any] = []
        response: Response | None = None
        error: str | None = "the check was ended before the answer had come"
        cause: Exception | None = None
        self.requests += 1
        try:
            async with asyncio.timeout(limit):
                if client is None:
                    response = await self._read_raw(request, started, begin)
                else:
                    built = self._build(client, request)
                    built.extensions["trace"] = _keeping(opened)
                    response = await self._read(client, built, request.url, started, begin)
            error = None
        except httpx2.LocalProtocolError as refusal:
            error = f"the HTTP library does not send such a request: {refusal}"
            raise NotExercised(error) from refusal
        except (TimeoutError, httpx2.TimeoutException):
            error, cause = f"no complete answer within {limit:g} s", TimeoutError()
        except (httpx2.HTTPError, ssl.SSLError, OSError, ValueError) as failure:
            error, cause = f"{type(failure).__name__}: {failure}", failure
        except NotExercised as reason:
            error = str(reason)
            raise
        finally:
            seconds = time.perf_counter() - begin
            seen = RawExchange(purpose, request, response, started, seconds, error)
            self._kept += evidence.add(seen, self._redactor, sparing=self._kept > MUCH)
            if client is not None and response is not None and not request.fresh_connection:
                self._idle.setdefault(request.certificate, []).append(client)
            elif client is not None:
                await _close(client, *opened)
        if response is None:
            raise Died(error) from cause
        self.latencies.append((purpose, seconds))
        return response

    def _build(self, client: httpx2.AsyncClient, request: Request) -> httpx2.Request:
        """The request as the library sends it. NotExercised where the address is none that can be asked."""
        names = {name.lower() for name, _ in request.headers}
        added = (("Accept", "application/json"), ("Accept-Encoding", "identity"))
        headers = _encoded((*request.headers, *(pair for pair in added if pair[0].lower() not in names)))
        try:
            built = client.build_request(request.method, request.url, headers=headers, content=request.content)
        except (httpx2.InvalidURL, UnicodeError) as failure:
            raise NotExercised(f"the request could not be sent: {failure}") from failure
        if built.url.host.lower() not in self._hosts:
            raise NotExercised(f"the request could not be sent: it is not plain which host {request.url!r} means")
        if not request.content and request.method in {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"}:
            built.headers.pop("content-length", None)
        return built

    async def _read(
        self, client: httpx2.AsyncClient, built: httpx2.Request, url: str, started: float, begin: float
    ) -> Response:
        answer = await client.send(built, stream=True)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
        learn_head(headers, self._redactor)  # now, for the body may never come to an end
        try:
            body, cut = await _bounded(answer)
        finally:
            await answer.aclose()
        return Response(
            status=answer.status_code,
            headers=headers,
            body=body,
            url=url,
            started=started,
            seconds=time.perf_counter() - begin,
            received=self._clock.now(),
            cut=cut,
        )

    async def _read_raw(self, request: Request, started: float, begin: float) -> Response:
        answer = await raw.exchange(request.url, self._context_of(request.certificate), request.content)
        learn_head(answer.headers, self._redactor)
        return Response(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            url=request.url,
            started=started,
            seconds=time.perf_counter() - begin,
            received=self._clock.now(),
            rest=answer.rest,
        )

    def _client(self, certificate: str | None, *, fresh: bool) -> httpx2.AsyncClient:
        idle = self._idle.setdefault(certificate, [])
        if idle and not fresh:
            return idle.pop()
        return httpx2.AsyncClient(
            verify=self._context_of(certificate),
            trust_env=False,
            timeout=self._profile.limits.request_seconds,
            headers={"User-Agent": USER_AGENT},
            cookies=_NoCookies(),
            # Shorter than any server's own idle time, or a request meets a connection that is just being closed.
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=1.5),
        )

    def _context_of(self, certificate: str | None) -> ssl.SSLContext:
        if certificate not in self._contexts:
            self._contexts[certificate] = self._context(certificate)
        return self._contexts[certificate]

    def _context(self, certificate: str | None) -> ssl.SSLContext:
        tls = self._profile.tls
        context = ssl.create_default_context(cafile=tls.ca_file)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            role, _, kind = certificate.partition("/")
            shown = self._keyring.clients[role].certificate
            if shown is not None and kind:
                shown = shown.variant(kind)
            if shown is None:
                raise NotExercised(f"the client of the role {certificate!r} has no certificate")
            with TemporaryDirectory() as folder:
                pem = Path(folder, "client.pem")
                pem.touch(mode=0o600)
                pem.write_text(shown.certificate + shown.key, encoding="ascii")
                context.load_cert_chain(pem)
        return context

    async def close(self) -> None:
        """Close every connection."""
        for clients in self._idle.values():
            for client in clients:
                await _close(client)
        self._idle.clear()


def _keeping(opened: list[Any]) -> Callable[[str, Any], Awaitable[None]]:
    """What the library tells of its course: keep the connections that it opens.

    One on which the time ran out in the middle of a TLS handshake is nobody's in the library.
    """

    async def told(event: str, info: Any) -> None:
        if event == "connection.connect_tcp.complete":
            opened.append(info["return_value"])

    return told


async def _close(*resources: Any) -> None:
    """Close a client, or a connection, whether or not the other end plays along."""
    for resource in resources:
        try:
            async with asyncio.timeout(_CLOSING):
                await resource.aclose()
        except (TimeoutError, httpx2.HTTPError, OSError) as failure:
            logging.getLogger(__name__).debug("a connection did not close: %s", type(failure).__name__)


def _encoded(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """Header fields as bytes: what came as Latin-1, as cookies do, goes back unchanged; other text is UTF-8."""

    def encode(text: str) -> bytes:
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text.encode("utf-8")

    return [(encode(name), encode(value)) for name, value in headers]


async def _bounded(answer: httpx2.Response) -> tuple[bytes, bool]:
    """The body, decompressed and cut at LARGEST_ANSWER: an endless body or a bomb ends here."""
    inflate = _inflater(answer.headers.get("content-encoding", ""))
    body = bytearray()
    transferred = 0
    async for chunk in answer.aiter_raw():
        transferred += len(chunk)
        body += inflate(chunk, LARGEST_ANSWER - len(body) + 1)
        if len(body) > LARGEST_ANSWER or transferred > LARGEST_TRANSFER:
            return bytes(body[:LARGEST_ANSWER]), True
    return bytes(body), False


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return lambda chunk, _: chunk
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def inflate(chunk: bytes, room: int) -> bytes:
        if machine.eof:
            return b""
        try:
            return machine.decompress(chunk, max(1, room))
        except zlib.error as failure:
            raise ValueError(f"the body is not {encoding}: {failure}") from failure

    return inflate


def _retry_after(response: Response, now: float) -> float:
    """Seconds to wait after a 429 (RFC 9110 section 10.2.3); one second where it does not say."""
    text = (response.header("retry-after") or "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text[:64])
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 1.0
