"""Fuzzes every route of `docs/src/openapi.yaml` against the local server, with a scripted model and site around it.

`python -m openapi SERVER [ARGUMENT...]`: further arguments are those of `schemathesis run`.
"""

import os
import sys
import time
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.assistant import document
from conformance.servers import ours
from conformance.site import Site
from conformance.upstream import Upstream
from openapi_spec_validator import validate
from schemathesis.cli import schemathesis

from . import known, schemas
from .tokens import user_token

SECRET = "the secret of the fuzzed server's site"
# Longer than the fuzzing.
LIFETIME_SECONDS = 3600


def main(server, *arguments):
    validate(schemas.document())
    claims = {"sub": "fuzz", "exp": int(time.time()) + LIFETIME_SECONDS, "permissions": ["analytics:read"]}
    token = user_token(claims, SECRET)
    os.environ |= {"USER_TOKEN": token, "SCHEMATHESIS_HOOKS": "openapi.hooks"}
    variables = {"AUTH_MODE": "jwt,anonymous", "JWT_SECRET": SECRET, "LIMIT_ADDRESS_BURST": "0"}
    with ours(Path(server), Upstream().url, document(Site().url), **variables) as url:
        known.make(url, token)
        config = Path(__file__).parent / "schemathesis.toml"
        # It writes into the working directory.
        with TemporaryDirectory() as scratch, chdir(scratch):
            schemathesis(["--config-file", str(config), "run", str(schemas.DOCUMENT), "--url", url, *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
