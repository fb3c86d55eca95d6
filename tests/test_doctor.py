"""What the doctor says of servers that are right, and in a way that the profile has to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance import doctor

REFERENCE = Path(__file__).parent.parent / "targets" / "reference.yaml"


def found(folder: Path, *, settings: dict[str, Any] | None = None, **changes: Any) -> list[doctor.Finding]:
    """The findings for the reference server with other settings, and for its profile with changes."""
    profile = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
    profile["settings"] |= settings or {}
    profile |= changes
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return doctor.examine(path)


def about(findings: list[doctor.Finding], subject: str) -> list[doctor.Finding]:
    return [finding for finding in findings if finding.subject.startswith(subject)]


def test_policy_of_redirect_uris_is_asked_for(tmp_path: Path) -> None:
    (told,) = about(found(tmp_path, settings={"unregistered_redirect_uris": True}), "redirect URIs")

    assert told.good
    assert "features.unregistered_redirect_uris: true" in (told.fix or "")


@pytest.mark.parametrize("settings", [{}, {"unregistered_redirect_uris": True}])
def test_policy_that_is_said_is_not_asked_for(tmp_path: Path, settings: dict[str, Any]) -> None:
    features = {"unregistered_redirect_uris": True} if settings else {}

    assert about(found(tmp_path, settings=settings, features=features), "redirect URIs") == []


def test_request_objects_are_tried(tmp_path: Path) -> None:
    told = about(found(tmp_path), "request objects of client signed")

    assert told
    assert {(finding.good, finding.found) for finding in told} == {(True, "accepted")}


def test_request_objects_that_are_refused_are_told_with_a_fix(tmp_path: Path) -> None:
    clients = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))["clients"]
    clients["signed"]["request_objects"]["lifetime"] = 86_400

    told = about(found(tmp_path, clients=clients), "request objects of client signed")[0]

    assert not told.good
    assert "request_objects" in (told.fix or "")


def test_what_the_server_says_to_a_refused_token_request_is_told(tmp_path: Path) -> None:
    told = about(found(tmp_path, settings={"bound_tokens_only": True}), "token")[0]

    assert not told.good
    assert "a DPoP proof or a client certificate is required" in told.found
    assert "DPoP" in (told.fix or "")
