"""What signing costs: `python -m benchmarks.image_urls` prints microseconds of processor time for each kind."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

import boto3
from botocore.config import Config
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_TIMES = 300
_URL = "https://d111111abcdef8.cloudfront.net/receipts/0/photos/0.jpg"
_END = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def _microseconds(act: Callable[[], object]) -> float:
    act()
    start = time.process_time()
    for _ in range(_TIMES):
        act()
    return (time.process_time() - start) / _TIMES * 1e6


def main() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    by_rsa = CloudFrontSigner("K", lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303
    by_curve = CloudFrontSigner("K", lambda message: curve.sign(message, ec.ECDSA(hashes.SHA1())))  # noqa: S303
    s3 = boto3.session.Session(aws_access_key_id="A", aws_secret_access_key="S").client(  # noqa: S106
        "s3", region_name="us-east-1", config=Config(signature_version="s3v4")
    )
    kinds: dict[str, Callable[[], object]] = {
        "CloudFront, RSA 2048": lambda: by_rsa.generate_presigned_url(_URL, date_less_than=_END),
        "CloudFront, ECDSA P-256": lambda: by_curve.generate_presigned_url(_URL, date_less_than=_END),
        "S3, presigned": lambda: s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"}),
    }
    for name, act in kinds.items():
        print(f"{name:24} {_microseconds(act):6.0f} µs")


if __name__ == "__main__":
    main()
