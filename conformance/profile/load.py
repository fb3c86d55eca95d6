"""Loads a profile: all that is wrong is told at once, to a person, and no message has a secret in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from conformance.profile.agreement import contradictions
from conformance.profile.keyring import Keyring, resolve
from conformance.profile.mistake import Mistake, ProfileError, without
from conformance.profile.model import Profile
from conformance.profile.read import read
from conformance.profile.rules import credentials, judge_rules
from conformance.profile.shape import judge_shape

__all__ = ["LoadedProfile", "Mistake", "ProfileError", "contradictions", "load"]


@dataclass(frozen=True)
class LoadedProfile:
    """A profile that holds, and what it stands on."""

    profile: Profile
    path: Path
    #: Where relative paths of the profile start.
    folder: Path
    #: SHA-256 of the file's bytes, in hex: the report says by it which profile was used.
    sha256: str
    keyring: Keyring = field(repr=False)


def load(path: Path, *, environ: Mapping[str, str] = os.environ, today: date | None = None) -> LoadedProfile:
    """Read a profile, judge it, and resolve its secrets.

    `environ` fills ${NAME} and the secrets with `env`; `today` is the day that `authorization_to_test` must
    cover. Raises ProfileError with every mistake.
    """
    path = Path(path)
    document, content = read(path, environ)
    profile = judge_shape(document)
    judge_rules(document, environ, today or date.today())
    if profile is None or document.mistakes:
        raise ProfileError(without(document.mistakes, credentials.texts(document, environ)))
    return LoadedProfile(
        profile=_placed(profile, document.folder),
        path=path,
        folder=document.folder,
        sha256=hashlib.sha256(content).hexdigest(),
        keyring=resolve(profile, document.folder, environ),
    )


def _placed(profile: Profile, folder: Path) -> Profile:
    """The profile with the CA's file where it is: whoever reads it does not know where the profile stands."""
    if profile.tls.ca_file is None:
        return profile
    tls = profile.tls.model_copy(update={"ca_file": str(folder / profile.tls.ca_file)})
    return profile.model_copy(update={"tls": tls})
