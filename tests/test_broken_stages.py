"""Servers of which one stage refuses everything: a refusal there is no proof of anything, so nothing passes by it."""

from __future__ import annotations

import pytest
from aiohttp import web

from conformance.matrix import trial
from conformance.server import AuthorizationServer
from conformance.server.app import Handler
from conformance.server.records import Interaction, Session

#: Checks that the same host says nothing over plain http: what it would say over TLS is not looked at.
PLAIN = {
    "test_page_security::test_authorization_endpoint_is_under_https_only",
    "test_page_security::test_token_endpoint_is_under_https_only",
}


class TokenEndpointRefuses(AuthorizationServer):
    """Knows no code."""

    async def answer(self, endpoint: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        """The same answer to all."""
        if endpoint == "token":
            return web.json_response({"error": "invalid_grant"}, status=400)
        return await super().answer(endpoint, handler, request)


class AuthorizationEndpointRefuses(AuthorizationServer):
    """Shows an error page to everybody."""

    async def answer(self, endpoint: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        """The same page to all."""
        if endpoint == "authorization":
            return web.Response(status=400, content_type="text/html", text="<p>Something went wrong.</p>")
        return await super().answer(endpoint, handler, request)


class LoginLeadsNowhere(AuthorizationServer):
    """Shows an error page to everybody who has logged in."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """The same page to all."""
        return web.Response(status=400, content_type="text/html", text="<p>Something went wrong.</p>")


def passed_by(server: type[AuthorizationServer], path: str) -> set[str]:
    """The checks that pass and have been to an endpoint."""
    passed = [check for check in trial(server, evidence=True).checks if check.outcome == "pass"]
    assert len(passed) > 500
    return {check.name for check in passed if any(one.url.split("?")[0].endswith(path) for one in check.exchanges)}


@pytest.mark.whole
@pytest.mark.parametrize(
    ("server", "path"), [(TokenEndpointRefuses, "/token"), (AuthorizationEndpointRefuses, "/authorize")]
)
def test_nothing_passes_by_the_answers_of_an_endpoint_that_only_refuses(
    server: type[AuthorizationServer], path: str
) -> None:
    assert passed_by(server, path) - PLAIN == set()


@pytest.mark.whole
def test_no_effect_is_shown_by_flows_that_come_to_no_end() -> None:
    effects = ("no_code", "does_not_win", "have_no_effect", "has_no_effect", "takes_nothing_away")

    passed = passed_by(LoginLeadsNowhere, "/authorize")

    assert [name for name in passed if name.split("[")[0].endswith(effects)] == []
