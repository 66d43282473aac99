"""`python -m preflight PATH --account`: ask the account that the environment's credentials belong to."""

from __future__ import annotations

import os

import boto3

from preflight.account.answer import Answer
from preflight.account.asking import check
from preflight.assembly import Assembly


def ask(assembly: Assembly, *, endpoint_url: str | None = None) -> list[Answer]:
    """Every check's answers. Credentials, profile and endpoint come from the usual AWS variables."""
    session = boto3.Session()
    return check(
        assembly,
        # One session: what it has loaded of the services' models serves all regions.
        session_for_region=lambda _: session,
        default_region=os.environ.get("AWS_REGION") or session.region_name,
        endpoint_url=endpoint_url,
    )
