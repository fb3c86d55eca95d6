"""glewlwyd: a single sign-on server in C, from Debian's packages, unpacked beside the system, not into it."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from pathlib import Path

from conformance.bench.glewlwyd.administration import configure
from conformance.bench.install import debian, debian_version, libraries
from conformance.bench.material import write_private
from conformance.bench.recipe import Launch, Place, Recipe

_PACKAGES = ("glewlwyd", "dbconfig-no-thanks", "libjs-jquery")

_CONFIGURATION = """\
port={port}
bind_address="127.0.0.1"
external_url="{url}"
login_url="login.html"
api_prefix="api"
static_files_path="{folder}/webapp"
static_files_mime_types=(
  {{extension=".html" mime_type="text/html"}},
  {{extension=".css" mime_type="text/css"}},
  {{extension=".js" mime_type="application/javascript"}},
  {{extension=".json" mime_type="application/json"}},
  {{extension=".png" mime_type="image/png"}},
  {{extension=".woff2" mime_type="font/woff2"}},
  {{extension=".ico" mime_type="image/x-icon"}}
)
allow_origin="*"
allow_methods="GET, POST, PUT, DELETE, OPTIONS"
allow_headers="Origin, X-Requested-With, Content-Type, Accept, Bearer, Authorization, DPoP"
expose_headers="Content-Encoding, Authorization, DPoP-Nonce"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=2419200
max_post_size=16778240
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{modules}/user"
client_module_path="{modules}/client"
user_auth_scheme_module_path="{modules}/scheme"
plugin_module_path="{modules}/plugin"
hash_algorithm="SHA512"
database={{type="sqlite3" path="{folder}/glewlwyd.db"}}
"""


def install(folder: Path) -> str:
    """Unpack the packages and copy the web application with its links followed; the one into /etc leads nowhere."""
    root = debian(_PACKAGES, folder)
    web = folder / "webapp"
    shutil.rmtree(web, ignore_errors=True)
    shutil.copytree(
        root / "usr/share/glewlwyd/webapp",
        web,
        ignore=lambda at, names: {name for name in names if not Path(at, name).exists()},
    )
    (web / "config.json").unlink(missing_ok=True)
    shutil.copyfile(next(root.glob("etc/glewlwyd/config-*/config.json")), web / "config.json")
    return debian_version("glewlwyd", root)


def launch(place: Place) -> Launch:
    """Make a fresh database, so that a start is always the same, and start the server on it."""
    root = place.folder / "root"
    database = place.folder / "glewlwyd.db"
    database.unlink(missing_ok=True)
    write_private(database, "")
    with gzip.open(root / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz", "rt", encoding="utf-8") as file:
        connection = sqlite3.connect(database)
        connection.executescript(file.read())
        connection.close()
    written = place.folder / "glewlwyd.conf"
    modules = root / "usr/lib/glewlwyd"
    write_private(
        written,
        _CONFIGURATION.format(port=place.port, url=place.url, folder=place.folder, modules=modules),
    )
    return Launch(
        (str(root / "usr/bin/glewlwyd"), f"--config-file={written}"),
        {"LD_LIBRARY_PATH": libraries(root)},
    )


RECIPES = (
    Recipe(
        name="glewlwyd",
        summary="glewlwyd (Debian): loose, strict and with PAR required, side by side",
        port=4593,
        variable="GLEWLWYD_URL",
        profiles=("glewlwyd.yaml", "glewlwyd-strict.yaml", "glewlwyd-par-required.yaml"),
        install=install,
        launch=launch,
        settle=configure,
        ready="/config",
    ),
)
