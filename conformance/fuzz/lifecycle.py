"""The life of a request_uri as a state machine: whatever the order of the steps, RFC 9126's rules hold.

What the RFC leaves to the server (does a refusal use the request up, does a second visit) is learnt at its first
occurrence and has to stay so for the rest of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule, run_state_machine_as_test

from conformance.fuzz.thread import Do
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, PushAnswer, needs_accepted
from conformance.protocol.token import Token
from conformance.verdict import NotExercised, Violation

#: Steps of one life, and how many lives are tried for a hundred examples.
STEPS = 10


@dataclass
class Life:
    """What the model knows of one request_uri."""

    answer: PushAnswer
    role: str
    code: Outcome | None = None
    refused: bool = False
    redeemed: bool = False


@dataclass
class World:
    """What the machine drives: the check's own fixtures."""

    par: Par
    authorization: Authorization
    token: Token
    roles: list[str]
    do: Do
    """Carries a step out and waits for it."""
    policies: dict[str, tuple[bool, str]] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    lives: int = 0
    expected: int = 0
    progress: Callable[[int, int], None] = lambda done, total: None

    def begin(self) -> None:
        """Another life begins: the story with it."""
        self.story.clear()
        self.lives += 1
        self.progress(min(self.lives, self.expected), self.expected)

    def tell(self, text: str) -> None:
        """Remember a step for the report."""
        self.story.append(text)

    def hold(self, policy: str, seen: bool) -> None:
        """Learn a policy at its first occurrence; afterwards it must be the same."""
        before, story = self.policies.setdefault(policy, (seen, "; ".join(self.story)))
        if before != seen:
            raise _broken(self, "inconsistent", f"{policy}: now {seen}, but {before} after: {story}", ONE_TIME)


BOUND = "rfc9126-2.2-bound-to-client"
ONE_TIME = "rfc9126-4-one-time-use"
STANDS_FOR = "rfc9126-2.2-request-uri-stands-for-request"
CODE_ONCE = "rfc6749-4.1.2-code-used-once"


def _broken(world: World, observed: str, message: str, requirement: str) -> Violation:
    return Violation(observed, f"{message}\nafter: " + "; ".join(world.story), requirement)


def machine(world: World) -> type[RuleBasedStateMachine]:
    """The machine for one world."""

    class RequestUri(RuleBasedStateMachine):
        """Push, open, refuse, redeem and use again, in any order."""

        lives = Bundle("lives")

        def __init__(self) -> None:
            super().__init__()
            world.begin()

        @rule(target=lives, role=st.sampled_from(world.roles))
        def push(self, role: str) -> Any:
            world.tell(f"push by {role}")
            answer = needs_accepted(world.do(world.par.send(world.par.ordinary(role))))
            return Life(answer, role)

        @rule(target=lives, life=lives)
        def visit(self, life: Life) -> Any:
            world.tell("visit up to the login page, in a fresh browser")
            if life.code is None and not life.refused:
                world.do(world.authorization.open(life.answer, browser=world.authorization.new_browser(None)))
            return multiple()

        @rule(life=lives)
        def approve(self, life: Life) -> None:
            world.tell("open and approve")
            outcome = world.do(world.authorization.open(life.answer))
            if outcome.granted and life.code is not None:
                raise _broken(world, "code-issued", "a request_uri that had led to a code led to another", ONE_TIME)
            if life.refused and life.code is None and outcome.ending is not Ending.STUCK:
                world.hold("a refused request can be approved later", outcome.granted)
            if not outcome.granted:
                return
            pushed = life.answer.push.value("state")
            if outcome.parameters.get("state") != pushed:
                raise _broken(world, "other-request", "the answer has the state of another request", STANDS_FOR)
            life.code = outcome

        @rule(life=lives, again=st.booleans())
        def refuse(self, life: Life, again: bool) -> None:
            if life.code is not None:
                return
            world.tell("open and refuse")
            outcome = world.do(
                world.authorization.open(life.answer, browser=world.authorization.new_browser(), deny=True)
            )
            if outcome.granted:  # a server that does not ask again: nothing could be refused
                life.code = outcome
                return
            life.refused = life.refused or outcome.error == "access_denied"
            if again:  # by itself the machine would seldom come back to a refused one
                self.approve(life)

        @rule(life=lives, role=st.sampled_from(world.roles))
        def open_as_another(self, life: Life, role: str) -> None:
            other = world.par.client(role)
            if other.client_id == life.answer.push.client.client_id:
                return
            world.tell(f"open in the name of {role}")
            outcome = world.do(world.authorization.open(life.answer, client=other))
            if outcome.granted:
                raise _broken(world, "code-issued", "another client's name got a code", BOUND)

        @rule(life=lives)
        def redeem(self, life: Life) -> None:
            if life.code is None:
                return
            world.tell("redeem the code")
            answer = world.do(world.token.redeem(life.code, life.answer.push))
            if answer.accepted and life.redeemed:
                raise _broken(world, "token-issued", "a code was redeemed a second time", CODE_ONCE)
            life.redeemed = life.redeemed or answer.accepted

    return RequestUri


def live(world: World, *, examples: int, seed: int) -> None:
    """Try out so many lives. Raises Violation with the shortest story, or NotExercised. Runs in a thread."""
    world.expected = examples
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    seeded = hypothesis.seed(seed)(machine(world))
    try:
        run_state_machine_as_test(seeded, settings=settings)
    except Flaky as unsteady:  # the server did something else when the same was asked again
        seen = [found for found in getattr(unsteady, "exceptions", ()) if isinstance(found, Violation)]
        if seen:
            raise seen[0] from None
        raise NotExercised("the server does not answer alike when the same is asked again") from None
