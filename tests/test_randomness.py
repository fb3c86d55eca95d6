"""The estimate tells strong references from short, regular and derived ones."""

from __future__ import annotations

import hashlib
import random
import secrets
import time
import uuid

import pytest

from conformance.checks.test_response import ENOUGH_BITS, PREDICTABLE_BITS
from conformance.randomness import estimate, strip_common

PREFIX = "urn:ietf:params:oauth:request_uri:"
COUNT = 64

STRONG = {
    "base64url-256": lambda: secrets.token_urlsafe(32),
    "base64url-128": lambda: secrets.token_urlsafe(16),
    "hex-128": lambda: secrets.token_hex(16),
    "uuid4": lambda: str(uuid.uuid4()),
    "base62": lambda: "".join(
        secrets.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") for _ in range(43)
    ),
    "decimal-40": lambda: "".join(secrets.choice("0123456789") for _ in range(40)),
    "base32": lambda: "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(32)),
    "timestamp-then-random": lambda: f"{time.time_ns()}-{secrets.token_urlsafe(24)}",
}
SHORT = {
    "hex-64-behind-a-long-prefix": lambda: "0123456789abcdef" * 4 + secrets.token_hex(8),
    "base64url-64": lambda: secrets.token_urlsafe(8),
    "uuid-with-64-random-bits": lambda: f"00000000-0000-4000-{secrets.token_hex(2)}-{secrets.token_hex(6)}",
    "hex-40-five-times": lambda: secrets.token_hex(5) * 5,
    "hex-40-and-its-complement": lambda: _with_complement(secrets.token_hex(5)),
    "decimal-19": lambda: "".join(secrets.choice("0123456789") for _ in range(19)),
}


def _with_complement(digits: str) -> str:
    return digits + "".join(f"{15 - int(digit, 16):x}" for digit in digits)


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("attempt", range(10))
def test_strong_references_have_enough_bits(name: str, attempt: int) -> None:
    found = estimate([PREFIX + STRONG[name]() for _ in range(COUNT)], time.time())

    assert found.bits >= ENOUGH_BITS, found
    assert found.pattern is None
    assert found.repeated == 0


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("attempt", range(5))
def test_short_references_have_too_few(name: str, attempt: int) -> None:
    found = estimate([PREFIX + SHORT[name]() for _ in range(COUNT)], time.time())

    assert found.bits < ENOUGH_BITS, found


def test_counter_is_seen() -> None:
    found = estimate([f"{PREFIX}{number}" for number in range(1000, 1000 + COUNT)])

    assert found.pattern
    assert found.bits < PREDICTABLE_BITS


def test_clock_is_seen() -> None:
    found = estimate([f"{PREFIX}{1_700_000_000_000_000 + number * 1371 + number % 7}" for number in range(COUNT)])

    assert found.pattern


def test_uuid1_is_too_regular() -> None:
    found = estimate([PREFIX + str(uuid.uuid1()) for _ in range(COUNT)])

    assert found.bits < ENOUGH_BITS


@pytest.mark.parametrize("hashed", ["md5", "sha1", "sha256"])
def test_hash_of_a_counter_is_seen(hashed: str) -> None:
    found = estimate([PREFIX + hashlib.new(hashed, str(number).encode()).hexdigest() for number in range(COUNT)])

    assert found.pattern


@pytest.mark.parametrize("seconds", [1, 2, 3, 7])
@pytest.mark.parametrize("first", ["clock", "random"])
def test_hash_of_the_second_counts_no_more_than_the_second(seconds: int, first: str) -> None:
    values = []
    for number in range(COUNT):
        clock = hashlib.sha256(f"{1_800_000_000 + number * seconds // COUNT}".encode()).hexdigest()
        parts = [clock, secrets.token_hex(5)]
        values.append("".join(parts if first == "clock" else reversed(parts)))

    assert estimate(values).bits < PREDICTABLE_BITS


def test_repeated_values_are_counted() -> None:
    values = [PREFIX + secrets.token_urlsafe(32) for _ in range(COUNT - 1)]

    assert estimate([*values, values[0]]).repeated == 1


def test_constant_parts_do_not_count() -> None:
    assert strip_common(["abcXdef", "abcYdef"]) == ["X", "Y"]
    assert strip_common(["same", "same"]) == ["", ""]


def test_seeded_draws_are_steady() -> None:
    drawn = random.Random(1)
    values = [PREFIX + "".join(drawn.choice("0123456789abcdef") for _ in range(32)) for _ in range(COUNT)]

    assert estimate(values) == estimate(values)
