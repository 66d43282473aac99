"""prod, with faults planted into it that the audit has to find, synthesized as `cdk synth` does."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from audit.asked import Asked
from audit.pack.plugin import plugins
from infra.acknowledgement import Decision, Pack, acknowledge
from preflight.plugin import Preflight
from stacks.platform import SpendSmartPlatform
from tests.infra.conftest import KEYS

NOW = datetime(2026, 12, 1, 12, 0, 0, tzinfo=UTC)
SECRET = "hunter2-and-some-more"

_EXPIRED = Decision(
    reason="Planted by a test: somebody decided this long ago, and never looked at it again",
    owner="platform",
    reference="tests/audit/planted.py",
    decided=date(2025, 12, 1),
    expires=date(2026, 11, 1),
)
_GONE = Decision(
    reason="Planted by a test: what it was about has been mended since, and the words stayed",
    owner="platform",
    reference="tests/audit/planted.py",
    decided=date(2026, 11, 1),
    expires=date(2027, 11, 1),
)


def synthesize(folder: Path) -> None:
    """Writes the assembly, which its packs refuse."""
    preflight = Preflight()
    app = SpendSmartPlatform(environment="prod", validate=True, outdir=str(folder), keys=KEYS)
    _plant(app)
    asked = [preflight, *plugins(app, today=NOW.date())]
    cdk.Validations.of(app).add_plugins(*asked, Asked(asked))
    with contextlib.suppress(RuntimeError):  # a synth with findings fails
        app.synth()


def stack(app: cdk.App, name: str) -> cdk.Stack:
    found = app.node.find_child(f"SpendSmart-Prod-{name}")
    assert isinstance(found, cdk.Stack)
    return found


def _plant(app: cdk.App) -> None:
    data, storage, network = stack(app, "Data"), stack(app, "Storage"), stack(app, "Network")
    open_to_all = s3.CfnBucket.PublicAccessBlockConfigurationProperty(
        block_public_acls=False, block_public_policy=False, ignore_public_acls=False, restrict_public_buckets=False
    )
    s3.CfnBucket(storage, "PublicBucket", public_access_block_configuration=open_to_all)
    ec2.CfnSecurityGroup(
        network,
        "OpenDatabase",
        group_description="Planted",
        vpc_id="vpc-1",
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(ip_protocol="tcp", from_port=5432, to_port=5432, cidr_ip="0.0.0.0/0")
        ],
    )
    rds.CfnDBInstance(
        data,
        "UnencryptedReplica",
        db_instance_class="db.m7g.large",
        source_db_instance_identifier="spendsmart-prod",
        storage_encrypted=False,
    )
    iam.CfnPolicy(
        data,
        "PassAnyRole",
        policy_name="planted",
        roles=["planted"],
        policy_document={
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}],
        },
    )
    lambda_.CfnFunction(
        data,
        "SecretInEnvironment",
        code=lambda_.CfnFunction.CodeProperty(zip_file="def handler(*_): pass"),
        handler="index.handler",
        runtime="python3.13",
        role="arn:aws:iam::000000000000:role/planted",
        environment=lambda_.CfnFunction.EnvironmentProperty(variables={"DATABASE_PASSWORD": SECRET}),
    )
    kept = logs.CfnLogGroup(data, "LogsForever")
    association = _association(app)
    assert association.node.scope
    association.node.scope.node.try_remove_child(association.node.id)
    acknowledge(kept, "CloudWatchLogGroupEncrypted", packs=[Pack.NIST], decision=_EXPIRED)
    acknowledge(kept, "S3BucketVersioningEnabled", packs=[Pack.NIST], decision=_GONE)


def _association(app: cdk.App) -> IConstruct:
    return next(
        one
        for one in stack(app, "RegionalWaf").node.find_all()
        if isinstance(one, cdk.CfnResource) and one.cfn_resource_type == "AWS::WAFv2::WebACLAssociation"
    )
