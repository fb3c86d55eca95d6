"""Requests with DPoP proofs (RFC 9449): the ordinary one of a client, and the judgement on those with a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance import expect
from conformance.checks import roles
from conformance.protocol import dpop
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey
from conformance.protocol.par import Change, Par, Push, PushAnswer, without_control
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: No JWT at all, and a JWT in which nothing is right: whoever takes both does not look at the header.
GARBAGE = dpop.Fault(spoil=lambda _: "this-is-no-proof")
HOPELESS = dpop.Fault(
    claims={"htm": "DELETE", "htu": "https://attacker.example/", "iat": 1, "jti": None},
    header={"typ": "JWT"},
    spoil=lambda token: token.rpartition(".")[0] + ".AAAA",
)


def role_of(target: Target) -> str:
    """The role of the client that uses DPoP."""
    return next(iter(roles.with_dpop(target.profile)))


def proving(par: Par, client: str | None = None, /, fault: dpop.Fault = dpop.RIGHT, **changes: Change) -> Push:
    """A client's ordinary request with a proof of a key of its own, right or with a fault."""
    push = par.ordinary(client or role_of(par.target), **changes)
    return replace(push, dpop=push.dpop or DpopKey(), dpop_fault=fault)


def naming(par: Par, client: str | None = None, /, key: DpopKey | None = None, thumbprint: str | None = None) -> Push:
    """A client's ordinary request that names its key as dpop_jkt, without a proof (RFC 9449 section 10)."""
    push = par.ordinary(client or role_of(par.target), dpop_jkt=thumbprint or (key or DpopKey()).thumbprint)
    return replace(push, dpop=None)


async def sent(par: Par, make: Callable[[], Push]) -> PushAnswer:
    """An answer to a request with a proof that has to be accepted for the check to go on."""
    push = make()
    answer = await par.send(push)
    if not answer.accepted:
        if push.dpop is None and (await par.send(proving(par, push.client.role))).accepted:
            raise NotApplicable("dpop_jkt without a proof is refused, which is a finding of its own")
        raise without_control(answer, f"an ordinary request with a proof was not accepted: {answer.summary}")
    return answer


async def is_looked_at(par: Par) -> bool:
    """Whether the server looks at proofs at all: it refuses what is no JWT, or where nothing is right."""
    for fault in (GARBAGE, HOPELESS):
        if not (await par.send(proving(par, fault=fault), purpose="probe with a hopeless proof")).accepted:
            return True
    return False


async def refuses(par: Par, faulty: dpop.Fault | Push) -> PushAnswer:
    """A push with a faulty proof is refused.

    A server that never looks at proofs is no finding of every single rule: NotExercised.
    """
    push = proving(par, fault=faulty) if isinstance(faulty, dpop.Fault) else faulty
    answer = await par.send(push, control=lambda: proving(par))
    if answer.accepted:
        await needs_look(par)
    return expect.refused(answer)


async def needs_look(par: Par) -> None:
    """NotApplicable where the server does not look at the DPoP header of a push at all."""
    if not await is_looked_at(par):
        raise NotApplicable("the server does not look at the DPoP header of a push, which is a finding of its own")


def needs_no_nonce(answer: PushAnswer) -> PushAnswer:
    """The answer, unless the server demands a nonce and takes none: NotExercised."""
    if answer.error == "use_dpop_nonce":
        raise NotApplicable("the PAR endpoint demands a nonce and takes none, which is a finding of its own")
    return answer


async def takes(par: Par, fault: dpop.Fault) -> PushAnswer:
    """A push with an unusual but right proof is accepted."""
    return expect.accepted(await par.send(proving(par, fault=fault), control=lambda: proving(par)))


async def redeemed(
    authorization: Authorization,
    token: Token,
    answer: PushAnswer,
    key: DpopKey | None,
    *,
    fault: dpop.Fault = dpop.RIGHT,
) -> TokenAnswer:
    """Walk to a code and redeem it with a proof of this key, or without any."""
    outcome = await authorization.code(answer)
    tokens = await token.redeem(outcome, answer.push, dpop_key=key, dpop_fault=fault)
    if tokens.error == "use_dpop_nonce" and key is not None and fault is dpop.RIGHT:
        raise NotApplicable("the token endpoint demands a nonce and takes none, which is a finding of its own")
    return tokens


def needs_bound_token(tokens: TokenAnswer) -> TokenAnswer:
    """Tokens that are bound to a key. NotApplicable where the server elects to give bearer tokens (section 5)."""
    if not tokens.accepted:
        raise NotExercised(f"a code was not redeemed with the right proof: {tokens.summary}")
    if str(tokens.json.get("token_type")).lower() != "dpop":
        raise NotApplicable("the server gives this client bearer tokens, so that no key matters")
    return tokens


async def binds(
    par: Par,
    authorization: Authorization,
    token: Token,
    make: Callable[[DpopKey], Push],
    redeem_with: DpopKey | None,
    *requirements: str,
) -> None:
    """A code that is bound to one key is not redeemed with another, or with none; with its own key it is."""
    key = DpopKey()
    right = await sent(par, lambda: make(key))
    control = needs_bound_token(await redeemed(authorization, token, right, key))
    answer = await sent(par, lambda: make(key))
    outcome = await redeemed(authorization, token, answer, redeem_with)
    if outcome.accepted:
        what = "with a proof of another key" if redeem_with else "without a proof"
        raise Violation(
            "token-issued",
            f"the code was redeemed {what}",
            *requirements,
            expected="invalid_grant",
            received=outcome.summary,
        )
    expect.not_redeemed(outcome, control=control)
