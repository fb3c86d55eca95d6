"""Cookies carried by hand.

Client libraries drop `Secure` cookies on plain http and `domain=.localhost`; on loopback targets both occur and a
browser keeps them, so the suite keeps them too. Rules otherwise as in RFC 6265 section 5, limits as browsers have them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from conformance.http.message import split

#: Cookies that one session keeps; a new one takes the place of the oldest (RFC 6265 section 6.1 asks for 50 a domain).
MOST = 180
#: A name and value together that are longer are not kept (characters, RFC 6265 section 6.1).
LARGEST = 4096
#: Names and values of one session together (characters).
ALTOGETHER = 65_536
#: Attributes that are longer mean nothing (characters).
_LONGEST_ATTRIBUTE = 1024


@dataclass
class CookieJar:
    """The cookies of one browser session, by (domain, path, name)."""

    _values: dict[tuple[str, str, str], str] = field(default_factory=dict, repr=False)
    _host_only: set[tuple[str, str, str]] = field(default_factory=set, repr=False)

    def store(self, url: str, headers: list[str], now: float) -> None:
        """Keep what Set-Cookie headers of an answer from `url` say. `now` in Unix seconds."""
        parts = split(url)
        host = (parts.hostname or "").lower()
        for header in headers:
            pair, *attributes = header.split(";", 20)
            name, _, value = pair.partition("=")
            if len(pair) > LARGEST:
                continue
            named = {
                key.strip().lower(): text.strip()
                for key, _, text in (item.partition("=") for item in attributes)
                if len(text) <= _LONGEST_ATTRIBUTE
            }
            domain = named.get("domain", "").lstrip(".").lower()
            if domain and not (host == domain or host.endswith("." + domain)):
                continue
            path = named.get("path", "")
            if not path.startswith("/"):
                path = parts.path.rsplit("/", 1)[0] or "/"
            key = (domain or host, path, name.strip())
            if _is_over(named, now):
                self._values.pop(key, None)
                continue
            self._values[key] = value.strip()
            if domain:
                self._host_only.discard(key)
            else:
                self._host_only.add(key)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        size = sum(len(name) + len(value) for (_, _, name), value in self._values.items())
        while len(self._values) > MOST or size > ALTOGETHER:
            oldest = next(iter(self._values))
            size -= len(oldest[2]) + len(self._values.pop(oldest))
            self._host_only.discard(oldest)

    def header(self, url: str) -> str | None:
        """The Cookie header for a request to `url`, longest path first; None when there is nothing to send."""
        parts = split(url)
        host, path = (parts.hostname or "").lower(), parts.path or "/"
        found = []
        for (domain, cookie_path, name), value in self._values.items():
            key = (domain, cookie_path, name)
            same = host == domain or (key not in self._host_only and host.endswith("." + domain))
            under = path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/") or cookie_path == "/"
            if same and under:
                found.append((len(cookie_path), f"{name}={value}"))
        found.sort(key=lambda item: -item[0])
        return "; ".join(text for _, text in found) or None

    def forget(self, name: str) -> None:
        """Drop every cookie of a name."""
        for key in [key for key in self._values if key[2] == name]:
            del self._values[key]

    def values(self) -> dict[str, str]:
        """Name to value of everything kept."""
        return {name: value for (_, _, name), value in self._values.items()}


def _is_over(attributes: dict[str, str], now: float) -> bool:
    if "max-age" in attributes:
        try:
            return int(attributes["max-age"]) <= 0
        except ValueError:
            return False
    if "expires" in attributes:
        try:
            moment = parsedate_to_datetime(attributes["expires"][:64])
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() <= now
        except (ValueError, TypeError, IndexError, OverflowError):
            return False
    return False
