"""Walking from an authorization request to its end, as a person with a browser would (over plain HTTP)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlencode, urljoin

from conformance.http.message import Died, Response, fragment_of, query_of, split
from conformance.http.redaction import SECRET_FIELDS
from conformance.http.wire import Wire
from conformance.login import form as forms
from conformance.login import totp
from conformance.login.browser import Browser, target_of
from conformance.login.page import LARGEST_PAGE, Form, Page, queried, read
from conformance.profile.model import Login, RestCall
from conformance.protocol.outcome import Ending, Outcome, ended_at, with_parameters
from conformance.verdict import NotApplicable, NotExercised

#: No login has more pages than this.
MOST_PAGES = 25
#: The same login form so often means that the password is wrong.
MOST_LOGINS = 3

Stop = Literal["login", "consent"]


@dataclass
class Walk:
    """One attempt: who walks, which addresses end it, and what was met on the way."""

    wire: Wire
    browser: Browser
    login: Login
    ends: Sequence[str]
    values: Mapping[str, str]
    deny: bool = False
    stop: Stop | None = None
    responses: list[Response] = field(default_factory=list)
    logins: int = 0
    base: str = ""
    """What the paths of calls are relative to: the issuer."""
    unrefused: bool = False
    """A person who means to refuse has gone on from a page that gave no way to, and has not refused since."""

    async def run(self, response: Response) -> Outcome:
        """Walk on from an answer of the authorization endpoint. Raises NotExercised where the login cannot go on."""
        try:
            for _ in range(MOST_PAGES):
                self.responses.append(replace(response, body=response.body[:LARGEST_PAGE]))
                step = await self._step(response)
                if isinstance(step, Outcome):
                    return self._learnt(step)
                response = step
        except Died as died:
            return Outcome(Ending.DIED, responses=self._seen(), reason=str(died))
        return Outcome(Ending.STUCK, responses=self._seen(), reason=f"no end after {MOST_PAGES} pages")

    def _learnt(self, outcome: Outcome) -> Outcome:
        """The outcome, its code and tokens kept out of reports: a page or a JWT may have carried them.

        Where it was granted to a person who meant to refuse and never could, it says nothing about refusals.
        """
        for name in SECRET_FIELDS & set(outcome.parameters):
            self.wire.transport.learn(outcome.parameters[name])
        if self.unrefused and outcome.granted:
            raise cannot_refuse(self.login)
        return outcome

    def _seen(self) -> tuple[Response, ...]:
        return tuple(self.responses)

    def _is_end(self, url: str) -> bool:
        if split(url).scheme not in {"http", "https"}:
            return True
        bare = url.split("#")[0].split("?")[0]
        if any(bare == end.split("#")[0].split("?")[0] for end in self.ends):
            return True
        return not self.wire.transport.may_reach(url)

    async def _step(self, response: Response) -> Response | Outcome:
        if response.is_redirect:
            url = target_of(response)
            if self._is_end(url):
                return ended_at(url, self._seen())
            return await self.browser.follow(self.wire, response, "redirect")
        if response.json_object() is not None:
            step = await self._scripted(response, Page(response.url))
            return step or Outcome(Ending.ERROR_PAGE, responses=self._seen())
        if response.media_type not in {"text/html", "application/xhtml+xml", ""} or not response.body:
            return Outcome(Ending.ERROR_PAGE, responses=self._seen())
        return await self._page(response, read(response.url, response.text))

    async def _scripted(self, response: Response, page: Page) -> Response | Outcome | None:
        """The step of the profile for a page that only a script makes, or for JSON: its calls are made here.

        None where no such step is for this answer.
        """
        steps = [step for step in self.login.steps if step.calls]
        if response.status >= 400 or not steps:
            return None
        step = forms.matching_step(page, steps)
        if step is None:
            return None
        taken = forms.taken(step, response, self.browser.cookies.values())
        if taken is None:
            # A login page without what its login needs is how this server refuses: nobody gets on from there.
            leads_nowhere = forms.names_person(step) and self.logins == 0 and forms.login_form(page) is not None
            return Outcome(Ending.ERROR_PAGE, responses=self._seen()) if leads_nowhere else None
        if forms.names_person(step):
            if self.browser.person is None or self.stop == "login":
                return Outcome(Ending.LOGIN_ASKED, responses=self._seen())
            self.logins += 1
            if self.logins > MOST_LOGINS:
                reason = f"the login came {MOST_LOGINS} times: user name or password may be wrong"
                return Outcome(Ending.STUCK, responses=self._seen(), reason=reason)
        elif self.browser.person is None or self.stop == "consent":
            return Outcome(Ending.CONSENT_ASKED, responses=self._seen())
        elif self.deny:
            if self.login.deny is None or not self.login.deny.calls:
                raise cannot_refuse(self.login)
            step = self.login.deny
        self.browser.taken |= taken
        query, last = query_of(response.url), len(step.calls) - 1
        for number, rest in enumerate(step.calls):
            if rest.repeat_query:
                rest = rest.model_copy(update={"form": {**query, **(rest.form or {})}})
            url = address(rest, self.base, {**self._values(), **self.browser.taken})
            if self._is_end(url):  # a script sends the browser to the client itself
                return ended_at(url, self._seen())
            # What comes to the last call is what a browser would be shown, and so is it that the person's yes came to
            # nothing. A login that fails is a mistake in the profile.
            shown = number == last or not forms.tells_person(rest)
            response = await call(self.wire, self.browser, rest, self.base, self._values(), "login", shown=shown)
            if response.status >= 400:
                break
        return response

    async def _page(self, response: Response, page: Page) -> Response | Outcome:
        for form in page.forms:
            if self._is_end(form.action) and {"code", "error", "response", "state"} & set(dict(form.values())):
                if form.method == "GET":
                    return ended_at(queried(form.action, form.values()), self._seen())
                return with_parameters(form.action, dict(form.values()), "form_post", self._seen())
        for link in page.links():
            if self._is_end(link.attributes["href"]) and _granting(link.attributes["href"]):
                return ended_at(link.attributes["href"], self._seen())
        scripted = await self._scripted(response, page)
        if scripted is not None:
            return scripted
        step = forms.matching_step(page, [step for step in self.login.steps if not step.calls])
        asks_login = forms.login_form(page)
        if asks_login is not None and (response.status < 400 or asks_login.password is not None):
            if self.browser.person is None or self.stop == "login":
                return Outcome(Ending.LOGIN_ASKED, responses=self._seen())
            self.logins += asks_login.password is not None
            if self.logins > MOST_LOGINS:
                reason = f"the login form came {MOST_LOGINS} times: user name or password may be wrong"
                return Outcome(Ending.STUCK, responses=self._seen(), reason=reason)
        if step is not None:
            submission = forms.step_submission(page, step, self._values())
            if submission is not None:
                return await self._submit(page, *submission)
        if asks_login is not None and (response.status < 400 or asks_login.password is not None):
            return await self._submit(page, asks_login, tuple(forms.login_values(asks_login, self._values())))
        if response.status >= 400:
            return Outcome(Ending.ERROR_PAGE, responses=self._seen())
        return await self._consent(page)

    async def _consent(self, page: Page) -> Response | Outcome:
        form = forms.consent_form(page)
        if form is None:
            if page.refresh and page.refresh != page.url:
                if self._is_end(page.refresh):
                    return ended_at(page.refresh, self._seen())
                return await self.browser.get(self.wire, page.refresh, "meta refresh")
            return Outcome(Ending.ERROR_PAGE, responses=self._seen())
        if self.stop == "consent" or self.browser.person is None:
            return Outcome(Ending.CONSENT_ASKED, responses=self._seen())
        if self.deny:
            return await self._deny(page, form)
        return await self._submit(page, form, tuple(forms.consent_values(form)))

    async def _deny(self, page: Page, onward: Form) -> Response | Outcome:
        """Refuse, or go on by the form that leads `onward`: terms or an account may come before what can be refused."""
        self.unrefused = False
        if self.login.deny is not None:
            submission = forms.step_submission(page, self.login.deny, self._values())
            if submission is not None:
                return await self._submit(page, *submission)
        found = forms.denying(page)
        if isinstance(found, tuple):
            form, button = found
            return await self._submit(page, form, forms.pressed(form, button))
        if found is not None:
            return await self.browser.get(self.wire, found.attributes["href"], "refusal")
        self.unrefused = True
        return await self._submit(page, onward, tuple(forms.consent_values(onward)))

    async def _submit(self, page: Page, form: Form, pairs: Any) -> Response | Outcome:
        if self._is_end(form.action):
            return Outcome(Ending.LEFT, form.action, dict(pairs), responses=self._seen())
        method = form.method if form.method in {"GET", "POST"} else "GET"
        return await self.browser.submit(self.wire, form.action, method, tuple(pairs), "form", page.url)

    def _values(self) -> dict[str, str]:
        person = self.browser.person
        values = {**self.values, **self.browser.taken}
        if person is not None:
            values |= {"username": person.username, "password": person.password}
            if person.totp:
                values["totp"] = totp.now(person.totp, self.wire.clock.now())
                self.wire.transport.learn(values["totp"])
        return values


def _granting(url: str) -> bool:
    """Whether a link takes a code along: some pages leave it to the person to go back to the client by it."""
    return bool({"code", "response"} & {*query_of(url), *fragment_of(url)})


def cannot_refuse(login: Login) -> NotApplicable | NotExercised:
    """What to raise where a person should refuse and there is no way to."""
    if not login.refusable:
        return NotApplicable("the profile says that the pages have no way to refuse")
    return NotExercised(
        "no way to refuse was found on the consent page: describe it as `login.deny`, or say `login.refusable: false`"
    )


def address(rest: RestCall, base: str, values: Mapping[str, str]) -> str:
    """The URL of a call; `base` is what a path is relative to."""
    return urljoin(base, forms.filled(rest.path, values))


async def call(
    wire: Wire,
    browser: Browser,
    rest: RestCall,
    base: str,
    values: Mapping[str, str],
    purpose: str,
    *,
    shown: bool = False,
) -> Response:
    """Make one call of a login over an API, and keep what it takes from the answer.

    `base` is what a path is relative to. NotExercised where the server refuses the call, unless its answer is `shown`
    to the person, or where the answer lacks a member.
    """
    values = {**values, **browser.taken}
    url = address(rest, base, values)
    headers = tuple((name, forms.filled(value, values)) for name, value in rest.headers.items())
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    headers = tuple((name, value) for name, value in headers if name.lower() != "content-type")
    content = b""
    if rest.form is not None:
        content = urlencode({name: forms.filled(text, values) for name, text in rest.form.items()}).encode()
        content_type = content_type or "application/x-www-form-urlencoded"
    elif rest.body is not None:
        content = json.dumps(_deep_filled(rest.body, values)).encode()
    if content_type is None and rest.method not in {"GET", "HEAD"}:
        content_type = "application/json"
    response = await browser.call(wire, rest.method, url, content, content_type, headers, purpose)
    if response.status >= 400 and not shown:
        raise NotExercised(f"the {purpose} call {rest.method} {rest.path} was answered with HTTP {response.status}")
    if response.status >= 400:
        return response
    for name, path in rest.take.items():
        member = forms.member_of(response.json_object() or {}, path)
        if member is None:
            raise NotExercised(f"the answer to the {purpose} call {rest.method} {rest.path} has no member {path}")
        browser.taken[name] = member
    for cookie in rest.cookies:
        pair = forms.filled(cookie, {**values, **browser.taken})
        wire.transport.learn(pair.partition("=")[2])
        browser.cookies.store(url, [f"{pair}; Path=/"], wire.clock.now())
    return response


def _deep_filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return forms.filled(value, values)
    if isinstance(value, dict):
        return {name: _deep_filled(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_deep_filled(item, values) for item in value]
    return value
