"""Faults of what stands beside request_uri in the authorization request (RFC 9126 section 4, RFC 9101 section 5)."""

from __future__ import annotations

import json
from typing import ClassVar

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.forms import Form, parse_form
from conformance.server.records import Parameters, PushedRequest

NOT_MERGED = "rfc9126-4-outside-parameter-not-merged"
NO_EFFECT = "rfc9126-4-outside-value-without-effect"


class _Outside(AuthorizationServer):
    """Takes some parameters from the query."""

    taken: ClassVar[frozenset[str]] = frozenset()
    empty: ClassVar[bool] = False
    overrule: ClassVar[bool] = False

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Add what was not pushed, or put it in the place of what was; or let what is empty take it away."""
        parameters = super().effective_parameters(query, pushed)
        for name in self.taken:
            value = query.get(name)
            if value is not None and (self.overrule or name not in parameters) and not self.empty:
                parameters[name] = value
            elif self.empty and (name, "") in query.pairs:
                parameters.pop(name, None)
        return parameters


@fault(NOT_MERGED)
class MaxAgeIsAdded(_Outside):
    """BUG: a max_age of the query counts where none was pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"max_age"})


@fault(NO_EFFECT)
class MaxAgeIsOverruled(_Outside):
    """BUG: a max_age of the query counts in place of the pushed one (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"max_age"})
    overrule: ClassVar[bool] = True

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Only where one was pushed."""
        if "max_age" not in pushed.parameters:
            return dict(pushed.parameters)
        return super().effective_parameters(query, pushed)


@fault(NOT_MERGED)
class HintIsAdded(_Outside):
    """BUG: an id_token_hint of the query counts where none was pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"id_token_hint"})


@fault(NOT_MERGED)
class ClaimsAreAdded(_Outside):
    """BUG: claims of the query count where none were pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"claims"})


@fault(NO_EFFECT)
class ClaimsAreOverruled(AuthorizationServer):
    """BUG: claims of the query count in place of the pushed ones (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Replace them."""
        parameters = super().effective_parameters(query, pushed)
        if "claims" in parameters and query.get("claims") is not None:
            parameters["claims"] = json.loads(query.get("claims") or "{}")
        return parameters


@fault(NOT_MERGED)
class ResourceIsAdded(_Outside):
    """BUG: a resource of the query counts where none was pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"resource"})


@fault(NO_EFFECT)
class ResourceIsExtended(AuthorizationServer):
    """BUG: a resource of the query counts beside the pushed one (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Add it."""
        parameters = super().effective_parameters(query, pushed)
        if "resource" in parameters:
            parameters["resource"] = [*self.resources_of(parameters), *query.all("resource")]
        return parameters


@fault(NOT_MERGED)
class DetailsAreAdded(_Outside):
    """BUG: authorization_details of the query count where none were pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"authorization_details"})


@fault(NO_EFFECT, "rfc9396-12-query-cannot-change-pushed-details")
class DetailsAreOverruled(AuthorizationServer):
    """BUG: authorization_details of the query count in place of the pushed ones (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Replace them."""
        parameters = super().effective_parameters(query, pushed)
        if "authorization_details" in parameters and query.get("authorization_details"):
            parameters["authorization_details"] = query.get("authorization_details")
        return parameters


@fault(NOT_MERGED)
class ScopeIsAdded(_Outside):
    """BUG: a scope of the query counts where none was pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"scope"})


@fault(NOT_MERGED)
class PromptIsAdded(_Outside):
    """BUG: a prompt of the query counts where none was pushed (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"prompt"})


@fault(NO_EFFECT)
class EmptyStateTakesAway(_Outside):
    """BUG: an empty state in the query takes the pushed one away (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"state"})
    empty: ClassVar[bool] = True


@fault(NO_EFFECT)
class EmptyChallengeTakesAway(_Outside):
    """BUG: an empty code_challenge in the query takes the pushed one away (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"code_challenge", "code_challenge_method"})
    empty: ClassVar[bool] = True


@fault(NO_EFFECT)
class PostedRequestOverrules(_Outside):
    """BUG: a posted request overrules the pushed state and nonce, if it has a response_type (RFC 9126 section 4)."""

    taken: ClassVar[frozenset[str]] = frozenset({"state", "nonce"})
    overrule: ClassVar[bool] = True

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Look whether it is a whole one."""
        if query.get("response_type") is None or "state" not in pushed.parameters:
            return dict(pushed.parameters)
        return super().effective_parameters(query, pushed)


@fault(NO_EFFECT)
class RepeatedStateOverrules(AuthorizationServer):
    """BUG: a state that stands twice in the query overrules the pushed one (RFC 9126 section 4)."""

    def check_duplicates(self, form: Form) -> None:
        """Only what says where the request is has to stand once."""
        super().check_duplicates(
            Form(tuple(pair for pair in form.pairs if pair[0] != "state")) if self.opens(form) else form
        )

    def opens(self, form: Form) -> bool:
        """Whether this is an authorization request with request_uri."""
        return form.get("request_uri") is not None and form.get("response_type") is None

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Take the first of several."""
        values = query.all("state")
        several = {"state": values[0]} if len(values) > 1 else {}
        return super().effective_parameters(query, pushed) | several


@fault(NO_EFFECT)
class UrlOfPostsWins(AuthorizationServer):
    """BUG: what stands in the URL of a POST takes the place of what was pushed (RFC 9126 section 4)."""

    in_url = Form(())

    async def read_query(self, request: web.Request) -> Form:
        """Remember the URL's own query: nothing is awaited between here and the request."""
        query = await super().read_query(request)
        self.in_url = parse_form(request.query_string.encode()) if request.method == "POST" else Form(())
        return query

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """As a framework does that tells no parameters of a form from those of a query."""
        parameters = super().effective_parameters(query, pushed)
        return parameters | {name: value for name, value in self.in_url.pairs if name in parameters}
