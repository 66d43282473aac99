"""Production brought up in its second region: out of the copies, and of nothing in the first region."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.config import ConfigurationError, in_second_region, load_environment
from stacks.platform import SpendSmartPlatform
from tests.infra.conftest import KEYS
from tests.infra.synthesized import Assembly

BACKUP = "arn:aws:rds:us-west-2:000000000000:auto-backup:ab-db-0b3d243a60764566be55"
SNAPSHOT = "arn:aws:rds:us-west-2:000000000000:snapshot:copied"
SECRETS = ("DjangoSecretKey", "JwtSigningKey", "ImageSigningKey", "OpenAiApiKey")


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    directory = tmp_path_factory.mktemp("recovered")
    context = {"region": "us-west-2", "restore": BACKUP}
    SpendSmartPlatform(environment="prod", validate=False, outdir=str(directory), keys=KEYS, context=context).synth()
    return Assembly(environment="prod", directory=directory)


def test_everything_is_in_the_second_region_and_nothing_asks_for_the_first(recovered: Assembly) -> None:
    assert {template.region for template in recovered.templates.values()} == {"us-west-2"}
    assert {"Data", "StorageReplica", "DataReplica", "Ingress", "Service", "Monitoring"} <= recovered.templates.keys()
    for name, template in recovered.templates.items():
        assert "us-east-1" not in json.dumps(template.body), name


def test_the_database_begins_with_the_replicated_backup(recovered: Assembly) -> None:
    writer = recovered["Data"].one("AWS::RDS::DBInstance", containing="Writer")
    assert (writer["SourceDBInstanceAutomatedBackupsArn"], writer["UseLatestRestorableTime"]) == (BACKUP, True)
    assert not {"MasterUsername", "DBName", "KmsKeyId", "StorageEncrypted"} & writer.keys()
    assert "MasterUserPassword" in writer


def test_the_stacks_with_the_copies_go_on_as_they_are(recovered: Assembly, prod: Assembly) -> None:
    for name in ("StorageReplica", "DataReplica"):
        assert recovered[name].body["Resources"].keys() == prod[name].body["Resources"].keys()
    assert recovered["DataReplica"].body["Resources"] == prod["DataReplica"].body["Resources"]
    then, now = (each["StorageReplica"].one("AWS::S3::Bucket", containing="Receipts") for each in (prod, recovered))
    assert now["BucketName"] == then["BucketName"]
    # Pages come from the load balancer alone.
    assert {name for name in now if now[name] != then[name]} == {"CorsConfiguration"}


def test_secrets_are_the_copies_under_their_names(recovered: Assembly, prod: Assembly) -> None:
    made = prod["Data"].all("AWS::SecretsManager::Secret")
    for secret in SECRETS:
        (copied,) = [each["Properties"] for name, each in made.items() if name.startswith(secret)]
        assert copied["Name"] == f"spendsmart-prod/{secret}"
        assert [replica["Region"] for replica in copied["ReplicaRegions"]] == ["us-west-2"]
        assert "Fn::GetStackOutput" in json.dumps(copied["ReplicaRegions"])
    assert not [name for name in recovered["Data"].all("AWS::SecretsManager::Secret") if name.startswith(SECRETS)]
    told = json.dumps([recovered[name].body for name in ("Data", "Service")])
    assert 'spendsmart-prod/DjangoSecretKey"' in told
    assert 'spendsmart-prod/JwtSigningKey"' in told


@pytest.mark.parametrize(
    ("environment", "region", "data", "said"),
    [
        ("prod", "eu-west-1", BACKUP, "has its copies in us-west-2"),
        ("prod", "us-west-2", None, "-c restore=ARN"),
        ("prod", "us-west-2", BACKUP.replace("us-west-2", "us-east-1"), "-c restore=ARN"),
        ("prod", "us-west-2", "arn:aws:s3:::bucket", "-c restore=ARN"),
        ("preview", "us-west-2", SNAPSHOT, "keeps no copies"),
    ],
)
def test_what_cannot_be_brought_up_is_refused(environment: str, region: str, data: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        in_second_region(load_environment(environment), region=region, data=data)


def test_a_snapshot_will_do_too() -> None:
    assert in_second_region(load_environment("prod"), region="us-west-2", data=SNAPSHOT).regions.primary == "us-west-2"


def test_who_works_with_a_copied_secret_may_although_the_end_of_its_name_is_not_known(recovered: Assembly) -> None:
    """AWS adds six characters to a secret's ARN, and checks rights against the whole of it."""
    statements = [*_statements(recovered, "Service"), *_statements(recovered, "Data")]
    about = [each for each in statements if "secretsmanager:GetSecretValue" in each["Action"]]
    for copied in ("DjangoSecretKeyArn", "JwtSigningKeyArn", "OpenAiApiKeyArn", "spendsmart-prod/JwtSigningKey"):
        named = [one for each in about for one in _listed(each["Resource"]) if copied in json.dumps(one)]
        assert named, copied
        assert all("-??????" in json.dumps(one) for one in named), copied
    decrypting = [
        each
        for each in _statements(recovered, "Service")
        if "secretsmanager" in json.dumps(each.get("Condition")) and "kms:Decrypt" in each["Action"]
    ]
    assert decrypting
    assert all("CopiesKey" in json.dumps(each["Resource"]) for each in decrypting)


def _statements(assembly: Assembly, stack: str) -> list[Any]:
    return [
        statement
        for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        for policy in assembly[stack].all(kind).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
