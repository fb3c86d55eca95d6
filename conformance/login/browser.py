"""A user agent over plain HTTP: cookies, one person, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin

from conformance.http.cookies import CookieJar
from conformance.http.message import Pairs, Request, Response
from conformance.http.wire import Wire
from conformance.login.page import queried
from conformance.profile.keyring import Person


@dataclass
class Browser:
    """One browser session. `person` logs in where a page asks; None: nobody does."""

    person: Person | None
    headers: Pairs = ()
    cookies: CookieJar = field(default_factory=CookieJar)
    prepared: bool = False
    arrived: bool = False
    """Whether a walk of it has brought a code: its person can log in."""
    taken: dict[str, str] = field(default_factory=dict, repr=False)
    """What the login has taken from pages and answers: placeholders for what follows."""

    async def get(self, wire: Wire, url: str, purpose: str) -> Response:
        """Open a URL."""
        return await self._send(wire, "GET", url, b"", None, purpose)

    async def submit(self, wire: Wire, url: str, method: str, pairs: Pairs, purpose: str, referer: str) -> Response:
        """Submit a form."""
        if method == "GET":
            return await self._send(wire, "GET", queried(url, pairs), b"", None, purpose, referer)
        body = urlencode(pairs)
        content_type = "application/x-www-form-urlencoded"
        return await self._send(wire, method, url, body.encode(), content_type, purpose, referer)

    async def call(
        self,
        wire: Wire,
        method: str,
        url: str,
        content: bytes,
        content_type: str | None,
        headers: Pairs,
        purpose: str,
    ) -> Response:
        """Make a call of an API with this browser's cookies."""
        return await self._send(wire, method, url, content, content_type, purpose, None, headers)

    async def follow(self, wire: Wire, response: Response, purpose: str) -> Response:
        """Go where a redirect points; 307 and 308 are followed with GET, for no form is sent twice."""
        return await self.get(wire, target_of(response), purpose)

    async def _send(
        self,
        wire: Wire,
        method: str,
        url: str,
        content: bytes,
        content_type: str | None,
        purpose: str,
        referer: str | None = None,
        headers: Pairs = (),
    ) -> Response:
        url = url.split("#")[0]
        own = {name.lower() for name, _ in headers}
        usual = (("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"), *self.headers)
        sent = [*(pair for pair in usual if pair[0].lower() not in own), *headers]
        cookie = self.cookies.header(url)
        if cookie:
            sent.append(("Cookie", cookie))
        if content_type:
            sent.append(("Content-Type", content_type))
        if referer:
            origin = "/".join(referer.split("/")[:3])
            sent += [("Referer", referer.split("#")[0]), ("Origin", origin)]
        request = Request(method, url, tuple(sent), content, repeatable=method == "GET")
        response = await wire.send(request, purpose=purpose)
        self.cookies.store(url, response.all("set-cookie"), wire.clock.now())
        return response


def target_of(response: Response) -> str:
    """Where a redirect points, as an absolute URL."""
    location = response.header("location") or ""
    try:
        return urljoin(response.url, location)
    except ValueError:
        return location
