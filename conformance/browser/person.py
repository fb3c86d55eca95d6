"""What a person does on a page: the profile's steps, or what ordinary login and consent pages ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Error, Locator, Page

from conformance.browser.view import Control, View
from conformance.login import form as forms
from conformance.login.page import Element, Form
from conformance.profile.model import Login, Step

#: How long one touch of a page may take (milliseconds).
TOUCH = 10_000
_ONE_TIME = re.compile(r"one-time|otp|passcode|verification|authenticator|\bcode\b|\bpin\b", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.\-]*")

Kind = Literal["login", "consent", "refusal", "step"]


@dataclass
class Touch:
    """One thing done on a page, in words that hold no secret."""

    about: str
    locator: Locator
    text: str | None = field(default=None, repr=False)
    """What is typed; None clicks."""
    tick: bool = False


@dataclass
class Move:
    """What a person does with one page, in order."""

    kind: Kind
    touches: list[Touch]
    password: bool = False
    """A password is asked for."""
    names_person: bool = False
    """It is about who the person is: a name, a password, a second factor."""
    wait_for: str | None = None
    """What has to be seen before anything else is done."""

    async def make(self) -> None:
        """Do it. Raises playwright's Error where the page does not let it be done."""
        for touch in self.touches:
            if touch.text is not None:
                await touch.locator.fill(touch.text, timeout=TOUCH)
            elif touch.tick:
                await touch.locator.check(force=True, timeout=TOUCH)
            else:
                await touch.locator.click(timeout=TOUCH, no_wait_after=True)


async def next_move(
    page: Page, view: View, login: Login, values: Mapping[str, str], *, deny: bool, sure: bool = False
) -> Move | Literal["no-way-to-refuse"] | None:
    """What comes next on a page: a step of the profile that is for it, a login, a consent; None where there is nothing.

    `values` are the person's; without `password` in it nobody logs in, and the move only tells what is asked. `sure`:
    only a button that says yes is one, for a script may still be at work.
    """
    step = await matching_step(page, login.steps)
    move = await step_move(page, view, step, values) if step else login_move(view, values)
    if move is not None:
        return move
    form = forms.consent_form(view.forms)
    if form is None or (sure and not forms.agrees(form)):
        return None
    return await refusal(page, view, login, values) if deny else consent_move(form)


# -- login ------------------------------------------------------------------------------------------------------------


def login_move(view: View, values: Mapping[str, str]) -> Move | None:
    """Filling an ordinary login page: name and password, one of them, or a one-time password."""
    form = forms.login_form(view.forms)
    if form is None:
        return _one_time_move(view, values)
    password = form.password
    name = forms.name_field(form) or (form.texts[0] if form.texts else None)
    code = forms.code_field(form, name)
    touches = []
    for what, control, value in (
        ("the user name", name, "username"),
        ("the password", password, "password"),
        ("the one-time password", code, "totp"),
    ):
        if isinstance(control, Control) and value in values:
            touches.append(Touch(f"typed {what}", control.locator, values[value]))
    touches += _pressing(form)
    return Move("login", touches, password=password is not None, names_person=True)


def _one_time_move(view: View, values: Mapping[str, str]) -> Move | None:
    if "totp" not in values:
        return None
    for form in view.forms.forms:
        for control in form.controls:
            described = f"{control.name} {control.attributes.get('id')} {control.attributes.get('autocomplete')}"
            typed = control.tag == "input" and control.kind in {"text", "tel", "number"}
            if isinstance(control, Control) and typed and _ONE_TIME.search(described):
                touch = Touch("typed the one-time password", control.locator, values["totp"])
                return Move("login", [touch, *_pressing(form)], names_person=True)
    return None


def _pressing(form: Form) -> list[Touch]:
    button = forms.allowing(form)
    return [Touch(f"pressed {button.label!r}", button.locator)] if isinstance(button, Control) else []


# -- consent ----------------------------------------------------------------------------------------------------------


def consent_move(form: Form) -> Move:
    """Approving everything: every box ticked, the allowing button pressed."""
    boxes = [
        Touch(f"ticked {(control.said or control.name)!r}", control.locator, tick=True)
        for control in form.controls
        if isinstance(control, Control) and control.kind == "checkbox" and "checked" not in control.attributes
    ]
    return Move("consent", [*boxes, *_pressing(form)])


async def refusal(
    page: Page, view: View, login: Login, values: Mapping[str, str]
) -> Move | Literal["no-way-to-refuse"]:
    """Refusing consent: as the profile says, else by a button or link that says no."""
    if login.deny is not None:
        described = await step_move(page, view, login.deny, values)
        if described is not None:
            return Move("refusal", described.touches)
    found = forms.denying(view.forms)
    button = found[1] if isinstance(found, tuple) else found
    if not isinstance(button, Control):
        return "no-way-to-refuse"
    return Move("refusal", [Touch(f"pressed {button.label!r}", button.locator)])


# -- steps of the profile ---------------------------------------------------------------------------------------------


async def matching_step(page: Page, steps: Iterable[Step]) -> Step | None:
    """The first step that is for this page."""
    for step in steps:
        if step.calls or (step.at is not None and step.at not in page.url):
            continue
        if step.if_present is not None and await seen(page, step.if_present) is None:
            continue
        if step.fill and not [name for name in step.fill if await seen(page, name) is not None]:
            continue
        return step
    return None


async def step_move(page: Page, view: View, step: Step, values: Mapping[str, str]) -> Move | None:
    """What a step of the profile does; None where the page has none of it."""
    touches = []
    last: Locator | None = None
    for name, text in step.fill.items():
        last = await seen(page, name)
        if last is not None:
            touches.append(Touch(f"typed into {name!r}", last, forms.filled(text, values)))
    if step.click:
        button = await pressable(page, view, step.click)
        if button is None and not touches:
            return None
        if button is not None:
            touches.append(Touch(f"pressed {step.click!r}", button))
    elif last is not None:
        form = next((form for form in view.forms.forms if forms.allowing(form) is not None), None)
        touches += _pressing(form) if form is not None else []
    typed = " ".join(step.fill.values())
    names_person = any(f"{{{name}}}" in typed for name in ("username", "password", "totp"))
    return Move("step", touches, "{password}" in typed, names_person, step.wait_for) if touches else None


async def pressable(page: Page, view: View, click: str) -> Locator | None:
    """A button or link by name, name=value, text or selector."""
    controls = [control for control in _pressables(view) if isinstance(control, Control)]
    for control in controls:
        named = f"{control.name}={control.attributes.get('value', '')}"
        if click in {control.label, named} or (control.name and click == control.name):
            return control.locator
    return await seen(page, click)


def _pressables(view: View) -> list[Element]:
    return [*(button for form in view.forms.forms for button in form.buttons), *view.forms.links()]


async def seen(page: Page, selector: str) -> Locator | None:
    """The first visible element with a name, or that a CSS selector fits, in any frame."""
    candidates = [selector]
    if _PLAIN_NAME.fullmatch(selector):
        candidates.insert(0, f'[name="{selector}"]')
    for frame in page.frames:
        for candidate in candidates:
            found = frame.locator(candidate).first
            try:
                if await found.is_visible():
                    return found
            except Error:  # no selector, but a text: or the page is being left
                continue
    return None
