"""How an authorization attempt ends, whatever the server's way of saying it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.http.message import Response, fragment_of, query_of, split
from conformance.protocol import jws


class Ending(StrEnum):
    """The ends that an attempt can have."""

    CODE = "code"
    TOKENS = "tokens"
    ERROR_REDIRECT = "error redirect"
    ERROR_PAGE = "error page"
    LOGIN_ASKED = "login asked"
    CONSENT_ASKED = "consent asked"
    LEFT = "left without an answer"
    STUCK = "stuck"
    KEPT_IN = "kept in by the page's own policy"
    DIED = "died"


@dataclass(frozen=True)
class Outcome:
    """One ended attempt: where it went and what it carried."""

    ending: Ending
    location: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    mode: str | None = None
    responses: tuple[Response, ...] = field(default=(), repr=False)
    reason: str | None = None
    late: bool = False  # by the lifetime that was announced, the request_uri was dead when it was answered

    @property
    def code(self) -> str | None:
        """The authorization code, if one was issued."""
        return self.parameters.get("code") or None

    @property
    def error(self) -> str | None:
        """The error code of an error redirect."""
        return self.parameters.get("error")

    @property
    def page(self) -> Response | None:
        """The last page that was seen."""
        return self.responses[-1] if self.responses else None

    @property
    def asked_to_log_in(self) -> bool:
        """Whether a login page was met and nobody logged in."""
        return self.ending is Ending.LOGIN_ASKED

    @property
    def refused(self) -> bool:
        """The server ended the attempt by an error of its own: a page or a redirect."""
        return self.ending in {Ending.ERROR_PAGE, Ending.ERROR_REDIRECT}

    @property
    def granted(self) -> bool:
        """A code or tokens came out."""
        return self.ending in {Ending.CODE, Ending.TOKENS}

    @property
    def summary(self) -> str:
        """What happened, in a few words."""
        words = [str(self.ending)]
        if self.error:
            words.append(f"error={self.error}")
        if self.ending is Ending.ERROR_PAGE and self.page is not None:
            words.append(f"HTTP {self.page.status}")
        if self.reason:
            words.append(f"({self.reason})")
        return " ".join(words)


def ended_at(url: str, responses: tuple[Response, ...]) -> Outcome:
    """The outcome of a redirect out of the server: response modes query, fragment and JARM are told apart."""
    query, fragment = query_of(url), fragment_of(url)
    if "?" in split(url).fragment:  # a query that was put behind a fragment: what it carries has been given away
        fragment = {**fragment, **query_of(f"?{split(url).fragment.partition('?')[2]}")}
    parameters = {**query, **fragment}
    mode = "fragment" if fragment else "query"
    return with_parameters(url, parameters, mode, responses)


def with_parameters(
    location: str, parameters: Mapping[str, str], mode: str, responses: tuple[Response, ...]
) -> Outcome:
    """The outcome that a set of response parameters means; a JARM response is opened."""
    if "response" in parameters and "." in parameters["response"]:
        claims = jws.claims_of(parameters["response"]) or jws.last_claims_of(parameters["response"])
        if not claims:
            unreadable = "the JWT in response is not one JSON object in which each member stands once"
            return Outcome(Ending.LEFT, location, {}, f"{mode}.jwt", responses, unreadable)
        parameters = {name: value for name, value in claims.items() if isinstance(value, str)}
        mode = f"{mode}.jwt"
    if parameters.get("code"):
        ending = Ending.CODE
    elif parameters.get("error"):
        ending = Ending.ERROR_REDIRECT
    elif parameters.get("access_token") or parameters.get("id_token"):
        ending = Ending.TOKENS
    else:
        ending = Ending.LEFT
    return Outcome(ending, location, dict(parameters), mode, responses)
