"""Seals a report: a manifest of every file's hash, and an Ed25519 signature of that manifest.

What a good signature proves: the holder of the private key has signed this manifest, and every file is as the manifest
says. It does not prove that the report is true, nor when it was made, nor who holds the key: compare the key's
fingerprint with the one that you were given another way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.assembly import AuditError

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
PUBLIC_KEY = "manifest.json.pub"
"""Beside the files of a report: hashes, the signature of exactly these bytes, and the key that it was made with."""

KEY_VARIABLE = "AUDIT_SIGNING_KEY"
LOCAL_KEY = Path(".audit") / "signing-key.pem"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`faults` is empty where everything holds. `fingerprint` is of the key that the report says it was signed with."""

    faults: tuple[str, ...]
    fingerprint: str
    trusted: bool

    @property
    def ok(self) -> bool:
        return not self.faults


def signing_key(root: Path) -> Ed25519PrivateKey:
    """The key in the file that AUDIT_SIGNING_KEY names, else this machine's own, made the first time.

    Raises AuditError where the file is no Ed25519 private key in PEM.
    """
    given = os.environ.get(KEY_VARIABLE)
    file = Path(given) if given else root / LOCAL_KEY
    if not given and not file.exists():
        _make(file)
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuditError(f"{file}: {error}; openssl genpkey -algorithm ed25519 -out {file}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditError(f"{file} is no Ed25519 key: openssl genpkey -algorithm ed25519 -out {file}")
    return key


def _make(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(pem)


def seal(folder: Path, about: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Write manifest, signature and public key into `folder`; the key's fingerprint."""
    for name in (MANIFEST, SIGNATURE, PUBLIC_KEY):
        (folder / name).unlink(missing_ok=True)
    manifest = {**about, "files": _hashes(folder), "hash": "SHA-256", "signature": "Ed25519"}
    written = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    (folder / MANIFEST).write_bytes(written)
    (folder / SIGNATURE).write_bytes(base64.b64encode(key.sign(written)) + b"\n")
    public = key.public_key()
    (folder / PUBLIC_KEY).write_bytes(_pem(public))
    return fingerprint(public)


def verify(folder: Path, *, key: Path | None = None) -> Verdict:
    """Whether every byte in `folder` is what was signed, by `key` where one is given.

    Raises AuditError where there is no seal.
    """
    try:
        written, signature, beside = ((folder / name).read_bytes() for name in (MANIFEST, SIGNATURE, PUBLIC_KEY))
        trusted = key.read_bytes() if key else None
    except OSError as error:
        raise AuditError(f"{folder} has no complete seal: {error}") from error
    faults = []
    public = _public(trusted if trusted is not None else beside)
    if trusted is not None and _public_or_none(beside) != _raw(public):
        faults.append(f"{PUBLIC_KEY} is not the key that you trust")
    if beside != _pem(public):
        faults.append(f"{PUBLIC_KEY} has been changed")
    try:
        if signature != base64.b64encode(raw := base64.b64decode(signature, validate=False)) + b"\n":
            faults.append(f"{SIGNATURE} has been changed")
        public.verify(raw, written)
    except (InvalidSignature, ValueError):
        faults.append(f"the signature does not fit {MANIFEST}: one of the two has been changed, or another key signed")
    faults += _differences(folder, written)
    return Verdict(faults=tuple(dict.fromkeys(faults)), fingerprint=fingerprint(public), trusted=key is not None)


def _differences(folder: Path, written: bytes) -> list[str]:
    try:
        listed = dict(json.loads(written)["files"])
    except (ValueError, KeyError, TypeError):
        return [f"{MANIFEST} is no manifest"]
    found = _hashes(folder)
    faults = [f"{name} is missing" for name in sorted(listed.keys() - found.keys())]
    faults += [f"{name} is not in the manifest" for name in sorted(found.keys() - listed.keys())]
    return faults + [
        f"{name} has been changed" for name in sorted(listed.keys() & found.keys()) if listed[name] != found[name]
    ]


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and str(file.relative_to(folder)) not in (MANIFEST, SIGNATURE, PUBLIC_KEY)
    }


def fingerprint(public: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 bytes of the public key, in base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(_raw(public)).digest()).decode().rstrip("=")


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _pem(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AuditError(f"the public key cannot be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise AuditError("the public key is no Ed25519 key")
    return key


def _public_or_none(pem: bytes) -> bytes | None:
    try:
        return _raw(_public(pem))
    except AuditError:
        return None
