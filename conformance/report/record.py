"""The run record: the truth of which every view is made. Versioned; its JSON Schema is published."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.verdict import Answer, Level, Verdict

VERSION = 1


class Model(BaseModel):
    """Base of the record: frozen, closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Model):
    """One half of an exchange, redacted. `body` may be cut: `size` is what it had (bytes)."""

    headers: list[tuple[str, str]] = []
    body: str = ""
    size: int = 0


class Exchange(Model):
    """One request and what came back, redacted."""

    number: int = Field(description="Position within its check, from 1.")
    purpose: str = Field(description="What it was for: 'pushed authorization request', 'control', 'login', …")
    started: float = Field(description="Unix seconds.")
    seconds: float
    method: str
    url: str
    request: Message
    status: int | None = Field(description="HTTP status; null when no answer came.")
    response: Message
    error: str | None = Field(None, description="Why no answer came.")
    curl: str = Field(
        description="A command that repeats it once the secrets stand in the place of their fingerprints."
    )


class Wait(Model):
    """A pause of a check, and why."""

    started: float
    seconds: float
    reason: str


class Picture(Model):
    """What a person saw in the browser."""

    caption: str = Field(description="Which page it is and why it was looked at.")
    url: str
    data: str = Field(description="A data: URI with a JPEG; empty where the picture is withheld.")
    withheld: str | None = Field(None, description="Why there is no picture.")


class Step(Model):
    """Something that was done or seen in the browser, redacted."""

    at: float = Field(description="Unix seconds.")
    text: str


class CheckResult(Model):
    """What one check, with its parameters, did and saw."""

    name: str = Field(description="Stable name: file::function[parameters].")
    title: str = Field(description="The check's sentence.")
    requirements: list[str]
    outcome: Literal["pass", "violation", "inconclusive", "not-applicable"]
    broken: list[str] = Field([], description="The ids that the violation speaks of.")
    observed: str | None = Field(None, description="Stable word for what was seen, when it is a violation.")
    message: str | None = Field(None, description="What was sent, expected and received, for a person.")
    sent: str | None = Field(None, description="What was sent, in a few words: the change under test.")
    expected: str | None = None
    received: str | None = None
    started: float | None = None
    seconds: float = 0
    exchanges: list[Exchange] = []
    waits: list[Wait] = []
    pictures: list[Picture] = Field([], description="The pages that decided, of a check in the browser.")
    trace: list[Step] = Field([], description="What was done in the browser, where the check did not pass.")


class DeviationResult(Model):
    """An entry of the profile's deviations and what became of it."""

    requirement: str
    observed: str
    check: str | None
    reason: str
    ticket: str | None
    until: date | None
    state: Literal["matched", "stale", "expired", "unused"]


class RequirementResult(Model):
    """One requirement in force, and its verdict."""

    id: str
    specification: str
    section: str
    url: str
    level: Level = Field(description="As the specification says it.")
    applied: Level = Field(description="As the plans in force lift or lower it.")
    rule: str | None = Field(None, description="Which plan's rule decided, where it differs from the document.")
    text: str
    risk: str
    fix: str | None
    verdict: Verdict
    reason: str | None = Field(None, description="Why it is not applicable, inconclusive, untested, …")
    checks: list[str] = []


class Fact(Model):
    """A measured fact, beside the verdicts: the true lifetime, bits of randomness, latency."""

    name: str
    value: str
    unit: str = ""
    detail: str = ""
    samples: list[float] = []
    picture: Literal["distribution", "lifetime", "limit", "randomness"] | None = Field(
        None,
        description="What the samples are. distribution: measurements in `unit`; lifetime: seconds declared, "
        "last seen valid, first seen invalid (the last one or two may be missing); limit: the largest accepted, the "
        "smallest refused (it may be missing), in `unit`; randomness: bits of each character position. null: a "
        "distribution, if there are samples.",
    )


class Change(Model):
    """A finding beside the baseline."""

    requirement: str
    check: str
    state: Literal["new", "new-check", "changed", "known", "mended", "unmatched"] = Field(
        description="new, changed: breaks the gate; new-check: the baseline did not have this check, so it does not; "
        "known: the baseline has it too; mended: only the baseline has it; unmatched: the baseline has it, and this "
        "run does not tell."
    )
    before: str | None = Field(None, description="What the baseline observed.")
    after: str | None = Field(None, description="What this run observed.")


class Baseline(Model):
    """The earlier run that the gate of this one was held against."""

    target: str
    started: datetime
    suite_version: str
    record_sha256: str = Field(description="Of its report.json.")
    changes: list[Change]


class Target(Model):
    """Who was tested, as far as the profile and the metadata say."""

    name: str
    profile: str = Field(description="File name of the profile.")
    profile_sha256: str
    issuer: str | None
    endpoints: dict[str, str]
    features: dict[str, bool]
    clients: dict[str, str] = Field(description="Role to client authentication method.")
    authorization_by: str | None = None
    authorization_until: date | None = None
    authorization_reference: str | None = None
    unverified: list[str] = []


class Run(Model):
    """One run of the suite against one target."""

    version: int = VERSION
    suite_version: str
    python: str
    libraries: dict[str, str]
    started: datetime
    finished: datetime
    interrupted: bool = False
    seed: str | None = None
    plans: list[str]
    selection: str | None = Field(None, description="What the command line chose (-k, paths); null for all.")
    target: Target
    conformance: Answer
    gate: Answer
    sentence: str = Field(description="Both answers in one sentence.")
    problems: list[str] = Field([], description="What kept the run from being whole: target down, throttled, …")
    tally: dict[Verdict, int]
    specifications: dict[str, str] = Field({}, description="Id of each specification in force to its title.")
    requirements: list[RequirementResult]
    checks: list[CheckResult]
    deviations: list[DeviationResult] = []
    baseline: Baseline | None = Field(None, description="What the gate was held against, beside the profile.")
    facts: list[Fact] = []
    requests: int = 0
