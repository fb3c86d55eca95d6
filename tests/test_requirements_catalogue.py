"""The catalogue itself: complete for RFC 9126, and readable by a person."""

from __future__ import annotations

import pytest

from conformance.check import verified_by
from conformance.requirements import Requirement, check_catalogue, load
from conformance.verdict import Level

CATALOGUE = load()

#: Sections of RFC 9126 in which no sentence binds a server: examples, headings, registries, references;
#: 7.5 binds clients.
WITHOUT_STATEMENT = {"1.1", "1.2", "7", "7.5", "9", "9.1", "9.2", "9.3", "10", "10.1", "10.2"}


def of(specification: str) -> list[Requirement]:
    return CATALOGUE.specifications[specification].requirements


def test_every_section_of_rfc9126_that_binds_a_server_has_an_entry() -> None:
    sections = set(CATALOGUE.specifications["rfc9126"].sections)

    assert {entry.section for entry in of("rfc9126")} == sections - WITHOUT_STATEMENT


def test_every_entry_has_a_check_or_a_reason() -> None:
    assert check_catalogue(CATALOGUE, verified_by()) == []


def test_most_of_rfc9126_can_be_seen_from_outside() -> None:
    testable = [entry for entry in of("rfc9126") if entry.untested is None]

    assert len(testable) >= 60
    assert len(testable) / len(of("rfc9126")) > 0.9


@pytest.mark.parametrize(
    ("id", "level"),
    [
        ("rfc9126-2-audience-issuer-accepted", Level.MUST),
        ("rfc9126-2-metadata-published", Level.SHOULD),
        ("rfc9126-2.1-client-authenticated", Level.MUST),
        ("rfc9126-2.1-request-uri-refused", Level.MUST),
        ("rfc9126-2.2-status-201", Level.MUST),
        ("rfc9126-2.2-bound-to-client", Level.MUST),
        ("rfc9126-2.2-expires-in-range", Level.EXPECTED),
        ("rfc9126-2.3-status-405", Level.EXPECTED),
        ("rfc9126-4-expired-refused", Level.MUST),
        ("rfc9126-4-one-time-use", Level.SHOULD),
        ("rfc9126-4-reload-tolerated", Level.MAY),
        ("rfc9126-7.2-new-redirect-uri-of-public-client-refused", Level.MUST),
    ],
)
def test_levels_are_those_of_the_document(id: str, level: Level) -> None:
    assert CATALOGUE.requirements[id].level == level


@pytest.mark.parametrize("specification", CATALOGUE.specifications)
def test_entries_read_as_sentences(specification: str) -> None:
    sentences = [
        (f"{entry.id}: {name}", sentence)
        for entry in of(specification)
        for name in ("text", "risk", "fix", "untested")
        if (sentence := getattr(entry, name)) is not None
    ]

    assert [place for place, sentence in sentences if not sentence.endswith(".")] == []
    assert [place for place, sentence in sentences if sentence != " ".join(sentence.split())] == []
    assert [place for place, sentence in sentences if len(sentence) > 300] == []


@pytest.mark.parametrize("specification", CATALOGUE.specifications)
def test_every_entry_has_a_link_to_its_section(specification: str) -> None:
    urls = [CATALOGUE.url(entry.id) for entry in of(specification)]

    assert [url for url in urls if not url.startswith("https://") or "#" not in url or "{" in url] == []


def test_no_two_entries_of_a_document_say_the_same() -> None:
    for specification in CATALOGUE.specifications.values():
        texts = [entry.text for entry in specification.requirements]
        assert len(texts) == len(set(texts)), specification.id


def test_what_can_be_seen_says_how_to_mend_it() -> None:
    missing = [entry.id for entry in of("rfc9126") if entry.untested is None and entry.fix is None]

    assert missing == []
