"""From the bytes of a file to a document: YAML with the line of each key, and environment variables put in.

The safe subset of YAML: mappings with texts as keys, lists, and scalars. Aliases and merge keys (`<<`) work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from yaml.constructor import SafeConstructor

from conformance.profile.document import Document
from conformance.profile.mistake import Mistake, ProfileError
from conformance.profile.words import Key, holds_secret

#: No profile is larger (bytes), nor has more values once its aliases are followed.
LARGEST_FILE = 1024 * 1024
MOST_VALUES = 20_000

_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + kind for kind in ("null", "bool", "int", "float", "timestamp", "str", "merge", "value")}
_VARIABLE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-((?:\$\{[^{}]*\}|[^}])*))?\})?")


def read(path: Path, environ: Mapping[str, str]) -> tuple[Document, bytes]:
    """Read a profile. Returns the document, with the mistakes that show already, and the file's bytes.

    Raises ProfileError where there is no document at all.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _refused(path, "no such file", "a profile (YAML)", "Correct the path of the profile.") from None
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or "a path that cannot be opened"
        fix = "Give the path of a file that may be read."
        raise _refused(path, found, "a profile (YAML)", fix) from None
    if len(content) > LARGEST_FILE:
        found = f"more than {LARGEST_FILE} bytes"
        raise _refused(path, found, "a profile", "Give the path of a profile: this is something else.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"a byte that is not UTF-8, at position {error.start}"
        raise _refused(path, found, "UTF-8 text", "Save the file as UTF-8.", line) from None
    tree = _Tree(path, environ)
    try:
        data = tree.mapping_of(_compose(path, text))
    except RecursionError:
        found = "lists or mappings inside each other without end"
        raise _refused(path, found, "a profile (YAML)", "Take the nesting apart.") from None
    document = Document(str(path), path.parent, data, tree.lines, tree.written)
    for key, found, expected, fix in tree.mistakes:
        document.tell(key, found=found, expected=expected, fix=fix)
    return document, content


def _refused(path: Path, found: str, expected: str, fix: str, line: int | None = None) -> ProfileError:
    return ProfileError([Mistake(file=str(path), key="", found=found, expected=expected, fix=fix, line=line)])


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        loader = yaml.SafeLoader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        # YAML's own text quotes pieces of the file: what is longer than one sign may be a secret.
        problem = re.sub(r"'(?!<)[^']{2,}'", "…", error.problem or "a mistake")
        found = f"no YAML: {problem}, at line {line}, column {column}" if mark else f"no YAML: {problem}"
        source = text.split("\n")[line - 1 : line] if line else []
        raise _refused(path, found, "YAML", _yaml_fix(source[0] if source else "", problem), line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"no YAML: a control character at line {line}"
        raise _refused(path, found, "YAML", "Take it away, or write it as an escape.", line) from None


def _yaml_fix(source: str, problem: str) -> str:
    if "${" in source and "{" in source.replace("${", ""):
        return "Inside {…}, put a text with ${NAME} in quotes."
    if "\t" in source:
        return "Indent with spaces: YAML takes no tabs."
    if "alias" in problem or "anchor" in problem:
        return "Put a text that starts with * or & in quotes."
    if "single document" in problem or source.startswith("---"):
        return "Keep one profile a file: take the further --- away."
    return "Mend the line, or the one before it: indentation, a colon with a space after it, closed quotes."


class _Tree:
    """Walks the nodes of a YAML document and notes what is wrong with them."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._constructor = SafeConstructor()
        self._open: set[int] = set()
        self._values = 0
        self.lines: dict[Key, int] = {}
        self.written: dict[Key, str] = {}
        self.mistakes: list[tuple[Key, str, str, str]] = []

    def mapping_of(self, root: yaml.Node | None) -> dict[str, object]:
        """The data of a whole document. ProfileError if it is no mapping."""
        if isinstance(root, yaml.MappingNode):
            value = self._value(root, ())
            if isinstance(value, dict):
                return value
        kinds = {yaml.SequenceNode: "a list", yaml.ScalarNode: "one value"}
        found = kinds.get(type(root), "an empty file") if root is not None else "an empty file"
        raise _refused(self._path, found, "a mapping: name, issuer, clients, …", "Write keys and their values.", 1)

    def _value(self, node: yaml.Node, key: Key) -> object:
        self._values += 1
        if self._values > MOST_VALUES:
            found = f"more than {MOST_VALUES} values, aliases followed"
            raise _refused(self._path, found, "a profile", "Take aliases away that repeat each other.")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        if id(node) in self._open:
            self._tell(key, "an alias inside of what it stands for", "a value", "Write the value itself.")
            return None
        if node.tag not in {_TAG + "map", _TAG + "seq"}:
            self._tell(key, "a YAML tag", "a mapping or a list without a tag", "Take the tag (!…) away.")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return {
                    name: self._entry(value, (*key, name), name_node.start_mark.line)
                    for name, (name_node, value) in self._pairs(node, key).items()
                }
            return [self._entry(item, (*key, number), item.start_mark.line) for number, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _entry(self, node: yaml.Node, key: Key, line: int) -> object:
        self.lines[key] = line + 1
        return self._value(node, key)

    def _pairs(self, node: yaml.MappingNode, key: Key) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """The entries of a mapping; merged ones (`<<`) last, for an own key goes before."""
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for name_node, value in node.value:
            if name_node.tag == _TAG + "merge":
                for source in self._merged(value, key):
                    self._open.add(id(source))
                    merged = self._pairs(source, key) | merged
                    self._open.discard(id(source))
                continue
            if not isinstance(name_node, yaml.ScalarNode):
                self._tell(key, "a key that is a list or a mapping", "texts as keys", "Write a text as the key.")
                continue
            name = str(name_node.value)
            if name in own:
                first, again = own[name][0].start_mark.line + 1, name_node.start_mark.line + 1
                found = f"the key twice: on line {first} and on line {again}"
                self._tell((*key, name), found, "each key once", "Keep one of them.")
                continue
            own[name] = (name_node, value)
        return own | {name: pair for name, pair in merged.items() if name not in own}

    def _merged(self, node: yaml.Node, key: Key) -> Iterator[yaml.MappingNode]:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(source, yaml.MappingNode) and id(source) not in self._open:
                yield source
            else:
                self._tell(key, "<< with something else", "<< with an alias of a mapping", "Give it a mapping.")

    def _scalar(self, node: yaml.ScalarNode, key: Key) -> object:
        if node.tag not in _SCALARS:
            self._tell(key, "a YAML tag", "a value without a tag", "Take the tag (!…) away, or use quotes.")
            return None
        text = str(node.value)
        if "${" in text and not holds_secret(key):
            return self._replaced(text, key)
        try:
            value: object = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError):
            return text  # 2026-02-30 looks like a date, and is none: the model says what it expects
        return value

    def _replaced(self, text: str, key: Key) -> object:
        """A text with ${NAME} and ${NAME:-default} replaced, $${ by ${ itself. None after a mistake, and where
        nothing but an empty default is left: the key is as good as not written."""
        missing: list[str] = []

        def replacement(match: re.Match[str]) -> str:
            name, default = match[1], match[3]
            if default is not None and "${" in default and not self._environ.get(name):
                default = _VARIABLE.sub(replacement, default)
            if match[0] == "$${":
                return "${"
            if name is None:
                missing.append("")
                return ""
            value = self._environ.get(name) or default
            if value is None:
                missing.append(name)
            return value or ""

        replaced = _VARIABLE.sub(replacement, text)
        for name in dict.fromkeys(missing):
            if name:
                state = "is set, but empty" if name in self._environ else "is not set"
                self._tell(
                    key,
                    f"${{{name}}}, but the environment variable {name} {state}",
                    f"a value for {name}",
                    f"Set {name} before the run, or write a default: ${{{name}:-value}}.",
                )
            else:
                expected, fix = "${NAME} or ${NAME:-default}", "Correct it; $${ stands for ${ itself."
                self._tell(key, "${ without a name and a closing brace", expected, fix)
        self.written[key] = text
        return None if missing or not replaced else replaced

    def _tell(self, key: Key, found: str, expected: str, fix: str) -> None:
        self.mistakes.append((key, found, expected, fix))
