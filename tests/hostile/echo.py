"""A server that gives back every secret it hears, in every place of an answer, and remembers what must not be seen."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from tests.hostile.line import Asked, Line, message
from tests.hostile.manners import NO_STORE, document, place_of

#: What is given back of what was heard before (characters).
LONGEST = 3000


def hear(asked: Asked, *values: str) -> None:
    """Remember secrets: what was issued, and what a request carried."""
    secrets: set[str] = asked.memory.setdefault("secrets", set())
    secrets.update(value for value in values if len(value) > 5)


def listen(asked: Asked) -> None:
    """Remember the credentials of a request, and the request itself to give it back."""
    form, headers = asked.form, asked.headers
    names = ("client_secret", "code_verifier", "code", "password", "refresh_token", "access_token")
    # A request_uri in the place of a code is a value that no one has to hide.
    hear(asked, *(form[name] for name in names if name in form and form[name] not in asked.memory))
    if "client_assertion" in form:
        hear(asked, form["client_assertion"].rpartition(".")[2])
    if "otp" in form:
        asked.memory.setdefault("otps", set()).add(form["otp"])
    hear(asked, headers.get("authorization", "").partition(" ")[2])
    hear(asked, *(part.partition("=")[2].strip() for part in headers.get("cookie", "").split(";")))
    said = " ".join(["; ".join(headers.values()), *form.values(), asked.target])
    asked.memory["heard"] = (said + " " + asked.memory.get("heard", ""))[:LONGEST]


def disguised(asked: Asked) -> str:
    """What was heard, as it was and in three disguises."""
    heard = asked.memory["heard"]
    data = heard.encode()
    return " | ".join((heard, quote(heard, safe=""), base64.b64encode(data).decode(), data.hex()))


def new(asked: Asked, kind: str) -> str:
    """A new value that nobody may see; the next one of its kind is told in advance, in places that are seen early."""
    number = asked.memory[kind] = asked.memory.get(kind, 0) + 1
    value = named(kind, number)
    hear(asked, value)
    return value


def named(kind: str, number: int) -> str:
    """The value of a kind: short ones and odd ones among them."""
    if kind == "code" and number % 3 == 1:
        return f"{number:02d}.x+{number:02d}"
    return base64.urlsafe_b64encode(f"{kind}/{number}/planted".encode()).decode().rstrip("=") + f"-{kind}{number}"


def upcoming(asked: Asked) -> str:
    """Codes and tokens that have not been issued yet."""
    numbers = {kind: asked.memory.get(kind, 0) + 1 for kind in ("code", "access", "cookie")}
    return " ".join(f"soon-{named(kind, number)}-soon" for kind, number in numbers.items())


async def echo(asked: Asked, line: Line) -> None:
    """Answer everything with everything that was heard."""
    listen(asked)
    said = disguised(asked)
    in_header = quote(asked.memory["heard"], safe=" /:=&+.-_~")[:4000]
    headers = [
        *NO_STORE,
        ("X-Echo", in_header),
        ("WWW-Authenticate", f'Basic realm="{in_header}"'),
        ("Set-Cookie", f"session={new(asked, 'cookie')}; Path=/; HttpOnly"),
        ("Set-Cookie", f"short={asked.number:03d}sh"),
    ]
    await line.send(answer(asked, said, headers))


def answer(asked: Asked, said: str, headers: list[tuple[str, str]]) -> bytes:
    """The answer of each endpoint, with what was heard in it."""
    place = place_of(asked)
    if place == "metadata":
        methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"]
        changes = {"token_endpoint_auth_methods_supported": methods, "op_policy_uri": f"{asked.base}/{quote(said)}"}
        return message(200, json.dumps(document(asked.base, **changes)), headers=headers)
    if place == "par" and asked.number % 3:
        reference = f"urn:ietf:params:oauth:request_uri:{asked.number}"
        asked.memory[reference] = asked.form
        return message(201, json.dumps({"request_uri": reference, "expires_in": 60, "echo": said}), headers=headers)
    if place == "par":
        members = {"error": f"invalid_request {upcoming(asked)} {said}", "error_description": said}
        return message(400, json.dumps(members), headers=headers)
    if place == "authorize":
        fields = "".join(f"<input name={name}>" for name in ("username", "otp"))
        reference = asked.query.get("request_uri", "")
        form = f"<form method=post action=/login><input type=hidden name=reference value='{reference}'>{fields}"
        page = f"<html><!-- {said} -->{form}<input type=password name=password><button>Sign in</button></form>{said}"
        return message(200, page, "text/html", headers)
    if place == "login":
        return logged_in(asked, said, headers)
    if place == "token" and asked.number % 4:
        signature = new(asked, "signature")
        tokens: dict[str, Any] = {"access_token": new(asked, "access"), "refresh_token": new(asked, "refresh")}
        tokens |= {"id_token": f"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.{signature}", "token_type": "Bearer"}
        return message(200, json.dumps({**tokens, "expires_in": 60, "echo": said}), headers=headers)
    return message(400, json.dumps({"error": said, "error_description": said}), headers=headers)


def logged_in(asked: Asked, said: str, headers: list[tuple[str, str]]) -> bytes:
    """The end of an authorization request: a redirect, a page that posts, or a signed response."""
    pushed = asked.memory.get(asked.form.get("reference", ""), {})
    to, code = pushed.get("redirect_uri", "https://client.example/callback"), new(asked, "code")
    state = pushed.get("state", "")
    if asked.number % 3 == 0:
        fields = f"<input type=hidden name=code value='{code}'><input type=hidden name=state value='{state}'>"
        return message(
            200, f"<form method=post action='{to}'>{fields}<button>Go</button></form>{said}", "text/html", headers
        )
    if asked.number % 3 == 1:
        claims = base64.urlsafe_b64encode(json.dumps({"code": code, "state": state}).encode()).decode().rstrip("=")
        response = f"eyJhbGciOiJFUzI1NiJ9.{claims}.{new(asked, 'signature')}"
        return message(303, said, headers=[*headers, ("Location", f"{to}?response={response}")])
    location = f"{to}?code={quote(code)}&state={state}&echo={quote(asked.memory['heard'][:1000])}"
    return message(303, said, "text/html", [*headers, ("Location", location)])
