"""Plans choose documents, weigh single requirements, and decide together."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.plans import (
    PlanError,
    check_plans,
    demanded_features,
    in_force,
    load_plans,
    not_in_force,
    read_plans,
)
from conformance.profile.model import Feature
from conformance.requirements import load
from conformance.verdict import Level

CATALOGUE = load()
PLANS = load_plans()
ISSUER = "rfc9126-2-audience-issuer-accepted"
TOKEN_ENDPOINT = "rfc9126-2-audience-token-endpoint-accepted"
PLAIN = "rfc7636-7.2-plain-refused"


def written(directory: Path, text: str) -> Path:
    path = directory / "plans.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_plans_are_these() -> None:
    assert list(PLANS) == [
        "rfc9126",
        "jar",
        "rfc7523bis",
        "rfc9700",
        "fapi2",
        "fapi2-message-signing",
        "atproto",
    ]


def test_the_plans_fit_the_catalogue() -> None:
    assert check_plans(PLANS, CATALOGUE) == []


def test_every_document_is_in_some_plan() -> None:
    named = {specification for plan in PLANS.values() for specification in plan.specifications}

    assert named == set(CATALOGUE.specifications)


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_has_rfc9126_at_its_heart(name: str) -> None:
    assert "rfc9126" in PLANS[name].specifications
    assert in_force([name], CATALOGUE)["rfc9126-2.2-bound-to-client"].level == Level.MUST


def test_the_ordinary_plan_takes_levels_from_the_documents() -> None:
    force = in_force(["rfc9126"], CATALOGUE)

    assert all(applied.level == applied.requirement.level for applied in force.values())
    assert all(applied.rule is None for applied in force.values())
    assert ISSUER in force
    assert TOKEN_ENDPOINT in force
    assert "rfc9700-4.12-no-307" not in force


def test_a_plan_drops_what_it_replaces_and_says_why() -> None:
    force = in_force(["rfc7523bis"], CATALOGUE)

    assert ISSUER in force
    assert TOKEN_ENDPOINT not in force
    assert not_in_force(["rfc7523bis"], CATALOGUE)[TOKEN_ENDPOINT] == (
        "plan rfc7523bis: the update allows the issuer only, so this audience is refused"
    )


def test_a_drop_wins_over_a_plan_that_keeps_the_requirement() -> None:
    assert TOKEN_ENDPOINT not in in_force(["rfc9126", "fapi2"], CATALOGUE)


def test_only_requirements_of_the_chosen_documents_are_told_as_dropped() -> None:
    assert "rfc7523bis-5-single-element-array-accepted" not in not_in_force(["fapi2"], CATALOGUE)
    assert "rfc7523bis-5-single-element-array-accepted" in not_in_force(["rfc7523bis", "fapi2"], CATALOGUE)


def test_the_strongest_level_of_several_plans_counts() -> None:
    applied = in_force(["rfc9126", "atproto"], CATALOGUE)[PLAIN]

    assert applied.level == Level.MUST
    assert applied.rule == "plan atproto: MUST in place of SHOULD"


def test_a_plan_has_what_it_extends() -> None:
    signing = PLANS["fapi2-message-signing"]

    assert {"rfc9126", "rfc9700", "fapi2-security-profile", "fapi2-message-signing"} <= set(signing.specifications)
    assert signing.lifts[PLAIN] == Level.MUST
    assert TOKEN_ENDPOINT in signing.replaces
    assert signing.features[Feature.REQUIRE_PAR] is True


def test_plans_demand_features() -> None:
    demanded = demanded_features(["jar", "fapi2-message-signing"])

    assert demanded[Feature.JAR] == ["jar", "fapi2-message-signing"]
    assert demanded[Feature.REQUIRE_PAR] == ["fapi2-message-signing"]
    assert demanded_features(["rfc9126"]) == {}


@pytest.mark.parametrize("names", [["rfc9126", "fapi3"], []])
def test_an_unknown_plan_is_refused_with_the_known_ones(names: list[str]) -> None:
    with pytest.raises(PlanError, match="the plans are rfc9126, jar, rfc7523bis"):
        in_force(names, CATALOGUE)


def test_the_extending_plan_decides_over_what_it_extends(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""
        base:
          title: Base
          about: A base.
          specifications: [rfc7636, rfc9126]
          lifts: {{{PLAIN}: MUST, rfc9126-4-one-time-use: MUST}}
          drops: [{ISSUER}]
        more:
          title: More
          about: It has more.
          extends: [base]
          specifications: [rfc6749]
          lifts: {{{PLAIN}: MAY}}
          drops: [rfc9126-4-one-time-use]
          replaces: {{{ISSUER}: something else}}
        """,
    )

    plan = read_plans(path)["more"]

    assert plan.specifications == ["rfc7636", "rfc9126", "rfc6749"]
    assert plan.lifts == {PLAIN: Level.MAY}
    assert plan.drops == ["rfc9126-4-one-time-use"]
    assert plan.replaces == {ISSUER: "something else"}
    assert check_plans({"more": plan}, CATALOGUE) == []


def test_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        one: {title: One, about: It is., lift: {}}
        two: {title: Two, about: It is., extends: [none]}
        three: {title: Three, about: It is., features: {teleportation: true}}
        """,
    )

    with pytest.raises(PlanError) as error:
        read_plans(path)

    one, two, three = str(error.value).splitlines()
    assert one == "plans.yaml: one.lift: Extra inputs are not permitted"
    assert two == "plans.yaml: two: it extends none, which no plan above it is named"
    assert three.startswith("plans.yaml: three.features.teleportation")


@pytest.mark.parametrize("text", ["- a list", "one: [unclosed", "one: {}\none: {}"])
def test_a_file_that_has_no_plans_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlanError, match=r"plans\.yaml: "):
        read_plans(written(tmp_path, text))


def test_a_plan_that_does_not_fit_the_catalogue_is_told_whole(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""
        odd:
          title: Odd
          about: It does not fit.
          specifications: [rfc9126, rfc0]
          lifts: {{rfc9126-4-one-time-use: SHOULD, {ISSUER}: MAY, {PLAIN}: MUST, rfc0-1-x: MUST}}
          drops: [{ISSUER}, rfc9126-2.2-status-201]
          replaces: {{rfc9126-2.2-status-201: something else}}
        """,
    )

    assert check_plans(read_plans(path), CATALOGUE) == [
        "plan odd: there is no specification rfc0",
        "plan odd: there is no requirement rfc0-1-x",
        "plan odd: rfc9126-4-one-time-use is SHOULD already",
        f"plan odd: {ISSUER} is both lifted and dropped",
        f"plan odd: {PLAIN} is of a document that the plan does not have",
        "plan odd: rfc9126-2.2-status-201 is both dropped and replaced",
    ]
