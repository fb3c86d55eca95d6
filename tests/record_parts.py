"""What run records of tests are made of: exchanges, checks, requirements, and what a hostile server sends."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from conformance.report.record import CheckResult, Exchange, Message, RequirementResult, Run, Target, Wait
from conformance.verdict import Answer, Level, Verdict

STARTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BASE = "https://login.bank.example"
FORM = "application/x-www-form-urlencoded"

#: What a hostile server sends: markup, terminal escapes, a link, turned text, and what XML forbids.
HOSTILE = (
    "</code></pre></script><script>document.title='owned'</script>"
    '<img src="x" onerror="document.title=\'owned\'"> \x1b[31mred\x1b[0m '
    "\x1b]8;;https://evil.example\x07link "
    "\u202etxt.exe\u2066 zero\u200bwidth \x00\x0b\x85\u2028\ufffe\U000e0041 https://evil.example/ "
    "javascript:alert(1) | cell | `code` ![image](https://evil.example/x.png) @everyone [bold]rich[/bold] ]]>"
)

_URLS = {
    "rfc9126": "https://www.rfc-editor.org/rfc/rfc9126#section-{}",
    "rfc9101": "https://www.rfc-editor.org/rfc/rfc9101#section-{}",
    "rfc9449": "https://www.rfc-editor.org/rfc/rfc9449#section-{}",
    "fapi2": "https://openid.net/specs/fapi-security-profile-2_0.html#section-{}",
}
TITLES = {
    "rfc9126": "OAuth 2.0 Pushed Authorization Requests",
    "rfc9101": "The OAuth 2.0 Authorization Framework: JWT-Secured Authorization Request (JAR)",
    "rfc9449": "OAuth 2.0 Demonstrating Proof of Possession (DPoP)",
    "fapi2": "FAPI 2.0 Security Profile",
}


def exchange(
    number: int,
    purpose: str,
    body: str = "",
    status: int | None = 201,
    answer: str = "",
    *,
    method: str = "POST",
    path: str = "/as/par",
    started: float = 0.0,
    seconds: float = 0.034,
    headers: Sequence[tuple[str, str]] = (),
    error: str | None = None,
) -> Exchange:
    """One exchange of a sample; `started` counts from the start of the run in seconds."""
    url = BASE + path
    sent = [("Host", "login.bank.example"), ("Accept", "application/json")]
    if body:
        sent += [("Content-Type", FORM), ("Authorization", "Basic ⟨secret 4f1c⟩")]
    got = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers] if status else []
    data = f" \\\n  --data-raw '{body}'" if body else ""
    return Exchange(
        number=number,
        purpose=purpose,
        started=STARTED.timestamp() + started,
        seconds=seconds,
        method=method,
        url=url,
        request=Message(headers=sent, body=body, size=len(body)),
        status=status,
        response=Message(headers=got, body=answer, size=len(answer.encode())),
        error=error,
        curl=f"curl -i -X {method} '{url}' \\\n  -u \"$CLIENT_FIRST:$SECRET_FIRST\"{data}",
    )


def requirement(
    identifier: str,
    verdict: Verdict,
    text: str,
    *,
    level: Level = Level.MUST,
    applied: Level | None = None,
    rule: str | None = None,
    risk: str = "An attacker can change what the client asked for, and nobody notices.",
    fix: str | None = "Refuse the request with invalid_request before anything of it is stored.",
    reason: str | None = None,
    checks: Sequence[str] = (),
) -> RequirementResult:
    """One requirement of a sample; specification and section are read from its id."""
    specification, section = identifier.split("-")[:2]
    return RequirementResult(
        id=identifier,
        specification=specification,
        section=section,
        url=_URLS[specification].format(section),
        level=level,
        applied=applied or level,
        rule=rule,
        text=text,
        risk=risk,
        fix=fix,
        verdict=verdict,
        reason=reason,
        checks=list(checks),
    )


def check(
    name: str,
    title: str,
    requirements: Sequence[str],
    outcome: str = "pass",
    *,
    started: float = 0.0,
    seconds: float = 0.12,
    exchanges: Sequence[Exchange] = (),
    waits: Sequence[Wait] = (),
    **told: object,
) -> CheckResult:
    """One check of a sample; without exchanges it gets an ordinary push."""
    return CheckResult.model_validate(
        {
            "name": name,
            "title": title,
            "requirements": list(requirements),
            "outcome": outcome,
            "broken": list(requirements) if outcome == "violation" else [],
            "started": STARTED.timestamp() + started,
            "seconds": seconds,
            "exchanges": list(exchanges) or [push(started)],
            "waits": list(waits),
            **told,
        }
    )


def push(started: float, number: int = 1, purpose: str = "pushed authorization request", more: str = "") -> Exchange:
    """An ordinary push that is accepted."""
    body = (
        "response_type=code&client_id=first-client&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback"
        "&scope=openid%20profile&state=af0ifjsldkj&code_challenge=K2-ltc83acc4h0c9w6ESC_rEMTJ3bww-uCHaoeK1t8U"
        f"&code_challenge_method=S256{more}"
    )
    answer = json.dumps({"request_uri": "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc", "expires_in": 60})
    seconds = 0.02 + random.Random(f"{started} {number}").lognormvariate(-4, 0.6)
    return exchange(number, purpose, body, 201, answer, started=started, seconds=seconds)


def _target() -> Target:
    return Target(
        name="Example Bank, staging",
        profile="example-bank.yaml",
        profile_sha256=hashlib.sha256(b"profile").hexdigest(),
        issuer=BASE,
        endpoints={
            "pushed_authorization_request_endpoint": BASE + "/as/par",
            "authorization_endpoint": BASE + "/as/authorize",
            "token_endpoint": BASE + "/as/token",
            "jwks_uri": "javascript:alert('a link from metadata')",
        },
        features={
            "openid": True,
            "pkce": True,
            "dpop": True,
            "jar": False,
            "rar": True,
            "mtls": False,
            "iss": True,
        },
        clients={"first": "client_secret_basic", "second": "private_key_jwt", "public": "none"},
        authorization_by="Jo Example, head of identity",
        authorization_until=date(2026, 12, 31),
        authorization_reference="PT-2026-118",
        unverified=["limits.expires_in"],
    )


def record(requirements: list[RequirementResult], checks: list[CheckResult], **changes: object) -> Run:
    """A run of these requirements and checks; `changes` replace its other fields."""
    verdicts = [row.verdict for row in requirements]
    fields: dict[str, object] = {
        "suite_version": "1.0.0",
        "python": "3.11.9",
        "libraries": {
            "httpx2": "2.16.2",
            "PyJWT": "2.15.1",
            "hypothesis": "6.170.15",
            "cryptography": "50.0.2",
        },
        "started": STARTED,
        "finished": STARTED + timedelta(seconds=71.4),
        "seed": "20261120",
        "plans": ["rfc9126", "fapi2"],
        "target": _target(),
        "conformance": Answer.FAIL,
        "gate": Answer.FAIL,
        "sentence": "The server breaks 4 requirements; the gate does not hold.",
        "tally": {verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
        "specifications": TITLES,
        "requirements": requirements,
        "checks": checks,
        "requests": sum(len(done.exchanges) for done in checks),
    }
    return Run.model_validate(fields | changes)
