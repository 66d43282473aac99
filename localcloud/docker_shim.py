"""The commands of Docker that the CDK CLI uses to publish an image asset, done without Docker.

cdk-assets calls `inspect`, `build`, `login`, `images`, `tag` and `push`, each perhaps after `--config FOLDER`. With
RUNTIME=docker the real one builds, tags and inspects; a push stays here, for there is no registry behind the emulator.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from localcloud import images

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--config"]:
        arguments = arguments[2:]
    match arguments:
        case ["login", *_]:
            sys.stdin.read()  # the password, which nobody asks for here
            return 0
        case ["push", *options]:
            return _push(options[-1])
        case _ if os.environ.get("RUNTIME") == "docker":
            return subprocess.run(["docker", *for_this_machine(arguments)]).returncode
        case ["build", *options]:
            return _build(options)
        case ["tag", existing, new]:
            return _tag(existing, new)
        case ["inspect", *options]:
            return 0 if images.exists(options[-1]) else 1
        case ["images", *_]:
            return 0  # none that is not found by its tag already
        case ["version" | "--version", *_]:
            print("SpendSmart local cloud, in place of Docker")
            return 0
    print(f"localcloud/docker: does not know: docker {' '.join(arguments)}", file=sys.stderr)
    return 1


def for_this_machine(arguments: list[str]) -> list[str]:
    """A build for the machine it will run on, from the base image that BASE_IMAGE names, if it does."""
    if arguments[:1] != ["build"]:
        return arguments
    kept = list(arguments)
    if "--platform" in kept:
        place = kept.index("--platform")
        del kept[place : place + 2]
    if os.environ.get("BASE_IMAGE"):
        kept[1:1] = ["--build-arg", f"BASE_IMAGE={os.environ['BASE_IMAGE']}"]
    return kept


def _build(options: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="docker build", allow_abbrev=False)
    parser.add_argument("--tag", "-t", required=True)
    parser.add_argument("--file", "-f", default="Dockerfile")
    parser.add_argument("--build-arg", action="append")
    # The machine's own platform is what runs here, and a copy needs neither network nor cache.
    for ignored in ("--platform", "--target", "--network", "--output", "--cache-from", "--cache-to", "--ssh"):
        parser.add_argument(ignored, action="append")
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("context")
    given = parser.parse_args(options)
    context = Path(given.context).resolve()
    dockerfile = context / given.file
    if not dockerfile.is_file():
        print(f"localcloud/docker: there is no {dockerfile}", file=sys.stderr)
        return 1
    image = images.build(context, dockerfile=dockerfile, tag=given.tag)
    # Compiled once here instead of at each start of each task.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(image.folder)], check=False)
    print(f"copied {context} to {image.folder}")
    return 0


def _tag(existing: str, new: str) -> int:
    try:
        images.tag(existing, new)
    except images.ImageNotFoundError as error:
        print(f"localcloud/docker: {error}", file=sys.stderr)
        return 1
    return 0


def _push(reference: str) -> int:
    """Record the image in the emulator's registry, so that the next deploy finds it there."""
    registry, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    labels = registry.split(".")
    if labels[1:3] != ["dkr", "ecr"] or not repository:
        print(f"localcloud/docker: {reference} is not in a repository of ECR", file=sys.stderr)
        return 1
    # Here, as it takes longer to load than all else: the CDK CLI calls five times for an image, and pushes once.
    from botocore.exceptions import BotoCoreError, ClientError

    from localcloud import aws

    manifest = json.dumps({"schemaVersion": 2, "config": {}, "layers": [], "annotations": {"tag": tag}})
    ecr = aws.client("ecr", labels[3])
    try:
        ecr.put_image(
            repositoryName=repository,
            imageTag=tag,
            imageManifest=manifest,
            imageManifestMediaType=_MANIFEST,
            imageDigest="sha256:" + hashlib.sha256(manifest.encode()).hexdigest(),
        )
    except ecr.exceptions.ImageAlreadyExistsException:
        print(f"{reference} is there already")
    except (ClientError, BotoCoreError) as error:
        print(f"localcloud/docker: cannot push {reference}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
