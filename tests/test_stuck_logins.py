"""When the suite stops to log people in: a server that nobody gets through is left alone, any other is not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from conformance.login.browser import Browser
from conformance.protocol.authorization import MOST_STUCK, Authorization, Browsers
from conformance.protocol.outcome import Ending, Outcome
from conformance.verdict import NotExercised

NOTHING = cast(Any, None)


def test_one_check_that_is_stuck_stops_no_other() -> None:
    browsers = Browsers(NOTHING)
    check = Authorization(NOTHING, NOTHING, browsers)

    for _ in range(2 * MOST_STUCK):
        check._counted(Outcome(Ending.STUCK), Browser(None))

    browsers.expect_an_end()


def test_many_checks_that_are_stuck_stop_all() -> None:
    browsers = Browsers(NOTHING)

    for _ in range(MOST_STUCK):
        Authorization(NOTHING, NOTHING, browsers)._counted(Outcome(Ending.STUCK), Browser(None))

    with pytest.raises(NotExercised, match="came to no end"):
        browsers.expect_an_end()


def test_a_code_between_them_starts_the_count_anew() -> None:
    browsers = Browsers(NOTHING)

    for ending in [*[Ending.STUCK] * (MOST_STUCK - 1), Ending.CODE, Ending.STUCK]:
        Authorization(NOTHING, NOTHING, browsers)._counted(Outcome(ending), Browser(None))

    browsers.expect_an_end()


def test_a_session_that_brought_a_code_shows_that_its_person_can_log_in() -> None:
    browsers, session = Browsers(NOTHING), Browser(None)
    Authorization(NOTHING, NOTHING, browsers)._counted(Outcome(Ending.CODE), session)

    for _ in range(2 * MOST_STUCK):
        Authorization(NOTHING, NOTHING, browsers)._counted(Outcome(Ending.STUCK), session)

    browsers.expect_an_end()
