"""The judgements: few, shared by all checks. Each raises Violation, or NotExercised where nothing can be concluded."""

from __future__ import annotations

from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import PushAnswer, without_control
from conformance.protocol.token import TokenAnswer
from conformance.verdict import NotApplicable, NotExercised, Violation


def that(
    condition: bool,
    observed: str,
    message: str,
    *requirements: str,
    expected: str | None = None,
    received: str | None = None,
) -> None:
    """Raise a Violation unless a condition holds. `observed` is the stable word for what was seen.

    `requirements` narrows it to some of the ids that the check verifies.
    """
    if not condition:
        raise Violation(observed, message, *requirements, expected=expected, received=received)


def accepted(answer: PushAnswer) -> PushAnswer:
    """The push was accepted. Where it was not and its control neither, nothing is known of the change."""
    if answer.accepted:
        return answer
    if answer.control is not None and not answer.control.accepted:
        reason = f"the same request without the change was not accepted either: {answer.control.summary}"
        raise without_control(answer.control, reason)
    if answer.status is not None and 200 <= answer.status < 300 and answer.json is not None and answer.error is None:
        raise NotExercised(f"it was accepted, but not in the form that it should be: {answer.summary}")
    raise Violation(
        _kind(answer),
        f"the pushed authorization request was not accepted: {answer.summary}",
        expected="2xx with a request_uri",
        received=answer.summary,
    )


def refused(answer: PushAnswer) -> PushAnswer:
    """The push was refused because of its fault: the same request without the fault was accepted."""
    if answer.accepted:
        raise Violation(
            "accepted",
            f"the pushed authorization request was accepted: {answer.summary}",
            expected="4xx with an error",
            received=answer.summary,
        )
    control_accepted(answer)
    if not answer.refused:
        raise Violation(
            _kind(answer),
            f"the pushed authorization request was neither accepted nor refused: {answer.summary}",
            expected="4xx with an error",
            received=answer.summary,
        )
    return answer


def control_accepted(answer: PushAnswer) -> PushAnswer:
    """The control of a push: the same request without the fault. NotExercised unless it was accepted."""
    if answer.control is None:
        raise NotExercised("the request was sent without a control: a refusal of it says nothing")
    if not answer.control.accepted:
        reason = f"the same request without the fault was not accepted: {answer.control.summary}"
        raise without_control(answer.control, reason)
    return answer.control


def _kind(answer: PushAnswer) -> str:
    if answer.status is None:
        return "no-answer"
    if answer.status >= 500:
        return "server-error"
    return "refused" if answer.refused else "no-oauth-answer"


def code(outcome: Outcome, *, control: Outcome | None = None) -> Outcome:
    """The attempt ended in a code; with a control that has none, nothing is known of the change."""
    if outcome.ending is Ending.CODE:
        return outcome
    if control is not None and control.ending is not Ending.CODE:
        raise NotExercised(f"the same attempt without the change brought no code either: {control.summary}")
    # A login that is asked for again and again is a refusal too, where a control shows that the person can log in.
    if outcome.ending is Ending.STUCK and control is None:
        raise NotExercised(f"the login did not come to an end: {outcome.reason}")
    if outcome.late:
        raise NotExercised(f"the request_uri had lived out its time when it was opened: {outcome.summary}")
    raise Violation(
        "no-code",
        f"the authorization request brought no code: {outcome.summary}",
        expected="a redirect with a code",
        received=outcome.summary,
    )


def no_code(outcome: Outcome, *, control: Outcome) -> Outcome:
    """The attempt was refused: nothing was granted, while the control of the same shape brought a code."""
    if outcome.granted:
        raise Violation(
            "code-issued",
            f"the authorization request brought a {outcome.ending}",
            expected="an error and no code",
            received=outcome.summary,
        )
    if control.ending is not Ending.CODE:
        raise NotExercised(f"the same attempt without the fault brought no code either: {control.summary}")
    # A login that is asked for again and again is a refusal too: the control shows that the person can log in.
    if outcome.ending is Ending.DIED:
        raise Violation(
            "no-answer",
            f"the authorization request was not answered: {outcome.reason}",
            expected="an error",
            received=outcome.summary,
        )
    return outcome


def redeemed(answer: TokenAnswer, *, control: TokenAnswer | None = None) -> TokenAnswer:
    """The token request was granted."""
    if answer.accepted:
        return answer
    if control is not None and not control.accepted:
        raise NotExercised(f"the same token request without the change was not granted either: {control.summary}")
    raise Violation(
        "token-refused",
        f"the token request was not granted: {answer.summary}",
        expected="an access token",
        received=answer.summary,
    )


def not_redeemed(answer: TokenAnswer, *, control: TokenAnswer) -> TokenAnswer:
    """The token request was refused because of its fault: a code of the same shape was redeemed without it."""
    if answer.accepted:
        raise Violation(
            "token-issued",
            "the token request was granted",
            expected="4xx with an error",
            received=answer.summary,
        )
    if not control.accepted:
        raise NotExercised(f"the same token request without the fault was not granted: {control.summary}")
    if not answer.refused:
        raise Violation(
            "no-answer" if answer.status is None else "server-error",
            f"the token request was neither granted nor refused: {answer.summary}",
            expected="4xx with an error",
            received=answer.summary,
        )
    return answer


def unbroken(answer: PushAnswer) -> PushAnswer:
    """The push was accepted or refused, whichever: it met no 5xx and no silence, and its control was accepted."""
    if answer.accepted:
        return answer
    control_accepted(answer)
    if answer.status is None or answer.status >= 500:
        raise Violation(
            _kind(answer),
            f"the pushed authorization request was neither accepted nor refused: {answer.summary}",
            expected="2xx with a request_uri, or 4xx",
            received=answer.summary,
        )
    return answer


def not_accepted(answer: PushAnswer) -> PushAnswer:
    """The push brought no request_uri, in whatever form that is said; its control did."""
    if answer.accepted:
        raise Violation(
            "accepted",
            f"the request brought a request_uri: {answer.summary}",
            expected="no request_uri",
            received=answer.summary,
        )
    control_accepted(answer)
    return answer


def an_error(answer: PushAnswer) -> PushAnswer:
    """A push that was refused, so that the form of the refusal can be judged. NotExercised where it was not."""
    if answer.accepted:
        raise NotExercised(f"the faulty request was accepted, so that there is no error to look at: {answer.summary}")
    control_accepted(answer)
    if answer.response is None:
        raise NotExercised(f"the faulty request was not answered: {answer.died}")
    return answer


def error_code(answer: PushAnswer, code: str) -> PushAnswer:
    """The refusal of a push has this error code. NotApplicable where there is no code to look at."""
    if answer.accepted:
        raise NotApplicable(f"the faulty request was accepted, so that there is no error to look at: {answer.summary}")
    control_accepted(answer)
    if answer.error is None:
        raise NotApplicable(f"the refusal has no error code: {answer.summary}")
    that(
        answer.error == code,
        "other-code",
        f"the error code is {answer.error}",
        expected=code,
        received=answer.summary,
    )
    return answer
