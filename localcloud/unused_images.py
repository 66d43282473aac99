"""`python -m localcloud.unused_images`: deletes the images that no active task definition names."""

from __future__ import annotations

import sys

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, images, regions


def names_in_use() -> set[str]:
    """Names of the images of all active task definitions, in every region."""
    names = set()
    for region in regions.standing():
        ecs = aws.client("ecs", region)
        pages = ecs.get_paginator("list_task_definitions").paginate(status="ACTIVE")
        for arn in [arn for page in pages for arn in page["taskDefinitionArns"]]:
            described = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            names |= {images.name_of(container["image"]) for container in described["containerDefinitions"]}
    return names


def forget_in_registry(names: set[str]) -> None:
    """Take pruned images out of the emulator's registry, so that a deploy that needs one again builds it again."""
    for region in regions.standing():
        ecr = aws.client("ecr", region)
        for repository in ecr.describe_repositories()["repositories"]:
            name = repository["repositoryName"]
            tags = {image.get("imageTag") for image in ecr.list_images(repositoryName=name)["imageIds"]} & names
            if tags:
                ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": tag} for tag in tags])


def main() -> int:
    try:
        deleted = images.prune(in_use=names_in_use())
        forget_in_registry(set(deleted))
    except (ClientError, BotoCoreError) as error:
        print(f"the local cloud does not say which images are in use: {error}", file=sys.stderr)
        return 1
    print(f"deleted {len(deleted)} images" + "".join(f"\n  {name}" for name in deleted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
