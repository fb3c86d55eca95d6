"""Filling login and consent forms: by the profile's steps, or by finding ordinary forms without any."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.http.message import Pairs, Response, fragment_of, query_of
from conformance.login.page import Element, Form, Page
from conformance.profile.model import RestCall, Step

_DENY = re.compile(
    r"\b(deny|denied|decline|cancel|abort|refuse|reject|disallow|disagree|dismiss|no|not now)\b", re.IGNORECASE
)
#: What leads elsewhere: whoever logs out has refused nothing.
_LEAVE = re.compile(r"\b(back|log ?out|sign ?out|register|sign ?up|forgot\w*|reset|help)\b", re.IGNORECASE)
_ALLOW = re.compile(
    r"\b(allow|accept|approve|authori[sz]e|agree|confirm|consent|continue|grant|permit|yes|ok|next|sign ?in|log ?in|"
    r"submit|proceed)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"user|login|mail|ident|account|name", re.IGNORECASE)
_CODE = re.compile(r"otp|totp|code|token|pin", re.IGNORECASE)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of the profile with its {placeholders} replaced."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def login_form(page: Page) -> Form | None:
    """The form that asks who the person is: one with a password field, or one that asks for a name first."""
    with_password = [form for form in page.forms if form.password]
    if with_password:
        return with_password[0]
    return next((form for form in page.forms if form.method == "POST" and name_field(form)), None)


def name_field(form: Form) -> Element | None:
    """The field for the person's name, if one says so."""
    described = [
        field
        for field in form.texts
        if _NAME.search(f"{field.name} {field.attributes.get('id', '')} {field.attributes.get('autocomplete', '')}")
    ]
    return described[0] if described else None


def code_field(form: Form, name: Element | None) -> Element | None:
    """The field for a one-time password, if one says so; `name` is the field that it is not."""
    return next((field for field in form.texts if field is not name and _CODE.search(field.name)), None)


def login_values(form: Form, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a person sends with a login form: name and password typed, the rest as it stands, the button pressed."""
    name = name_field(form) or (form.texts[0] if form.texts else None)
    password = form.password
    code = code_field(form, name)
    typed = {}
    if name is not None:
        typed[name.name] = values["username"]
    if password is not None:
        typed[password.name] = values["password"]
    if code is not None and "totp" in values:
        typed[code.name] = values["totp"]
    pairs = [(key, typed.pop(key, value)) for key, value in form.values()]
    return [*pairs, *typed.items(), *_button(allowing(form))]


def allowing(form: Form) -> Element | None:
    """The button that goes on: one that says so, else the first that does not say no."""
    buttons = form.buttons
    quiet = [button for button in buttons if not (_DENY.search(_words(button)) or _LEAVE.search(_words(button)))]
    said = [button for button in quiet if _ALLOW.search(_words(button))]
    return (said or quiet or [None])[0]  # type: ignore[list-item]


def agrees(form: Form) -> bool:
    """Whether the button that goes on says so in words."""
    button = allowing(form)
    return button is not None and _ALLOW.search(_words(button)) is not None


def denying(page: Page) -> tuple[Form, Element] | Element | None:
    """What refuses consent: a button of a form, or a link; what merely leads away only where nothing else does."""
    return _denying(page, _DENY) or _denying(page, _LEAVE)


def _denying(page: Page, words: re.Pattern[str]) -> tuple[Form, Element] | Element | None:
    for form in page.forms:
        for button in form.buttons:
            if words.search(_words(button)):
                return form, button
    for form in page.forms:
        action = form.action.rsplit("/", 1)[-1]
        if form.buttons and words.search(action):
            return form, form.buttons[0]
    return next((link for link in page.links() if words.search(f"{link.label} {link.attributes['href']}")), None)


def _words(button: Element) -> str:
    value = button.attributes.get("value", "")
    return f"{button.label} {value} {button.name}".replace("_", " ").replace("-", " ")


def _button(button: Element | None) -> list[tuple[str, str]]:
    if button is None or not button.name:
        return []
    return [(button.name, button.attributes.get("value", ""))]


def consent_form(page: Page) -> Form | None:
    """The form that asks for approval: no password, and a button that goes on, in words rather than without."""
    found = [form for form in page.forms if not form.password and allowing(form) is not None]
    return next((form for form in found if agrees(form)), found[0] if found else None)


def consent_values(form: Form) -> list[tuple[str, str]]:
    """What a person sends who approves everything: every box ticked, the allowing button pressed."""
    ticked = [
        (control.name, control.attributes.get("value", "on"))
        for control in form.controls
        if control.name and control.kind == "checkbox" and "checked" not in control.attributes
    ]
    return [*form.values(), *ticked, *_button(allowing(form))]


def pressed(form: Form, button: Element) -> Pairs:
    """What is sent when one button is pressed and nothing typed."""
    return (*form.values(), *_button(button))


def matching_step(page: Page, steps: Sequence[Step]) -> Step | None:
    """The first step of the profile that is for this page."""
    for step in steps:
        if step.at is not None and step.at not in page.url:
            continue
        if step.if_present is not None and page.find(step.if_present) is None:
            continue
        if step.fill and not any(field_of(page, name) for name in step.fill):
            continue
        return step
    return None


def names_person(step: Step) -> bool:
    """Whether a step says who the person is."""
    return _of_person(str(step.fill)) or any(tells_person(call) for call in step.calls)


def tells_person(call: RestCall) -> bool:
    """Whether a call says who the person is."""
    return _of_person(str(call.model_dump()))


def _of_person(text: str) -> bool:
    return any(f"{{{name}}}" in text for name in ("username", "password", "totp"))


def taken(step: Step, page: Response, cookies: Mapping[str, str]) -> dict[str, str] | None:
    """What a step takes from a page, its URL, its JSON or the cookies; None where something is missing."""
    parameters = {**fragment_of(page.url), **query_of(page.url)}
    found = {name: _taken(source, page, parameters, cookies) for name, source in step.take.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return known if len(known) == len(found) else None


def _taken(source: str, page: Response, parameters: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    kind, _, rest = source.partition(":")
    if kind == "cookie":
        return cookies.get(rest)
    if kind == "page":
        match = re.search(rest, page.text)
        return (match[1] if match.re.groups else match[0]) if match else None
    return member_of(page.json_object() or {}, source) or parameters.get(source)


def member_of(members: Mapping[str, Any], path: str) -> str | None:
    """A text or number in a JSON object, by its name, or by names with dots between them; None where there is none."""
    value: Any = members
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def field_of(page: Page, name: str) -> tuple[Form, Element] | None:
    """A control by its name, or by a simple selector, with its form."""
    for form in page.forms:
        for control in form.controls:
            if control.name == name or control.matches(name):
                return form, control
    return None


def button_of(page: Page, click: str) -> tuple[Form, Element] | None:
    """A button by name, name=value, text or selector, with its form."""
    for form in page.forms:
        for button in form.buttons:
            named = f"{button.name}={button.attributes.get('value', '')}"
            if click in {button.name, named, button.label} or button.matches(click):
                return form, button
    return None


def step_submission(page: Page, step: Step, values: Mapping[str, str]) -> tuple[Form, Pairs] | None:
    """The form that a step submits and what it sends; None where the page has none of it."""
    chosen = button_of(page, step.click) if step.click else None
    fields = [(field_of(page, name), filled(text, values)) for name, text in step.fill.items()]
    form = chosen[0] if chosen else next((found[0] for found, _ in fields if found), None)
    if form is None:
        return None
    typed = {found[1].name: text for found, text in fields if found}
    pairs = [(key, typed.pop(key, value)) for key, value in form.values()]
    button = chosen[1] if chosen else allowing(form)
    return form, (*pairs, *typed.items(), *_button(button))
