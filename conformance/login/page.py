"""What a login driver needs to know of an HTML page: its forms, links and elements, read in linear time.

Pages come from the server under test and are hostile: no tree is built, so that neither depth nor unclosed tags cost
anything, and a page is cut before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

#: A login page is not larger than this (characters).
LARGEST_PAGE = 256 * 1024
#: Nor has it more elements, forms, and controls of one form; the rest is not looked at.
MOST_ELEMENTS = 10_000
MOST_FORMS = 100
MOST_CONTROLS = 500

#: A character reference of so many digits is no character; the parser would make a number of it.
_HUGE_REFERENCE = re.compile(r"&#[0-9]{8,}+;?")
_SELECTOR = re.compile(
    r"^(?P<tag>[a-zA-Z][\w-]*|\*)?(?:#(?P<id>[\w-]+))?(?P<classes>(?:\.[\w-]+)*)"
    r"(?:\[(?P<attribute>[\w-]+)(?:[~|^$*]?=[\"']?(?P<value>[^\"'\]]*)[\"']?)?\])?$"
)


@dataclass
class Element:
    """One element: tag, attributes, the text inside it (buttons, options, labels)."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    @property
    def name(self) -> str:
        """The name attribute."""
        return self.attributes.get("name", "")

    @property
    def kind(self) -> str:
        """The type of an input or button, as HTML defaults it."""
        default = "submit" if self.tag == "button" else "text"
        return self.attributes.get("type", default).lower() or default

    @property
    def label(self) -> str:
        """What a person reads on a button."""
        return " ".join((self.text or self.attributes.get("value", "")).split())

    def matches(self, selector: str) -> bool:
        """Whether a simple selector (tag, #id, .class, [attribute=value] and their combination) fits."""
        found = _SELECTOR.match(selector.strip())
        if not found:
            return False
        tag, wanted = found["tag"], found["attribute"]
        if tag and tag != "*" and tag.lower() != self.tag:
            return False
        if found["id"] and self.attributes.get("id") != found["id"]:
            return False
        classes = self.attributes.get("class", "").split()
        if any(name not in classes for name in (found["classes"] or "").split(".") if name):
            return False
        if wanted and wanted.lower() not in self.attributes:
            return False
        return not (found["value"] is not None and self.attributes.get(str(wanted).lower()) != found["value"])


@dataclass
class Form:
    """A form with its controls in order."""

    action: str
    method: str
    controls: list[Element] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def password(self) -> Element | None:
        """The password field, if it has one."""
        return next((control for control in self.controls if control.kind == "password"), None)

    @property
    def buttons(self) -> list[Element]:
        """What submits the form."""
        return [
            control
            for control in self.controls
            if (control.tag == "button" and control.kind == "submit")
            or (control.tag == "input" and control.kind in {"submit", "image"})
        ]

    @property
    def texts(self) -> list[Element]:
        """The fields that a person types a name into."""
        return [
            control
            for control in self.controls
            if control.tag == "input" and control.kind in {"text", "email", "tel", "search", "username"}
        ]

    def values(self) -> list[tuple[str, str]]:
        """What a browser sends when nobody typed anything: buttons aside."""
        pairs = []
        for control in self.controls:
            if not control.name or control.tag == "button" or "disabled" in control.attributes:
                continue
            if control.tag == "input" and control.kind in {"submit", "image", "button", "reset", "file"}:
                continue
            if control.kind in {"checkbox", "radio"} and "checked" not in control.attributes:
                continue
            default = "on" if control.kind in {"checkbox", "radio"} else ""
            pairs.append((control.name, control.attributes.get("value", default)))
        return pairs


@dataclass
class Page:
    """A page as a login driver sees it."""

    url: str
    forms: list[Form] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    text: str = ""
    refresh: str | None = None

    def find(self, selector: str) -> Element | None:
        """The first element that a simple selector fits."""
        return next((element for element in self.elements if element.matches(selector)), None)

    def links(self) -> list[Element]:
        """The links of the page, their href made absolute."""
        return [element for element in self.elements if element.tag == "a" and "href" in element.attributes]


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.form: Form | None = None
        self.open: Element | None = None
        self.inside: list[str] = []
        self.hidden = 0
        self.words: list[str] = []
        self.base = page.url

    def parse_html_declaration(self, i: int) -> int:
        """Take what is neither a comment nor a document type for a comment, as browsers do: it is no error."""
        if self.rawdata.startswith("<!--", i) or self.rawdata[i : i + 9].lower() == "<!doctype":
            return super().parse_html_declaration(i)
        return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len(self.page.elements) >= MOST_ELEMENTS:
            return
        attributes = {name.lower(): value or "" for name, value in reversed(attrs)}
        element = Element(tag, attributes)
        self.page.elements.append(element)
        if tag == "base" and "href" in attributes:
            self.base = join(self.page.url, attributes["href"])
        elif tag == "form" and self.form is None and len(self.page.forms) < MOST_FORMS:
            self.form = Form(
                action=join(self.base, attributes.get("action", "")),
                method=attributes.get("method", "get").upper(),
                attributes=attributes,
            )
            self.page.forms.append(self.form)
        elif tag in {"input", "button", "select", "textarea"}:
            self._control(element)
        elif tag == "option" and "selected" in attributes and self.form and self.form.controls:
            self.form.controls[-1].attributes["value"] = attributes.get("value", "")
        elif tag == "a":
            if "href" in attributes:
                attributes["href"] = join(self.base, attributes["href"])
            self.enter(element)
        elif tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            _, _, target = attributes.get("content", "").partition("=")
            if target:
                self.page.refresh = join(self.base, target.strip().strip("'\""))
        elif tag in {"script", "style"}:
            self.hidden += 1

    def _control(self, element: Element) -> None:
        owner = element.attributes.get("form")
        form = next((form for form in self.page.forms if owner and form.attributes.get("id") == owner), self.form)
        if form is not None and len(form.controls) < MOST_CONTROLS:
            form.controls.append(element)
        if element.tag == "button":
            self.enter(element)

    def enter(self, element: Element | None) -> None:
        """The text that comes now is that of this element."""
        if self.open is not None:
            self.open.text = "".join(self.inside)
        self.open, self.inside = element, []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag in {"button", "a"}:
            self.enter(None)
        elif tag in {"script", "style"} and self.hidden:
            self.hidden -= 1

    def handle_data(self, data: str) -> None:
        if self.open is not None:
            self.inside.append(data)
        if not self.hidden:
            self.words.append(data)


def join(base: str, address: str) -> str:
    """An address as it is meant on a page; the page's own where it cannot be read."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return base


def queried(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Where a form that is submitted by GET leads: its pairs take the place of the query."""
    bare = url.split("#")[0].split("?")[0]
    return f"{bare}?{urlencode(pairs)}" if pairs else bare


def read(url: str, html: str) -> Page:
    """The page at a URL. What is no HTML gives a page without forms."""
    page = Page(url)
    reader = _Reader(page)
    reader.feed(_HUGE_REFERENCE.sub("\ufffd", html[:LARGEST_PAGE]))
    reader.enter(None)
    page.text = " ".join(" ".join(reader.words).split())
    return page
