"""The commands of Docker that the CDK CLI uses to publish an image asset, done without Docker.

`docker build`, `tag`, `push`, `inspect`, `login`, `version`: cdk-assets calls no others.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from localcloud import aws, images


def main(arguments: list[str]) -> int:
    if os.environ.get("RUNTIME") == "docker" and arguments[:1] != ["push"] and arguments[:1] != ["login"]:
        return subprocess.run(["docker", *arguments]).returncode
    match arguments:
        case ["build", *options]:
            return _build(options)
        case ["tag", existing, new]:
            images.tag(existing, new)
            return 0
        case ["push", *options]:
            return _push(options[-1])
        case ["inspect", *options]:
            return 0 if images.exists(options[-1]) else 1
        case ["login", *_]:
            sys.stdin.read()  # the password, which nobody asks for here
            return 0
        case ["version" | "--version", *_]:
            print("SpendSmart local cloud, in place of Docker")
            return 0
    print(f"localcloud/docker: does not know: docker {' '.join(arguments)}", file=sys.stderr)
    return 1


def _build(options: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="docker build", allow_abbrev=False)
    parser.add_argument("--tag", "-t", required=True)
    parser.add_argument("--file", "-f", default="Dockerfile")
    parser.add_argument("--platform")  # the machine's own is what runs here
    parser.add_argument("--build-arg", action="append")
    parser.add_argument("--target")
    parser.add_argument("context")
    given = parser.parse_args(options)
    context = Path(given.context).resolve()
    image = images.build(context, dockerfile=context / given.file, tag=given.tag)
    # Compiled once here instead of at each start of each task.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(image.folder)], check=False)
    print(f"copied {context} to {image.folder}")
    return 0


def _push(reference: str) -> int:
    """Record the image in the emulator's registry, so that the next deploy finds it there."""
    registry, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    region = registry.split(".")[3]
    manifest = json.dumps({"schemaVersion": 2, "config": {}, "layers": [], "annotations": {"tag": tag}})
    ecr = aws.client("ecr", region)
    try:
        ecr.put_image(
            repositoryName=repository,
            imageTag=tag,
            imageManifest=manifest,
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageDigest="sha256:" + hashlib.sha256(manifest.encode()).hexdigest(),
        )
    except ecr.exceptions.ImageAlreadyExistsException:
        print(f"{reference} is there already")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
