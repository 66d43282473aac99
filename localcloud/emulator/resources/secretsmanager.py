"""Secrets: references by ARN, resource policies, rotation schedules, attachments to databases."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from localcloud.emulator import coercion
from localcloud.emulator.corrections import replace
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Handler, Properties, Provisioned, Wanted, resource


@resource("AWS::SecretsManager::Secret")
class Secret(Completion):
    """Ref is the ARN; upstream's is the name."""

    def create(self, wanted: Wanted) -> Provisioned:
        made = super().create(wanted)
        return Provisioned(ref=_arn(made.ref), attributes=made.attributes)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        changed = super().update(_name(ref), before, wanted)
        return Provisioned(ref=_arn(changed.ref), attributes=changed.attributes)

    def delete(self, ref: str, properties: Properties) -> None:
        # As CloudFormation does: the secret goes at once, so that its name is free again.
        client("secretsmanager").delete_secret(SecretId=ref, ForceDeleteWithoutRecovery=True)

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        record = secretsmanager._secrets[_name(ref)]
        record["KmsKeyId"] = wanted.properties.get("KmsKeyId") or record.get("KmsKeyId")
        return {"Id": record["ARN"]}


def _value(properties: Properties) -> str:
    """Upstream draws passwords with punctuation, whatever GenerateSecretString excludes."""
    wanted = dict(properties.get("GenerateSecretString") or {})
    if not wanted or properties.get("SecretString"):
        return str(properties.get("SecretString") or "")
    template, key = wanted.pop("SecretStringTemplate", None), wanted.pop("GenerateStringKey", "password")
    request = coercion.to_input("secretsmanager", "GetRandomPassword", wanted)
    password = str(client("secretsmanager").get_random_password(**request)["RandomPassword"])
    return json.dumps({**json.loads(template), key: password}) if template else password


replace(provisioners, "_sm_secret_string", _value)


def _arn(name: str) -> str:
    found: str = client("secretsmanager").describe_secret(SecretId=name)["ARN"]
    return found


def _name(reference: str) -> str:
    found: str = client("secretsmanager").describe_secret(SecretId=reference)["Name"]
    return found


@resource("AWS::SecretsManager::ResourcePolicy")
class ResourcePolicy(Handler):
    immutable = frozenset({"SecretId"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("secretsmanager", "PutResourcePolicy", wanted.properties)
        client("secretsmanager").put_resource_policy(**request)
        return Provisioned(ref=str(wanted.properties["SecretId"]), attributes={"Id": wanted.properties["SecretId"]})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("secretsmanager").delete_resource_policy(SecretId=ref)


@resource("AWS::SecretsManager::RotationSchedule")
class RotationSchedule(Handler):
    """The schedule as the API shows it. A hosted rotation function is AWS's own: it is named, not run."""

    immutable = frozenset({"SecretId"})

    def create(self, wanted: Wanted) -> Provisioned:
        secret = str(wanted.properties["SecretId"])
        record = secretsmanager._secrets[_name(secret)]
        record["RotationEnabled"] = True
        record["RotationRules"] = coercion.to_shape(
            "secretsmanager", "RotationRulesType", wanted.properties.get("RotationRules", {})
        )
        record["RotationLambdaARN"] = wanted.properties.get("RotationLambdaARN") or _hosted(wanted)
        return Provisioned(ref=secret, attributes={"Id": secret})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("secretsmanager").cancel_rotate_secret(SecretId=ref)


def _hosted(wanted: Wanted) -> str:
    """ARN of the function that the AWS::SecretsManager transform would put into a nested stack."""
    hosted = wanted.properties["HostedRotationLambda"]
    name = hosted.get("RotationLambdaName") or f"SecretsManager{wanted.stack_name}-{wanted.logical_id}"[:64]
    return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"


@resource("AWS::SecretsManager::SecretTargetAttachment")
class SecretTargetAttachment(Handler):
    """Adds the database's connection details to the secret's JSON. Ref is the secret's ARN."""

    immutable = frozenset({"SecretId", "TargetId", "TargetType"})

    def create(self, wanted: Wanted) -> Provisioned:
        secret = str(wanted.properties["SecretId"])
        if wanted.properties["TargetType"] != "AWS::RDS::DBInstance":
            raise ValueError(f"attaching a secret to {wanted.properties['TargetType']} is not implemented here")
        found = client("rds").describe_db_instances(DBInstanceIdentifier=wanted.properties["TargetId"])
        instance = found["DBInstances"][0]
        content = json.loads(client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
        content |= {
            "engine": instance["Engine"],
            "host": instance["Endpoint"]["Address"],
            "port": instance["Endpoint"]["Port"],
            "dbInstanceIdentifier": instance["DBInstanceIdentifier"],
            **({"dbname": instance["DBName"]} if instance.get("DBName") else {}),
        }
        client("secretsmanager").update_secret(SecretId=secret, SecretString=json.dumps(content))
        return Provisioned(ref=secret, attributes={"Id": secret})

    def delete(self, ref: str, properties: Properties) -> None:
        secrets = client("secretsmanager")
        content = json.loads(secrets.get_secret_value(SecretId=ref)["SecretString"])
        for name in ("engine", "host", "port", "dbInstanceIdentifier", "dbname"):
            content.pop(name, None)
        secrets.update_secret(SecretId=ref, SecretString=json.dumps(content))
