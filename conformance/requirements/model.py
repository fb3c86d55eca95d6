"""What a requirement is: one normative statement of one specification, in our words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.profile.model import Feature
from conformance.verdict import Level


class Model(BaseModel):
    """Base of the catalogue: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(Model):
    """One normative statement. Either a check verifies it, or `untested` says why none can."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z]+)*-[0-9A-Za-z.]+(-[a-z0-9]+)+$")]
    section: str = Field(description="Section of the document, as it numbers it: '2.1'.")
    level: Level
    binds: Literal["server", "client", "both"] = "server"
    text: str = Field(description="The statement in our words: one sentence, what the server does.")
    risk: str = Field(description="What can happen to whom if it is broken: one sentence.")
    fix: str | None = Field(None, description="What the server's author can do; one sentence.")
    feature: Feature | None = Field(None, description="It applies only where the target has this feature.")
    untested: str | None = Field(None, description="Why no check can see it from outside.")


class Specification(Model):
    """One document: a file of the catalogue."""

    id: str = Field(description="Short name, the prefix of its ids: rfc9126.")
    title: str
    url: str = Field(description="Where a person reads it.")
    section_url: str = Field(description="Link to a section; {section} is replaced.")
    binds: Feature | None = Field(None, description="It binds only servers that have this feature.")
    sections: list[str] = Field(description="The section numbers that the document has: others are refused.")
    requirements: list[Requirement]
