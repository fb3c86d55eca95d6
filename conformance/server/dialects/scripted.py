"""Login pages that only work by their script, as most vendors' do: a form whose content goes to an API."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from conformance.server import pages

_FORM = """<form{data}>
<p role="alert"></p>
<p><label>User name <input type="text" name="username" autocomplete="username" required></label></p>
<p><label>Password <input type="password" name="password" autocomplete="current-password" required></label></p>
<p><button type="submit">Sign in</button></p>
</form>
<script>{script}</script>"""


def login_page(script: str, **data: str) -> str:
    """A page that asks for user name and password; `data` are attributes that its script reads."""
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    return pages.page("Sign in", _FORM.format(data=attributes, script=script))


def policy(script: str) -> str:
    """The Content-Security-Policy of such a page: this script, and calls of the server itself."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
