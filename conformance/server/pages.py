"""The pages that a person sees: plain HTML, no script but one, every value escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from conformance.server.records import Interaction

#: Submits the answer of response_mode=form_post; its hash stands in the page's policy.
SUBMIT = "document.forms[0].submit()"
SUBMIT_HASH = "'sha256-" + base64.b64encode(hashlib.sha256(SUBMIT.encode()).digest()).decode() + "'"

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return _PAGE.format(title=escape(title), body=body)


def form(action: str, csrf: str, fields: str) -> str:
    """A form that posts to `action` with its CSRF token; `fields` is HTML."""
    return (
        f'<form method="post" action="{escape(action)}">\n'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">\n{fields}\n</form>'
    )


def login(interaction: Interaction, action: str, *, ask: Sequence[str], failed: bool = False) -> str:
    """The login page; `ask` says which of username and password it asks for."""
    fields = []
    if failed:
        fields.append('<p role="alert">User name or password is wrong.</p>')
    if "username" in ask:
        fields.append(
            '<p><label>User name <input type="text" name="username" autocomplete="username" required></label></p>'
        )
    else:
        fields.append(f"<p>User name: {escape(interaction.username)}</p>")
    if "password" in ask:
        fields.append(
            '<p><label>Password <input type="password" name="password" '
            'autocomplete="current-password" required></label></p>'
        )
    label = "Log in" if "password" in ask else "Next"
    fields.append(f'<p><button type="submit">{label}</button></p>')
    client = f"<p>to continue to <strong>{escape(interaction.request.client.client_id)}</strong></p>\n"
    return page("Log in", client + form(action, interaction.csrf, "\n".join(fields)))


def consent(interaction: Interaction, action: str, username: str) -> str:
    """The consent page: who asks, for what, and where the answer goes."""
    request = interaction.request
    parts = [
        f"<p>You are logged in as <strong>{escape(username)}</strong>.</p>",
        f"<p>The client <strong>{escape(request.client.client_id)}</strong> asks for access.</p>",
        f"<p>The answer goes to {escape(request.redirect_uri)}</p>",
    ]
    scopes = (request.text("scope") or "").split()
    if scopes:
        items = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
        parts.append(f'<h2>Scope</h2>\n<ul class="scope">{items}</ul>')
    for entry in request.parameters.get("authorization_details", []):
        text = escape(json.dumps(entry, indent=2, ensure_ascii=False))
        parts.append(f'<h2>Details</h2>\n<pre class="authorization-details">{text}</pre>')
    resources = request.parameters.get("resource", [])
    resources = [resources] if isinstance(resources, str) else resources
    parts += [f"<p>Resource: {escape(str(resource))}</p>" for resource in resources]
    buttons = (
        '<button type="submit" name="decision" value="allow">Allow</button>\n'
        '<button type="submit" name="decision" value="deny">Deny</button>'
    )
    parts.append(form(action, interaction.csrf, buttons))
    return page("Allow access?", "\n".join(parts))


def error(code: str, description: str) -> str:
    """The error page: fixed texts only, nothing of the request."""
    return page(
        "The request was refused",
        f'<p>Error: <code class="error">{escape(code)}</code></p>\n<p>{escape(description)}</p>',
    )


def form_post(action: str, parameters: dict[str, str]) -> str:
    """An authorization response as a form that posts itself (response_mode=form_post)."""
    fields = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in parameters.items()
    )
    return page(
        "Return to the client",
        f'<form method="post" action="{escape(action)}">\n{fields}\n'
        f'<button type="submit">Continue</button>\n</form>\n<script>{SUBMIT}</script>',
    )


def source(uri: str) -> str:
    """A redirect URI as a source expression of a Content-Security-Policy: its origin, or its scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
