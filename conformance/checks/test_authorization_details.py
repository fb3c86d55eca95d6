"""Rich authorization requests (RFC 9396): details that are pushed, refused, shown, granted and kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.details import (
    PARAMETER,
    asked,
    client_of,
    granted,
    replaced,
    samples,
    text,
    texts_of,
    tokens_for,
    types_of,
    wordiest,
)
from conformance.checks.flows import claims_of_token, consent_page
from conformance.checks.test_authorization_request import with_outside
from conformance.checks.test_privacy import occurs
from conformance.login.page import Page
from conformance.profile.model import Feature, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, PushAnswer, needs_accepted
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

Sample = dict[str, Any]
UNKNOWN = "https://par-conformance.example/unknown"

#: The scopes of OpenID Connect Core section 5.4: they are about the ID token and the userinfo endpoint.
OPENID_SCOPES = {"openid", "profile", "email", "address", "phone", "offline_access"}


# -- what is pushed ---------------------------------------------------------------------------------------------------


async def push_of(par: Par, target: Target, value: str) -> PushAnswer:
    """A push with this value of authorization_details; its control has the valid ones."""
    client = client_of(target)
    valid = text(samples(target))
    return await par.send(
        par.ordinary(client, authorization_details=value),
        control=lambda: par.ordinary(client, authorization_details=valid),
    )


async def refused(par: Par, authorization: Authorization, target: Target, value: str) -> None:
    """Details with a fault lead to no code."""
    answer = await push_of(par, target, value)
    if answer.accepted:
        # The attempt at the authorization endpoint needs a control of its own: the same with valid details.
        outcome = await authorization.open(answer)
        control = await authorization.open(await asked(par, target, samples(target)))
        expect.no_code(outcome, control=control)
        return
    expect.refused(answer)


@verifies("rfc9396-3-accepted-in-push", needs=Feature.RAR)
async def test_details_are_accepted_in_a_push(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with valid authorization_details as JSON text in the form is accepted and leads to a code."""
    client = client_of(target)
    push = par.ordinary(client, authorization_details=text(samples(target)))
    answer = expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))
    expect.code(await authorization.open(answer), control=await authorization.open(await par.accepted(client)))


def signing_client(profile: Profile) -> dict[str, str]:
    """A client that signs its requests and asks for details."""
    for role, client in profile.clients.items():
        if client.authorization_details and client.request_objects:
            return {role: role}
    return {}


@verifies("rfc9396-3-accepted-in-request-object", needs=(Feature.RAR, Feature.JAR))
@each(client=signing_client)
async def test_details_are_accepted_in_a_request_object(par: Par, authorization: Authorization, client: str) -> None:
    """A pushed request object with valid authorization_details as a JSON array is accepted and leads to a code."""
    details = text(par.client(client).entry.authorization_details)
    answer = await par.send(par.object(client, authorization_details=details), control=lambda: par.object(client))
    control = await authorization.open(needs_accepted(await par.send(par.object(client))))
    expect.code(await authorization.open(expect.accepted(answer)), control=control)


@verifies("rfc9396-2-details-that-are-no-json-refused", needs=Feature.RAR)
@each(value={"text": "par-conformance", "cut": '[{"type": "pay', "single-quotes": "[{'type': 'payment'}]"})
async def test_details_that_are_no_json_are_refused(
    par: Par, authorization: Authorization, target: Target, value: str
) -> None:
    """An authorization_details that is no JSON is refused."""
    await refused(par, authorization, target, value)


def _object(entries: list[Sample]) -> object:
    return entries[0]


def _strings(entries: list[Sample]) -> object:
    return [entries[0]["type"]]


def _nested(entries: list[Sample]) -> object:
    return [entries]


@verifies("rfc9396-2-details-that-are-no-array-refused", needs=Feature.RAR)
@each(shape={"object": _object, "array-of-strings": _strings, "nested-array": _nested})
async def test_details_that_are_no_array_of_objects_are_refused(
    par: Par, authorization: Authorization, target: Target, shape: Callable[[list[Sample]], object]
) -> None:
    """An authorization_details that is valid JSON but no array of objects is refused."""
    await refused(par, authorization, target, text(shape(samples(target))))


@verifies("rfc9396-2-missing-type-refused", needs=Feature.RAR)
@each(place=("only", "second"))
async def test_entry_without_a_type_is_refused(
    par: Par, authorization: Authorization, target: Target, place: str
) -> None:
    """An entry of authorization_details without type is refused, also behind a good one."""
    sample = samples(target)[0]
    faulty = {name: value for name, value in sample.items() if name != "type"}
    await refused(par, authorization, target, text([faulty] if place == "only" else [sample, faulty]))


@verifies("rfc9396-2-type-that-is-no-string-refused", needs=Feature.RAR)
@each(shape=("array", "number", "null"))
async def test_type_that_is_no_string_is_refused(
    par: Par, authorization: Authorization, target: Target, shape: str
) -> None:
    """An entry of authorization_details whose type is no JSON string is refused."""
    sample = samples(target)[0]
    value = {"array": [sample["type"]], "number": 1, "null": None}[shape]
    await refused(par, authorization, target, text([{**sample, "type": value}]))


@verifies("rfc9396-2-several-entries-of-one-type-accepted", needs=Feature.RAR)
async def test_two_entries_of_one_type_are_accepted(par: Par, authorization: Authorization, target: Target) -> None:
    """An authorization_details with two entries of one type is accepted and leads to a code."""
    sample = samples(target)[0]
    answer = expect.accepted(await push_of(par, target, text([sample, sample])))
    control = await authorization.open(await asked(par, target, [sample]))
    expect.code(await authorization.open(answer), control=control)


@verifies("rfc9396-5-unknown-type-refused", needs=Feature.RAR)
@each(place=("only", "second"))
async def test_unknown_type_is_refused(par: Par, authorization: Authorization, target: Target, place: str) -> None:
    """An authorization_details with a type that the server does not know is refused, also behind a known one."""
    unknown = {"type": UNKNOWN}
    await refused(par, authorization, target, text([unknown] if place == "only" else [samples(target)[0], unknown]))


@verifies("rfc9396-12-type-compared-exactly", needs=Feature.RAR)
async def test_type_in_other_case_is_unknown(par: Par, authorization: Authorization, target: Target) -> None:
    """A type that matches a known one only after changing case is refused as unknown."""
    sample = samples(target)[0]
    other = str(sample["type"]).swapcase()
    if other == sample["type"] or other in (target.metadata.strings("authorization_details_types_supported") or []):
        raise NotApplicable("the type has no other spelling")
    await refused(par, authorization, target, text([{**sample, "type": other}]))


@verifies("rfc9396-5-unknown-field-refused", needs=Feature.RAR)
async def test_unknown_field_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """An entry of a known type with a field that the type does not define is refused."""
    await refused(par, authorization, target, text([{**samples(target)[0], "par_conformance": "unknown"}]))


@verifies("rfc9396-5-field-of-wrong-type-refused", needs=Feature.RAR)
@each(shape={"object": {"par": "conformance"}, "number": 7})
async def test_field_of_another_json_type_is_refused(
    par: Par, authorization: Authorization, target: Target, shape: object
) -> None:
    """An entry in which a field has another JSON type than its definition says is refused."""
    sample = samples(target)[0]
    name = next((name for name, value in sample.items() if name != "type" and isinstance(value, str)), None)
    if name is None:
        raise NotApplicable("the valid entry has no field that is a text")
    await refused(par, authorization, target, text([{**sample, name: shape}]))


@verifies("rfc9396-5-error-code", needs=Feature.RAR)
async def test_error_of_faulty_details(par: Par, authorization: Authorization, target: Target) -> None:
    """The error for authorization_details of an unknown type is invalid_authorization_details."""
    answer = await push_of(par, target, text([{"type": UNKNOWN}]))
    if answer.accepted:
        outcome = await authorization.open(answer)
        if outcome.granted:
            raise NotApplicable("the faulty details were accepted, which is a finding of its own")
        if outcome.ending is not Ending.ERROR_REDIRECT:
            raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
        error = outcome.error
    else:
        error = expect.an_error(answer).error
    expect.that(
        error == "invalid_authorization_details",
        "other-code",
        f"the error code is {error}",
        expected="invalid_authorization_details",
        received=error,
    )


# -- the consent page -------------------------------------------------------------------------------------------------


def visible(page: Page) -> str:
    """What a person reads on the page."""
    return " ".join(page.text.split())


@verifies("rfc9396-3.1-consent-shows-details", needs=Feature.RAR)
async def test_consent_page_shows_the_details(par: Par, authorization: Authorization, target: Target) -> None:
    """The consent page shows what the authorization_details ask for."""
    for sample in samples(target):
        page = visible(await consent_page(authorization, await asked(par, target, [sample])))
        values = list(texts_of(sample))
        if not values:
            continue
        # Amounts and codes may be written in another way for people; words stay what they are.
        words = [value for value in values if " " in value.strip()]
        missing = [value for value in words if value not in page]
        shown = not missing if words else any(value in page for value in values)
        expect.that(
            shown,
            "details-not-shown",
            f"the consent page does not show the details of type {sample['type']!r}",
            expected=", ".join(missing or values),
            received=page[:300],
        )


@verifies("rfc9396-3.1-consent-shows-scope-beside-details", needs=Feature.RAR)
async def test_consent_page_shows_the_scope_beside_details(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The consent page shows what scope asks for even if there are authorization_details."""
    client = client_of(target)
    if not client.entry.scope or not client.entry.further_scope:
        raise NotApplicable("the profile names no further_scope for the client that asks for details")
    details = text(samples(target)[:1])
    pages = []
    for scope in (client.entry.scope, f"{client.entry.scope} {client.entry.further_scope}"):
        answer = await par.accepted(client, authorization_details=details, scope=scope)
        pages.append(visible(await consent_page(authorization, answer)))
    expect.that(
        pages[0] != pages[1] or client.entry.further_scope in pages[1],
        "scope-not-shown",
        "the consent page says the same whatever scope is asked for beside the details",
        expected=f"a word of {client.entry.further_scope}",
        received=pages[1][:300],
    )


@verifies("rfc9396-12-markup-in-details-escaped", needs=Feature.RAR)
@each(quote=("", '">', "'>"))
async def test_markup_in_details_is_shown_as_text(
    par: Par, authorization: Authorization, target: Target, quote: str
) -> None:
    """Markup in a field of authorization_details appears on the consent page as text, not as markup."""
    sample = next((one for one in samples(target) if any(" " in value for value in texts_of(one))), samples(target)[0])
    tag = f"par-{secrets.token_hex(6)}"
    answer = await push_of(par, target, text([replaced(sample, wordiest([sample]), f"{quote}<{tag}>text</{tag}>")]))
    if not answer.accepted:
        expect.refused(answer)
        raise NotApplicable(f"this server takes no markup in details: {answer.summary}")
    page = await consent_page(authorization, answer)
    expect.that(
        not any(element.tag == tag for element in page.elements),
        "markup-rendered",
        "markup of the details is markup of the consent page",
        expected="&lt;",
        received=f"<{tag}>",
    )


@verifies("rfc9396-13-details-stay-out-of-urls", needs=Feature.RAR)
async def test_details_stay_out_of_urls_and_cookies(par: Par, authorization: Authorization, target: Target) -> None:
    """Pushed authorization_details do not show up in URLs and cookies of the browser leg."""
    sample = max(samples(target), key=lambda one: max(map(len, texts_of(one)), default=0))
    marker = wordiest([sample])
    if len(marker) < 8:
        raise NotApplicable("the valid details hold no text that could not stand there by chance")
    answer = await asked(par, target, [sample])
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    for response in outcome.responses:
        places = [("a cookie", value) for value in response.all("set-cookie")]
        places.append(("a URL", response.header("location") or ""))
        for where, value in places:
            expect.that(
                not occurs(marker, value),
                "details-shown",
                f"a text of the pushed details stands in {where}",
                expected="nothing of the details",
                received=where,
            )


# -- what is granted --------------------------------------------------------------------------------------------------


@verifies("rfc9396-7-granted-details-returned", needs=Feature.RAR)
async def test_token_answer_returns_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The token answer returns the authorization_details as granted."""
    entries = samples(target)
    tokens = await tokens_for(par, authorization, token, target, entries)
    found = tokens.json.get(PARAMETER)
    expect.that(
        isinstance(found, list) and types_of(found) == types_of(entries),
        "details-missing" if found is None else "other-details",
        f"the token answer has {found!r} as {PARAMETER}",
        expected=text(entries),
        received=json.dumps(found),
    )


@verifies("rfc9396-3.1-scope-and-details-both-processed", needs=Feature.RAR)
async def test_scope_and_details_are_both_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """With scope and authorization_details in one push, the token has both."""
    client = client_of(target)
    if not client.entry.scope:
        raise NotApplicable("the client that asks for details has no scope")
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    scope = tokens.scope if tokens.scope is not None else set(client.entry.scope.split())
    if tokens.id_token:  # what OpenID Connect's scopes ask for is there, whatever the access token is good for
        scope = scope | OPENID_SCOPES
    expect.that(
        set(client.entry.scope.split()) <= scope,
        "scope-lost",
        "beside details the pushed scope was not granted",
        expected=client.entry.scope,
        received=" ".join(sorted(scope)),
    )
    control = set((await par_scope(par, authorization, token, target)) or ())
    expect.that(
        scope - OPENID_SCOPES <= control | set(client.entry.scope.split()),
        "scope-granted",
        "beside details more scope was granted than without",
        expected=client.entry.scope,
        received=" ".join(sorted(scope)),
    )
    details = await granted(token, tokens, client)
    if details is None:
        raise NotApplicable("no details came with the token, which is a finding of its own")


async def par_scope(par: Par, authorization: Authorization, token: Token, target: Target) -> set[str] | None:
    """The scope that the same client is granted without details."""
    answer = await par.accepted(client_of(target))
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    return tokens.scope


@verifies("rfc9396-3.2-resource-leaves-details-alone", needs=(Feature.RAR, Feature.RESOURCE_INDICATORS))
async def test_resource_changes_no_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A resource parameter beside authorization_details does not change which details are granted."""
    client = client_of(target)
    if not client.entry.resource:
        raise NotApplicable("the client that asks for details has no `resource`")
    entries = samples(target)
    plain = await granted(token, await tokens_for(par, authorization, token, target, entries), client)
    if plain is None:
        raise NotApplicable("no details came with the token, which is a finding of its own")
    answer = await par.accepted(client, authorization_details=text(entries), resource=client.entry.resource)
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code of a request with details and resource was not redeemed: {tokens.summary}")
    beside = await granted(token, tokens, client)
    expect.that(
        types_of(beside) == types_of(plain),
        "other-details",
        "beside a resource other details were granted",
        expected=text(plain),
        received=json.dumps(beside),
    )


@verifies("rfc9396-12-query-cannot-change-pushed-details", needs=Feature.RAR)
@each(pushed=("other", "none"))
async def test_details_beside_request_uri_have_no_effect(
    par: Par, authorization: Authorization, token: Token, target: Target, pushed: str
) -> None:
    """An authorization_details in the query beside request_uri has no effect, whether some were pushed or none."""
    client, entries = client_of(target), samples(target)
    outside = entries[-1:]
    if pushed == "none":
        answer = await par.accepted(client)
    elif len(entries) > 1:
        answer = await asked(par, target, entries[:1])
    else:
        word = wordiest(entries)
        outside = replaced(entries, word, word[:-1] + ("x" if word[-1] != "x" else "y"))
        answer = await asked(par, target, entries)
    outcome = await with_outside(
        authorization, answer, authorization.new_browser(), authorization_details=text(outside)
    )
    if outcome is None:
        return
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    details = await granted(token, tokens, client) or []
    foreign = set(texts_of(outside)) - set(texts_of([] if pushed == "none" else entries[:1]))
    if foreign & set(texts_of(details)):
        same = await par.accepted(client) if pushed == "none" else await asked(par, target, entries[:1])
        browser = authorization.new_browser()
        usual = await token.redeem(await authorization.code(same, browser=browser), same.push)
        if foreign & set(texts_of(await granted(token, usual, client) or [])):
            raise NotApplicable("the server grants again what this person granted before, without a word of it")
    expect.that(
        not foreign & set(texts_of(details)),
        "query-used",
        "the details of the query were granted",
        expected="the pushed details" if pushed == "other" else "no details",
        received=json.dumps(details),
    )


# -- token requests ---------------------------------------------------------------------------------------------------


async def asking_at_token_endpoint(
    par: Par, authorization: Authorization, token: Token, target: Target, wanted: list[Sample]
) -> TokenAnswer:
    """The code of a request with the first valid entry, redeemed with details of the token request's own."""
    entries = samples(target)[:1]
    control = await tokens_for(par, authorization, token, target, entries)
    if await granted(token, control, client_of(target)) is None:
        raise NotApplicable("no details came with the token, which is a finding of its own")
    answer = await asked(par, target, entries)
    return await token.redeem(await authorization.code(answer), answer.push, authorization_details=text(wanted))


@verifies("rfc9396-6-more-than-granted-not-issued", needs=Feature.RAR)
async def test_token_request_gets_no_more_details_than_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A token request for authorization_details of a type that was not granted does not get them."""
    entries = samples(target)
    if len({entry["type"] for entry in entries}) < 2:
        raise NotApplicable("the client may ask for one type of details only")
    other = next(entry for entry in entries if entry["type"] != entries[0]["type"])
    for wanted in ([other], [entries[0], other]):
        tokens = await asking_at_token_endpoint(par, authorization, token, target, wanted)
        details = await granted(token, tokens, client_of(target)) if tokens.accepted else None
        expect.that(
            other["type"] not in types_of(details),
            "details-granted",
            f"the token request brought details of the type {other['type']!r}, which the person never saw",
            expected="a refusal, or the granted details",
            received=json.dumps(details),
        )


@verifies("rfc9396-8-token-error-code", needs=Feature.RAR)
async def test_error_of_faulty_details_at_the_token_endpoint(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The token endpoint's error for authorization_details of an unknown type is invalid_authorization_details."""
    tokens = await asking_at_token_endpoint(par, authorization, token, target, [{"type": UNKNOWN}])
    if tokens.accepted:
        raise NotApplicable("the token endpoint pays no heed to authorization_details")
    expect.that(
        tokens.error == "invalid_authorization_details",
        "other-code",
        f"the error code is {tokens.error}",
        expected="invalid_authorization_details",
        received=tokens.error,
    )


@verifies("rfc9396-11.2-details-survive-refresh", needs=(Feature.RAR, Feature.REFRESH_TOKENS))
async def test_refreshed_token_has_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refreshed access token has the details of the grant that it comes from."""
    client = client_of(target)
    answer = await asked(par, target, samples(target))
    first = await token.redeem(await authorization.code(answer), answer.push)
    details = await granted(token, first, client)
    if details is None:
        raise NotApplicable("no details came with the first token, which is a finding of its own")
    second = await token.refresh(first, client, dpop_key=answer.push.dpop)
    if not second.accepted:
        raise NotExercised(f"the refresh token brought nothing: {second.summary}")
    kept = await granted(token, second, client)
    if kept is None and PARAMETER in first.json and not claims_of_token(second):
        introspected = await token.introspect(str(second.json["access_token"]), client)
        if introspected is None:
            raise NotApplicable("nothing shows which details the refreshed token has")
    expect.that(
        kept == details,
        "other-details",
        "the refreshed token has other details than the first",
        expected=json.dumps(details),
        received=json.dumps(kept),
    )


# -- where it is told -------------------------------------------------------------------------------------------------


@verifies("rfc9396-9.1-details-in-jwt-access-token", needs=Feature.RAR)
async def test_jwt_access_token_carries_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An access token that is a JWT carries the granted authorization_details as a top-level claim."""
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    claims = claims_of_token(tokens)
    if not claims:
        raise NotApplicable("the access token is no JWT that can be read")
    found = claims.get(PARAMETER)
    expect.that(
        isinstance(found, list) and bool(types_of(found) & types_of(samples(target))),
        "details-missing",
        f"the claim {PARAMETER} is {found!r}",
        expected=text(samples(target)),
        received=json.dumps(found),
    )


@verifies("rfc9396-9.2-details-in-introspection-well-formed", needs=(Feature.RAR, Feature.INTROSPECTION))
async def test_details_in_introspection_are_well_formed(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """If an introspection answer carries the details, it does so as an array of objects, each with a type."""
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    told = await token.introspect(str(tokens.json["access_token"]), client_of(target)) or {}
    if PARAMETER not in told:
        raise NotApplicable("the introspection answer carries no details")
    found = told[PARAMETER]
    good = isinstance(found, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in found
    )
    expect.that(
        good,
        "malformed",
        f"{PARAMETER} is {found!r}",
        expected="an array of objects with a type",
        received=json.dumps(found),
    )


@verifies("rfc9396-10-types-advertised", needs=Feature.RAR)
async def test_types_are_advertised(target: Target) -> None:
    """The metadata lists authorization_details_types_supported as an array of strings."""
    member = "authorization_details_types_supported"
    listed = target.metadata.strings(member)
    expect.that(
        listed is not None,
        "not-advertised",
        f"{member} is {target.metadata.document.get(member)!r}",
        expected="an array of strings",
        received=repr(target.metadata.document.get(member)),
    )
    missing = {str(entry["type"]) for entry in samples(target)} - set(listed or ())
    expect.that(
        not missing,
        "type-missing",
        f"{member} does not list {', '.join(sorted(missing))}",
        expected=", ".join(sorted(missing)),
        received=", ".join(listed or ()),
    )
