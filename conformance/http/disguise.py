"""The forms in which a secret may come back: percent-encoded, in base64, in hex, escaped for JSON, HTML or a shell."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from functools import partial
from urllib import parse

#: A piece of base64 that is shorter stands in other texts, too (characters).
_SHORTEST = 6
_PERCENT = re.compile(r"%[0-9A-F]{2}")
#: JSON may have a lone surrogate, and so may a file or a variable that is not UTF-8: it is encoded as what it is.
_quote = partial(parse.quote, errors="surrogatepass")
_quote_plus = partial(parse.quote_plus, errors="surrogatepass")


def disguises(value: str) -> set[str]:
    """The encodings that protocols and echoing servers use: percent-encoding, and of what came so hex and base64."""
    forms = percent_encoded(value)
    for text in (*forms,):
        data = text.encode("utf-8", "surrogatepass")
        encoded = base64.b64encode(data).decode()
        urlsafe = base64.urlsafe_b64encode(data).decode()
        forms |= {*percent_encoded(encoded), encoded.rstrip("="), urlsafe.rstrip("="), data.hex(), data.hex().upper()}
        forms |= inside_base64(text)
    return forms


def percent_encoded(value: str) -> set[str]:
    """The value itself, and as a path, a query or a form carries it."""
    forms = {value, _quote(value, safe=""), _quote_plus(value)}
    return forms | {_PERCENT.sub(lambda found: found[0].lower(), form) for form in forms if "%" in form}


def inside_base64(value: str) -> set[str]:
    """What is seen of a value in the base64 of a longer text: only the signs that depend on nothing but the value."""
    data = value.encode("utf-8", "surrogatepass")
    forms = set()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        inner = whole[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]
        forms |= {inner, inner.replace("+", "-").replace("/", "_"), _quote(inner, safe="")}
    return {form for form in forms if len(form) >= _SHORTEST}


def all_disguises(value: str) -> set[str]:
    """Further the escapes of JSON, HTML, Python and shells, and UTF-8 taken for Latin-1."""
    data = value.encode("utf-8", "surrogatepass")
    forms = disguises(value)
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {html.escape(value), html.escape(value, quote=False), shlex.quote(value), shlex.quote(value)[1:-1]}
    return forms | {data.decode("latin-1"), _quote(value), value.replace("\n", "\\n"), " ".join(value.split())}
