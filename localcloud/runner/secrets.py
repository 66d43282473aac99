"""Values of a container's secrets, fetched with the execution role's rights as the ECS agent does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.runner.definitions import ContainerDefinition, Secret


class SecretUnavailableError(Exception):
    """A secret could not be had; the message names the container, the variable and the secret, as ECS does."""


def resolve(container: ContainerDefinition, client: Callable[[str], Any]) -> dict[str, str]:
    """Values by variable. `client` gives a boto3 client of a service, acting as the execution role.

    Raises SecretUnavailableError.
    """
    values = {}
    for secret in container.secrets:
        try:
            values[secret.name] = _value(secret, client)
        except (ClientError, BotoCoreError, ValueError) as error:
            raise SecretUnavailableError(
                "ResourceInitializationError: unable to pull secrets or registry auth: container "
                f"{container.name}, variable {secret.name}, {secret.value_from}: {error}"
            ) from error
    return values


def _value(secret: Secret, client: Callable[[str], Any]) -> str:
    if ":secretsmanager:" not in secret.value_from:
        name = secret.value_from.split(":parameter", 1)[-1]
        return str(client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    # arn:aws:secretsmanager:region:account:secret:name, then up to three optional parts
    parts = secret.value_from.split(":")
    arn, options = ":".join(parts[:7]), [*parts[7:], "", "", ""]
    request = {"SecretId": arn, "VersionStage": options[1], "VersionId": options[2]}
    text: str = client("secretsmanager").get_secret_value(**{k: v for k, v in request.items() if v})["SecretString"]
    key = options[0]
    if not key:
        return text
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the secret is no JSON object, but its key {key!r} is asked for") from error
    if not isinstance(found, dict) or key not in found:
        raise ValueError(f"the secret has no key {key!r}")
    return str(found[key])
