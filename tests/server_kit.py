"""A running reference server, clients and browsers, for the server's own tests."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx2
import yaml

from conformance.clock import TurnedClock
from conformance.profile.keyring import Keyring, generate_key, resolve
from conformance.profile.model import Profile
from conformance.server import AuthorizationServer, Running, Settings, serve

REFERENCE = Path(__file__).parent.parent / "targets" / "reference.yaml"

VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@cache
def reference() -> tuple[Profile, Keyring]:
    """The embedded target's profile and secrets, once a process."""
    profile = Profile.model_validate(yaml.safe_load(REFERENCE.read_text(encoding="utf-8")))
    return profile, resolve(profile, REFERENCE.parent)


def answer_of(location: str) -> dict[str, str]:
    """The parameters of an authorization response in the query or fragment of a redirect."""
    parts = urlsplit(location)
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


class Browser:
    """One person's browser: cookies, and forms found in pages."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.http = httpx2.Client(verify=kit.trust, trust_env=False, timeout=10)

    def get(self, url: str, **parameters: str) -> httpx2.Response:
        """GET, redirects not followed."""
        return self.http.get(url, params=parameters) if parameters else self.http.get(url)

    def authorize(self, client_id: str, request_uri: str, **more: str) -> httpx2.Response:
        """Open the authorization endpoint with a pushed request."""
        return self.get(self.kit.url("authorization"), client_id=client_id, request_uri=request_uri, **more)

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow redirects as long as they stay at the server."""
        while answer.is_redirect and answer.headers["location"].startswith(self.kit.running.issuer):
            answer = self.get(answer.headers["location"])
        return answer

    def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Send the page's form with its hidden fields and these."""
        action, hidden = form_of(page)
        return self.http.post(action, data=hidden | fields)

    def login(self, page: httpx2.Response, username: str = "alice", password: str = "") -> httpx2.Response:
        """Log in on a login page; the answer is the page after it."""
        password = password or {"alice": "alice-wonderland-12", "bob": "bob-builder-34"}[username]
        return self.follow(self.submit(page, username=username, password=password))

    def to_consent(self, client_id: str, request_uri: str) -> httpx2.Response:
        """Open a pushed request and log in where asked; the answer is the consent page, or what came in its place."""
        page = self.follow(self.authorize(client_id, request_uri))
        return self.login(page) if "password" in page.text else page

    def finish(self, client_id: str, request_uri: str, decision: str = "allow") -> dict[str, str]:
        """The whole way; the parameters of the authorization response, empty if none came."""
        answer = self.to_consent(client_id, request_uri)
        if "decision" in answer.text:
            answer = self.submit(answer, decision=decision)
        return answer_of(answer.headers.get("location", ""))


def form_of(page: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Action and hidden fields of a page's form."""
    action = re.search(r'action="([^"]+)"', page.text)
    assert action, page.text
    return action[1], dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))


class Kit:
    """A running server and what is needed to talk to it."""

    def __init__(self, running: Running, clock: TurnedClock, profile: Profile, keyring: Keyring) -> None:
        self.running = running
        self.server = running.authorization_server
        self.clock = clock
        self.profile = profile
        self.keyring = keyring
        self.trust = ssl.create_default_context(cafile=str(running.ca_file))
        self.http = httpx2.Client(verify=self.trust, trust_env=False, timeout=10)
        self.browsers: list[Browser] = []

    def url(self, endpoint: str) -> str:
        """The URL of an endpoint."""
        return self.server.url(endpoint)

    def browser(self) -> Browser:
        """A new browser."""
        self.browsers.append(Browser(self))
        return self.browsers[-1]

    def close(self) -> None:
        """Close every connection."""
        for browser in self.browsers:
            browser.http.close()
        self.http.close()

    # Clients

    def request(self, role: str = "first", **changes: Any) -> dict[str, Any]:
        """The ordinary parameters of a role, changed; None removes one."""
        client = self.profile.clients[role]
        parameters: dict[str, Any] = {
            "client_id": client.client_id,
            "response_type": "code",
            "redirect_uri": client.redirect_uris[0],
            "scope": client.scope,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def assertion(self, role: str, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A client assertion of a role, claims changed; None removes one."""
        client, now = self.profile.clients[role], int(self.clock.now())
        claims: dict[str, Any] = {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": self.running.issuer,
            "exp": now + 60,
            "iat": now,
            "jti": str(uuid.uuid4()),
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return self.keyring.clients[role].key().sign(claims, headers)

    def credentials(self, role: str) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form parameters that authenticate a role."""
        client, held = self.profile.clients[role], self.keyring.clients[role]
        if client.auth == "client_secret_basic":
            return {"Authorization": basic(client.client_id, held.secret or "")}, {}
        if client.auth == "client_secret_post":
            return {}, {"client_id": client.client_id, "client_secret": held.secret or ""}
        if client.auth == "private_key_jwt":
            return {}, {"client_assertion": self.assertion(role), "client_assertion_type": JWT_BEARER}
        return {}, {}

    def post(
        self, endpoint: str, role: str, data: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """An authenticated direct request."""
        own_headers, proof = self.credentials(role)
        return self.http.post(self.url(endpoint), data=proof | dict(data), headers=own_headers | dict(headers or {}))

    def push(self, role: str = "first", *, headers: Mapping[str, str] | None = None, **changes: Any) -> httpx2.Response:
        """Push the ordinary request of a role, changed."""
        return self.post("pushed_authorization_request", role, self.request(role, **changes), headers)

    def pushed(self, role: str = "first", **changes: Any) -> str:
        """The request_uri of an accepted push."""
        answer = self.push(role, **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["request_uri"])

    def client_id(self, role: str = "first") -> str:
        """The client_id of a role."""
        return self.profile.clients[role].client_id

    def code(self, role: str = "first", **changes: Any) -> str:
        """A code that came through the whole flow."""
        return self.browser().finish(self.client_id(role), self.pushed(role, **changes))["code"]

    def redeem(
        self, issued: str, role: str = "first", *, headers: Mapping[str, str] | None = None, **changes: Any
    ) -> httpx2.Response:
        """Redeem a code; None removes a parameter."""
        data = {
            "grant_type": "authorization_code",
            "code": issued,
            "redirect_uri": self.profile.clients[role].redirect_uris[0],
            "code_verifier": VERIFIER,
        } | changes
        data |= {"client_id": self.client_id(role)}
        return self.post("token", role, {name: value for name, value in data.items() if value is not None}, headers)

    def request_object(self, role: str = "signed", headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A signed request object with the ordinary parameters of a role; None removes a claim."""
        now = int(self.clock.now())
        claims = self.request(role) | {
            "iss": self.client_id(role),
            "aud": self.running.issuer,
            "exp": now + 300,
            "nbf": now,
            "jti": str(uuid.uuid4()),
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return (
            self.keyring.clients[role].key("ES256").sign(claims, {"typ": "oauth-authz-req+jwt"} | dict(headers or {}))
        )

    def push_object(self, text: str, role: str = "signed", **beside: str) -> httpx2.Response:
        """Push a request object."""
        return self.post("pushed_authorization_request", role, {"request": text} | beside)

    def proof(self, key: Any, endpoint: str, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A DPoP proof for a POST to an endpoint; None removes a claim."""
        claims = {"htm": "POST", "htu": self.url(endpoint), "iat": int(self.clock.now()), "jti": str(uuid.uuid4())}
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        jwk = {name: value for name, value in key.public_jwk().items() if name not in {"kid", "alg", "use"}}
        return str(key.sign(claims, {"typ": "dpop+jwt", "jwk": jwk, "kid": None} | dict(headers or {})))


def basic(user: str, password: str) -> str:
    """An Authorization header of the Basic scheme (RFC 6749, section 2.3.1)."""
    return "Basic " + base64.b64encode(f"{quote_plus(user)}:{quote_plus(password)}".encode()).decode()


@contextmanager
def running(
    server: type[AuthorizationServer] = AuthorizationServer,
    profile: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Kit]:
    """A kit around a server with these settings; `profile` replaces top-level parts of the reference profile.

    At the end no handler may have crashed.
    """
    whole, keyring = reference()
    if profile:
        whole = Profile.model_validate(whole.model_dump() | dict(profile))
        keyring = resolve(whole, REFERENCE.parent)
    clock = TurnedClock()
    with serve(whole, keyring, server=server, settings=Settings(**settings), now=clock.now) as started:
        kit = Kit(started, clock, whole, keyring)
        try:
            yield kit
        finally:
            kit.close()
        assert kit.server.crashes == []


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    """Status and error code of a refused direct request."""
    return answer.status_code, answer.json()["error"]


def new_key(alg: str = "ES256") -> Any:
    """A fresh key."""
    return generate_key(alg, f"key-{time.monotonic_ns()}")
