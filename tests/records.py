"""Run records for the tests of the report: a realistic one with every verdict, a clean one, a large one."""

from __future__ import annotations

import math
import random
from datetime import date

from conformance.report.record import (
    CheckResult,
    DeviationResult,
    Exchange,
    Fact,
    RequirementResult,
    Run,
    Wait,
)
from conformance.verdict import Answer, Level, Verdict
from tests.record_parts import BASE, HOSTILE, STARTED, check, exchange, push, record, requirement

_CALLBACK = "https://client.example/callback"
_WORDS = [
    *("scope", "state", "nonce", "redirect_uri", "response_type", "response_mode", "code_challenge", "prompt"),
    *("max_age", "claims", "acr_values", "login_hint", "display", "ui_locales", "resource", "dpop_jkt"),
]


def _checks() -> list[CheckResult]:
    reused = [
        push(3.0, 1, "control"),
        _use(2, "authorization request", 3.05, f"{_CALLBACK}?code=⟨code 91aa⟩&state=af0ifjsldkj"),
        _use(3, "authorization request, again", 3.14, f"{_CALLBACK}?code=⟨code 02be⟩&state=af0ifjsldkj"),
    ]
    body = "request_uri=urn:example:anything&client_id=first-client"
    headers = [("X-Note", HOSTILE), ("Server", "\x1b[2Jserver")]
    hostile = [
        push(1.0, 1, "control"),
        exchange(2, "pushed authorization request", body, 201, HOSTILE, started=1.04, headers=headers),
    ]
    lived = [push(4.0, 1), _use(2, "authorization request", 70.1, f"{BASE}/login?ticket=⟨ticket 77d0⟩")]
    return [
        check(
            "test_push.py::test_push_that_carries_a_request_uri_is_refused",
            "A pushed request that itself carries request_uri is refused.",
            ["rfc9126-2.1-request-uri-refused"],
            "violation",
            started=1.0,
            observed="accepted",
            sent="The ordinary pushed request with request_uri=urn:example:anything added.",
            expected="An error, 400 with invalid_request.",
            received="201 with a request_uri: " + HOSTILE,
            message="The server stored a request that points to another request.",
            exchanges=hostile,
        ),
        check(
            "test_use.py::test_request_uri_is_used_once",
            "A request_uri that led to a code leads to none a second time.",
            ["rfc9126-4-one-time-use", "fapi2-5.3.2.2-request-uri-one-time"],
            "violation",
            started=3.0,
            seconds=0.31,
            observed="code-issued",
            sent="The same authorization request twice, in one logged-in session.",
            expected="A code the first time; an error and no code the second time.",
            received="A code both times.",
            message="The second request with the same request_uri was answered with a fresh code.",
            exchanges=reused,
        ),
        check(
            "test_lifetime.py::test_request_uri_expires",
            "A request_uri is refused once its expires_in is over.",
            ["rfc9126-4-expired-refused"],
            "violation",
            started=4.0,
            seconds=66.3,
            observed="login-asked",
            sent="An authorization request 66 s after a push that said expires_in=60.",
            expected="An error.",
            received="The login page.",
            message="The request_uri was still accepted six seconds past its end.",
            exchanges=lived,
            waits=[Wait(started=STARTED.timestamp() + 4.1, seconds=66.0, reason="until expires_in is over")],
        ),
        check(
            "test_push.py::test_push_answer_is_not_cached",
            "The answer to a push forbids caches to keep it.",
            ["rfc9126-2.2-no-cache"],
            "violation",
            started=1.2,
            observed="cacheable",
            expected="Cache-Control: no-cache, no-store.",
            received="No Cache-Control.",
            message="A cache between client and server may keep the request_uri.",
        ),
        check(
            "test_metadata.py::test_metadata_names_the_endpoint",
            "The metadata names the pushed authorization request endpoint.",
            ["rfc9126-5-metadata-endpoint"],
            "violation",
            started=0.2,
            observed="absent",
            message="Clients must be told the endpoint by hand.",
        ),
        check(
            "test_push.py::test_method_other_than_post_is_refused[GET]",
            "A push by GET is refused.",
            ["rfc9126-2.3-method-not-allowed"],
            "violation",
            started=1.4,
            observed="status-404",
            expected="405 with Allow: POST.",
            received="404.",
            message="The refusal has another status than the document says.",
        ),
        check(
            "test_push.py::test_oversized_push_is_refused",
            "A push larger than the server's limit is answered with 413.",
            ["rfc9126-2.3-too-large"],
            started=2.0,
            seconds=0.4,
        ),
        check(
            "test_dpop.py::test_proof_of_another_key_is_refused",
            "A code is not redeemed with a DPoP proof of another key than the pushed one.",
            ["rfc9449-10.1-dpop-jkt-bound"],
            "inconclusive",
            started=2.4,
            message="The control failed: the token endpoint answered 429 to the ordinary proof three times.",
            exchanges=[
                push(2.4, 1, "control"),
                exchange(
                    2,
                    "token request",
                    "grant_type=authorization_code&code=⟨code 5c0f⟩",
                    None,
                    path="/as/token",
                    started=2.45,
                    seconds=15.0,
                    error="No answer within 15 s.",
                ),
            ],
        ),
        check(
            "test_jar.py::test_unsigned_request_object_is_refused",
            "A request object with alg none is refused.",
            ["rfc9101-10.2-alg-none-refused"],
            "not-applicable",
            started=2.5,
            seconds=0.0,
            message="The feature jar is off in the profile.",
        ),
        *(
            check(
                f"test_push.py::test_{word}_of_the_stored_request_counts",
                f"The {word} of the pushed request counts, not the one beside it.",
                [f"rfc9126-4-pushed-{word.replace('_', '-')}-wins"],
                started=2.0 + number * 0.35,
                seconds=0.2 + number % 4 * 0.11,
                exchanges=[push(2.0 + number * 0.35, 1, "control"), push(2.1 + number * 0.35, 2)],
            )
            for number, word in enumerate(_WORDS)
        ),
    ]


def _use(number: int, purpose: str, started: float, location: str) -> Exchange:
    reference = "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc_11ACC5bwc014ltc"
    return exchange(
        number,
        purpose,
        status=303,
        method="GET",
        path=f"/as/authorize?client_id=first-client&request_uri={reference}",
        started=started,
        seconds=0.08,
        headers=[("Location", location)],
    )


def _requirements() -> list[RequirementResult]:
    push, use = "test_push.py::", "test_use.py::"
    return [
        requirement(
            "rfc9126-2.1-request-uri-refused",
            Verdict.FAIL,
            "A pushed request that itself carries request_uri is refused.",
            checks=[push + "test_push_that_carries_a_request_uri_is_refused"],
        ),
        requirement(
            "rfc9126-4-one-time-use",
            Verdict.WARN,
            "A request_uri is accepted once.",
            level=Level.SHOULD,
            risk="Somebody who sees an authorization URL can start the same flow again.",
            fix="Mark the request_uri as used when the first authorization request arrives.",
            checks=[use + "test_request_uri_is_used_once"],
        ),
        requirement(
            "fapi2-5.3.2.2-request-uri-one-time",
            Verdict.FAIL,
            "A request_uri is accepted once.",
            level=Level.SHOULD,
            applied=Level.MUST,
            rule="the plan fapi2 demands one-time use",
            risk="Somebody who sees an authorization URL can start the same flow again.",
            checks=[use + "test_request_uri_is_used_once"],
        ),
        requirement(
            "rfc9126-4-expired-refused",
            Verdict.DEVIATION,
            "An authorization request with an expired request_uri is refused.",
            risk="A leaked request_uri stays of use for longer than the client was told.",
            checks=["test_lifetime.py::test_request_uri_expires"],
        ),
        requirement(
            "rfc9126-2.2-no-cache",
            Verdict.WARN,
            "The answer to a push carries Cache-Control: no-cache, no-store.",
            level=Level.SHOULD,
            checks=[push + "test_push_answer_is_not_cached"],
        ),
        requirement(
            "rfc9126-5-metadata-endpoint",
            Verdict.NOTE,
            "The metadata carries pushed_authorization_request_endpoint.",
            level=Level.EXPECTED,
            fix=None,
            checks=["test_metadata.py::test_metadata_names_the_endpoint"],
        ),
        requirement(
            "rfc9126-2.3-method-not-allowed",
            Verdict.FAIL,
            "A method other than POST is answered with 405.",
            reason="The deviation that the profile lists has ended on 2026-10-31.",
            checks=[push + "test_method_other_than_post_is_refused[GET]"],
        ),
        requirement(
            "rfc9126-2.3-too-large",
            Verdict.STALE,
            "A push beyond the size limit is answered with 413.",
            reason="The profile lists status-400, but the check passes now.",
            checks=[push + "test_oversized_push_is_refused"],
        ),
        requirement(
            "rfc9449-10.1-dpop-jkt-bound",
            Verdict.INCONCLUSIVE,
            "A code is bound to the key whose thumbprint was pushed as dpop_jkt.",
            reason="The control failed: the token endpoint throttled the suite.",
            checks=["test_dpop.py::test_proof_of_another_key_is_refused"],
        ),
        requirement(
            "rfc9101-10.2-alg-none-refused",
            Verdict.NOT_APPLICABLE,
            "A request object without a signature is refused.",
            reason="The feature jar is off in the profile.",
            checks=["test_jar.py::test_unsigned_request_object_is_refused"],
        ),
        requirement(
            "rfc9101-6.1-decrypt-before-verify",
            Verdict.NOT_APPLICABLE,
            "An encrypted request object is decrypted first and its signature is verified then.",
            reason="The feature encrypted_request_objects is off in the profile.",
        ),
        requirement(
            "rfc9126-7.1-store-not-shared",
            Verdict.UNTESTED,
            "What was pushed is kept where other clients cannot read it.",
            reason="The store of the server cannot be seen from outside.",
        ),
        requirement(
            "rfc9126-2.10-later-section",
            Verdict.PASS,
            "A section with a two-digit number follows the ones with one digit.",
            checks=[push + "test_scope_of_the_stored_request_counts"],
        ),
        *(
            requirement(
                f"rfc9126-4-pushed-{word.replace('_', '-')}-wins",
                Verdict.PASS,
                f"The {word} of the pushed request counts, not the one beside the request_uri.",
                checks=[push + f"test_{word}_of_the_stored_request_counts"],
            )
            for word in _WORDS
        ),
    ]


def _facts() -> list[Fact]:
    chance = random.Random(9126)
    return [
        Fact(
            name="Lifetime of a request_uri",
            value="66 to 70",
            unit="s",
            detail="Declared by expires_in: 60 s.",
            samples=[60, 66, 70],
            picture="lifetime",
        ),
        Fact(
            name="Randomness of request_uri",
            value="118",
            unit="bits",
            detail="Estimated from 64 pushes; 128 bits are enough.",
            samples=[chance.uniform(5.2, 5.9) for _ in range(21)],
            picture="randomness",
        ),
        Fact(
            name="Time to answer a push",
            value="31",
            unit="ms (median)",
            detail="200 pushes, one after another.",
            samples=[20 + 1000 * chance.lognormvariate(-4.4, 0.5) for _ in range(200)],
        ),
        Fact(
            name="Largest accepted body",
            value="1,048,576",
            unit="bytes",
            detail="413 beyond it.",
            samples=[1_048_576, 1_049_600],
            picture="limit",
        ),
        Fact(name="Server header", value="\x1b[2Jserver", detail=HOSTILE),
    ]


def _deviations() -> list[DeviationResult]:
    return [
        DeviationResult(
            requirement="rfc9126-4-expired-refused",
            observed="login-asked",
            check=None,
            reason="The vendor grants ten seconds for clocks that differ; fixed in release 8.2.",
            ticket="https://tickets.bank.example/SEC-1204",
            until=date(2026, 12, 31),
            state="matched",
        ),
        DeviationResult(
            requirement="rfc9126-2.3-method-not-allowed",
            observed="status-404",
            check="test_push.py::test_method_other_than_post_is_refused[GET]",
            reason="The gateway in front answers unknown methods itself.",
            ticket="SEC-1101",
            until=date(2026, 10, 31),
            state="expired",
        ),
        DeviationResult(
            requirement="rfc9126-2.3-too-large",
            observed="status-400",
            check=None,
            reason="The proxy rewrote the status.",
            ticket=None,
            until=None,
            state="stale",
        ),
        DeviationResult(
            requirement="rfc9101-10.2-alg-none-refused",
            observed="accepted",
            check=None,
            reason="Request objects are switched off.",
            ticket=None,
            until=date(2027, 1, 31),
            state="unused",
        ),
    ]


def sample_run(**changes: object) -> Run:
    """A run with every verdict, four specifications, deviations in every state, and a hostile server."""
    fields: dict[str, object] = {
        "problems": ["The token endpoint answered 429 to 3 requests: " + HOSTILE[:60]],
        "deviations": _deviations(),
        "facts": _facts(),
    }
    return record(_requirements(), _checks(), **fields | changes)


def clean_run(**changes: object) -> Run:
    """A run in which all is well."""
    rows = [row for row in _requirements() if row.verdict is Verdict.PASS]
    names = {name for row in rows for name in row.checks}
    fields: dict[str, object] = {
        "conformance": Answer.PASS,
        "gate": Answer.PASS,
        "sentence": "Example Bank, staging keeps every MUST in force; nothing unexpected was seen.",
    }
    return record(rows, [done for done in _checks() if done.name in names], **fields | changes)


def big_run(number: int = 1000) -> Run:
    """A run with so many findings, each with two exchanges of evidence."""
    rows, checks = [], []
    for count in range(number):
        identifier = f"rfc9126-{count // 50 + 1}.{count % 50 + 1}-finding-{_letters(count)}"
        name = f"test_many.py::test_many[{count}]"
        verdict, level = [(Verdict.FAIL, Level.MUST), (Verdict.WARN, Level.SHOULD)][count % 2]
        rows.append(requirement(identifier, verdict, f"Statement {count} is kept.", level=level, checks=[name]))
        checks.append(
            check(
                name,
                f"Statement {count} is put to the test.",
                [identifier],
                "violation",
                started=count * 0.07,
                observed="accepted",
                expected="A refusal.",
                received="201 with a request_uri.",
                message="The server accepted what it has to refuse.",
                exchanges=[
                    push(count * 0.07, 1, "control"),
                    push(count * 0.07 + 0.05, 2, more="&" + "x" * 400),
                ],
            )
        )
    return record(rows, checks)


def _letters(number: int) -> str:
    """A number in letters, as ids want it."""
    width = max(1, math.ceil(math.log(number + 1, 26)))
    return "".join(chr(97 + number // 26**place % 26) for place in reversed(range(width)))
