"""What the model says of a profile, in words: unknown and missing keys, wrong kinds, wrong values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.profiles import GONE, PASSWORD, SECRET, assert_tells, mistakes, only, profile

FIRST = "clients.first"


@pytest.mark.parametrize(
    ("changes", "key", "found", "expected", "fix"),
    [
        # Unknown keys, with what was meant.
        ({"isuer": "x"}, "isuer", "not known", "issuer", "Did you mean issuer?"),
        ({"zebra": 1}, "zebra", "not known", "issuer", "Take the key away."),
        ({"limits.concurency": 1}, "limits.concurency", "not known", "concurrency", "mean concurrency?"),
        ({"features.dpopp": True}, "features.dpopp", "not known", "require_par", "mean dpop?"),
        ({"login.steps": [{"clik": "x"}]}, "login.steps[0].clik", "not known", "wait_for", "mean click?"),
        # Missing keys, with what they are.
        (
            {"name": GONE},
            "name",
            "the key is missing",
            "a text (What the report",
            "Add name at the top level.",
        ),
        ({"clients": GONE}, "clients", "the key is missing", "Clients by role", "Add clients"),
        ({f"{FIRST}.client_id": GONE}, f"{FIRST}.client_id", "missing", "identifier", f"under {FIRST}."),
        (
            {f"{FIRST}.redirect_uris": GONE},
            f"{FIRST}.redirect_uris",
            "missing",
            "a list",
            "Add redirect_uris",
        ),
        # Wrong kinds.
        ({f"{FIRST}.client_id": 12}, f"{FIRST}.client_id", "12", "a text", "in quotes"),
        ({f"{FIRST}.pkce": "perhaps"}, f"{FIRST}.pkce", '"perhaps"', "true or false", "Write such a value"),
        ({"plans": "rfc9126"}, "plans", '"rfc9126"', "a list, each a text", "[value]"),
        ({"limits": None}, "limits", "nothing", "a mapping with keys of concurrency", "take the key away"),
        ({"clients": ["a"]}, "clients", "a list of 1", "a mapping", "below, indented"),
        (
            {"users": {"first": "alice"}},
            "users.first",
            '"alice"',
            "a mapping with keys of username",
            "indented",
        ),
        ({"name": {"a": 1}}, "name", "a mapping of 1", "a text", "Write such a value"),
        ({"name": []}, "name", "an empty list", "a text", "Write such a value"),
        (
            {f"{FIRST}.parameters": {"max_age": 3}},
            f"{FIRST}.parameters.max_age",
            "3",
            "a text or a list",
            "value",
        ),
        (
            {f"{FIRST}.secret": "naked-secret"},
            f"{FIRST}.secret",
            "(not shown)",
            "{env: NAME}",
            "{env: NAME} here",
        ),
        ({f"{FIRST}.secret.env": 815}, f"{FIRST}.secret.env", "(not shown)", "a text", "in quotes"),
        ({f"{FIRST}.parameters": {"pin": 4711}}, f"{FIRST}.parameters.pin", "(not shown)", "a text", "value"),
        # Wrong values.
        (
            {f"{FIRST}.auth": "basic"},
            f"{FIRST}.auth",
            '"basic"',
            "one of none, client_secret_basic",
            "mean client_secret_basic?",
        ),
        (
            {"login.driver": "forms"},
            "login.driver",
            '"forms"',
            "one of form, rest, manual, none",
            "mean form?",
        ),
        ({"features.dpop": "detct"}, "features.dpop", '"detct"', "detect or true or false", "such a value"),
        ({"limits.concurrency": 0}, "limits.concurrency", "0", "a whole number from 1 to 64", "such a value"),
        ({"limits.concurrency": 65}, "limits.concurrency", "65", "from 1 to 64", "such a value"),
        ({"limits.check_seconds": 0}, "limits.check_seconds", "0", "a number above 0", "such a value"),
        ({"limits.samples": 49}, "limits.samples", "49", "of 50 or more", "such a value"),
        (
            {"limits.requests_per_second": -1},
            "limits.requests_per_second",
            "-1",
            "of 0 or more",
            "such a value",
        ),
        ({"limits.largest_body": 0}, "limits.largest_body", "0", "of 1 or more", "such a value"),
        ({"limits.expires_in": -5}, "limits.expires_in", "-5", "of 1 or more", "such a value"),
        ({"limits.body_bytes": 0}, "limits.body_bytes", "0", "of 1 or more", "such a value"),
        (
            {f"{FIRST}.redirect_uris": []},
            f"{FIRST}.redirect_uris",
            "an empty list",
            "one entry or more",
            "value",
        ),
        # Two ways, or none, where one is asked for.
        (
            {f"{FIRST}.secret": {}},
            f"{FIRST}.secret",
            "none of them",
            "exactly one of env, file",
            "one of them",
        ),
        (
            {f"{FIRST}.certificate": {}},
            f"{FIRST}.certificate",
            "none of them",
            "certificate_file and",
            "Write",
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_told(tmp_path, changes, key, found, expected, fix):
    told = [one for one in mistakes(tmp_path, profile(changes)) if one.key == key]

    assert len(told) == 1
    assert_tells(told[0], key, found, expected, fix)
    assert told[0].line or key in {"name", "clients"}  # what is missing at the top level has no line


def test_two_ways_to_a_secret_are_told(tmp_path):
    (tmp_path / "secret.txt").write_text(SECRET)
    content = profile({"clients.first.secret": {"env": "CLIENT_SECRET", "file": "secret.txt"}})

    mistake = only(tmp_path, content)

    assert_tells(mistake, "clients.first.secret", "env and file", "exactly one of", "Keep one way")


def test_a_misspelled_key_is_not_told_as_missing_too(tmp_path):
    content = profile({"clients.first.client_secret": {"env": "X"}, "clients.first.secret": GONE})

    mistake = only(tmp_path, content)

    assert_tells(mistake, "clients.first.client_secret", "not known", "secret", "Did you mean secret?")


def test_an_unknown_key_inside_a_secret_may_be_the_secret_and_is_not_told(tmp_path):
    mistake = only(tmp_path, profile({"clients.first.secret": {"env": "CLIENT_SECRET", PASSWORD: None}}))

    assert_tells(mistake, "clients.first.secret", "not known", "one of env, file, literal", "Take the key away")


def test_five_mistakes_are_told_as_five(tmp_path):
    changes = {
        "issuer": "localhost:8080",
        "plans": "rfc9126",
        "clients.first.auth": "client_secret_basc",
        "clients.first.secret": {"literal": SECRET},
        "users.first.nickname": "al",
    }

    told = mistakes(tmp_path, profile(changes))

    assert sorted(one.key for one in told) == [
        "clients.first.auth",
        "clients.first.secret.literal",
        "issuer",
        "plans",
        "users.first.nickname",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://alice:sesame@host/a?b#c", '"https://…@host/a?b#c"'),
        ("a\x1b[31m\u009bred\u202e", '"a\\u001b[31m\\u009bred\\u202e"'),
        ("x" * 300, '"' + "x" * 99 + '…"'),
    ],
    ids=["password in a URL", "signs that a terminal obeys", "long"],
)
def test_a_value_is_shown_so_that_it_does_no_harm(tmp_path, value, shown):
    assert only(tmp_path, profile({"clients.first.auth": value})).found == shown


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    "name",
    "embedded",
    "settings",
    "issuer",
    "metadata_url",
    "endpoints",
    "endpoints.token",
    "hosts",
    "authorization_to_test",
    "authorization_to_test.until",
    "plans",
    "clients",
    FIRST,
    f"{FIRST}.auth",
    f"{FIRST}.client_id",
    f"{FIRST}.secret",
    f"{FIRST}.secret.env",
    f"{FIRST}.secret.file",
    f"{FIRST}.keys",
    f"{FIRST}.keys.generate",
    f"{FIRST}.certificate",
    f"{FIRST}.certificate.key_file",
    f"{FIRST}.redirect_uris",
    f"{FIRST}.request_objects",
    f"{FIRST}.assertion_alg",
    f"{FIRST}.authorization_details",
    f"{FIRST}.resource",
    "users",
    "users.first",
    "users.first.password",
    "users.first.totp",
    "login",
    "login.user",
    "login.steps",
    "login.calls",
    "login.deny",
    "features",
    "limits",
    "limits.samples",
    "tls",
    "tls.verify",
    "tls.ca_file",
    "deviations",
    "unverified",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(changes={"clients": {"\n\x1b[31m": None}})
@given(changes=st.dictionaries(st.sampled_from(PLACES), ANYTHING, min_size=1, max_size=3))
def test_whatever_stands_at_a_key_there_is_never_a_traceback(tmp_path, changes):
    ordered = dict(sorted(changes.items(), key=lambda item: item[0].count(".")))
    try:
        content = profile(ordered)
    except (TypeError, AttributeError, KeyError):
        return  # a change below a value that another change put there
    for one in mistakes(tmp_path, content):
        assert one.found
