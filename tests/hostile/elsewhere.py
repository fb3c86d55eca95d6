"""Servers that would send the suite to other hosts: a canary there must never be asked."""

from __future__ import annotations

import json

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line
from tests.hostile.manners import document, login_page


def canary(asked: Asked) -> str:
    """The URL of a server that the profile does not name; the test runs it."""
    return str(asked.memory["canary"])


@hostile("metadata", full=True)
async def endpoints_elsewhere(asked: Asked, line: Line) -> None:
    """Metadata whose every endpoint is on another host."""
    await line.reply(200, json.dumps({**document(canary(asked)), "issuer": asked.base}))


@hostile("metadata", full=True)
async def some_endpoints_elsewhere(asked: Asked, line: Line) -> None:
    """Only what is asked in passing is on another host: keys, UserInfo, introspection, aliases."""
    other = canary(asked)
    names = (
        "jwks_uri",
        "userinfo_endpoint",
        "introspection_endpoint",
        "registration_endpoint",
        "service_documentation",
    )
    changes = {name: f"{other}/{name}" for name in names}
    aliases = {"token_endpoint": f"{other}/token", "pushed_authorization_request_endpoint": f"{other}/par"}
    await line.reply(200, json.dumps(document(asked.base, **changes, mtls_endpoint_aliases=aliases)))


@hostile("metadata")
async def metadata_elsewhere(asked: Asked, line: Line) -> None:
    """The metadata itself redirects to another host."""
    await line.reply(302, headers=[("Location", canary(asked))])


@hostile("par", "token", "authorize", "login")
async def redirects_elsewhere(asked: Asked, line: Line) -> None:
    """Pushes, token requests and pages are redirected to another host, their bodies with them."""
    await line.reply((302, 307, 308, 301)[asked.number % 4], headers=[("Location", canary(asked) + asked.target)])


@hostile("authorize")
async def form_elsewhere(asked: Asked, line: Line) -> None:
    """A login page whose form posts the password to another host."""
    await line.reply(200, login_page(asked, action=canary(asked) + "/steal"), "text/html")


@hostile("authorize")
async def base_elsewhere(asked: Asked, line: Line) -> None:
    """A login page whose relative addresses are made absolute to another host by a base element."""
    await line.reply(200, login_page(asked, before=f"<base href='{canary(asked)}/'>"), "text/html")


@hostile("authorize")
async def refresh_elsewhere(asked: Asked, line: Line) -> None:
    """A page that refreshes to another host."""
    await line.reply(200, f"<meta http-equiv='refresh' content='0; url={canary(asked)}/x'>", "text/html")


@hostile("par")
async def request_uri_elsewhere(asked: Asked, line: Line) -> None:
    """A request_uri, a link and an error page that all are on another host."""
    other = canary(asked)
    members = {"request_uri": f"{other}/request", "expires_in": 60, "error_uri": other}
    await line.reply(201, json.dumps(members), headers=[("Link", f"<{other}>; rel=preload"), ("Refresh", f"0;{other}")])
