"""ECR: an image that is asked for and not there is an error, by which the CDK CLI knows that it has to build it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import error_response_json
from ministack.services import ecr


def install() -> None:
    # Upstream answers DescribeImages with an empty list for an unknown tag: no image would ever be built.
    stock = ministack_app.SERVICE_HANDLERS["ecr"]

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".DescribeImages"):
            wanted = json.loads(body or b"{}")
            missing = _missing(wanted)
            if missing is not None:
                return missing
        return await stock(method, path, headers, body, query)

    ministack_app.SERVICE_HANDLERS["ecr"] = handle


def _missing(wanted: dict[str, Any]) -> Any:
    name = wanted.get("repositoryName", "")
    for image in wanted.get("imageIds") or []:
        if name in ecr._repositories and not ecr._find_image(name, image):
            return error_response_json(
                "ImageNotFoundException",
                f"The image with imageId {json.dumps(image)} does not exist within the repository with name '{name}'",
                400,
            )
    return None
