"""Rolls services to the release that they have, so that new tasks read a secret's new value."""

import os

import boto3


def handler(_event: object, _context: object) -> None:
    ecs = boto3.client("ecs")
    for service in os.environ["SERVICES"].split(","):
        ecs.update_service(cluster=os.environ["CLUSTER"], service=service, forceNewDeployment=True)
