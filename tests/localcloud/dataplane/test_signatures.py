"""Signed URLs and cookies: what botocore's signer makes is accepted, and nothing else."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from localcloud.dataplane.desired import bucket_policy
from localcloud.dataplane.distribution.signatures import RefusedError, ViewerRequest, check
from localcloud.dataplane.specs import PublicKeySpec

NOW = 1_800_000_000.0
URL = "https://localhost:15590/receipts/a/b%20c?size=small"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
PATTERN = "https://localhost:15590/receipts/*"


def _pem(key: Any) -> str:
    public = key.public_key()
    return str(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    )


KEYS = (PublicKeySpec(key_pair_id="KRSA", pem=_pem(RSA)), PublicKeySpec(key_pair_id="KEC", pem=_pem(CURVE)))


def _signer(key: rsa.RSAPrivateKey = RSA, key_pair_id: str = "KRSA") -> CloudFrontSigner:
    return CloudFrontSigner(key_pair_id, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303


def _at(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(NOW + seconds, datetime.UTC)


def _policy(*, resource: str = PATTERN, ends: float = 60, begins: float | None = None, network: str = "") -> str:
    condition: dict[str, Any] = {"DateLessThan": {"AWS:EpochTime": int(NOW + ends)}}
    if begins is not None:
        condition["DateGreaterThan"] = {"AWS:EpochTime": int(NOW + begins)}
    if network:
        condition["IpAddress"] = {"AWS:SourceIp": network}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":"))


def _check(url: str, **cookies: str) -> None:
    scheme, _, rest = url.partition("://")
    host, _, target = rest.partition("/")
    request = ViewerRequest(scheme=scheme, host=host, target=f"/{target}", address="127.0.0.1", cookies=cookies)
    check(request, keys=KEYS, now=NOW)


@pytest.mark.parametrize("url", [URL, "https://localhost:15590/receipts/plain"])
def test_canned_and_custom_policies_of_the_sdk_are_accepted(url: str) -> None:
    _check(_signer().generate_presigned_url(url, date_less_than=_at(60)))
    _check(_signer().generate_presigned_url(url, policy=_policy(begins=-5, network="127.0.0.0/8")))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (URL, "MissingKey"),
        (_signer().generate_presigned_url(URL, date_less_than=_at(-1)), "AccessDenied"),
        (_signer().generate_presigned_url(URL, date_less_than=_at(60)).replace("b%20c", "b%20d"), "AccessDenied"),
        (_signer().generate_presigned_url(URL, date_less_than=_at(60)).replace("small", "large"), "AccessDenied"),
        (_signer().generate_presigned_url(URL, date_less_than=_at(60)).replace("https", "http"), "AccessDenied"),
        (_signer().generate_presigned_url(URL, date_less_than=_at(60)).replace("180", "190"), "AccessDenied"),
        (_signer(OTHER).generate_presigned_url(URL, date_less_than=_at(60)), "AccessDenied"),
        (_signer(OTHER, "KOTHER").generate_presigned_url(URL, date_less_than=_at(60)), "InvalidKey"),
        (_signer().generate_presigned_url(URL, policy=_policy(ends=-1)), "AccessDenied"),
        (_signer().generate_presigned_url(URL, policy=_policy(begins=5)), "AccessDenied"),
        (_signer().generate_presigned_url(URL, policy=_policy(network="10.0.0.0/8")), "AccessDenied"),
        (_signer().generate_presigned_url(URL, policy=_policy(resource="https://other/*")), "AccessDenied"),
        (_signer().generate_presigned_url(URL, policy="no json"), "MalformedPolicy"),
        (f"{URL}&Expires=x&Signature=AAAA&Key-Pair-Id=KRSA", "MalformedPolicy"),
    ],
)
def test_the_rest_is_refused(url: str, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        _check(url)
    assert refused.value.code == code


def test_cookies_and_elliptic_curves_work_too() -> None:
    policy = _policy().encode()

    def encode(data: bytes) -> str:
        return base64.b64encode(data).decode().replace("+", "-").replace("=", "_").replace("/", "~")

    signature = encode(CURVE.sign(policy, ec.ECDSA(hashes.SHA1())))  # noqa: S303
    cookies = {"CloudFront-Policy": encode(policy), "CloudFront-Signature": signature, "CloudFront-Key-Pair-Id": "KEC"}
    _check("https://localhost:15590/receipts/x", **cookies)
    with pytest.raises(RefusedError):
        _check("https://localhost:15590/elsewhere/x", **cookies)


ARN = "arn:aws:cloudfront::000000000000:distribution/E1"


def _statement(**members: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "*",
        **members,
    }


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([_statement()], True),
        (
            [_statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:cloudfront::000000000000:distribution/*"}})],
            True,
        ),
        ([_statement(Condition={"StringEquals": {"AWS:SourceAccount": "000000000000"}})], True),
        ([_statement(Condition={"StringEquals": {"AWS:SourceAccount": "111111111111"}})], False),
        ([_statement(Condition={"StringEquals": {"AWS:SourceArn": ARN + "2"}})], False),
        ([_statement(Principal={"Service": "logging.s3.amazonaws.com"})], False),
        ([_statement(Action=["s3:PutObject", "s3:List*"])], False),
        ([_statement(Action=["s3:Get*"])], True),
        ([_statement(), _statement(Effect="Deny", Principal="*", Action="s3:*")], False),
        (
            [
                _statement(),
                _statement(
                    Effect="Deny",
                    Principal={"AWS": "*"},
                    Action="s3:*",
                    Condition={"Bool": {"aws:SecureTransport": "false"}},
                ),
            ],
            True,
        ),
        ([], False),
    ],
)
def test_the_bucket_policy_decides_whether_the_distribution_may_read(statements: list[Any], allowed: bool) -> None:
    assert bucket_policy.allows({"Statement": statements}, distribution=ARN) is allowed
