"""`bridge authlete`: an authorization server in front of an API, on the command line."""

from __future__ import annotations

import base64
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from cryptography import x509

from conformance.bridge.authlete import Api, Bridge
from conformance.bridge.serving import HOST, serving
from conformance.profile.load import LoadedProfile, ProfileError, load
from conformance.profile.shipped import shipped

app = typer.Typer(help="Thin authorization servers in front of APIs that decide for them.", no_args_is_help=True)


class BridgeError(Exception):
    """What a bridge needs is not there. One sentence, and the way out."""


@app.callback()
def bridges() -> None:
    """Thin authorization servers in front of APIs that decide for them."""


def api_of(environ: Mapping[str, str]) -> Api:
    """The API that the environment names.

    AUTHLETE_API is everything before /pushed_auth_req; AUTHLETE_API_TOKEN is an access token (version 3),
    AUTHLETE_API_KEY and AUTHLETE_API_SECRET are those of a service (version 2). BridgeError where one is missing.
    """
    url, token = environ.get("AUTHLETE_API"), environ.get("AUTHLETE_API_TOKEN")
    key, secret = environ.get("AUTHLETE_API_KEY"), environ.get("AUTHLETE_API_SECRET")
    if not url:
        raise BridgeError(
            "AUTHLETE_API is not set: everything before /pushed_auth_req, as https://us.authlete.com/api/1"
        )
    if token:
        return Api(url, f"Bearer {token}", environ.get("AUTHLETE_API_CA_FILE"))
    if key and secret:
        pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
        return Api(url, f"Basic {pair}", environ.get("AUTHLETE_API_CA_FILE"))
    raise BridgeError("set AUTHLETE_API_TOKEN, or AUTHLETE_API_KEY and AUTHLETE_API_SECRET")


def bridge_of(loaded: LoadedProfile, api: Api, client_ca: Path | None) -> Bridge:
    """The bridge for a profile, whose issuer must be on this machine. BridgeError otherwise."""
    issuer = loaded.profile.issuer or ""
    parts = urlsplit(issuer)
    if parts.hostname not in {HOST, "localhost"}:
        raise BridgeError(
            f"the profile's issuer is {issuer}: a bridge listens on this machine, at http://localhost:8080"
        )
    if client_ca is not None and parts.scheme != "https":
        raise BridgeError("client certificates need https: give the service an issuer that begins so")
    authorities = x509.load_pem_x509_certificates(client_ca.read_bytes()) if client_ca else []
    return Bridge(api, loaded.keyring.users, issuer, authorities=authorities)


@app.command(name="authlete", help="Forward to Authlete's API, at the place that the profile's issuer names.")
def bridge_authlete(
    profile: Annotated[Path | None, typer.Argument(help="The profile; default: the one that is shipped.")] = None,
    client_ca: Annotated[Path | None, typer.Option(help="PEM file: authorities of clients' certificates.")] = None,
) -> None:
    """Start the bridge and wait for Ctrl-C."""
    try:
        loaded = load(profile or shipped()["authlete"])
        bridge = bridge_of(loaded, api_of(os.environ), client_ca)
        parts = urlsplit(bridge.issuer)
        tls = parts.scheme == "https"
        with serving(bridge, parts.port or (443 if tls else 80), tls=tls, client_ca=client_ca) as ca_file:
            typer.echo(f"# {bridge.issuer} forwards to {bridge.api.url} until Ctrl-C")
            if ca_file is not None:
                typer.echo(f"export AUTHLETE_CA_FILE={shlex.quote(str(ca_file))}")
            while True:
                time.sleep(3600)
    except (ProfileError, BridgeError, OSError, ValueError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("# ended")
