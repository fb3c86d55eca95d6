"""The judgements: what is a finding, and what says nothing."""

from __future__ import annotations

from typing import cast

import pytest

from conformance import expect
from conformance.http.message import Response
from conformance.protocol.authorization import answered_late
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Push, PushAnswer
from conformance.verdict import NotExercised, Violation

PUSHED = b'{"request_uri": "urn:example:1", "expires_in": 8}'


def response(body: bytes, received: float) -> Response:
    return Response(201, (), body, "http://127.0.0.1/", received, 0.1, received)


def attempt(seconds: float) -> tuple[PushAnswer, Outcome]:
    unseen = cast("Push", None)
    answer = PushAnswer(unseen, response(PUSHED, 1000.0))
    return answer, Outcome(Ending.ERROR_PAGE, responses=(response(b"", 1000.0 + seconds),))


@pytest.mark.parametrize(("seconds", "late"), [(7.9, False), (8.1, True)])
def test_request_that_is_opened_after_its_announced_life_is_late(seconds: float, late: bool) -> None:
    assert answered_late(*attempt(seconds)) is late


def test_no_code_is_a_finding() -> None:
    with pytest.raises(Violation):
        expect.code(Outcome(Ending.ERROR_PAGE))


def test_login_without_an_end_is_a_finding_only_where_the_control_came_to_one() -> None:
    stuck = Outcome(Ending.STUCK)
    with pytest.raises(NotExercised, match="did not come to an end"):
        expect.code(stuck)
    with pytest.raises(NotExercised, match="without the change"):
        expect.code(stuck, control=stuck)
    with pytest.raises(Violation):
        expect.code(stuck, control=Outcome(Ending.CODE))


def test_no_code_for_a_request_that_was_late_says_nothing() -> None:
    with pytest.raises(NotExercised, match="lived out its time"):
        expect.code(Outcome(Ending.ERROR_PAGE, late=True))
