"""The public half of the key pair that signs image URLs."""

from __future__ import annotations

from pathlib import Path

from infra.config import ConfigurationError

FOLDER = Path(__file__).resolve().parent.parent / "config" / "keys"


def image_public_key(environment: str, *, folder: Path = FOLDER) -> str | None:
    """PEM text of `<environment>-cloudfront-public.pem`; None where there is no such file.

    Raises ConfigurationError when the file holds something else, a private key above all.
    """
    path = folder / f"{environment}-cloudfront-public.pem"
    if not path.exists():
        return None
    pem = path.read_text().strip()
    if not (pem.startswith("-----BEGIN PUBLIC KEY-----") and pem.endswith("-----END PUBLIC KEY-----")):
        raise ConfigurationError(
            f"{path.name}: not a public key in PEM format\n"
            f"      accepted: what `openssl rsa -in private.pem -pubout` prints"
        )
    return pem + "\n"
