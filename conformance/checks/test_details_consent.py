"""Pushed authorization details before a person: what the pages show, and keep to themselves (RFC 9396)."""

from __future__ import annotations

import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.details import (
    asked,
    client_of,
    push_of,
    replaced,
    samples,
    text,
    texts_of,
    wordiest,
)
from conformance.checks.flows import consent_pages
from conformance.checks.test_privacy import occurs
from conformance.login.page import Page
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.target import Target
from conformance.verdict import NotApplicable


def visible(pages: list[Page]) -> str:
    """What a person reads on the pages."""
    return " ".join(word for page in pages for word in page.text.split())


@verifies("rfc9396-3.1-consent-shows-details", needs=Feature.RAR)
async def test_consent_page_shows_the_details(par: Par, authorization: Authorization, target: Target) -> None:
    """The consent page shows what the authorization_details ask for."""
    for sample in samples(target):
        page = visible(await consent_pages(authorization, await asked(par, target, [sample])))
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
        pages.append(visible(await consent_pages(authorization, answer)))
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
    pages = await consent_pages(authorization, answer)
    expect.that(
        not any(element.tag == tag for page in pages for element in page.elements),
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
