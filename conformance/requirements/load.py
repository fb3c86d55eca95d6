"""Reads the catalogue of requirements, one YAML file a specification, and finds what is loose in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from conformance.requirements.model import Requirement, Specification

DIRECTORY = Path(__file__).parent


class CatalogueError(ValueError):
    """The catalogue cannot be used. `mistakes` has every one of them, a line each, for a person."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)


@dataclass(frozen=True)
class Catalogue:
    """All specifications by their short name, and all requirements by their id."""

    specifications: dict[str, Specification]
    requirements: dict[str, Requirement]
    _owners: dict[str, str]

    @classmethod
    def of(cls, specifications: Iterable[Specification]) -> Catalogue:
        """Put specifications together as they are; `check_catalogue` says what is wrong with them."""
        listed = list(specifications)
        return cls(
            specifications={one.id: one for one in listed},
            requirements={entry.id: entry for one in listed for entry in one.requirements},
            _owners={entry.id: one.id for one in listed for entry in one.requirements},
        )

    def specification_of(self, requirement: str) -> Specification:
        """The document that a requirement stands in. Raises KeyError for an unknown id."""
        return self.specifications[self._owners[requirement]]

    def url(self, requirement: str) -> str:
        """Where a person reads the section of a requirement. Raises KeyError for an unknown id."""
        section = self.requirements[requirement].section
        return self.specification_of(requirement).section_url.replace("{section}", section)


@cache
def load() -> Catalogue:
    """The suite's own catalogue, read once. Raises CatalogueError with every mistake in it."""
    return read(DIRECTORY)


def read(directory: Path) -> Catalogue:
    """Read every `*.yaml` of a directory. Raises CatalogueError with every mistake of every file."""
    specifications: list[Specification] = []
    mistakes: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            content = read_yaml(path.read_text(encoding="utf-8"))
            specifications.append(Specification.model_validate(content))
        except yaml.YAMLError as error:
            mistakes.append(f"{path.name}: {' '.join(str(error).split())}")
        except ValidationError as error:
            mistakes += [f"{path.name}: {line}" for line in told(error, content)]
        else:
            if specifications[-1].id != path.stem:
                mistakes.append(f"{path.name}: its id is {specifications[-1].id!r}, not the file's name")
    mistakes += _loose(specifications)
    if mistakes:
        raise CatalogueError(mistakes)
    return Catalogue.of(specifications)


def check_catalogue(catalogue: Catalogue, verified_by: Mapping[str, Sequence[str]]) -> list[str]:
    """Every mistake of a catalogue and of the checks that refer to it, a line each; empty if it is whole.

    `verified_by` gives for each check, by its name, the ids that it verifies.
    """
    covered = {requirement for ids in verified_by.values() for requirement in ids}
    mistakes = _loose(catalogue.specifications.values())
    for check, ids in verified_by.items():
        if not ids:
            mistakes.append(f"check {check}: it verifies no requirement")
        mistakes += [
            f"check {check}: there is no requirement {requirement}"
            for requirement in ids
            if requirement not in catalogue.requirements
        ]
    for entry in catalogue.requirements.values():
        if entry.untested is None and entry.id not in covered:
            mistakes.append(f"{entry.id}: no check verifies it, and `untested` gives no reason")
        if entry.untested is not None and entry.id in covered:
            by = ", ".join(check for check, ids in verified_by.items() if entry.id in ids)
            mistakes.append(f"{entry.id}: it is said to be untested, but verified by {by}")
    return mistakes


def read_yaml(text: str) -> object:
    """Parse YAML in which no key of a mapping stands twice. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Strict)  # noqa: S506 - it is a safe loader, with one check more


def told(error: ValidationError, content: object) -> Iterator[str]:
    """A validation error in lines for a person: the entry by its id, the key, what is wrong with it."""
    for mistake in error.errors():
        place = list(mistake["loc"])
        if place[:1] == ["requirements"] and len(place) > 1:
            place[:2] = [_entry_name(content, place[1])]
        yield f"{'.'.join(str(part) for part in place) or 'the file'}: {mistake['msg']}"


def _entry_name(content: object, number: int | str) -> str:
    """The id of the entry at a position, or the position where it has none."""
    try:
        return str(content["requirements"][number]["id"])  # type: ignore[index]
    except (KeyError, TypeError, IndexError):
        return f"requirements[{number}]"


def _loose(specifications: Iterable[Specification]) -> list[str]:
    """What the model of one entry cannot see: ids against their place, and ids that are there twice."""
    mistakes: list[str] = []
    seen: dict[str, str] = {}
    names: set[str] = set()
    for one in specifications:
        if one.id in names:
            mistakes.append(f"{one.id}: two files have this id")
        names.add(one.id)
        for entry in one.requirements:
            if entry.id in seen:
                mistakes.append(f"{entry.id}: it is there twice, in {seen[entry.id]} and in {one.id}")
            seen[entry.id] = one.id
            if entry.section not in one.sections:
                mistakes.append(f"{entry.id}: {one.id} has no section {entry.section}")
            if not entry.id.startswith(f"{one.id}-"):
                mistakes.append(f"{entry.id}: it stands in {one.id}, so its id must begin with {one.id}-")
            elif not entry.id.startswith(f"{one.id}-{entry.section}-"):
                mistakes.append(f"{entry.id}: its entry says section {entry.section}, its id another one")
    return mistakes


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


class _Strict(_Base):  # type: ignore[misc]
    """YAML takes the last of two equal keys in silence; here that is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping
