"""The doctor: in seconds, what most red runs come from, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

from rich.console import Console

from conformance.browser.find import NoBrowserError
from conformance.browser.leg import Leg
from conformance.clock import RealClock
from conformance.http.client import Transport
from conformance.http.message import Died
from conformance.http.redaction import Redactor
from conformance.http.wire import Wire
from conformance.profile.load import LoadedProfile, contradictions, load
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization, Browsers
from conformance.protocol.metadata import Metadata, discover
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token
from conformance.report.text import one_line
from conformance.run import at_embedded
from conformance.server import serve
from conformance.target import Target, detect
from conformance.verdict import NotApplicable, NotExercised

#: A clock that is further off than this makes JWTs fail (seconds).
SKEW = 5
#: What is told of one thing (characters).
LONGEST = 1000
#: The fix for a client with a certificate at a server without TLS.
NO_CERTIFICATE = "a certificate is shown under https only: take this client out, or give the server an https address"

#: No server has registered this one.
UNREGISTERED = "https://unregistered.par-conformance.example/callback"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: good or not, what was found and, where it is not good, the fix."""

    subject: str
    good: bool
    found: str
    fix: str | None = None


def examine(path: Path) -> list[Finding]:
    """Examine a profile and its target. Raises ProfileError where the profile itself is wrong."""
    loaded = load(path)
    with ExitStack() as stack:
        if loaded.profile.embedded:
            running = stack.enter_context(serve(loaded.profile, loaded.keyring))
            loaded = replace(loaded, profile=at_embedded(loaded.profile, running))
        return asyncio.run(_collect(loaded))


async def _collect(loaded: LoadedProfile) -> list[Finding]:
    redactor = Redactor(loaded.keyring.secrets())
    found = [finding async for finding in _examine(loaded, redactor)]
    # What a server says goes to a terminal: without secrets, and without what steers one.
    return [replace(finding, found=one_line(redactor.text(finding.found), LONGEST)) for finding in found]


async def _examine(loaded: LoadedProfile, redactor: Redactor) -> AsyncIterator[Finding]:
    profile = loaded.profile
    clock = RealClock()
    transport = Transport(profile, loaded.keyring, redactor, clock)
    told = [url for url in profile.endpoints.model_dump().values() if isinstance(url, str)]
    transport.allow(*told, *filter(None, (profile.issuer, profile.metadata_url)))
    wire = Wire(transport, clock, clock.until)
    try:
        yield Finding("profile", True, f"{loaded.path} is a correct profile")
        try:
            metadata = await discover(profile, transport, wire.evidence)
        except (Died, NotExercised) as failure:
            yield Finding("reachability", False, str(failure), _reach_fix(str(failure)))
            return
        for finding in _metadata(loaded, metadata):
            yield finding
        if metadata.pushed_authorization_request_endpoint is None:
            return
        target = Target(profile, loaded.keyring, metadata, detect(profile, metadata), tuple(profile.plans))
        async for finding in _clients(wire, target):
            yield finding
        async for finding in _policies(wire, target):
            yield finding
        async for finding in _logins(wire, target):
            yield finding
        yield await _browser(Leg(profile, redactor, transport.pace, metadata.issuer))
    finally:
        await transport.close()


def _reach_fix(failure: str) -> str:
    if "certificate" in failure.lower() or "ssl" in failure.lower():
        return "give the certificate authority of the target as `tls.ca_file`"
    return "is the server up, and are `issuer` and the network right?"


def _metadata(loaded: LoadedProfile, metadata: Metadata) -> list[Finding]:
    findings = []
    if metadata.document:
        places = ", ".join(url for url, response in metadata.responses.items() if response.status == 200)
        findings.append(Finding("discovery", True, f"metadata at {places}"))
    else:
        statuses = ", ".join(f"{url}: HTTP {response.status}" for url, response in metadata.responses.items())
        good = metadata.pushed_authorization_request_endpoint is not None
        fix = None if good else "give `metadata_url`, or the endpoints under `endpoints`"
        findings.append(Finding("discovery", good, f"no metadata ({statuses or 'no issuer in the profile'})", fix))
    for mistake in contradictions(loaded.profile, dict(metadata.document)) if metadata.document else ():
        text = f"{mistake.key}: found {mistake.found}, expected {mistake.expected}"
        findings.append(Finding("metadata", False, text, mistake.fix))
    if metadata.pushed_authorization_request_endpoint is None:
        findings.append(
            Finding(
                "PAR endpoint",
                False,
                "neither the metadata nor the profile names a pushed authorization request endpoint",
                "does the server support PAR, and is it switched on? "
                "If so, give `endpoints.pushed_authorization_request`",
            )
        )
    else:
        findings.append(Finding("PAR endpoint", True, metadata.pushed_authorization_request_endpoint))
    skew = _skew(metadata)
    if skew is not None:
        good = abs(skew) <= SKEW
        fix = None if good else "set this machine's clock: client assertions and request objects carry times"
        findings.append(Finding("clock", good, f"the server's clock is {round(skew):+d} s from this one", fix))
    return findings


def _skew(metadata: Metadata) -> float | None:
    for response in metadata.responses.values():
        date = response.header("date")
        if date:
            try:
                moment = parsedate_to_datetime(date[:64])
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - response.started
            except (ValueError, TypeError, IndexError, OverflowError):
                return None
    return None


async def _clients(wire: Wire, target: Target) -> AsyncIterator[Finding]:
    par = Par(wire, target, {})
    for role, entry in target.profile.clients.items():
        try:
            answer = await par.send(par.ordinary(role))
        except (NotApplicable, NotExercised) as reason:
            yield Finding(f"client {role}", False, str(reason), None)
            continue
        subject = f"client {role} ({entry.auth})"
        if answer.accepted:
            yield Finding(subject, True, "an ordinary pushed authorization request was accepted")
            if entry.request_objects and not entry.request_objects.required and target.has(Feature.JAR):
                yield await _object(par, role)
            continue
        bare = entry.certificate is not None and target.par_endpoint.startswith("http:")
        yield Finding(subject, False, _refusal(answer), NO_CERTIFICATE if bare else _client_fix(answer))


def _refusal(answer: PushAnswer) -> str:
    described = (answer.json or {}).get("error_description")
    return answer.summary + (f": {described}" if isinstance(described, str) else "")


async def _object(par: Par, role: str) -> Finding:
    """Whether an ordinary request object of a client is accepted, and what has to stand beside it."""
    subject = f"request objects of client {role}"
    answer = await par.send(par.object(role))
    if not answer.accepted:
        fix = (
            "are `keys` and `request_objects.alg` the registered ones? If it may not use any, take request_objects out"
        )
        return Finding(subject, False, _refusal(answer), fix)
    beside = par.shapes.known.get(role)
    text = f"accepted with {', '.join(beside)} repeated beside them" if beside else "accepted"
    return Finding(subject, True, text)


def _client_fix(answer: PushAnswer) -> str:
    if answer.push.client.public and answer.unauthenticated:
        return "is it registered as a public client? A server may also serve none at the PAR endpoint: then take it out"
    return {
        "invalid_client": "is the client_id right, is its secret or key the registered one, and is `auth` the "
        "registered token_endpoint_auth_method?",
        "invalid_scope": "give a `scope` that this client may have",
        "unauthorized_client": "the client must be registered for the authorization code grant; "
        "one for client credentials only has nothing to push",
        "invalid_request": "is the first of `redirect_uris` registered exactly so? "
        "Further parameters that the server wants go into `parameters`",
    }.get(answer.error or "", "read the server's log: an ordinary request of this client has to be accepted")


async def _browser(leg: Leg) -> Finding:
    """Whether what only a browser shows can be tried."""
    if leg.profile.browser.off:
        return Finding("browser", True, "the profile leaves it out")
    try:
        await leg.process()
    except NoBrowserError as problem:
        return Finding("browser", False, str(problem), "without one the run is incomplete, unless `browser.off` is set")
    finally:
        version = leg.version
        await leg.close()
    return Finding("browser", True, f"{version} starts")


async def _policies(wire: Wire, target: Target) -> AsyncIterator[Finding]:
    """What the server may decide for itself, and only the profile can say: whether it is meant."""
    said = target.profile.features.get(Feature.UNREGISTERED_REDIRECT_URIS, "detect")
    if target.client("first").public or said != "detect":
        return
    answer = await Par(wire, target, {}).push(redirect_uri=UNREGISTERED)
    if answer.accepted:
        fix = (
            "if that is its policy (RFC 9126 section 2.4), write `features.unregistered_redirect_uris: true`; "
            "else every check of redirect URIs will say so"
        )
        yield Finding("redirect URIs", True, "the first client may push one that is not registered", fix)


async def _logins(wire: Wire, target: Target) -> AsyncIterator[Finding]:
    """Whether a person gets through with the first client, and then what keeps the others from it."""
    browsers = Browsers(target)
    first = await _login(wire, target, browsers, "first")
    if first is None:
        return
    yield first
    for role in target.profile.clients if first.good else ():
        if role == "first":
            continue
        found = await _login(wire, target, browsers, role)
        if found is not None and not found.good:
            yield found


async def _login(wire: Wire, target: Target, browsers: Browsers, role: str) -> Finding | None:
    """Whether a person gets from a client's ordinary push to its tokens; None where the push fails, told before."""
    who = "" if role == "first" else f" of client {role}"
    authorization, par = Authorization(wire, target, browsers), Par(wire, target, {})
    try:
        answer = await par.send(par.ordinary(role))
        if not answer.accepted:
            return None
        outcome = await authorization.open(answer)
    except (NotApplicable, NotExercised) as reason:
        return Finding(f"login{who}", False, str(reason), f"mend the {role} client, or `login`")
    if outcome.ending is not Ending.CODE:
        where = outcome.page.url if outcome.page else target.authorization_endpoint
        described = outcome.parameters.get("error_description")
        told = f"{outcome.summary}: {described}" if described else outcome.summary
        text = f"no code came: {told}; it ended at {where.split('?')[0]}"
        return Finding(f"login{who}", False, text, _login_fix(outcome))
    tokens = await Token(wire, target, {}).redeem(outcome, answer.push)
    if not tokens.accepted:
        described = tokens.json.get("error_description")
        told = f"{tokens.summary}: {described}" if isinstance(described, str) else tokens.summary
        fix = "what the client is registered for: its authentication at the token endpoint, DPoP, its redirect_uri"
        return Finding(f"token{who}", False, f"the code was not redeemed: {told}", fix)
    return Finding(f"login{who}", True, "a person logs in, a code comes, the code is redeemed")


def _login_fix(outcome: Outcome) -> str:
    if not any(response.status < 300 for response in outcome.responses):
        return (
            "no page was shown: the request itself was refused. Does the server want more than client_id and "
            "request_uri (`beside_request_uri`)? May this client ask so?"
        )
    return "are user name and password right? Pages that are not found by themselves are described as `login.steps`"


def print_findings(findings: list[Finding], console: Console) -> None:
    """Print what the doctor found, in the order of looking."""
    for finding in findings:
        mark = "[green]ok[/]" if finding.good else "[red]no[/]"
        console.print(f"{mark}  [bold]{finding.subject}[/]: ", end="")
        console.print(finding.found, markup=False, highlight=False, soft_wrap=True)
        if finding.fix:
            console.print(f"    fix: {finding.fix}", markup=False, highlight=False, soft_wrap=True)
