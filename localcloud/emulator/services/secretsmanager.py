"""Secrets Manager: the end of a rotation, and of a replication, which MiniStack does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import error_response_json, json_response
from ministack.services import secretsmanager


def install() -> None:
    stock = ministack_app.SERVICE_HANDLERS["secretsmanager"]

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return _cancel_rotation(json.loads(body))
        if headers.get("x-amz-target", "").endswith(".StopReplicationToReplica"):
            return _stop_replication(json.loads(body))
        return await stock(method, path, headers, body, query)

    ministack_app.SERVICE_HANDLERS["secretsmanager"] = handle


def _cancel_rotation(data: dict[str, Any]) -> Any:
    _, secret = secretsmanager._resolve(data["SecretId"])
    if not secret:
        message = "Secrets Manager can't find the specified secret."
        return error_response_json("ResourceNotFoundException", message, 400)
    # The schedule stays, as on AWS; it is not followed any more.
    secret["RotationEnabled"] = False
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})


def _stop_replication(data: dict[str, Any]) -> Any:
    """Called in the replica's region, whether or not the primary's is still there."""
    _, secret = secretsmanager._resolve(data["SecretId"])
    if not secret:
        message = "Secrets Manager can't find the specified secret."
        return error_response_json("ResourceNotFoundException", message, 400)
    if not secretsmanager._is_replica(secret):
        return error_response_json("InvalidRequestException", "The secret is not a replica.", 400)
    secretsmanager._unlink_from_primary(secret)
    for member in ("_PrimarySecretArn", "_PrimaryRegion"):
        secret.pop(member, None)
    return json_response({"ARN": secret["ARN"]})
