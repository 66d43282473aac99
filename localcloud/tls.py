"""The local cloud's own certificate authority and server certificate, made once and kept in the state folder."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcloud import layout

_VALIDITY = datetime.timedelta(days=825)
"""Days; Apple's platforms refuse server certificates that are valid for longer (support.apple.com/103769)."""

_NAMES = ("localhost", "*.localhost")


@dataclass(frozen=True, kw_only=True)
class Material:
    """Paths of PEM files. `bundle` is the system's authorities and ours, for clients that take one file."""

    authority: Path
    bundle: Path
    certificate: Path
    key: Path


def material() -> Material:
    """The files, made on the first call. Readable by their owner only."""
    folder = layout.folder("tls")
    found = Material(
        authority=folder / "ca.pem",
        bundle=folder / "bundle.pem",
        certificate=folder / "server.pem",
        key=folder / "server.key",
    )
    # The bundle is written last: where it exists, all do.
    if not found.bundle.exists():
        _make(found)
    return found


def _make(files: Material) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("SpendSmart local cloud")
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    alternative = [*map(x509.DNSName, _NAMES), x509.IPAddress(ipaddress.ip_address(layout.LOOPBACK))]
    server = (
        _builder(_name("localhost"), issuer, server_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    ours = _pem(authority)
    layout.write_private(files.authority, ours)
    layout.write_private(files.certificate, _pem(server) + ours)
    layout.write_private(
        files.key,
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )
    layout.write_private(files.bundle, _system_authorities() + ours)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        # An hour's grace: clocks of laptops that slept are behind.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _system_authorities() -> str:
    path = ssl.get_default_verify_paths().cafile
    return Path(path).read_text() + "\n" if path else ""
