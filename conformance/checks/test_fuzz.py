"""Payloads and lives drawn by Hypothesis: what no list of cases thinks of."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

from hypothesis.strategies import SearchStrategy

from conformance.check import each, verifies
from conformance.checks import flows
from conformance.fuzz import strategies
from conformance.fuzz.explore import Problem, Try, explore, searched
from conformance.fuzz.lifecycle import BOUND, CODE_ONCE, ONE_TIME, STANDS_FOR, World, live
from conformance.fuzz.thread import Do
from conformance.http.message import Pairs
from conformance.profile.model import Feature, Limits
from conformance.protocol import client_auth, jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion, Proof
from conformance.protocol.outcome import Ending
from conformance.protocol.par import FORM, Par, Push, PushAnswer, changed_pairs, encode
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: What RFC 6749 section 5.2 allows in error and error_description.
_ALLOWED = re.compile(r"^[\x20-\x21\x23-\x5b\x5d-\x7e]*$")
#: One life of a request_uri takes about so many of a request (see `within_budget`).
LIFE = 1 / 30
ANSWERED = "rfc9126-2.3-malformed-answered"
CHARACTERS = "rfc6749-5.2-error-characters"


def judged(answer: PushAnswer) -> Problem | None:
    """What holds for the answer to any push: it comes, it is no 5xx, and its error text is printable ASCII."""
    if answer.response is None:
        return Problem("no-answer", f"no answer: {answer.died}")
    if answer.response.status >= 500:
        return Problem("server-error", f"the answer is {answer.summary}")
    if not answer.accepted and not answer.refused:
        return Problem("no-oauth-answer", f"neither a request_uri nor a refusal: {answer.summary}")
    for member in ("error", "error_description"):
        text = (answer.json or {}).get(member)
        if not answer.accepted and isinstance(text, str) and not _ALLOWED.match(text):
            return Problem("forbidden-characters", f"{member} has signs that RFC 6749 section 5.2 forbids: {text!r}")
    return None


async def ordinary_still_accepted(par: Par) -> None:
    """The control of a series: an ordinary push is accepted. NotExercised where it is not."""
    answer = await par.send(par.ordinary(), purpose="control")
    if not answer.accepted:
        raise NotExercised(f"an ordinary push is not accepted: {answer.summary}")


def within_budget(limits: Limits, examples: int, share: float) -> int:
    """So many examples, or as many as the profile's budget allows where one costs 1/`share` requests."""
    if limits.fuzz_requests is None:
        return examples
    return min(examples, max(1, int(limits.fuzz_requests * share)))


async def none_fails(
    par: Par,
    target: Target,
    strategy: SearchStrategy[Any],
    attempt: Try[Any],
    *,
    share: float = 1,
    answered: str = ANSWERED,
) -> None:
    """Explore a strategy; the gravest defect becomes the finding, the others are told with it.

    `share`: of the profile's number of examples, for what costs several requests an example. `answered`: the
    requirement that is broken where no answer comes, or a server error.
    """
    limits = target.profile.limits
    await ordinary_still_accepted(par)
    failures = await explore(
        strategy,
        attempt,
        examples=within_budget(limits, max(5, int(limits.examples * share)), share),
        seed=limits.seed,
        progress=par.wire.progress,
    )
    await ordinary_still_accepted(par)
    if not failures:
        return
    order = ("no-answer", "server-error")
    failures.sort(key=lambda failure: order.index(failure.problem.observed) if failure.problem.observed in order else 9)
    par.wire.evidence.changes.clear()
    for failure in reversed(failures):  # once more, so that the evidence ends with what anybody can repeat
        par.wire.evidence.change(f"the smallest example: {failure.example!r}")
        await attempt(failure.example)
    told = "\n".join(
        f"{failure.problem.message} (smallest example {failure.example!r}; {failure.count} examples)"
        for failure in failures
    )
    observed = failures[0].problem.observed
    narrowed = {"forbidden-characters": (CHARACTERS,)}
    narrowed |= dict.fromkeys(("no-answer", "server-error", "no-oauth-answer"), (answered,))
    raise Violation(
        observed,
        told,
        *narrowed.get(observed, ()),
        expected="an answer as ever",
        received=failures[0].problem.message,
    )


@verifies(ANSWERED, CHARACTERS, long=True)
async def test_any_parameters_are_answered(par: Par, target: Target) -> None:
    """Whatever names and values are pushed, the answer is a request_uri or a refusal, never a server error."""

    async def attempt(changes: dict[str, str | list[str]]) -> Problem | None:
        push = par.ordinary()
        pairs = changed_pairs(push.parameters, changes)
        return judged(await par.send(replace(push, parameters=pairs)))

    await none_fails(par, target, strategies.CHANGES, attempt)


@verifies(ANSWERED, CHARACTERS, long=True)
async def test_any_bytes_of_a_form_are_answered(par: Par, target: Target) -> None:
    """Whatever bytes stand in the form, the answer is a request_uri or a refusal, never a server error."""

    async def attempt(tail: bytes) -> Problem | None:
        push = par.ordinary()
        proof = push.authentication(Occasion(push.client, target, par.endpoint(push), par.wire.clock.now()))
        body = encode((*push.parameters, *proof.form)).encode() + tail
        shown = client_auth.fixed(replace(proof, form=()))
        return judged(await par.send(replace(push, content=body, content_type=FORM, authentication=shown)))

    await none_fails(par, target, strategies.TAILS, attempt)


@verifies(ANSWERED, CHARACTERS, long=True)
@each(parameter=("authorization_details", "claims"))
async def test_any_json_is_answered(par: Par, target: Target, parameter: str) -> None:
    """Whatever stands in a parameter that carries JSON, the answer is never an error of the server."""

    async def attempt(text: str) -> Problem | None:
        return judged(await par.send(par.ordinary(**{parameter: text})))

    await none_fails(par, target, strategies.JSON_TEXT, attempt)


@verifies(ANSWERED, CHARACTERS, long=True)
async def test_any_basic_credentials_are_answered(par: Par, target: Target) -> None:
    """Whatever stands in the Authorization header, the answer is never an error of the server."""

    def shown(text: str) -> Push:
        raw = base64.b64encode(text.encode()).decode()
        return replace(
            par.ordinary(), authentication=client_auth.fixed(Proof(headers=(("Authorization", f"Basic {raw}"),)))
        )

    async def attempt(text: str) -> Problem | None:
        return judged(await par.send(shown(text)))

    await none_fails(par, target, strategies.TEXT.filter(bool), attempt, share=0.4)


@verifies(ANSWERED, CHARACTERS, long=True, needs=Feature.JAR)
@each(part=("claims", "header", "token"))
async def test_any_request_object_is_answered(par: Par, target: Target, part: str) -> None:
    """Whatever a request object holds, the answer is never an error of the server."""
    jar.settings_of(target.client("signed"))
    known = {"claims": strategies.CLAIMS, "header": strategies.HEADERS, "token": strategies.TOKENS}

    async def attempt(drawn: Any) -> Problem | None:
        if part == "token":
            push = par.object("signed")
            pairs = changed_pairs(push.parameters, {"request": str(drawn)})
            return judged(await par.send(replace(push, parameters=pairs)))
        fault = jar.Fault(claims=drawn) if part == "claims" else jar.Fault(header=drawn)
        return judged(await par.send(par.object("signed", fault=fault)))

    await none_fails(par, target, known[part], attempt)


@verifies("rfc6749-4.1.2-state-exact", long=True)
async def test_any_accepted_state_comes_back(par: Par, authorization: Authorization, target: Target) -> None:
    """Every state of visible ASCII that is accepted comes back byte for byte."""
    await flows.code(par, authorization)  # the control of each state that brings no code

    async def attempt(state: str) -> Problem | None:
        answer = await par.send(par.ordinary(state=state))
        if not answer.accepted:
            return None
        outcome = await authorization.open(answer)
        if outcome.ending is not Ending.CODE or outcome.parameters.get("state") == state:
            return None
        got = outcome.parameters.get("state")
        return Problem("state-changed", f"the state {state!r} came back as {got!r}")

    await none_fails(par, target, strategies.STATES, attempt, share=0.2)


@verifies("rfc9126-2.1-redirect-uri-validated", long=True)
async def test_no_address_near_the_registered_one_gets_a_code(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """No address near a registered redirect URI receives a code."""
    client = target.client("first")
    if target.has(Feature.UNREGISTERED_REDIRECT_URIS) and not client.public:
        raise NotApplicable("the profile says that authenticated clients may bring unregistered redirect URIs")
    registered = {uri for entry in target.profile.clients.values() for uri in entry.redirect_uris}

    async def attempt(uri: str) -> Problem | None:
        answer = await par.send(par.ordinary(redirect_uri=uri))
        if uri in registered or not answer.accepted:
            return None
        outcome = await authorization.open(answer)
        if outcome.granted:
            return Problem("code-issued", f"a code was issued for the redirect_uri {uri!r}")
        return None

    await none_fails(par, target, strategies.near(client.redirect_uri), attempt)


@verifies("rfc9126-2.1-scope-validated", long=True)
async def test_no_spelling_of_a_scope_grants_more(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """However a scope is spelt, no scope is granted that was not asked for or must not be had."""
    entry = target.client("first").entry
    if not entry.scope:
        raise NotApplicable("the profile gives the first client no scope")
    foreign = entry.forbidden_scope or "par-conformance-unknown"
    await flows.tokens(par, authorization, token)  # the control of each token that is refused

    async def attempt(scope: str) -> Problem | None:
        answer = await par.send(par.ordinary(scope=scope))
        if not answer.accepted:
            problem = judged(answer)
            # Which signs a refusal is told with says nothing of scopes: other checks look at them.
            return problem if problem and problem.observed != "forbidden-characters" else None
        outcome = await authorization.open(answer)
        if outcome.ending is not Ending.CODE:
            return None
        granted = (await token.redeem(outcome, answer.push)).scope or set()
        beyond = (granted - set(scope.split())) | (granted & {foreign})
        if beyond:
            return Problem("scope-granted", f"the scope {scope!r} was granted as {' '.join(sorted(granted))!r}")
        return None

    known = sorted({*entry.scope.split()} - {"openid", "offline_access"}) or entry.scope.split()
    await none_fails(par, target, strategies.scopes(known, foreign), attempt, share=0.2)


@verifies("rfc9126-4-unknown-request-uri-refused", long=True)
async def test_any_authorization_request_is_answered(par: Par, authorization: Authorization, target: Target) -> None:
    """Whatever stands in the query of an authorization request, it brings no code and no error of the server."""
    client = target.client("first")
    await flows.code(par, authorization)

    async def attempt(drawn: dict[str, str | list[str]]) -> Problem | None:
        pairs: Pairs = (("client_id", client.client_id), ("request_uri", "urn:ietf:params:oauth:request_uri:unknown"))
        outcome = await authorization.visit(changed_pairs(pairs, drawn), browser=authorization.new_browser(None))
        page = outcome.page
        if outcome.granted:
            return Problem("code-issued", "an authorization request without a known request_uri brought a code")
        if outcome.ending is Ending.DIED:
            return Problem("no-answer", f"no answer: {outcome.reason}")
        if page is not None and page.status >= 500:
            return Problem("server-error", f"the answer is HTTP {page.status}")
        return None

    await none_fails(par, target, strategies.CHANGES, attempt, share=0.5)


@verifies(ONE_TIME, BOUND, STANDS_FOR, CODE_ONCE, long=True)
async def test_rules_hold_in_every_order_of_steps(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """Whatever the order of pushing, opening, approving, refusing, redeeming and using again, the rules hold."""
    roles: list[str] = [role for role in ("first", "second", "public") if role in target.profile.clients]
    if "public" in roles and (await par.push("public")).unauthenticated:
        roles.remove("public")  # that no public client is served is a finding of its own
    await flows.tokens(par, authorization, token)
    limits = target.profile.limits
    lives = within_budget(limits, max(3, limits.examples // 4), LIFE)

    def search(do: Do) -> None:
        world = World(par, authorization, token, roles, do, progress=par.wire.progress)
        live(world, examples=lives, seed=limits.seed)

    await searched(search)
