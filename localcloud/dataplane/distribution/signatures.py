"""Signed URLs and signed cookies, checked as CloudFront does.

docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from localcloud.dataplane import patterns
from localcloud.dataplane.specs import PublicKeySpec

_PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
_COOKIE_PREFIX = "CloudFront-"


class RefusedError(Exception):
    """CloudFront's answer: an error code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ViewerRequest:
    """`target` is path and query as the viewer sent them."""

    scheme: str
    host: str
    target: str
    address: str
    cookies: Mapping[str, str]


def check(request: ViewerRequest, *, keys: Sequence[PublicKeySpec], now: float) -> None:
    """Return when the request carries a valid signature of one of the keys; `now` in seconds since 1970.

    Raises RefusedError.
    """
    url, given = _split(request)
    key = next((each for each in keys if each.key_pair_id == given.get("Key-Pair-Id")), None)
    if "Key-Pair-Id" not in given:
        raise RefusedError("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
    if key is None:
        raise RefusedError("InvalidKey", "Unknown Key")
    policy = _decoded(given["Policy"]) if "Policy" in given else _canned(url, given.get("Expires", ""))
    if not _is_signed(policy, _decoded(given.get("Signature", "")), key.pem, given.get("Hash-Algorithm", "SHA1")):
        raise RefusedError("AccessDenied", "Access denied")
    _check_policy(policy, url=url, address=request.address, now=now)


def _split(request: ViewerRequest) -> tuple[str, dict[str, str]]:
    """The URL without its signature, and the parts of the signature, from the query or else from cookies."""
    path, _, query = request.target.partition("?")
    kept, given = [], {}
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        if name in _PARAMETERS:
            given[name] = value
        else:
            kept.append(part)
    if "Signature" not in given:
        given = {
            name.removeprefix(_COOKIE_PREFIX): value
            for name, value in request.cookies.items()
            if name.startswith(_COOKIE_PREFIX)
        }
    url = f"{request.scheme}://{request.host}{path}"
    return (f"{url}?{'&'.join(kept)}" if kept else url), given


def _canned(url: str, expires: str) -> bytes:
    if not re.fullmatch("[0-9]{1,12}", expires):
        raise RefusedError("MalformedPolicy", "Malformed Policy")
    # Byte for byte as documented: the signature is over this text.
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}'
    return f'{{"Statement":[{{"Resource":"{url}","Condition":{condition}}}]}}'.encode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"), validate=True)
    except binascii.Error as error:
        raise RefusedError("MalformedPolicy", "Malformed Policy") from error


def _is_signed(message: bytes, signature: bytes, pem: str, algorithm: str) -> bool:
    known: dict[str, hashes.HashAlgorithm] = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}  # noqa: S303
    digest = known.get(algorithm)
    key = serialization.load_pem_public_key(pem.encode())
    try:
        match key, digest:
            case _, None:
                return False
            case rsa.RSAPublicKey(), hashes.HashAlgorithm():
                key.verify(signature, message, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey(), hashes.HashAlgorithm():
                key.verify(signature, message, ec.ECDSA(digest))
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _check_policy(policy: bytes, *, url: str, address: str, now: float) -> None:
    try:
        statement = json.loads(policy)["Statement"][0]
        condition: dict[str, Any] = statement["Condition"]
        ends = int(condition["DateLessThan"]["AWS:EpochTime"])
        begins = int(condition.get("DateGreaterThan", {}).get("AWS:EpochTime", 0))
        network = ipaddress.ip_network(condition.get("IpAddress", {}).get("AWS:SourceIp", "0.0.0.0/0"), strict=False)
        resource = str(statement.get("Resource", "*"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise RefusedError("MalformedPolicy", "Malformed Policy") from error
    fits = re.fullmatch(patterns.regex(resource), url) is not None
    if not (fits and begins <= now < ends and ipaddress.ip_address(address) in network):
        raise RefusedError("AccessDenied", "Access denied")
