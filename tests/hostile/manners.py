"""How a server would answer that means no harm: what hostile ones start from, and go back to."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.hostile.line import Asked, Line, message

NO_STORE = (("Cache-Control", "no-store"),)


def document(base: str, **changes: Any) -> dict[str, Any]:
    """Authorization server metadata whose endpoints are all at one place."""
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "jwks_uri": f"{base}/jwks",
        "introspection_endpoint": f"{base}/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post", "jwt"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": True,
        **changes,
    }


def is_metadata(asked: Asked) -> bool:
    """Whether a request asks for metadata."""
    return "/.well-known/" in asked.path


def place_of(asked: Asked) -> str:
    """Which endpoint is asked: metadata, par, authorize, token or other."""
    if is_metadata(asked):
        return "metadata"
    return asked.path.strip("/") if asked.path.strip("/") in {"par", "authorize", "login", "token"} else "other"


def polite(asked: Asked) -> bytes:
    """The answer of a server that accepts everything, with a login page before each code."""
    place = place_of(asked)
    if place == "metadata":
        return message(200, json.dumps(document(asked.base)))
    if place == "par":
        asked.memory["count"] = asked.memory.get("count", 0) + 1
        reference = f"urn:ietf:params:oauth:request_uri:{asked.memory['count']:032x}"
        asked.memory[reference] = asked.form
        return message(201, json.dumps({"request_uri": reference, "expires_in": 60}), headers=NO_STORE)
    if place == "authorize":
        return message(200, login_page(asked), "text/html")
    if place == "login":
        return message(303, headers=[("Location", redirect(asked))])
    if place == "token":
        tokens = {"access_token": "an-access-token-of-a-polite-server", "token_type": "Bearer", "expires_in": 60}
        return message(200, json.dumps(tokens), headers=NO_STORE)
    return message(404, "{}")


def login_page(asked: Asked, action: str = "/login", before: str = "", after: str = "") -> str:
    """A page that asks who the person is, with anything before and after its form."""
    reference = asked.query.get("request_uri", asked.form.get("reference", ""))
    return (
        f"<!doctype html><html><body>{before}<form method='post' action='{action}'>"
        f"<input type='hidden' name='reference' value='{reference}'><input name='username'>"
        f"<input type='password' name='password'><button>Sign in</button></form>{after}</body></html>"
    )


def redirect(asked: Asked, **further: str) -> str:
    """Where a code goes: the pushed redirect URI."""
    pushed = asked.memory.get(asked.form.get("reference", ""), {})
    to = pushed.get("redirect_uri", "https://client.example/callback")
    parameters = {"code": f"a-code-with-the-number-{asked.number}", "iss": asked.base}
    if "state" in pushed:
        parameters["state"] = pushed["state"]
    return f"{to}?{urlencode({**parameters, **further})}"


async def politely(asked: Asked, line: Line) -> None:
    """Answer as a server would that means no harm."""
    await line.send(polite(asked))
