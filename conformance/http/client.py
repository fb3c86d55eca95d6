"""The one place that talks HTTP: bounded in time and memory, paced, never following anything by itself."""

from __future__ import annotations

import asyncio
import ssl
import time
import zlib
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx2

from conformance import __version__
from conformance.clock import Clock
from conformance.http.evidence import Evidence, RawExchange
from conformance.http.message import Died, Request, Response
from conformance.http.pacing import Pace, Permits
from conformance.http.redaction import Redactor
from conformance.profile.keyring import Keyring
from conformance.profile.model import Profile
from conformance.verdict import NotExercised

#: No answer is read beyond this (bytes, after decompression).
LARGEST_ANSWER = 2 * 1024 * 1024
#: How often a throttled request (429) is sent again before it is given up.
RETRIES = 4
#: A Retry-After beyond this is not waited for (seconds).
LONGEST_PAUSE = 60


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
        self._hosts: set[str] = set(profile.hosts)
        self.requests = 0
        self.latencies: list[tuple[str, float]] = []

    def allow(self, *urls: str) -> None:
        """Let the suite talk to the hosts of these URLs (the profile names them, or the issuer is there)."""
        self._hosts |= {host for url in urls if (host := urlsplit(url).hostname)}

    def may_reach(self, url: str) -> bool:
        """Whether the suite was told that it may talk to the host of this URL."""
        return urlsplit(url).hostname in self._hosts

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
                f"add {urlsplit(request.url).hostname!r} to `hosts` if the suite may talk to it"
            )
        for _ in range(RETRIES):
            response = await self._once(request, evidence, purpose, priority)
            if response.status != 429 or not retry_throttled:
                return response
            pause = _retry_after(response, self._clock.now())
            if pause > LONGEST_PAUSE:
                break
            self.pace.pause(pause)
        raise NotExercised(f"the target throttles: 429 to {request.method} {request.url}, asked {RETRIES} times")

    async def _once(self, request: Request, evidence: Evidence, purpose: str, priority: int) -> Response:
        async with self._permits.held(priority):
            await self.pace.turn()
            try:
                return await self._exchange(request, evidence, purpose)
            except Died:
                if not request.repeatable:
                    raise
            return await self._exchange(
                Request(**{**request.__dict__, "fresh_connection": True}), evidence, f"{purpose} (again)"
            )

    async def _exchange(self, request: Request, evidence: Evidence, purpose: str) -> Response:
        started, begin = self._clock.now(), time.perf_counter()
        client = self._client(request.certificate, fresh=request.fresh_connection)
        response: Response | None = None
        error: str | None = None
        self.requests += 1
        try:
            async with asyncio.timeout(self._profile.limits.request_seconds):
                response = await self._read(client, request, started, begin)
        except httpx2.LocalProtocolError as refusal:
            await client.aclose()
            raise NotExercised(f"the HTTP library does not send such a request: {refusal}") from refusal
        except TimeoutError:
            error = f"no complete answer within {self._profile.limits.request_seconds:g} s"
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        seconds = time.perf_counter() - begin
        evidence.add(RawExchange(purpose, request, response, started, seconds, error), self._redactor)
        if response is None or request.fresh_connection:
            await client.aclose()
        else:
            self._idle.setdefault(request.certificate, []).append(client)
        if response is None:
            raise Died(error)
        self.latencies.append((purpose, seconds))
        return response

    async def _read(self, client: httpx2.AsyncClient, request: Request, started: float, begin: float) -> Response:
        names = {name.lower() for name, _ in request.headers}
        headers = [*request.headers]
        for name, value in (("Accept", "application/json"), ("Accept-Encoding", "identity")):
            if name.lower() not in names:
                headers.append((name, value))
        built = client.build_request(request.method, request.url, headers=headers, content=request.content)
        if not request.content and request.method in {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"}:
            built.headers.pop("content-length", None)
        answer = await client.send(built, stream=True)
        try:
            body, cut = await _bounded(answer)
        finally:
            await answer.aclose()
        return Response(
            status=answer.status_code,
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw),
            body=body,
            url=request.url,
            started=started,
            seconds=time.perf_counter() - begin,
            received=self._clock.now(),
            cut=cut,
        )

    def _client(self, certificate: str | None, *, fresh: bool) -> httpx2.AsyncClient:
        idle = self._idle.setdefault(certificate, [])
        if idle and not fresh:
            return idle.pop()
        if certificate not in self._contexts:
            self._contexts[certificate] = self._context(certificate)
        return httpx2.AsyncClient(
            verify=self._contexts[certificate],
            trust_env=False,
            timeout=self._profile.limits.request_seconds,
            headers={"User-Agent": f"par-conformance/{__version__}"},
            # Connections are shared by browsers that must not share a session: cookies are theirs alone.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Shorter than any server's own idle time, or a request meets a connection that is just being closed.
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=1.5),
        )

    def _context(self, certificate: str | None) -> ssl.SSLContext:
        tls = self._profile.tls
        context = ssl.create_default_context(cafile=tls.ca_file)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            shown = self._keyring.clients[certificate].certificate
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
                await client.aclose()
        self._idle.clear()


async def _bounded(answer: httpx2.Response) -> tuple[bytes, bool]:
    """The body, decompressed and cut at LARGEST_ANSWER: an endless body or a bomb ends here."""
    inflate = _inflater(answer.headers.get("content-encoding", ""))
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += inflate(chunk, LARGEST_ANSWER - len(body) + 1)
        if len(body) > LARGEST_ANSWER:
            return bytes(body[:LARGEST_ANSWER]), True
    return bytes(body), False


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return lambda chunk, _: chunk
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def inflate(chunk: bytes, room: int) -> bytes:
        try:
            return machine.decompress(chunk, max(1, room))
        except zlib.error as failure:
            raise ValueError(f"the body is not {encoding}: {failure}") from failure

    return inflate


def _retry_after(response: Response, now: float) -> float:
    """Seconds to wait after a 429 (RFC 9110 section 10.2.3); one second where it does not say."""
    text = (response.header("retry-after") or "").strip()
    if text.isdigit():
        return float(text)
    return 1.0
