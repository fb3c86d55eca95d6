"""How random a series of references is: only the part that varies counts, position by position.

A constant prefix adds nothing; a position in which few signs occur adds what these signs carry. The estimate can show
that a value is too short or too regular; it cannot prove that a generator is strong.
"""

from __future__ import annotations

import base64
import hashlib
import math
import string
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_ALPHABETS = (
    string.digits,
    string.digits + "abcdef",
    string.digits + "ABCDEF",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_letters,
    string.digits + string.ascii_letters + "-_",
    string.digits + string.ascii_letters + "-_.~+/=",
)
#: A position whose signs are at least so large a part of what an even draw would show counts as evenly drawn.
_EVEN = 0.65
#: Of fewer values no order is told.
_FEWEST = 8
#: From so many varying bits on, an order of the values does not matter.
_STRONG = 112
#: So many times a position has to agree with an earlier one: 16 signs do so by chance once in 2^40 series.
_COINCIDENCES = 10
#: How many counters and seconds are tried as the source of a hashed reference.
_COUNTERS = 10_000
_SECONDS = 600


@dataclass(frozen=True)
class Estimate:
    """What a series shows: bits of the varying part, how many values came twice, and any order that was found."""

    bits: float
    repeated: int
    varying: str
    pattern: str | None
    positions: tuple[float, ...] = ()
    """Bits of each position that varies, the first to the left."""


def estimate(values: Sequence[str], now: float = 0) -> Estimate:
    """Estimate the randomness of references, given in the order of their issue. `now` in Unix seconds."""
    repeated = len(values) - len(set(values))
    cores = strip_common(values)
    example = max(cores, key=len, default="")
    positions = _bits(cores)
    bits = sum(positions)
    return Estimate(round(bits, 1), repeated, example, _order(cores, bits) or _hashed(cores, now), positions)


def strip_common(values: Sequence[str]) -> list[str]:
    """The values without the prefix and the suffix that all share."""
    if len(set(values)) < 2:
        return ["" for _ in values]
    shortest = min(map(len, values))
    head = next((i for i in range(shortest) if len({value[i] for value in values}) > 1), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if len({value[-1 - i] for value in values}) > 1), rest)
    return [value[head : len(value) - tail] for value in values]


def _bits(cores: Sequence[str]) -> tuple[float, ...]:
    """For each position the alphabet's bits where signs are evenly drawn, else the measured entropy."""
    count = len(set(cores))
    if count < 2:
        return ()
    length = min(map(len, cores))
    columns = [[core[i] for core in cores] for i in range(length)]
    alphabet = _alphabet({sign for column in columns if len(set(column)) > 2 for sign in column})
    derived = _derived(columns)
    return tuple(
        0.0 if follows else _column_bits(column, alphabet) for column, follows in zip(columns, derived, strict=True)
    )


def _derived(columns: Sequence[Sequence[str]]) -> list[bool]:
    """Which positions add nothing: they say again what stood before, or follow from it as the hash of a clock does."""
    before: list[list[Hashable]] = []
    derived = []
    for number, column in enumerate(columns):
        derived.append(column in columns[:number] or any(_follows(column, known) for known in before))
        if derived[-1]:
            continue
        joined = [list(zip(known, column, strict=True)) for known in before]
        # Positions that take few values together are one source; those that take many are random, each by itself.
        place = next((i for i, both in enumerate(joined) if len(set(both)) <= len(both) // 2), None)
        if place is None:
            before.append(list(column))
        else:
            before[place] = list(joined[place])
    return derived


def _follows(column: Sequence[Hashable], known: Sequence[Hashable]) -> bool:
    """Whether a position is the same wherever what is known is the same, which is so often enough to be no chance."""
    same = len(set(known))
    return len(known) - same >= _COINCIDENCES and len(set(zip(known, column, strict=True))) == same


def _alphabet(signs: set[str]) -> int:
    letters = {sign for sign in signs if sign != "-"} if signs <= set(string.hexdigits + "-") else signs
    return next((len(known) for known in _ALPHABETS if letters <= set(known)), max(len(letters), 1))


def _column_bits(column: Sequence[str], alphabet: int) -> float:
    count, seen = len(column), len(set(column))
    if seen == 1:
        return 0.0
    # A position may use a part of the alphabet only (the variant of a UUID, the first sign of a number).
    for size in (alphabet, 16, 10, 8, 4):
        expected = size * (1 - (1 - 1 / size) ** count)
        if size <= alphabet and seen >= _EVEN * expected:
            return math.log2(size)
    return -sum(n / count * math.log2(n / count) for n in Counter(column).values())


def _order(cores: Sequence[str], bits: float) -> str | None:
    """Whether the next value follows from the last ones: numbers in constant steps, or a counter or clock alone.

    A clock before enough random bits (a ULID, a time-ordered UUID with a long tail) rises too and gives nothing away.
    """
    if len(cores) < _FEWEST or len(set(cores)) < len(cores):
        return None
    for base, name in ((10, "decimal"), (16, "hexadecimal"), (36, "base-36")):
        numbers = _numbers(cores, base)
        if numbers is None:
            continue
        steps = [after - before for before, after in pairwise(numbers)]
        if len(set(steps)) <= 3:
            return f"the {name} numbers in the values move in constant steps"
        if bits < _STRONG and (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
            return f"the {name} numbers in the values only rise or only fall"
    if bits < _STRONG and list(cores) == sorted(cores):
        return "the values rise with every issue"
    return None


def _numbers(cores: Sequence[str], base: int) -> list[int] | None:
    try:
        return [int(core.replace("-", ""), base) for core in cores]
    except ValueError:
        return None


def _hashed(cores: Sequence[str], now: float) -> str | None:
    """Whether a value is the plain hash of a small number or of the time: it looks random and is not."""
    clock = range(int(now) - _SECONDS, int(now) + 2) if now else range(0)
    for known in (_digests(range(_COUNTERS)), _digests(clock)):
        for core in cores:
            if core in known:
                return f"a value is the {known[core]} hash of a guessable number"
    return None


@lru_cache(maxsize=2)
def _digests(numbers: range) -> dict[str, str]:
    """The usual hashes of numbers, in hex and base64url, with the name of the hash."""
    known = {}
    for number in numbers:
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, str(number).encode(), usedforsecurity=False).digest()
            known[digest.hex()] = name
            known[base64.urlsafe_b64encode(digest).decode().rstrip("=")] = name
    return known
