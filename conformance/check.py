"""What a check is: an async function that puts requirements to the test, and how its variants are told apart."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from conformance.profile.model import Feature, Profile

#: Where the checks live.
PACKAGE = "conformance.checks"
_ATTRIBUTE = "__check__"

Function = Callable[..., Awaitable[None]]
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
#: The values of a parameter: by name, listed, or chosen from the profile.
Values = Mapping[str, Any] | Sequence[str] | Callable[[Profile], Mapping[str, Any] | Sequence[str]]


@dataclass(frozen=True)
class Check:
    """What a function is marked with: the ids it verifies and what it needs."""

    requirements: tuple[str, ...]
    needs: tuple[Feature, ...] = ()
    waits: bool = False
    long: bool = False
    parameters: tuple[tuple[str, Values], ...] = ()


@dataclass(frozen=True)
class Case:
    """One check with its parameters: what the engine runs."""

    name: str
    title: str
    function: Function = field(repr=False)
    check: Check
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def uses_browser(self) -> bool:
        """Whether it runs in a real browser."""
        return runs_in_browser(self.function)


def verifies(
    *requirements: str, needs: Feature | Sequence[Feature] = (), waits: bool = False, long: bool = False
) -> Callable[[Decorated], Decorated]:
    """Mark a function as a check of these requirements.

    `needs`: features without which it is not applicable. `waits`: it waits for a lifetime to end, and starts first.
    `long`: it sends many requests, so that no time limit holds for it but the number of its examples.
    """

    def mark(function: Decorated) -> Decorated:
        before = check_of(function) or Check(())
        features = (needs,) if isinstance(needs, Feature) else tuple(needs)
        marked = replace(
            before,
            requirements=requirements,
            needs=(*before.needs, *features),
            waits=waits or before.waits,
            long=long or before.long,
        )
        setattr(function, _ATTRIBUTE, marked)
        return function

    return mark


def each(**parameters: Values) -> Callable[[Decorated], Decorated]:
    """Run a check once for each value. Values may be chosen from the profile; none at all: not applicable."""

    def mark(function: Decorated) -> Decorated:
        before = check_of(function) or Check(())
        setattr(function, _ATTRIBUTE, replace(before, parameters=(*before.parameters, *parameters.items())))
        return function

    return mark


@cache
def runs_in_browser(function: Function) -> bool:
    """Whether a check takes the real browser; a parameter of its own by that name is something else."""
    check = check_of(function)
    own = {name for name, _ in check.parameters} if check else set()
    return "browser" in inspect.signature(function).parameters and "browser" not in own


def check_of(function: object) -> Check | None:
    """What a function is marked with; None if it is no check."""
    marked = getattr(function, _ATTRIBUTE, None)
    return marked if isinstance(marked, Check) else None


def values_of(values: Values, profile: Profile) -> dict[str, Any]:
    """The values of a parameter for a profile, by their readable names."""
    chosen = values(profile) if callable(values) else values
    return dict(chosen) if isinstance(chosen, Mapping) else {value: value for value in chosen}


def title_of(function: Callable[..., Any]) -> str:
    """The check's sentence: the first paragraph of its docstring."""
    return " ".join((function.__doc__ or function.__name__).strip().split("\n\n")[0].split())


def name_of(module: str, function: str, variant: str) -> str:
    """The stable name of a case: file::function[variant]."""
    name = f"{module.rsplit('.', 1)[-1]}::{function}"
    return f"{name}[{variant}]" if variant else name


def cases_of(function: Function, profile: Profile) -> Iterator[Case]:
    """Every case of a check for a profile."""
    check = check_of(function)
    if check is None:
        return
    named = [(name, values_of(values, profile)) for name, values in check.parameters]
    for combination in itertools.product(*(values.items() for _, values in named)):
        arguments = {name: value for (name, _), (_, value) in zip(named, combination, strict=True)}
        variant = "-".join(label for label, _ in combination)
        yield Case(
            name_of(function.__module__, function.__name__, variant),
            title_of(function),
            function,
            check,
            arguments,
        )


def functions() -> list[Function]:
    """Every check of the suite, in the order of files and lines."""
    package = importlib.import_module(PACKAGE)
    found = []
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("test_"):
            module = importlib.import_module(f"{PACKAGE}.{info.name}")
            found += [value for name, value in vars(module).items() if name.startswith("test_") and check_of(value)]
    return found


def verified_by() -> dict[str, list[str]]:
    """For each check function (file::function) the ids that it verifies."""
    return {
        name_of(function.__module__, function.__name__, ""): list(check.requirements)
        for function in functions()
        if (check := check_of(function))
    }
