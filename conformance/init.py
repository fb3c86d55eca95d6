"""A profile of a vendor for a new user: copied into a folder, with the variables that it wants told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from conformance.profile.shipped import guide, shipped
from conformance.profile.variables import Variable, variables


class InitError(Exception):
    """There is no such profile, or a file of its name is there already. One sentence, and the way out."""


def vendors() -> dict[str, Path]:
    """The shipped profiles of systems that others run, by name: those that say who allowed the test."""
    return {name: path for name, path in shipped().items() if "\nauthorization_to_test:" in path.read_text("utf-8")}


def init(vendor: str, folder: Path) -> Path:
    """Write the profile of a vendor into a folder. InitError where it cannot be done."""
    known = vendors()
    if vendor not in known:
        raise InitError(f"there is no profile for {vendor!r}; there are: {', '.join(known)}")
    path = folder / f"{vendor}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(known[vendor].read_text(encoding="utf-8"))
    except FileExistsError:
        raise InitError(f"{path.name} is there already: move it away, or go on with it") from None
    except OSError as error:
        raise InitError(f"{path.name} cannot be written: {error.strerror}") from None
    return path


def next_steps(path: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """What to do with a profile that was just written: variables to set, and the command that comes next.

    A variable that is set already, or has a default, is no task.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    by_hand = _by_hand(document, environ)
    found = [one for one in variables(document).values() if not (by_hand and one.key[0] == "users")]
    missing = [one for one in found if _missing(one, environ)]
    yield f"wrote {path.name}"
    page = guide(path)
    if page is not None:
        yield f"what to create, and where each value comes from: {page}"
    if missing:
        yield "set these variables; of the roles only `first` is needed, take out of the profile what is not there:"
        yield from (f"  {one.name}{_hint(one)}" for one in missing)
    defaults = [f"{one.name}={one.default}" for one in found if one.default and "${" not in one.default]
    if defaults:
        yield "these have a default:"
        yield from (f"  {text}" for text in defaults)
    yield "then:"
    yield f"  par-conformance doctor {path.name}"


def _hint(variable: Variable) -> str:
    """What kind of value is wanted, where the name does not say it."""
    match variable.key:
        case ("authorization_to_test", "until"):
            return "  (a date: YYYY-MM-DD)"
        case (*_, "keys", "env"):
            return "  (secret: a private JWK set)"
        case (*_, "certificate_file" | "key_file"):
            return "  (a PEM file)"
    return "  (secret)" if variable.secret else ""


def _missing(variable: Variable, environ: Mapping[str, str]) -> bool:
    instead = variable.unless is not None and bool(environ.get(variable.unless))
    return variable.default is None and not instead and not environ.get(variable.name)


def _by_hand(document: dict[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether a person logs in by hand, so that no password is wanted."""
    driver = str((document.get("login") or {}).get("driver", ""))
    chosen = variables(driver)
    return "manual" in {driver, *(environ.get(name) or one.default for name, one in chosen.items())}
