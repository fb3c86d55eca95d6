"""Headers too many, too large, and cookies."""

from __future__ import annotations

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line, message
from tests.hostile.manners import polite, politely


@hostile("par", "authorize")
async def endless_headers(asked: Asked, line: Line) -> None:
    """Header fields without end."""
    await line.send(b"HTTP/1.1 200 OK\r\n")
    await line.endlessly(b"X-More: and more\r\n" * 100)


@hostile("par", "authorize")
async def header_of_a_megabyte(asked: Asked, line: Line) -> None:
    """One header field with a value of a megabyte."""
    await line.send(b"HTTP/1.1 200 OK\r\nX-Long: " + b"l" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}")


@hostile()
async def headers_as_large_as_go(asked: Asked, line: Line) -> None:
    """Header fields of ninety kilobytes with every answer."""
    await line.send(polite(asked).replace(b"\r\n", b"\r\nX-Large: " + b"h" * 90_000 + b"\r\n", 1))


@hostile("par")
async def odd_headers(asked: Asked, line: Line) -> None:
    """Header names with spaces, values with control characters, folded lines."""
    bad = (b"Na me: x", b"X: a\x00b", b"X: a\r\n folded", b": nameless", b"\xff\xfe: y")[asked.number % 5]
    await line.send(b"HTTP/1.1 201 Created\r\n" + bad + b"\r\nContent-Length: 2\r\n\r\n{}")


@hostile("authorize", "login", "par")
async def thousands_of_cookies(asked: Asked, line: Line) -> None:
    """As many Set-Cookie fields as fit, with other names and secrets each time."""
    cookies = "\r\n".join(f"Set-Cookie: c{asked.number}-{index}=value-{asked.number}-{index}" for index in range(2000))
    await line.send(polite(asked).replace(b"\r\n", b"\r\n" + cookies.encode() + b"\r\n", 1))


@hostile("authorize", "login", "par")
async def ten_thousand_cookies(asked: Asked, line: Line) -> None:
    """Ten thousand Set-Cookie fields."""
    cookies = "\r\n".join(f"Set-Cookie: a{index}=b; Path=/" for index in range(10_000))
    await line.send(polite(asked).replace(b"\r\n", b"\r\n" + cookies.encode() + b"\r\n", 1))


@hostile("authorize", "login")
async def giant_cookies(asked: Asked, line: Line) -> None:
    """Cookies of fifty kilobytes, and with odd attributes, dates and signs."""
    cookies = (
        "big=" + "g" * 50_000,
        "=nameless; Path=relative; Domain=.",
        "old=1; Expires=Thu, 01 Jan 99999999 00:00:00 GMT; Max-Age=" + "9" * 5000,
        "odd=\u202e\u00fc\u2028; Domain=example.org; HttpOnly;;;;;" + "; x" * 500,
        "first=1; Expires=Thu, 01 Jan 0001 00:00:00 -2359",
    )
    await line.send(message(200, "<form method=post><input type=password name=p></form>", "text/html",
                            [("Set-Cookie", cookie) for cookie in cookies]))  # fmt: skip


@hostile("par", "metadata", full=True)
async def throttles_for_ever(asked: Asked, line: Line) -> None:
    """429 to every push, with a Retry-After of thirty years."""
    if asked.path == "/par":
        await line.reply(429, "{}", headers=[("Retry-After", "999999999")])
    else:
        await politely(asked, line)


@hostile("par")
async def throttles_oddly(asked: Asked, line: Line) -> None:
    """429 with a Retry-After that is negative, garbage, huge, a superscript or a date."""
    dates = ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99 Foo 2026 25:61:61 XYZ")
    after = ("-5", "soon", "9" * 6000, "\u00b2", "0", "0.5", "1e999", *dates)
    await line.reply(429, "{}", headers=[("Retry-After", after[asked.number % len(after)])])


@hostile("par")
async def throttles_at_once_again(asked: Asked, line: Line) -> None:
    """429 without a Retry-After to everything."""
    await line.reply(429, "slow down", "text/plain")
