"""Pages that hang a careless parser, and logins without end."""

from __future__ import annotations

import asyncio

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line
from tests.hostile.manners import login_page

#: Pages on which parsers have spent hours.
HEAVY = (
    "<div>" * 100_000,
    "<form>" * 50_000 + "<form method=post></form>" * 50_000,
    "<a href='" + "h" * 2_000_000 + "'>",
    "<!--" * 300_000,
    "<!-- " * 1000 + "-->" * 1000,
    "<" * 2_000_000,
    "</" * 500_000,
    "<![CDATA[" * 100_000,
    "<![ nonsense [" + "x" * 1000,
    "&#" + "9" * 100_000 + ";",
    "<script>" + "</scrip" * 200_000,
    "<a " + "b " * 500_000,
    "<button>" + "x<i>" * 100_000,
    "<form id=f></form>" * 1000 + "<input form=nobody name=a>" * 20_000,
    "<select>" + "<option selected>" * 100_000,
    "\x00" * 1_000_000,
)


@hostile("authorize")
async def pages_that_hang(asked: Asked, line: Line) -> None:
    """A login page between two parts on which careless parsers hang."""
    asked.memory["page"] = asked.memory.get("page", 0) + 1
    heavy = HEAVY[asked.memory["page"] % len(HEAVY)]
    await line.reply(200, login_page(asked, after=heavy) if asked.memory["page"] % 3 else heavy, "text/html")


@hostile("authorize", "login")
async def login_without_end(asked: Asked, line: Line) -> None:
    """After every form comes another form, without a password field."""
    page = f"<form method=post action=/login?{asked.number}><input name=username><button>Next</button></form>"
    await line.reply(200, page + "<!--" + "f" * 5_000, "text/html")


@hostile("authorize", "login")
async def password_is_always_wrong(asked: Asked, line: Line) -> None:
    """The login page comes again and again."""
    await line.reply(200, login_page(asked), "text/html")


@hostile("authorize", "login")
async def refresh_without_end(asked: Asked, line: Line) -> None:
    """Pages that send the browser on by a meta refresh, without end."""
    await line.reply(200, f"<meta http-equiv=refresh content='0;url=/login?{asked.number}'>wait", "text/html")


@hostile("authorize", "login", "other")
async def redirects_without_end(asked: Asked, line: Line) -> None:
    """Redirects in a circle."""
    await line.reply(302, headers=[("Location", f"/login?{asked.number % 3}")])


@hostile("par", "authorize", "token", "metadata")
async def redirect_to_itself(asked: Asked, line: Line) -> None:
    """Every address redirects to itself."""
    await line.reply(307, headers=[("Location", asked.target)])


@hostile("authorize", "par")
async def odd_redirects(asked: Asked, line: Line) -> None:
    """Redirects to files, scripts, hosts that are none, and addresses of ninety kilobytes."""
    where = (
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "http://[",
        "http://[::1",
        "//",
        "http://127.0.0.1:99999/",
        "http://user:password@127.0.0.1:0/",
        "https://client.example\\@127.0.0.1/",
        "http://\u2100.example/",
        "/" + "l" * 90_000,
        "ht!tp://x",
        "http:///nowhere",
        "?" * 1000,
        "\t//\x7f",
    )
    await line.reply(302, headers=[("Location", where[asked.number % len(where)])])


@hostile("authorize")
async def login_of_fifty_megabytes(asked: Asked, line: Line) -> None:
    """A login page that goes on and on after its form."""
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + login_page(asked).encode())
    for _ in range(50):
        await line.send(b"<p>" + b"p" * 1_000_000)
    await asyncio.sleep(0.1)
