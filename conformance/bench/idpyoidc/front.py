"""An HTTP front for idpyoidc's authorization server: the library decides, this file only carries.

usage: python front.py SETTINGS
  SETTINGS is a JSON file: {issuer, port, folder, jwks, clients, users}
switches (environment):
  PAR_STATUS   status of a successful pushed authorization request; the library leaves it to the front. Default 201.

It runs in a virtual environment of its own and imports nothing of the suite.
"""

# What it imports is installed there only, so its types cannot be checked here.
# mypy: ignore-errors

import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

from cryptojwt import KeyJar
from flask import Flask, Response, request
from idpyoidc.message.oauth2 import AuthorizationRequest, ResponseMessage
from idpyoidc.server import Server
from idpyoidc.server.configure import ASConfiguration
from idpyoidc.server.exception import (
    ClientAuthenticationError,
    FailedAuthentication,
    InvalidClient,
    UnAuthorizedClient,
    UnknownClient,
)
from jinja2 import DictLoader, Environment
from werkzeug.serving import make_server

METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "public"]
NOT_AUTHENTICATED = (ClientAuthenticationError, UnAuthorizedClient, UnknownClient, InvalidClient)

LOGIN_PAGE = """<!doctype html>
<html lang="en"><title>{{ page_header }}</title>
<h1>{{ page_header }}</h1>
<form action="{{ action }}" method="post">
  <input type="hidden" name="token" value="{{ token }}">
  <label>{{ user_label }} <input type="text" name="username" required></label>
  <label>{{ passwd_label }} <input type="password" name="password" required></label>
  <button type="submit">{{ submit_btn }}</button>
</form></html>
"""


def key_file(folder: Path, name: str, types: list[str]) -> dict[str, Any]:
    """Keys that the library makes for itself and keeps in a file."""
    definitions = [{"type": "OCT", "use": [use], "kid": use} for use in types]
    return {"private_path": str(folder / name), "key_defs": definitions, "read_only": False}


def configuration(settings: dict[str, Any]) -> ASConfiguration:
    """The library's own configuration of an OAuth 2.0 server that takes pushed requests."""
    folder = Path(settings["folder"])
    provider = "idpyoidc.server.oauth2"
    token = {"class": "idpyoidc.server.token.jwt_token.JWTToken"}
    return ASConfiguration(
        {
            "issuer": settings["issuer"],
            "add_on": {
                "pkce": {
                    "function": f"{provider}.add_on.pkce.add_support",
                    "kwargs": {"essential": False, "code_challenge_methods": {"S256": "S256"}},
                }
            },
            "authentication": {
                "user": {
                    "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword",
                    "class": "idpyoidc.server.user_authn.user.UserPassJinja2",
                    "kwargs": {
                        "verify_endpoint": "/verify",
                        "template": "login.html",
                        "db": {
                            "class": "idpyoidc.server.util.JSONDictDB",
                            "kwargs": {"filename": str(folder / "users.json")},
                        },
                    },
                }
            },
            "cookie_handler": {
                "class": "idpyoidc.server.cookie_handler.CookieHandler",
                "kwargs": {
                    "keys": key_file(folder, "cookies.jwks", ["enc", "sig"]),
                    "name": {"session": "session", "register": "register", "session_management": "sman"},
                },
            },
            "endpoint": {
                "provider_info": {
                    "path": ".well-known/oauth-authorization-server",
                    "class": f"{provider}.server_metadata.ServerMetadata",
                    "kwargs": {"client_authn_method": None},
                },
                "authorization": {
                    "path": "authorization",
                    "class": f"{provider}.authorization.Authorization",
                    "kwargs": {
                        "client_authn_method": ["pushed_authz", "public"],
                        "request_parameter_supported": True,
                        "request_uri_parameter_supported": False,
                        "response_types_supported": ["code"],
                        "response_modes_supported": ["query", "form_post"],
                    },
                },
                "pushed_authorization": {
                    "path": "par",
                    "class": f"{provider}.pushed_authorization.PushedAuthorization",
                    "kwargs": {"client_authn_method": METHODS, "ttl": settings["lifetime"]},
                },
                "token": {
                    "path": "token",
                    "class": f"{provider}.token.Token",
                    "kwargs": {"client_authn_method": METHODS},
                },
            },
            "scopes_to_claims": {value: [] for value in settings["scopes"]},
            "token_handler_args": {
                "jwks_def": {
                    "private_path": str(folder / "tokens.jwks"),
                    "key_defs": [{"type": "oct", "bytes": "24", "use": ["enc"], "kid": "code"}],
                },
                "code": {"kwargs": {"lifetime": 60}},
                "token": token | {"kwargs": {"lifetime": 3600}},
                "refresh": token | {"kwargs": {"lifetime": 86400}},
            },
            "userinfo": {
                "class": "idpyoidc.server.user_info.UserInfo",
                "kwargs": {"db": {name: {"name": name} for name in settings["users"]}},
            },
        }
    )


def start(settings: dict[str, Any]) -> Server:
    """The server with its keys, its clients and their keys."""
    keys = KeyJar()
    keys.import_jwks(settings["jwks"], "")
    keys.import_jwks(settings["jwks"], settings["issuer"])
    server = Server(configuration(settings), keyjar=keys)
    context = server.get_context()
    method = context.authn_broker.get_method_by_id("user")
    method.template_handler.template_env = Environment(loader=DictLoader({"login.html": LOGIN_PAGE}), autoescape=True)
    for client in settings["clients"]:
        client_id = client["client_id"]
        public = client["token_endpoint_auth_method"] == "none"  # noqa: S105 - a method, not a password
        context.cdb[client_id] = {
            "client_id": client_id,
            "client_salt": "salted",
            "client_secret": client.get("client_secret"),
            "redirect_uris": [(uri, {}) for uri in client["redirect_uris"]],
            "response_types_supported": ["code"],
            "grant_types_supported": client["grant_types"],
            "allowed_scopes": client.get("scope", "").split(),
            "pushed_authorization_request_endpoint_client_authn_method": [
                "public" if public else client["token_endpoint_auth_method"]
            ],
            "token_endpoint_client_authn_method": ["public" if public else client["token_endpoint_auth_method"]],
            "pkce_essential": public,
        }
        if "client_secret" in client:
            keys.add_symmetric(client_id, client["client_secret"])
        if "jwks" in client:
            keys.import_jwks(client["jwks"], client_id)
    return server


def refusal(error: str, description: str, status: int) -> Response:
    """An error as RFC 6749 section 5.2 wants it."""
    body = json.dumps({"error": error, "error_description": description})
    answer = Response(body, status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    if status == 401 and "authorization" in request.headers:
        answer.headers["WWW-Authenticate"] = 'Basic realm="idpyoidc"'
    return answer


def carried(endpoint: Any, arguments: Any, **answer: Any) -> Response:
    """The library's answer as an HTTP response."""
    info = endpoint.do_response(request=arguments, **answer)
    placement = info.get("response_placement", endpoint.response_placement)
    if placement == "body":
        response = Response(info["response"], info.get("response_code", 400 if "error" in answer else 200))
    else:
        response = Response("", 302, {"Location": info["response"]})
    for name, value in info["http_headers"]:
        response.headers[name] = value
    for cookie in info.get("cookie", []):
        rest = {name: value for name, value in cookie.items() if name != "name"}
        response.set_cookie(cookie["name"], **rest | {"path": "/", "samesite": "Lax", "httponly": True})
    return response


def application(server: Server) -> Flask:
    """The routes. One request at a time: the library keeps its state in plain dictionaries."""
    app = Flask(__name__)
    one_at_a_time = threading.Lock()
    created = int(os.environ.get("PAR_STATUS", "201"))

    def at(name: str) -> Response:
        endpoint = server.get_endpoint(name)
        http = {
            "headers": {key: value for key, value in request.headers.items(lower=True) if key != "cookie"},
            "method": request.method,
            "url": request.base_url,
            "cookie": [{"name": name, "value": value} for name, value in request.cookies.items()],
        }
        given = request.args if request.method == "GET" else request.form
        try:
            arguments = endpoint.parse_request(given.to_dict(), http_info=http)
            if isinstance(arguments, ResponseMessage) and "error" in arguments:
                return refusal(arguments["error"], arguments.get("error_description", ""), 400)
            answer = endpoint.process_request(arguments, http_info=http)
            return (
                made(answer["http_response"]) if "http_response" in answer else carried(endpoint, arguments, **answer)
            )
        except NOT_AUTHENTICATED as error:
            return refusal("invalid_client", str(error), 401)
        except Exception as error:  # whatever the library raises, it refuses the request
            app.logger.exception("refused at %s", name)
            return refusal("invalid_request", str(error), 400)

    def made(answer: Any) -> Response:
        if isinstance(answer, str):
            return Response(answer, content_type="text/html")
        headers = {"Cache-Control": "no-store"}
        return Response(json.dumps(answer), created, headers, content_type="application/json")

    @app.get("/.well-known/oauth-authorization-server")
    def metadata() -> Response:
        return at("server_metadata")

    @app.get("/jwks")
    def jwks() -> Response:
        return Response(json.dumps(server.keyjar.export_jwks()), content_type="application/json")

    @app.get("/authorization")
    def authorization() -> Response:
        with one_at_a_time:
            return at("authorization")

    @app.post("/par")
    def par() -> Response:
        with one_at_a_time:
            return at("pushed_authorization")

    @app.post("/token")
    def token() -> Response:
        with one_at_a_time:
            return at("token")

    @app.post("/verify")
    def verify() -> Response:
        method = server.get_context().authn_broker.get_method_by_id("user")
        endpoint = server.get_endpoint("authorization")
        with one_at_a_time:
            try:
                username = method.verify(username=request.form["username"], password=request.form["password"])
            except FailedAuthentication:
                return Response("user name or password is wrong", 403, content_type="text/plain")
            known = method.unpack_token(request.form["token"])
            asked = AuthorizationRequest().from_urlencoded(known["query"])
            session = endpoint.create_session(asked, username, known["authn_class_ref"], known["iat"], method)
            answer = endpoint.authz_part2(request=asked, session_id=session)
            if isinstance(answer, ResponseMessage) and "error" in answer:
                return refusal(answer["error"], answer.get("error_description", ""), 400)
            return carried(endpoint, asked, **answer)

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    make_server("127.0.0.1", given["port"], application(start(given)), threaded=True).serve_forever()
