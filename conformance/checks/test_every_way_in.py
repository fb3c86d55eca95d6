"""What holds for a request_uri holds on every way in: for each kind of client, by POST, and after a refusal."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.test_lifetime import GRACE, SHARE, lifetime_of
from conformance.engine import CheckClock
from conformance.profile.model import Feature, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, needs_accepted
from conformance.target import Target
from conformance.verdict import NotApplicable

#: What is refused once is refused again: so often it is tried.
ATTEMPTS = 3


def other_kinds(profile: Profile) -> dict[str, str]:
    """One client for each authentication method but the first client's, which has checks of its own."""
    return {method: role for method, role in roles.by_method(profile).items() if role != "first"}


# -- used once ------------------------------------------------------------------------------------------------------


@verifies("rfc9126-4-one-time-use")
@each(client=other_kinds)
async def test_used_request_uri_of_each_kind_of_client_is_dead(
    par: Par, authorization: Authorization, client: str
) -> None:
    """A request_uri that has led to a code brings no second one, whatever kind of client has pushed it."""
    answer = await par.accepted(client)
    first = await authorization.code(answer)
    expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9126-4-one-time-use")
async def test_used_request_uri_is_dead_by_post(par: Par, authorization: Authorization) -> None:
    """A request_uri that has led to a code brings no second one when it comes by POST."""
    answer = await par.accepted()
    first = await authorization.code(answer)
    expect.no_code(await authorization.open(answer, method="POST"), control=first)


@verifies("rfc9126-4-one-time-use")
async def test_attempt_of_another_client_revives_nothing(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """An attempt in another client's name does not make a used request_uri good again."""
    answer = await par.accepted()
    first = await authorization.code(answer)
    await authorization.open(answer, client=target.client("second"))
    expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9126-4-one-time-use")
async def test_used_request_uri_stays_dead(par: Par, authorization: Authorization) -> None:
    """A request_uri that has led to a code brings no second one, however often it comes."""
    answer = await par.accepted()
    first = await authorization.code(answer)
    for _ in range(ATTEMPTS):
        expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9126-4-one-time-use", waits=True)
async def test_used_request_uri_is_dead_for_the_rest_of_its_life(
    par: Par, authorization: Authorization, clock: CheckClock
) -> None:
    """A request_uri that has led to a code brings no second one shortly before it would have expired anyway."""
    answer = await par.accepted()
    first = await authorization.code(answer)
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime * (1 - SHARE), "the life of a used request_uri to be nearly over")
    expect.no_code(await authorization.open(answer), control=first)


# -- expired --------------------------------------------------------------------------------------------------------


@verifies("rfc9126-4-expired-refused", waits=True)
@each(client=other_kinds)
async def test_expired_request_uri_of_each_kind_of_client_is_dead(
    par: Par, authorization: Authorization, clock: CheckClock, client: str
) -> None:
    """After its announced lifetime a request_uri brings no code, whatever kind of client has pushed it."""
    answer = await par.accepted(client)
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer)
    expect.no_code(outcome, control=await authorization.open(await par.accepted(client)))


@verifies("rfc9126-4-expired-refused", waits=True)
async def test_expired_request_uri_is_dead_by_post(par: Par, authorization: Authorization, clock: CheckClock) -> None:
    """After its announced lifetime a request_uri brings no code when it comes by POST."""
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer, method="POST")
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc9126-4-expired-refused", waits=True)
async def test_expired_request_uri_is_dead_to_a_person_who_is_logged_in(
    par: Par, authorization: Authorization, clock: CheckClock
) -> None:
    """After its announced lifetime a request_uri brings no code in a browser that has a session either."""
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(), browser=browser)
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer, browser=browser)
    expect.no_code(outcome, control=await authorization.open(await par.accepted(), browser=browser))


@verifies("rfc9126-4-expired-refused", needs=Feature.JAR, waits=True)
async def test_expired_request_uri_of_an_object_is_dead(
    par: Par, authorization: Authorization, clock: CheckClock
) -> None:
    """After its announced lifetime a request_uri brings no code, though the request object behind it lives on."""
    answer = needs_accepted(await par.send(par.object("signed")))
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer)
    control = await authorization.open(needs_accepted(await par.send(par.object("signed"))))
    expect.no_code(outcome, control=control)


# -- bound to its client --------------------------------------------------------------------------------------------


@verifies("rfc9126-2.2-bound-to-client")
@each(client=other_kinds)
async def test_request_uri_of_each_kind_of_client_is_its_own(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A request_uri brings no code to the first client, whatever kind of client has pushed it."""
    other = target.client("first")
    answer = await par.accepted(client)
    if other.client_id == answer.push.client.client_id:
        raise NotApplicable("both roles are the same client")
    outcome = await authorization.open(answer, client=other)
    expect.no_code(outcome, control=await authorization.open(await par.accepted(client)))


@verifies("rfc9126-2.2-bound-to-client")
async def test_request_uri_of_another_client_stays_dead(par: Par, authorization: Authorization, target: Target) -> None:
    """A request_uri brings no code to another client, however often that one tries."""
    answer, other = await par.accepted(), target.client("second")
    control = await authorization.open(await par.accepted())
    for _ in range(ATTEMPTS):
        expect.no_code(await authorization.open(answer, client=other), control=control)


@verifies("rfc9126-2.2-bound-to-client")
async def test_request_uri_of_another_client_is_dead_to_a_person_who_is_logged_in(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri brings no code to another client in a browser that has a session either."""
    browser = authorization.new_browser()
    control = await authorization.code(await par.accepted(), browser=browser)
    outcome = await authorization.open(await par.accepted(), client=target.client("second"), browser=browser)
    expect.no_code(outcome, control=control)


@verifies("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
async def test_request_uri_without_client_id_brings_no_code_by_post(par: Par, authorization: Authorization) -> None:
    """A request_uri without client_id brings no code when it comes by POST."""
    outcome = await authorization.open(await par.accepted(), client_id=None, method="POST")
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))
