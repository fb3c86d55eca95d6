"""A profile as a file: what is no document at all, YAML, lines, duplicates, and environment variables."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest

from conformance.profile import ProfileError, load
from tests.profiles import ENVIRON, LOCAL, PASSWORD, assert_tells, loaded, mistakes, only, profile, write

TEXT = """\
name: Local server
issuer: ${BASE:-http://localhost:8080}/realms/${REALM}
clients:
  first: &first
    client_id: "${CLIENT_ID:-one}"
    auth: client_secret_basic
    secret: {env: CLIENT_SECRET}
    redirect_uris: [https://client.example/callback]
  second:
    <<: *first
    client_id: two
users:
  first: {username: alice, password: {env: USER_PASSWORD}}
"""


def test_a_whole_profile_is_loaded_with_its_secrets(tmp_path):
    result = loaded(tmp_path, profile())

    assert result.profile.name == LOCAL["name"]
    assert result.path == tmp_path / "target.yaml"
    assert result.folder == tmp_path
    assert result.sha256 == hashlib.sha256(result.path.read_bytes()).hexdigest()
    assert result.keyring.clients["first"].secret == ENVIRON["CLIENT_SECRET"]
    assert result.keyring.users["first"].password == PASSWORD
    assert PASSWORD not in repr(result)


def test_variables_defaults_aliases_and_merge_keys_are_resolved(tmp_path):
    result = loaded(tmp_path, TEXT, {**ENVIRON, "REALM": "test", "CLIENT_ID": "4711"})

    assert result.profile.issuer == "http://localhost:8080/realms/test"
    assert result.profile.clients["first"].client_id == "4711"
    assert result.profile.clients["second"].client_id == "two"
    assert result.profile.clients["second"].auth == "client_secret_basic"


def test_two_dollars_keep_a_brace_as_it_is(tmp_path):
    parameters = {"clients.first.parameters": {"state": "$${NOT_A_VARIABLE}"}}

    result = loaded(tmp_path, profile(parameters))

    assert result.profile.clients["first"].parameters == {"state": "${NOT_A_VARIABLE}"}


def test_numbers_may_come_from_the_environment(tmp_path):
    content = profile({"limits.concurrency": "${PLACES:-3}"})

    assert loaded(tmp_path, content).profile.limits.concurrency == 3


@pytest.mark.parametrize(("environ", "state"), [({}, "is not set"), ({"REALM": ""}, "is set, but empty")])
def test_a_missing_variable_is_told_once(tmp_path, environ, state):
    mistake = only(tmp_path, TEXT, {**ENVIRON, **environ})

    assert mistake.line == 2
    assert_tells(mistake, "issuer", f"REALM {state}", "a value for REALM", "${REALM:-value}")


def test_a_variable_without_a_name_is_told(tmp_path):
    mistake = only(tmp_path, profile({"issuer": "http://localhost/${my-realm}"}))

    assert_tells(mistake, "issuer", "without a name", "${NAME:-default}", "$${")


def test_variables_are_not_put_into_secrets(tmp_path):
    mistake = only(tmp_path, profile({"clients.first.secret": {"env": "${CLIENT_SECRET}"}}))

    assert_tells(mistake, "clients.first.secret.env", "(not shown)", "the name", "{env: CLIENT_SECRET}")


def test_a_value_from_a_variable_is_told_with_its_origin(tmp_path):
    content = profile({"issuer": "${BASE}/realms"})

    mistake = only(tmp_path, content, {**ENVIRON, "BASE": "localhost:80"})

    assert mistake.found == '"localhost:80/realms", from "${BASE}/realms"'


def test_a_value_from_a_variable_for_secrets_is_not_told(tmp_path):
    content = profile({"issuer": "${VENDOR_TOKEN}"})

    mistake = only(tmp_path, content, {**ENVIRON, "VENDOR_TOKEN": "sesame-open-now"})

    assert mistake.found == 'a value (not shown), from "${VENDOR_TOKEN}"'


def test_a_missing_file_is_told(tmp_path):
    path = tmp_path / "none.yaml"

    with pytest.raises(ProfileError) as raised:
        load(path)

    (mistake,) = raised.value.mistakes
    assert mistake.file == str(path)
    assert_tells(mistake, "", "no such file", "a profile (YAML)", "Correct the path")


def test_a_directory_is_no_profile(tmp_path):
    with pytest.raises(ProfileError) as raised:
        load(tmp_path)

    (mistake,) = raised.value.mistakes
    assert_tells(mistake, "", "Is a directory", "a profile (YAML)", "file that may be read")


def test_a_path_that_no_system_knows_is_told():
    with pytest.raises(ProfileError) as raised:
        load(Path("a\0b"))

    assert raised.value.mistakes[0].found == "a path that cannot be opened"


def test_an_endless_file_is_no_profile(tmp_path):
    mistake = only(tmp_path, b"# " + b"x" * 1024 * 1024)

    assert_tells(mistake, "", "more than 1048576 bytes", "a profile", "something else")


def test_another_encoding_is_told_with_its_line(tmp_path):
    mistake = only(tmp_path, "name: a\nissuer: Göteborg\n".encode("latin-1"))

    assert mistake.line == 2
    assert_tells(mistake, "", "not UTF-8", "UTF-8 text", "Save the file as UTF-8")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbf" + TEXT.encode())

    assert load(path, environ={**ENVIRON, "REALM": "x"}).profile.name == "Local server"


@pytest.mark.parametrize(
    ("text", "line", "found", "fix"),
    [
        ("name: a\nclients: [b\n", 3, "no YAML", "Mend the line"),
        ("name: a\n\tissuer: b\n", 2, "line 2, column 1", "spaces"),
        ("name: a\nissuer: b: c\n", 2, "mapping values are not allowed", "Mend"),
        ("name: a\nissuer: \x07\n", 2, "a control character", "escape"),
        ("name: a\n---\nname: b\n", 2, "document", "one profile a file"),
        (f"users:\n  a: *{PASSWORD}\n", 2, "undefined alias …", "in quotes"),
        ("name: a\nclients: {first: {client_id: ${ID}}, b}}\n", 2, "no YAML", "quotes"),
    ],
)
def test_broken_yaml_is_told_with_line_and_column(tmp_path, text, line, found, fix):
    mistake = only(tmp_path, text)

    assert mistake.line == line
    assert_tells(mistake, "", found, "YAML", fix)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "an empty file"), ("# nothing\n", "an empty file"), ("- a\n", "a list"), ("name\n", "one value")],
)
def test_what_is_no_mapping_is_told(tmp_path, text, found):
    assert_tells(only(tmp_path, text), "", found, "a mapping", "Write keys")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: " + "[" * 2000 + "]" * 2000, "without end"),
        ("a: &a {<<: *a, b: 1}\nc: {<<: *a}\n", "<<"),
        (
            "a: &a [1]\n"
            + "".join(f"{x}: &{x} [*{y},*{y},*{y},*{y},*{y}]\n" for y, x in itertools.pairwise("abcdefghi")),
            "20000",
        ),
    ],
    ids=["deep", "merged with itself", "laughs"],
)
def test_yaml_that_never_ends_is_told(tmp_path, text, found):
    assert any(found in one.found for one in mistakes(tmp_path, text))


def test_an_alias_of_what_holds_it_is_told(tmp_path):
    content = TEXT.replace("${REALM}", "r") + "settings: &s {a: *s}\nembedded: true\n"

    mistake = only(tmp_path, content)

    assert_tells(mistake, "settings.a", "an alias inside", "a value", "Write the value itself")


def test_a_key_that_stands_twice_is_told_with_both_lines(tmp_path):
    text = "name: a\n" + TEXT.replace("${REALM}", "r")

    mistake = only(tmp_path, text)

    assert_tells(mistake, "name", "on line 1 and on line 2", "each key once", "Keep one")


def test_a_secret_that_stands_twice_is_told_without_it(tmp_path):
    text = TEXT.replace("${REALM}", "r").replace(
        "{env: USER_PASSWORD}", f"{{literal: {PASSWORD}, literal: {PASSWORD}}}"
    )

    assert [one.key for one in mistakes(tmp_path, text)] == ["users.first.password.literal"]


@pytest.mark.parametrize(
    ("line", "key", "found", "fix"),
    [
        ("name: !secret hunter2", "name", "a YAML tag", "tag"),
        ("limits: !limits {concurrency: 2}", "limits", "a YAML tag", "tag"),
        ("limits: {[a]: 1}", "limits", "a key that is a list", "text"),
        ("limits: {<<: 4}", "limits", "<< with something else", "mapping"),
    ],
)
def test_yaml_beyond_texts_lists_and_mappings_is_told(tmp_path, line, key, found, fix):
    text = TEXT.replace("${REALM}", "r").replace("name: Local server", line)
    text += "" if line.startswith("name") else "name: a\n"

    mistake = only(tmp_path, text)

    assert mistake.line == 1
    assert_tells(mistake, key, found, "", fix)


def test_the_text_for_a_person_is_sorted_by_line(tmp_path):
    text = TEXT.replace("auth: client_secret_basic", "auth: client_secret_basc").replace("two", "")

    with pytest.raises(ProfileError) as raised:
        load(write(tmp_path, text), environ={})

    blocks = str(raised.value).split("\n\n")
    lines = [int(block.split(":")[1].split()[0]) for block in blocks[1:]]
    assert lines == sorted(lines)
    assert len(lines) == len({mistake.cause for mistake in raised.value.mistakes}) > 3
    assert blocks[0] == f"The profile has {len(lines)} mistakes."
    assert blocks[2].splitlines() == [
        f"{tmp_path / 'target.yaml'}:6 clients.first.auth",
        '  found:    "client_secret_basc"',
        "  expected: one of none, client_secret_basic, client_secret_post, client_secret_jwt, "
        "private_key_jwt, tls_client_auth, self_signed_tls_client_auth",
        "  fix:      Did you mean client_secret_basic? If not: write one of them.",
    ]


def test_variable_that_stands_in_two_places_is_one_mistake(tmp_path: Path) -> None:
    content = profile({"issuer": "https://${HOST}/as", "metadata_url": "https://${HOST}/as/metadata"})

    with pytest.raises(ProfileError) as raised:
        loaded(tmp_path, content)

    told = str(raised.value)
    assert told.count("Set HOST before the run") == 1
    assert {"issuer", "metadata_url"} <= {line.split(" ")[-1] for line in told.splitlines()}
