"""lemonldap-ng: a single sign-on portal in Perl, from Debian's packages. It has no pushed requests: the control."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from conformance.bench.install import debian, debian_version, libraries
from conformance.bench.material import make_secret, registrations, write_private
from conformance.bench.process import tool
from conformance.bench.recipe import Launch, Place, Recipe
from conformance.profile.keyring import generate_key

#: The portal, a web server for it, and the modules that the portal needs though the package only recommends them.
_PACKAGES = (
    "lemonldap-ng",
    "starman",
    "libplack-perl",
    "libconvert-pem-perl",
    "libcrypt-openssl-bignum-perl",
    "libcrypt-openssl-rsa-perl",
    "libcrypt-openssl-x509-perl",
    "libgd-securityimage-perl",
    "libimage-magick-perl",
    "libio-socket-timeout-perl",
    "libio-string-perl",
    "libipc-run-perl",
    "libmime-tools-perl",
    "libstring-random-perl",
    "libunicode-string-perl",
)

#: Users that the portal's demonstration mode knows; their passwords are their names.
_USERS = ("dwho", "rtyler")

_INI = """\
[all]
logLevel = warn
[configuration]
type = File
dirName = {folder}/configuration
localStorage = Cache::FileCache
localStorageOptions = {{ 'namespace' => 'configuration', 'cache_root' => '{folder}/cache', 'cache_depth' => 3 }}
[portal]
staticPrefix = /static
templateDir = {root}/usr/share/lemonldap-ng/portal/templates
languages = en
[handler]
status = 0
"""

_APPLICATION = """\
use Plack::Builder;
use Lemonldap::NG::Portal::Main;
my $portal = Lemonldap::NG::Portal::Main->run({{}});
builder {{
    enable "Plack::Middleware::Static",
        path => sub {{ s!^/static/!! }}, root => "{root}/usr/share/lemonldap-ng/portal/htdocs/static";
    $portal;
}};
"""


def install(folder: Path) -> str:
    """Unpack the packages, and note the passwords of the demonstration's users."""
    root = debian(_PACKAGES, folder)
    for user in _USERS:
        write_private(folder / f"{user}.secret", f"{user}\n")
    return debian_version("lemonldap-ng", root)


def _signing_key(path: Path) -> tuple[str, str]:
    """The portal's RSA key in PEM, private and public; made once."""
    if not path.exists():
        private: Any = generate_key("RS256", "server").private
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(path, pem.decode())
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return path.read_text(encoding="ascii"), public.decode()


def _client(metadata: dict[str, Any]) -> dict[str, Any]:
    """A client's registration in the words of this server."""
    prefix = "oidcRPMetaDataOptions"
    public = metadata["token_endpoint_auth_method"] == "none"  # noqa: S105 - a method, not a password
    return {
        f"{prefix}ClientID": metadata["client_id"],
        f"{prefix}ClientSecret": metadata.get("client_secret", ""),
        f"{prefix}Public": int(public),
        f"{prefix}RequirePKCE": int(public),
        f"{prefix}RedirectUris": " ".join(metadata["redirect_uris"]),
        f"{prefix}IDTokenSignAlg": "RS256",
        f"{prefix}BypassConsent": 0,
        f"{prefix}RefreshToken": 1,
    }


def _configuration(place: Place) -> dict[str, Any]:
    """The configuration that the package brings, turned into an OpenID provider with our clients."""
    root = place.folder / "root"
    brought = json.loads((root / "var/lib/lemonldap-ng/conf/lmConf-1.json").read_text(encoding="utf-8"))
    private, public = _signing_key(place.folder / "server.pem")
    clients = registrations(place.profiles, place.folder)
    sessions = {
        "Directory": str(place.folder / "sessions"),
        "LockDirectory": str(place.folder / "sessions/lock"),
        "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
    }
    persistent = sessions | {
        "Directory": str(place.folder / "psessions"),
        "LockDirectory": str(place.folder / "psessions/lock"),
    }
    settings = {
        "portal": f"{place.url}/",
        "domain": "127.0.0.1",
        "securedCookie": 0,
        "key": make_secret(place.folder / "portal.secret"),
        "authentication": "Demo",
        "userDB": "Same",
        "registerDB": "Null",
        "passwordDB": "Null",
        "portalDisplayResetPassword": 0,
        "globalStorageOptions": sessions,
        "persistentStorageOptions": persistent,
        "localSessionStorageOptions": {
            "cache_root": str(place.folder / "cache"),
            "cache_depth": 3,
            "namespace": "sessions",
            "default_expires_in": 600,
        },
        "notification": 0,
        "issuerDBOpenIDConnectActivation": 1,
        "issuerDBOpenIDConnectPath": "^/oauth2/",
        "oidcServiceMetaDataIssuer": place.url,
        "oidcServicePrivateKeySig": private,
        "oidcServicePublicKeySig": public,
        "oidcServiceKeyIdSig": "server-RS256",
        "oidcServiceAllowAuthorizationCodeFlow": 1,
        "oidcServiceAllowImplicitFlow": 0,
        "oidcServiceAllowHybridFlow": 0,
        "oidcRPMetaDataOptions": {client["client_id"]: _client(client) for client in clients},
        "oidcRPMetaDataExportedVars": {client["client_id"]: {"email": "mail", "name": "cn"} for client in clients},
    }
    configuration: dict[str, Any] = brought | settings
    return configuration


def launch(place: Place) -> Launch:
    """Write the configuration, forget earlier sessions, and start the portal's web server."""
    root = place.folder / "root"
    for name in ("configuration", "sessions", "psessions", "cache"):
        shutil.rmtree(place.folder / name, ignore_errors=True)
        (place.folder / name).mkdir(mode=0o700)
    for name in ("sessions", "psessions"):
        (place.folder / name / "lock").mkdir(mode=0o700)
    write_private(place.folder / "configuration/lmConf-1.json", json.dumps(_configuration(place), indent=2))
    write_private(place.folder / "lemonldap-ng.ini", _INI.format(folder=place.folder, root=root))
    write_private(place.folder / "portal.psgi", _APPLICATION.format(root=root))
    modules = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/*"), *root.glob("usr/lib/*/perl/*")]
    return Launch(
        (
            tool("perl"),
            str(root / "usr/bin/starman"),
            f"--listen=127.0.0.1:{place.port}",
            "--workers=4",
            "--preload-app",
            str(place.folder / "portal.psgi"),
        ),
        {
            "PERL5LIB": os.pathsep.join(str(path) for path in modules),
            "LD_LIBRARY_PATH": libraries(root),
            "LLNG_DEFAULTCONFFILE": str(place.folder / "lemonldap-ng.ini"),
        },
    )


RECIPES = (
    Recipe(
        name="lemonldap-ng",
        summary="lemonldap-ng (Debian): no pushed requests, the control",
        port=3190,
        variable="LEMONLDAP_NG_URL",
        profiles=("lemonldap-ng.yaml",),
        install=install,
        launch=launch,
    ),
)
