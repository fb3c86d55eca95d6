"""Plans: which specifications are in force in a run, and what a plan makes of single requirements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.profile.model import Feature
from conformance.requirements.load import Catalogue, read_yaml
from conformance.requirements.model import Requirement
from conformance.verdict import Level

FILE = Path(__file__).parent / "plans.yaml"

Key = TypeVar("Key")
Value = TypeVar("Value")


class PlanError(ValueError):
    """Plans that cannot be used. The message has every mistake, a line each, for a person."""


class Plan(BaseModel):
    """One plan. A plan that extends others has what they have, and decides over them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    about: str = Field(description="When to choose it, for a person.")
    extends: list[str] = Field([], description="Plans that this one adds to.")
    specifications: list[str] = Field([], description="The documents in force, by their short names.")
    lifts: dict[str, Level] = Field({}, description="Requirements whose level the plan raises or lowers.")
    drops: list[str] = Field([], description="Requirements that do not hold under this plan.")
    replaces: dict[str, str] = Field(
        {},
        description="Requirements that do not hold under this plan, and what stands in their place, or why.",
    )
    features: dict[Feature, Literal[True]] = Field({}, description="Features that the plan itself demands.")

    def dropped(self) -> set[str]:
        """The ids that do not hold under this plan."""
        return {*self.drops, *self.replaces}


@dataclass(frozen=True)
class Applied:
    """A requirement in force: the level that counts, and which plan's rule set it, if not the document."""

    requirement: Requirement
    level: Level
    rule: str | None


@cache
def load_plans() -> dict[str, Plan]:
    """The suite's own plans by name, with what they extend. Raises PlanError."""
    return read_plans(FILE)


def read_plans(path: Path) -> dict[str, Plan]:
    """Read a file of plans; what a plan extends is worked into it. Raises PlanError with every mistake."""
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise PlanError(f"{path.name}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise PlanError(f"{path.name}: it must map names to plans")
    plans: dict[str, Plan] = {}
    mistakes: list[str] = []
    for name, entry in content.items():
        try:
            plans[name] = _extended(Plan.model_validate(entry), plans)
        except ValidationError as error:
            mistakes += [
                f"{name}.{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}"
                for mistake in error.errors()
            ]
        except KeyError as error:
            mistakes.append(f"{name}: it extends {error.args[0]}, which no plan above it is named")
    if mistakes:
        raise PlanError("\n".join(f"{path.name}: {mistake}" for mistake in mistakes))
    return plans


def in_force(plans: Sequence[str], catalogue: Catalogue) -> dict[str, Applied]:
    """The requirements that hold under all plans together, by id, in the order of the catalogue.

    The strongest level among the plans counts; what one of them drops does not hold. Raises PlanError for a
    plan that is not known, and for plans that do not fit the catalogue.
    """
    chosen = _chosen(plans)
    if mistakes := check_plans(chosen, catalogue):
        raise PlanError("\n".join(mistakes))
    gone = {requirement for plan in chosen.values() for requirement in plan.dropped()}
    force: dict[str, Applied] = {}
    for entry in catalogue.requirements.values():
        specification = catalogue.specification_of(entry.id).id
        levels = {
            name: plan.lifts.get(entry.id, entry.level)
            for name, plan in chosen.items()
            if specification in plan.specifications
        }
        if levels and entry.id not in gone:
            force[entry.id] = _applied(entry, levels)
    return force


def not_in_force(plans: Sequence[str], catalogue: Catalogue) -> dict[str, str]:
    """What the plans drop, by id, and the reason for a person. Raises PlanError for a plan not known."""
    chosen = _chosen(plans)
    covered = {name for plan in chosen.values() for name in plan.specifications}
    reasons: dict[str, str] = {}
    for name, plan in chosen.items():
        for requirement in plan.drops:
            reasons.setdefault(requirement, f"plan {name} drops it")
        for requirement, instead in plan.replaces.items():
            reasons.setdefault(requirement, f"plan {name}: {instead}")
    return {
        requirement: reason
        for requirement, reason in reasons.items()
        if catalogue.specification_of(requirement).id in covered
    }


def demanded_features(plans: Sequence[str]) -> dict[Feature, list[str]]:
    """The features that plans demand, each with the plans that do. Raises PlanError for a plan not known."""
    demanded: dict[Feature, list[str]] = {}
    for name, plan in _chosen(plans).items():
        for feature in plan.features:
            demanded.setdefault(feature, []).append(name)
    return demanded


def check_plans(plans: Mapping[str, Plan], catalogue: Catalogue) -> list[str]:
    """Every mistake of plans against a catalogue, a line each; empty if they fit."""
    mistakes: list[str] = []
    for name, plan in plans.items():
        mistakes += [
            f"plan {name}: there is no specification {specification}"
            for specification in plan.specifications
            if specification not in catalogue.specifications
        ]
        mistakes += [
            f"plan {name}: there is no requirement {requirement}"
            for requirement in sorted({*plan.lifts, *plan.dropped()})
            if requirement not in catalogue.requirements
        ]
        for requirement, level in plan.lifts.items():
            if requirement in plan.dropped():
                mistakes.append(f"plan {name}: {requirement} is both lifted and dropped")
            if requirement not in catalogue.requirements:
                continue
            if catalogue.requirements[requirement].level == level:
                mistakes.append(f"plan {name}: {requirement} is {level} already")
            if catalogue.specification_of(requirement).id not in plan.specifications:
                mistakes.append(f"plan {name}: {requirement} is of a document that the plan does not have")
        mistakes += [
            f"plan {name}: {requirement} is both dropped and replaced"
            for requirement in plan.drops
            if requirement in plan.replaces
        ]
    return mistakes


def _chosen(names: Sequence[str]) -> dict[str, Plan]:
    """The plans of these names. Raises PlanError, which names the known ones."""
    known = load_plans()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        wrong = f"there is no plan {', '.join(unknown)}" if unknown else "no plan is chosen"
        raise PlanError(f"{wrong}; the plans are {', '.join(known)}")
    return {name: known[name] for name in names}


def _applied(entry: Requirement, levels: Mapping[str, Level]) -> Applied:
    """The strongest of the plans' levels for a requirement."""
    level = min(levels.values(), key=list(Level).index)
    if level == entry.level:
        return Applied(entry, level, None)
    name = next(plan for plan, its in levels.items() if its == level)
    return Applied(entry, level, f"plan {name}: {level} in place of {entry.level}")


def _extended(plan: Plan, known: Mapping[str, Plan]) -> Plan:
    """A plan with what it extends worked in; it decides over that. Raises KeyError for a name not known."""
    parts = [*(known[name] for name in plan.extends), plan]
    gone = plan.dropped()
    lifts = _merged({id: level for id, level in part.lifts.items() if id not in gone} for part in parts[:-1])
    drops = dict.fromkeys(id for part in parts for id in part.drops)
    return plan.model_copy(
        update={
            "specifications": list(dict.fromkeys(name for part in parts for name in part.specifications)),
            "lifts": {**lifts, **plan.lifts},
            "drops": [id for id in drops if id not in plan.replaces or id in plan.drops],
            "replaces": _merged(part.replaces for part in parts),
            "features": _merged(part.features for part in parts),
        }
    )


def _merged(parts: Iterable[Mapping[Key, Value]]) -> dict[Key, Value]:
    """One mapping of several; the last one decides."""
    return {key: value for part in parts for key, value in part.items()}
