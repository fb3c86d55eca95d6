"""Rules about names that point elsewhere: plans, requirements, and the profile's own keys."""

from __future__ import annotations

import re
from collections.abc import Collection

from conformance.profile.document import Document
from conformance.profile.rules.target import judge_day
from conformance.profile.schema import schema_at
from conformance.profile.words import Key, alternatives, did_you_mean

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*")


def judge(document: Document) -> None:
    """Tell every plan, requirement and key that does not exist."""
    _judge_plans(document)
    _judge_deviations(document)
    _judge_unverified(document)


def known_plans() -> Collection[str]:
    """The names of all plans."""
    # Not at the top: the plans take the features from this package.
    from conformance.plans import load_plans

    return load_plans()


def known_requirements() -> Collection[str]:
    """The ids of all requirements."""
    # Not at the top: the catalogue's model takes the features from this package.
    from conformance.requirements.load import load

    return load().requirements


def _judge_plans(document: Document) -> None:
    given = [document.text("plans", number) for number in range(len(document.sequence("plans")))]
    known = known_plans() if any(given) else ()
    for number, name in enumerate(given):
        if name is not None and name not in known:
            document.tell(
                ("plans", number),
                found=document.show("plans", number),
                expected=alternatives(known),
                fix=did_you_mean(name, known, "Name one of the plans."),
            )
    if document.has("plans") and not given and not document.told("plans"):
        document.tell(("plans",), found="an empty list", expected="at least one plan", fix="Write [rfc9126].")


def _judge_deviations(document: Document) -> None:
    for number in range(len(document.sequence("deviations"))):
        judge_day(document, "deviations", number, "until")
        key: Key = ("deviations", number, "requirement")
        name = document.text(*key)
        if name is None:
            continue
        known = known_requirements()
        if name not in known:
            specification = name.partition("-")[0]
            near = [one for one in known if one.startswith(f"{specification}-")] or list(known)
            document.tell(
                key,
                found=document.show(*key),
                expected="the id of a requirement, as the report prints it",
                fix=did_you_mean(name, near, "Copy the id from the report."),
            )


def _judge_unverified(document: Document) -> None:
    for number in range(len(document.sequence("unverified"))):
        text = document.text("unverified", number)
        if text is not None and not _names_key(document, text):
            document.tell(
                ("unverified", number),
                found=document.show("unverified", number),
                expected="the dotted path of a key: clients.first.scope, deviations[0].reason",
                fix="Correct the path, or take the entry away.",
            )


def _names_key(document: Document, text: str) -> bool:
    """Whether a dotted path names a key of this profile, or one that the model fills in."""
    if not _PATH.fullmatch(text):
        return False
    key: Key = tuple(name or int(number) for name, number in _PART.findall(text))
    if document.has(*key):
        return True
    # Roles, users and entries of lists are the profile's own: no default fills them in.
    last = max((index for index, part in enumerate(key) if isinstance(part, int)), default=-1)
    own = max(last + 1, 2 if key[0] in {"clients", "users"} else 0)
    return schema_at(key) is not None and (own == 0 or document.has(*key[:own]))
