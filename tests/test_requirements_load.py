"""The loader of the catalogue refuses whatever is loose, and says all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.requirements import Catalogue, CatalogueError, Specification, check_catalogue, load
from conformance.requirements.load import read

HEAD = """
id: {id}
title: A document
url: https://example.org/{id}
section_url: https://example.org/{id}#section-{{section}}
sections: ["1", "2.1"]
requirements:
"""
ENTRY = """
  - id: {id}
    section: "{section}"
    level: MUST
    text: It does.
    risk: It may not.
"""


def a_file(id: str, *entries: str) -> str:
    return HEAD.format(id=id) + "".join(entries)


def an_entry(id: str, section: str = "2.1", more: str = "") -> str:
    return ENTRY.format(id=id, section=section) + more


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def a_catalogue(*entries: dict[str, str], id: str = "doc") -> Catalogue:
    common = {"section": "2.1", "level": "MUST", "text": "It does.", "risk": "It may not."}
    specification = Specification.model_validate(
        {
            "id": id,
            "title": "A document",
            "url": "https://example.org",
            "section_url": "https://example.org#{section}",
            "sections": ["1", "2.1"],
            "requirements": [common | entry for entry in entries],
        }
    )
    return Catalogue.of([specification])


def mistakes_of(directory: Path) -> list[str]:
    with pytest.raises(CatalogueError) as error:
        read(directory)
    assert str(error.value) == "\n".join(error.value.mistakes)
    return error.value.mistakes


def test_files_are_read_into_one_catalogue(tmp_path: Path) -> None:
    written(
        tmp_path,
        rfc1=a_file("rfc1", an_entry("rfc1-2.1-is-done")),
        rfc2=a_file("rfc2", an_entry("rfc2-1-is-done", "1")),
    )

    catalogue = read(tmp_path)

    assert list(catalogue.specifications) == ["rfc1", "rfc2"]
    assert list(catalogue.requirements) == ["rfc1-2.1-is-done", "rfc2-1-is-done"]
    assert catalogue.specification_of("rfc2-1-is-done").id == "rfc2"
    assert catalogue.url("rfc1-2.1-is-done") == "https://example.org/rfc1#section-2.1"


def test_an_unknown_id_has_no_specification_and_no_url() -> None:
    catalogue = a_catalogue()

    with pytest.raises(KeyError):
        catalogue.specification_of("doc-1-unknown")
    with pytest.raises(KeyError):
        catalogue.url("doc-1-unknown")


def test_the_own_catalogue_is_read_once() -> None:
    assert load() is load()


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    written(
        tmp_path,
        rfc1=a_file("rfc1", an_entry("rfc1-2.1-is-done", more="    levle: MUST\n")),
        rfc2=a_file("rfc2", an_entry("rfc2-3-is-done", "3")),
        rfc3=a_file("rfc4", an_entry("rfc4-1-is-done", "1")),
    )

    mistakes = mistakes_of(tmp_path)

    assert mistakes == [
        "rfc1.yaml: rfc1-2.1-is-done.levle: Extra inputs are not permitted",
        "rfc3.yaml: its id is 'rfc4', not the file's name",
        "rfc2-3-is-done: rfc2 has no section 3",
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        pytest.param(an_entry("rfc1-2.1-x", "2.2"), "rfc1-2.1-x: rfc1 has no section 2.2", id="section"),
        pytest.param(
            an_entry("rfc1-1-x"),
            "rfc1-1-x: its entry says section 2.1, its id another one",
            id="other-section",
        ),
        pytest.param(
            an_entry("rfc2-2.1-x"),
            "rfc2-2.1-x: it stands in rfc1, so its id must begin with rfc1-",
            id="other-document",
        ),
        pytest.param(an_entry("rfc1-2.1-x") * 2, "rfc1-2.1-x: it is there twice, in rfc1 and in rfc1", id="twice"),
    ],
)
def test_an_id_must_fit_its_place(tmp_path: Path, entry: str, told: str) -> None:
    written(tmp_path, rfc1=a_file("rfc1", entry))

    assert told in mistakes_of(tmp_path)


def test_an_id_must_not_stand_in_two_files(tmp_path: Path) -> None:
    entry = an_entry("rfc1-2.1-x")
    written(tmp_path, rfc1=a_file("rfc1", entry), rfc2=a_file("rfc2", entry))

    assert "rfc1-2.1-x: it is there twice, in rfc1 and in rfc2" in mistakes_of(tmp_path)


def test_an_id_must_have_words(tmp_path: Path) -> None:
    written(tmp_path, rfc1=a_file("rfc1", an_entry("rfc1-2.1")))

    (mistake,) = mistakes_of(tmp_path)

    assert mistake.startswith("rfc1.yaml: rfc1-2.1.id: ")


def test_a_section_that_yaml_takes_for_a_number_is_refused(tmp_path: Path) -> None:
    written(tmp_path, rfc1=a_file("rfc1", an_entry("rfc1-2.1-x").replace('"2.1"', "2.1")))

    assert mistakes_of(tmp_path) == ["rfc1.yaml: rfc1-2.1-x.section: Input should be a valid string"]


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    written(tmp_path, rfc1=a_file("rfc1", an_entry("rfc1-2.1-x", more="    level: MAY\n")))

    (mistake,) = mistakes_of(tmp_path)

    assert "the key 'level' is there twice" in mistake


@pytest.mark.parametrize("text", ["", "- a list", "id: [unclosed"])
def test_a_file_that_is_no_specification_is_refused(tmp_path: Path, text: str) -> None:
    written(tmp_path, rfc1=text)

    assert all(mistake.startswith("rfc1.yaml: ") for mistake in mistakes_of(tmp_path))


def test_every_requirement_has_a_check_or_a_reason() -> None:
    catalogue = a_catalogue({"id": "doc-2.1-seen"}, {"id": "doc-2.1-unseen", "untested": "It is inside."})

    assert check_catalogue(catalogue, {"test_it": ["doc-2.1-seen"]}) == []
    assert check_catalogue(catalogue, {}) == ["doc-2.1-seen: no check verifies it, and `untested` gives no reason"]


def test_a_requirement_cannot_be_both_checked_and_untested() -> None:
    catalogue = a_catalogue({"id": "doc-2.1-unseen", "untested": "It is inside."})

    mistakes = check_catalogue(catalogue, {"test_it": ["doc-2.1-unseen"], "test_more": ["doc-2.1-unseen"]})

    assert mistakes == [
        "doc-2.1-unseen: it is said to be untested, but verified by test_it, test_more",
    ]


def test_a_check_must_verify_something_that_there_is() -> None:
    mistakes = check_catalogue(a_catalogue(), {"test_nothing": [], "test_unknown": ["doc-2.1-unknown"]})

    assert mistakes == [
        "check test_nothing: it verifies no requirement",
        "check test_unknown: there is no requirement doc-2.1-unknown",
    ]


def test_checking_finds_what_is_loose_in_a_catalogue_that_was_put_together() -> None:
    catalogue = a_catalogue({"id": "doc-9-x", "section": "9"}, {"id": "doc-9-x", "section": "9"})

    mistakes = check_catalogue(catalogue, {"test_it": ["doc-9-x"]})

    assert "doc-9-x: doc has no section 9" in mistakes
    assert "doc-9-x: it is there twice, in doc and in doc" in mistakes
