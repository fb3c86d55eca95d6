"""The pushed authorization request endpoint as an HTTP resource (RFC 9126 sections 1, 2 and 2.3)."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion, Proof
from conformance.protocol.par import FORM, Par, Push, PushAnswer, encode
from conformance.report.record import Fact
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

BOUNDARY = "par-conformance-boundary"


@verifies("rfc9126-2-post-form")
async def test_ordinary_request_is_accepted(par: Par) -> None:
    """An ordinary authorization request, pushed as a form by POST, is accepted."""
    expect.accepted(await par.push())


@verifies("rfc9126-2-post-form")
async def test_order_of_the_parameters_does_not_matter(par: Par) -> None:
    """An ordinary request whose parameters come in the reverse order is accepted like any other."""
    push = par.ordinary()
    backwards = replace(push, parameters=tuple(reversed(push.parameters)))
    expect.accepted(await par.send(backwards, control=par.ordinary))


def by_method(push: Push, method: str) -> Push:
    """The same request by another method; where that has no body, its parameters stand in the query."""
    if method in {"GET", "HEAD", "DELETE"}:
        return replace(push, method=method, query=push.parameters, parameters=(), content=b"", content_type=None)
    return replace(push, method=method)


@verifies("rfc9126-2-post-only")
@each(method=("GET", "HEAD", "PUT", "PATCH", "DELETE"))
async def test_other_methods_bring_no_request_uri(par: Par, method: str) -> None:
    """No method other than POST brings a request_uri."""
    push = par.ordinary()
    if method in {"GET", "HEAD", "DELETE"} and push.client.entry.auth not in {"client_secret_basic", "none"}:
        proof = push.authentication(Occasion(push.client, par.target, par.target.par_endpoint, par.wire.clock.now()))
        push = replace(push, parameters=(*push.parameters, *proof.form), authentication=client_auth.nothing)
    expect.not_accepted(await par.send(by_method(push, method), control=par.ordinary))


@verifies("rfc9126-2.3-status-405")
@each(method=("GET", "PUT", "DELETE"))
async def test_other_methods_are_answered_with_405(par: Par, method: str) -> None:
    """A method other than POST is answered with 405 (Method Not Allowed)."""
    push = replace(by_method(par.ordinary(), method), authentication=client_auth.nothing)
    answer = expect.not_accepted(await par.send(push, control=par.ordinary))
    expect.that(
        answer.status == 405,
        f"status-{answer.status or 'none'}",
        f"{method} was answered with {answer.summary}",
        expected="HTTP 405",
        received=answer.summary,
    )


@verifies("rfc9126-2-body-only")
async def test_parameters_in_the_query_alone_are_no_push(par: Par, authorization: Authorization) -> None:
    """Authorization parameters that stand in the query of the endpoint's URL only are not taken for a push."""
    push = par.ordinary()
    answer = await par.send(replace(push, query=push.parameters, parameters=()), control=par.ordinary)
    if answer.accepted and (await par.send(replace(par.ordinary(), parameters=()))).accepted:
        # A push of nothing is accepted here, which is another matter: what counts is whether the query had an effect.
        outcome = await authorization.open(answer)
        expect.that(
            outcome.parameters.get("state") != push.value("state"),
            "query-used",
            "the parameters of the URL's query were used",
            expected="a request without them",
            received=outcome.summary,
        )
        return
    expect.not_accepted(answer)


@verifies("rfc9126-2-body-only")
async def test_query_of_the_endpoint_changes_nothing(par: Par, authorization: Authorization) -> None:
    """A parameter in the query of the endpoint's URL does not replace or extend what the body says."""
    foreign = "from-the-query-" + secrets.token_hex(4)
    answer = await par.send(replace(par.ordinary(), query=(("state", foreign),)), control=par.ordinary)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.code(answer)
    expect.that(
        outcome.parameters.get("state") != foreign,
        "query-used",
        "the state of the URL's query came back in place of the pushed one",
        expected="the pushed state",
        received="the query's state",
    )


@verifies("rfc9126-2-body-only")
async def test_query_of_the_endpoint_adds_nothing(par: Par, authorization: Authorization) -> None:
    """A parameter that only the query of the endpoint's URL has is not taken into the request."""
    foreign = "from-the-query-" + secrets.token_hex(4)
    push = par.ordinary(state=None)
    answer = await par.send(replace(push, query=(("state", foreign),)), control=lambda: par.ordinary(state=None))
    if not answer.accepted:
        if answer.control is not None and answer.control.refused:
            raise NotApplicable(f"this server wants a state: {answer.control.summary}")
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.parameters.get("state") != foreign,
        "query-used",
        "the state of the URL's query came back although the body had none",
        expected="no state",
        received="the query's state",
    )
    if not outcome.granted:
        await flows.code(par, authorization)


def in_format(push: Push, proof: Proof, form: str) -> Push:
    """The same request, credentials included, in another media type."""
    pairs = (*push.parameters, *proof.form)
    shown = replace(
        push,
        headers=(*push.headers, *proof.headers),
        authentication=lambda _: Proof(certificate=proof.certificate),
    )
    match form:
        case "json":
            return replace(shown, content=json.dumps(dict(pairs)).encode(), content_type="application/json")
        case "multipart":
            parts = "".join(
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in pairs
            )
            return replace(
                shown,
                content=f"{parts}--{BOUNDARY}--\r\n".encode(),
                content_type=f"multipart/form-data; boundary={BOUNDARY}",
            )
        case "text":
            return replace(shown, content=encode(pairs).encode(), content_type="text/plain")
        case _:
            return replace(shown, content=encode(pairs).encode(), content_type=None)


@verifies("rfc9126-2-other-media-type-refused")
@each(form=("json", "multipart", "text", "none"))
async def test_other_media_types_are_refused(par: Par, form: str) -> None:
    """A body in another media type than application/x-www-form-urlencoded is refused."""
    expect.refused(await par.send(in_another_format(par, form), control=par.ordinary))


@verifies("rfc9126-2.3-malformed-answered")
@each(form=("json", "multipart", "text", "none"))
async def test_other_media_types_break_nothing(par: Par, form: str) -> None:
    """A body in another media type is accepted or refused, but breaks nothing: no 5xx and no silence."""
    expect.unbroken(await par.send(in_another_format(par, form), control=par.ordinary))


def in_another_format(par: Par, form: str) -> Push:
    """The first client's ordinary request in a body of another media type."""
    push = par.ordinary()
    url = par.endpoint(push)
    proof = push.authentication(Occasion(push.client, par.target, url, par.wire.clock.now()))
    return in_format(push, proof, form)


@verifies("rfc9126-2-charset-parameter-accepted")
async def test_charset_of_the_media_type_is_accepted(par: Par) -> None:
    """A form whose media type carries charset=UTF-8 is accepted like one without."""
    push = replace(par.ordinary(), content_type=f"{FORM}; charset=UTF-8")
    expect.accepted(await par.send(push, control=par.ordinary))


@verifies("rfc9126-2-media-type-in-any-case")
async def test_case_of_the_media_type_does_not_matter(par: Par) -> None:
    """A form whose media type is written with capitals is accepted (RFC 9110 section 8.3.1)."""
    push = replace(par.ordinary(), content_type="Application/X-WWW-Form-URLencoded")
    expect.accepted(await par.send(push, control=par.ordinary))


@verifies("rfc9126-2-utf8")
async def test_text_beyond_ascii_comes_back_unchanged(par: Par, authorization: Authorization) -> None:
    """Text beyond ASCII is read as UTF-8 and comes back unchanged."""
    decomposed = "e\N{COMBINING ACUTE ACCENT}"  # another text than its composed form, which looks the same
    state = f"żółć-€-𝄞-{decomposed}-{secrets.token_hex(4)}"
    answer = await par.push(state=state)
    if answer.refused:
        # RFC 6749 appendix A.5 allows state visible ASCII only: a server may insist. An unknown parameter may not fail.
        expect.accepted(await par.push(x_par_conformance=state))
        return
    outcome = await authorization.code(expect.accepted(answer))
    expect.that(
        outcome.parameters.get("state") == state,
        "state-changed",
        "the state beyond ASCII came back changed",
        expected=state,
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9126-1-large-request-accepted")
async def test_large_request_is_accepted(par: Par) -> None:
    """A request that is too large for a URL (16 KiB) is accepted."""
    expect.accepted(await par.push(x_par_conformance="x" * 16_384))


def of_size(par: Par, size: int) -> Push:
    """An ordinary request whose body has so many bytes."""
    push = par.ordinary(x_par_conformance="")
    room = size - len(par.request(push).content)
    return replace(push.changed(x_par_conformance="x" * max(0, room)), fresh_connection=True)


@verifies("rfc9126-2.3-status-413")
async def test_oversized_request_is_answered_with_413(par: Par, target: Target, facts: list[Fact]) -> None:
    """A request beyond the server's size limit is answered with 413 (Content Too Large)."""
    limits = target.profile.limits
    declared = limits.body_bytes
    if declared is not None:
        within = await par.send(of_size(par, declared - 1024), control=par.ordinary)
        if not within.accepted:
            expect.control_accepted(within)
            raise Violation(
                "smaller-limit",
                f"a body of {declared - 1024} bytes was not accepted: {within.summary}",
                expected=f"accepted up to {declared} bytes, as the profile declares",
                received=within.summary,
            )
        over = await par.send(of_size(par, declared + 1024), control=par.ordinary)
        if not over.accepted:
            facts.append(largest(declared - 1024, declared + 1024, f"{declared:,} as declared"))
    else:
        over = await _measured(par, limits.largest_body, facts)
    if over.accepted:
        raise Violation(
            "no-limit",
            f"a body of {(declared or 0) + 1024} bytes was accepted",
            expected="HTTP 413",
            received=over.summary,
        )
    expect.control_accepted(over)
    expect.that(
        over.status == 413,
        f"status-{over.status or 'none'}",
        f"an oversized body was answered with {over.summary}",
        expected="HTTP 413",
        received=over.summary,
    )


async def _measured(par: Par, most: int, facts: list[Fact]) -> PushAnswer:
    """Find the limit by doubling and halving; the answer to the smallest body that is known to be too large."""
    fits, size = 16_384, 32_768
    over: PushAnswer | None = None
    while size <= most:
        answer = await par.send(of_size(par, size), control=par.ordinary)
        if not answer.accepted:
            over = answer
            break
        fits, size = size, size * 2
    if over is None:
        facts.append(largest(fits, None, "no limit met"))
        raise NotApplicable(f"no limit was met up to {fits} bytes (`limits.largest_body` ends the search)")
    while size - fits > max(1024, fits // 50):
        middle = (size + fits) // 2
        answer = await par.send(of_size(par, middle), control=par.ordinary)
        if answer.accepted:
            fits = middle
        else:
            over, size = answer, middle
    facts.append(largest(fits, size, f"refused from {size:,} bytes on"))
    return over


def largest(accepted: int, refused: int | None, detail: str) -> Fact:
    """The measured limit of a body: the largest that was accepted, the smallest that was not (bytes)."""
    return Fact(
        name="largest pushed request",
        value=f"{accepted:,}" if refused is not None else f"> {accepted:,}",
        unit="bytes",
        detail=detail,
        samples=[accepted] if refused is None else [accepted, refused],
        picture="limit",
    )


@verifies("rfc9126-2-token-endpoint-methods-accepted")
@each(client=roles.confidential)
async def test_each_authentication_method_is_accepted(par: Par, client: str) -> None:
    """Each client authentication method of the token endpoint authenticates at the PAR endpoint as well."""
    answer = await par.push(client)
    if not answer.accepted and not (await par.push()).accepted and client != "first":
        raise NotExercised(f"not even the first client's ordinary request is accepted: {answer.summary}")
    expect.accepted(answer)


@verifies("rfc9126-2.1-public-client-served")
async def test_public_client_is_served(par: Par) -> None:
    """A public client pushes with its client_id alone."""
    answer = await par.push("public")
    expect.accepted(answer)
