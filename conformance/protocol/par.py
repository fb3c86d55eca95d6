"""Pushed authorization requests (RFC 9126 section 2): the ordinary one, changes to it, and what comes back."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from conformance.http.message import Died, Pairs, Request, Response, query_of
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol import client_auth, jar, pkce
from conformance.protocol import dpop as proofs
from conformance.protocol.client_auth import Authentication, Occasion
from conformance.protocol.dpop import DpopKey
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

FORM = "application/x-www-form-urlencoded"

Change = str | list[str] | None
#: What may have to stand beside a request object: nothing (RFC 9101 section 5), or what OpenID Connect Core section 6.1
#: wants of every request.
BESIDE_OBJECT: tuple[tuple[str, ...], ...] = (
    (),
    ("response_type", "scope"),
    ("response_type", "scope", "redirect_uri"),
)
#: A longer value of a change is not told (characters): half a secret would not be known as one.
LONGEST_TOLD = 120


@dataclass(frozen=True)
class Push:
    """One pushed authorization request before it is sent.

    `parameters` is what stands in the form; `inside` is what the authorization request says, which differs only where a
    request object carries it. `content` replaces the encoded form.
    """

    client: RegisteredClient
    parameters: Pairs
    inside: Pairs = ()
    authentication: Authentication = client_auth.registered
    method: str = "POST"
    query: Pairs = ()
    headers: Pairs = ()
    content_type: str | None = FORM
    content: bytes | None = field(default=None, repr=False)
    verifier: str | None = field(default=None, repr=False)
    dpop: DpopKey | None = None
    dpop_fault: proofs.Fault = proofs.RIGHT
    dpop_header: str = "DPoP"
    second_dpop: DpopKey | None = None
    fresh_connection: bool = False
    endpoint: str | None = None

    def value(self, name: str) -> str | None:
        """What the authorization request says for a parameter; None where it says nothing."""
        return next((value for key, value in self.inside or self.parameters if key == name), None)

    def changed(self, **changes: Change) -> Push:
        """The same request with other parameters: None takes one out, a list repeats it."""
        return replace(self, parameters=changed_pairs(self.parameters, changes))


@dataclass(frozen=True)
class PushAnswer:
    """What came back to a push, and how the same push without the change fared (`control`)."""

    push: Push
    response: Response | None
    died: str | None = None
    control: PushAnswer | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""
        return self.response.status if self.response else None

    @property
    def json(self) -> dict[str, Any] | None:
        """The answer as one JSON object; None where it is none."""
        return self.response.json_object() if self.response else None

    @property
    def request_uri(self) -> str | None:
        """The request_uri of the answer, whatever the status: what a client could go on with."""
        value = (self.json or {}).get("request_uri")
        return value if isinstance(value, str) and value else None

    @property
    def expires_in(self) -> float | None:
        """The lifetime in seconds, as a number; None where it is missing or something else."""
        value = (self.json or {}).get("expires_in")
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def error(self) -> str | None:
        """The error code of the answer."""
        value = (self.json or {}).get("error")
        return value if isinstance(value, str) else None

    @property
    def accepted(self) -> bool:
        """A success status and a request_uri: the effect, its exact form is judged by checks of its own."""
        return self.status is not None and 200 <= self.status < 300 and self.request_uri is not None

    @property
    def refused(self) -> bool:
        """The server said no: a 4xx, or an OAuth error under another status or in a redirect. The form of it is judged
        elsewhere."""
        if self.status is None or self.accepted:
            return False
        told = self.error is not None or "error" in query_of((self.response and self.response.header("location")) or "")
        return 400 <= self.status < 500 or (self.status < 500 and told)

    @property
    def unauthenticated(self) -> bool:
        """The client itself was refused (RFC 6749 section 5.2)."""
        return self.status == 401 or self.error == "invalid_client"

    @property
    def summary(self) -> str:
        """What came back, in a few words."""
        if self.response is None:
            return f"no answer ({self.died})"
        words = [f"HTTP {self.status}"]
        if self.error is not None:
            words.append(f"error={self.error}")
        elif self.request_uri is not None:
            words.append("with a request_uri")
        elif self.response.is_redirect:
            words.append(f"to {(self.response.header('location') or '').partition('?')[0][:LONGEST_TOLD]}")
        elif self.json is None:
            words.append(self.response.media_type or "no media type")
        return " ".join(words)


@dataclass
class Shapes:
    """What each client (by role) has to repeat beside its request objects, as far as that is known.

    It is asked for once, also where many checks want to know it at the same time: the same run sends the same requests.
    """

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


@dataclass
class Par:
    """Pushes of one check. Changes are sent together with nothing else changed; a refusal is set beside a control."""

    wire: Wire
    target: Target
    nonces: dict[str, str]
    shapes: Shapes = field(default_factory=Shapes)

    def client(self, role: str = "first") -> RegisteredClient:
        """The client of a role; NotApplicable where the profile has none."""
        return self.target.client(role)

    def ordinary(self, client: str | RegisteredClient = "first", /, **changes: Change) -> Push:
        """The ordinary pushed request of a client, as the profile says, with changes to its parameters.

        A client that is registered to sign gets its parameters into a request object (RFC 9101).
        """
        client = self.target.client(client) if isinstance(client, str) else client
        parameters, verifier = self._parameters(client)
        parameters = self._changed(client, parameters, changes)
        push = Push(client, parameters, verifier=verifier, dpop=DpopKey() if client.entry.dpop else None)
        if client.entry.request_objects and client.entry.request_objects.required:
            return self.signed(push)
        return push

    def object(
        self,
        client: str | RegisteredClient = "signed",
        /,
        *,
        fault: jar.Fault = jar.RIGHT,
        **changes: Change,
    ) -> Push:
        """The ordinary request of a client as a request object (RFC 9126 section 3), with a fault if one is wanted."""
        client = self.target.client(client) if isinstance(client, str) else client
        parameters, verifier = self._parameters(client)
        parameters = self._changed(client, parameters, changes)
        push = Push(client, parameters, verifier=verifier, dpop=DpopKey() if client.entry.dpop else None)
        return self.signed(push, fault)

    def signed(self, push: Push, fault: jar.Fault = jar.RIGHT) -> Push:
        """A push whose parameters are carried by a request object."""
        inside: dict[str, Any] = {}
        for name, value in push.parameters:
            if name in inside:
                before = inside[name]
                inside[name] = [*(before if isinstance(before, list) else [before]), value]
            else:
                inside[name] = value
        token = jar.request_object(push.client, self.target, inside, self.wire.clock.now(), fault)
        return replace(
            push,
            parameters=(("client_id", push.client.client_id), ("request", token)),
            inside=push.parameters,
        )

    def _changed(self, client: RegisteredClient, pairs: Pairs, changes: Mapping[str, Change]) -> Pairs:
        """The pairs with changes, which the check's evidence keeps in words."""
        if changes:
            words = ", ".join(told_change(name, value) for name, value in changes.items())
            self.wire.evidence.change(f"the request of the client {client.role} {words}")
        return changed_pairs(pairs, changes)

    def _parameters(self, client: RegisteredClient) -> tuple[Pairs, str | None]:
        entry = client.entry
        pairs: list[tuple[str, str]] = [
            ("response_type", "code"),
            ("client_id", client.client_id),
            ("redirect_uri", client.redirect_uri),
            ("state", secrets.token_urlsafe(16)),
        ]
        if entry.scope:
            pairs.append(("scope", entry.scope))
        if "openid" in (entry.scope or "").split():
            pairs.append(("nonce", secrets.token_urlsafe(16)))
        verifier = None
        if entry.pkce:
            verifier = pkce.new_verifier()
            self.wire.transport.learn(verifier)
            pairs += [("code_challenge", pkce.challenge(verifier)), ("code_challenge_method", "S256")]
        if entry.response_mode:
            pairs.append(("response_mode", entry.response_mode))
        if entry.authorization_details and "authorization_details" in entry.parameters:
            pairs.append(("authorization_details", json.dumps(entry.authorization_details)))
        further = {name: value for name, value in entry.parameters.items() if name != "authorization_details"}
        return changed_pairs(tuple(pairs), further), verifier

    async def push(self, client: str | RegisteredClient = "first", /, **changes: Change) -> PushAnswer:
        """Send a client's ordinary request with these changes; its control is the ordinary request."""
        return await self.send(
            self.ordinary(client, **changes),
            control=(lambda: self.ordinary(client)) if changes else None,
        )

    async def accepted(self, client: str | RegisteredClient = "first", /, **changes: Change) -> PushAnswer:
        """Send a request that has to be accepted for the check to go on. NotExercised where it is not."""
        answer = await self.push(client, **changes)
        if changes and not answer.accepted and answer.control is not None and answer.control.accepted:
            told = ", ".join(told_change(name, value) for name, value in changes.items())
            raise NotExercised(f"the server accepts the ordinary request, but not {told}: {answer.summary}")
        return needs_accepted(answer)

    async def send(
        self,
        push: Push,
        *,
        control: Callable[[], Push] | None = None,
        purpose: str = "pushed authorization request",
        retry_throttled: bool = True,
        alone: bool = False,
    ) -> PushAnswer:
        """Send a push. Where it is not accepted, its control is sent too: only that shows what the refusal was for.

        A request object is sent as this server takes them, some of its parameters repeated beside it if need be;
        `alone` sends it by itself.
        """
        answer = await self._send(push if alone else await self._shaped(push), purpose, retry_throttled)
        if answer.accepted or control is None:
            return answer
        return replace(answer, control=await self._send(await self._shaped(control()), "control", True))

    async def _shaped(self, push: Push) -> Push:
        """The push with what this server wants beside request objects, as far as the object has it too.

        That it wants anything is one finding, of `rfc9101-5-object-suffices`; all others are about what is inside.
        """
        role = push.client.role
        signs = self.target.profile.clients[role].request_objects is not None
        if not push.inside or "request" not in dict(push.parameters) or not signs:
            return push
        async with self.shapes.asking:
            if role not in self.shapes.known:
                self.shapes.known[role] = await self._shape(push.client)
        return _repeated(push, self.shapes.known[role])

    async def _shape(self, client: RegisteredClient) -> tuple[str, ...]:
        for names in BESIDE_OBJECT:
            push = _repeated(self.object(client), names)
            if (await self._send(push, "what stands beside request objects", True)).accepted:
                return names
        return ()

    async def _send(self, push: Push, purpose: str, retry_throttled: bool) -> PushAnswer:
        had_nonce = "par" in self.nonces
        answer = await self._once(push, purpose, retry_throttled)
        first_nonce = not had_nonce and "par" in self.nonces and not answer.accepted
        wants_nonce = push.dpop is not None and (answer.error == "use_dpop_nonce" or first_nonce)
        if wants_nonce and "nonce" not in push.dpop_fault.claims:
            # RFC 9449 section 8: the client repeats its request with the nonce that it was given.
            answer = await self._once(push, f"{purpose} (with the DPoP nonce)", retry_throttled)
        return answer

    async def _once(self, push: Push, purpose: str, retry_throttled: bool) -> PushAnswer:
        try:
            response = await self.wire.send(self.request(push), purpose=purpose, retry_throttled=retry_throttled)
        except Died as died:
            return PushAnswer(push, None, died=str(died))
        nonce = response.header("dpop-nonce")
        if nonce:
            self.nonces["par"] = nonce
        return PushAnswer(push, response)

    def endpoint(self, push: Push) -> str:
        """Where a push goes: the profile's or the metadata's endpoint, or its alias for mutual TLS."""
        if push.endpoint:
            return push.endpoint
        if push.client.entry.auth.endswith("tls_client_auth"):
            return self.target.metadata.mtls_alias("pushed_authorization_request_endpoint") or self.target.par_endpoint
        return self.target.par_endpoint

    def request(self, push: Push) -> Request:
        """The HTTP request that a push becomes; its credentials are made now, for they may be used once."""
        url = self.endpoint(push)
        now = self.wire.clock.now()
        proof = push.authentication(Occasion(push.client, self.target, url, now))
        headers = [*proof.headers, *push.headers]
        for key in (push.dpop, push.second_dpop):
            if key is not None:
                nonce = self.nonces.get("par")
                header = proofs.proof(key, push.method, url, now, nonce=nonce, fault=push.dpop_fault)
                headers.append((push.dpop_header, header))
        if push.content_type is not None:
            headers.append(("Content-Type", push.content_type))
        content = push.content
        if content is None:
            content = encode((*push.parameters, *proof.form)).encode()
        if push.query:
            url += ("&" if "?" in url else "?") + encode(push.query)
        return Request(
            push.method,
            url,
            tuple(headers),
            content,
            certificate=proof.certificate,
            fresh_connection=push.fresh_connection,
            repeatable=not push.fresh_connection,
        )


def _repeated(push: Push, names: Iterable[str]) -> Push:
    """A push with parameters of its request object repeated beside it, those aside that stand there already."""
    known = set(dict(push.parameters))
    beside = tuple((name, value) for name, value in push.inside if name in names and name not in known)
    return replace(push, parameters=(*push.parameters, *beside))


def needs_accepted(answer: PushAnswer) -> PushAnswer:
    """The answer itself, if it was accepted. NotExercised where it was not: nothing can be built on it."""
    if not answer.accepted:
        raise without_control(
            answer,
            f"an ordinary pushed authorization request of the client {answer.push.client.role!r} "
            f"was not accepted: {answer.summary}",
        )
    return answer


def without_control(ordinary: PushAnswer, reason: str) -> NotApplicable | NotExercised:
    """What to raise where an ordinary push was not accepted, so that nothing can be said of another one.

    That a server serves no public client at all is one finding, and not as many as there are rules; a client with
    credentials may have wrong ones.
    """
    if ordinary.push.client.public and ordinary.unauthenticated:
        return NotApplicable(f"this public client is not served at the PAR endpoint, a finding of its own: {reason}")
    return NotExercised(reason)


def told_change(name: str, value: Change) -> str:
    """A change in words: `with scope=admin`, `without scope`. A long value is told by its length, never cut."""
    if value is None:
        return f"without {name}"
    values = value if isinstance(value, list) else [value]
    return "with " + " and ".join(
        f"{name}={part}" if len(part) <= LONGEST_TOLD else f"{name} of {len(part):,} characters" for part in values
    )


def changed_pairs(pairs: Pairs, changes: Mapping[str, Change]) -> Pairs:
    """The pairs with changes, each at the place of what it replaces; new ones at the end."""
    result: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in pairs:
        if name not in changes:
            result.append((name, value))
        elif name not in seen:
            seen.add(name)
            result += _pairs(name, changes[name])
    for name, change in changes.items():
        if name not in seen:
            result += _pairs(name, change)
    return tuple(result)


def _pairs(name: str, change: Change) -> list[tuple[str, str]]:
    if change is None:
        return []
    return [(name, value) for value in ([change] if isinstance(change, str) else change)]


def encode(pairs: Pairs) -> str:
    """Form encoding in UTF-8 (RFC 6749 appendix B)."""
    return urlencode(pairs)


def speaks_openid(target: Target, client: RegisteredClient) -> bool:
    """Whether a client's ordinary request is an OpenID Connect one at this target."""
    return target.has(Feature.OPENID) and "openid" in (client.entry.scope or "").split()
