"""What a person sees of a page: visible fields, buttons and links, in every frame, as the login forms know them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Error, Frame, Locator, Page

from conformance.login.page import Element, Form, join
from conformance.login.page import Page as Forms

#: What can be filled in or pressed.
CONTROLS = "input, select, textarea, button, a[href], [role=button]"
#: So many controls of a frame are looked at: a hostile page has more.
MOST_CONTROLS = 200
#: A text is cut here (characters).
LONGEST_TEXT = 20_000

#: Of each control: what it is, its words, and which form it is in. Invisible ones are told, and left out later.
_READ = """
(controls, most) => {
  const forms = [];
  // Not owner.action: a field of that name would hide it.
  const said = (owner, name) => Element.prototype.getAttribute.call(owner, name) || '';
  return controls.slice(0, most).map((control, index) => {
    const box = control.getBoundingClientRect();
    const shown = box.width > 0 && box.height > 0 &&
      (!control.checkVisibility || control.checkVisibility({visibilityProperty: true}));
    const ticks = ['checkbox', 'radio'].includes(control.type);
    const labels = [...(control.labels || [])].map(label => label.innerText).join(' ');
    const owner = control.form || control.closest('form');
    let form = -1;
    if (owner) {
      form = forms.indexOf(owner);
      if (form < 0) form = forms.push(owner) - 1;
    }
    return {
      index, form,
      tag: control.tagName.toLowerCase(),
      role: control.getAttribute('role') || '',
      type: control.type || '',
      name: control.name || '',
      id: control.id || '',
      autocomplete: control.getAttribute('autocomplete') || '',
      value: ['password'].includes(control.type) ? '' : String(control.value ?? '').slice(0, 500),
      href: control.tagName === 'A' ? control.href : '',
      text: (control.innerText || control.value || '').slice(0, 200),
      label: (labels + ' ' + (control.getAttribute('aria-label') || '') + ' ' + (control.title || '')).slice(0, 300),
      placeholder: control.getAttribute('placeholder') || '',
      shown: shown || (ticks && [...(control.labels || [])].some(label => label.offsetWidth > 0)),
      disabled: !!control.disabled, checked: !!control.checked,
      action: owner ? said(owner, 'action') : '',
      method: owner ? said(owner, 'method') : '',
    };
  });
}
"""


@dataclass
class Control(Element):
    """A control that is seen, and where it is: the frame, and its place among that frame's controls."""

    frame: Frame | None = field(default=None, repr=False)
    place: int = 0
    said: str = ""

    @property
    def label(self) -> str:
        """What a person reads on it, or at it."""
        return self.said or " ".join(self.attributes.get("value", "").split())

    @property
    def locator(self) -> Locator:
        """How to reach it."""
        assert self.frame is not None
        return self.frame.locator(CONTROLS).nth(self.place)


@dataclass
class View:
    """A page as it is now: its forms and links, those of all its frames together."""

    url: str
    forms: Forms
    text: str = ""
    scripted: bool = False
    """It has scripts, so that more may come by itself."""

    @property
    def signature(self) -> str:
        """Equal for a page that has not changed."""
        controls = [
            (control.tag, control.name, control.label, control.attributes.get("type"))
            for form in self.forms.forms
            for control in form.controls
        ]
        return repr((self.url, self.text, controls))


async def look(page: Page) -> View | None:
    """The page as it is; None while it is on its way to another one."""
    try:
        facts = await page.evaluate(
            "most => ({text: (document.body ? document.body.innerText : '').slice(0, most),"
            " scripted: document.scripts.length > 0, state: document.readyState})",
            LONGEST_TEXT,
        )
        if facts["state"] == "loading":
            return None
        forms = Forms(page.url)
        for frame in page.frames:
            if frame is page.main_frame or await _is_seen(frame):
                forms.forms += await _forms(frame, bool(facts["scripted"]))
    except Error:  # the page was left while it was being looked at
        return None
    forms.text = str(facts["text"])
    forms.elements = [control for form in forms.forms for control in form.controls]
    return View(page.url, forms, forms.text, bool(facts["scripted"]))


async def _is_seen(frame: Frame) -> bool:
    owner = await frame.frame_element()
    return await owner.is_visible()


async def _forms(frame: Frame, scripted: bool) -> list[Form]:
    """The forms of a frame, in order; what stands in none makes one of its own, the last."""
    read: list[dict[str, Any]] = await frame.locator(CONTROLS).evaluate_all(_READ, MOST_CONTROLS)
    numbers = sorted({entry["form"] for entry in read}, key=lambda number: (number < 0, number))
    forms = []
    for number in numbers:
        own = [entry for entry in read if entry["form"] == number and entry["shown"] and not entry["disabled"]]
        if own:
            forms.append(_form(frame, own, scripted))
    return forms


def _form(frame: Frame, entries: list[dict[str, Any]], scripted: bool) -> Form:
    method = entries[0]["method"].upper()
    if scripted and not method:
        method = "POST"  # its script sends it, in whatever way
    form = Form(join(frame.url, entries[0]["action"]), method or "GET")
    if entries[0]["form"] < 0:
        form.method = "POST"
    form.controls = [_control(frame, entry) for entry in entries]
    # A button that submits goes before one that only a script knows the meaning of.
    form.controls.sort(key=lambda control: control.attributes.get("data-scripted") == "yes")
    return form


def _control(frame: Frame, entry: dict[str, Any]) -> Control:
    tag, kind = entry["tag"], entry["type"]
    attributes = {
        "name": entry["name"],
        "id": entry["id"],
        # What a person reads at the field tells as much as what a password manager reads.
        "autocomplete": " ".join(
            (entry["autocomplete"], entry["label"], entry["placeholder"], kind if kind == "email" else "")
        ),
        "value": entry["value"],
    }
    if tag == "a" and entry["role"] != "button":
        attributes["href"] = entry["href"]
    elif entry["role"] == "button" or (tag in {"button", "input"} and kind == "button"):
        tag = "button"
        attributes |= {"type": "submit", "data-scripted": "yes"}
    elif kind:
        attributes["type"] = kind
    if entry["checked"]:
        attributes["checked"] = ""
    text = entry["text"] if tag in {"a", "button"} or kind in {"submit", "image"} else entry["label"]
    said = " ".join((text or entry["label"]).split())
    return Control(tag, attributes, frame=frame, place=entry["index"], said=said)
