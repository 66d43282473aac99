"""The plain CDK command line, pointed at the local cloud by nothing but documented environment variables."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from localcloud import aws, image_key, layout, regions, tls
from localcloud.console import LocalCloudError

CONCURRENCY = 6
"""Stacks that are deployed at once."""

PREVIEW_DOMAIN = "preview.localhost"
"""Of previews here: names below `localhost` lead to this machine in every browser (RFC 6761)."""


class CdkError(LocalCloudError):
    """The CDK CLI failed; `output` is all that it said, without its colors."""

    def __init__(self, message: str, *, remedy: str, output: str) -> None:
        super().__init__(message, remedy=remedy)
        self.output = output


def environment(region: str = regions.ALL[0]) -> dict[str, str]:
    """Variables that make boto3, the AWS CLI and the CDK CLI speak to the local cloud, to `region` by default."""
    root, endpoint, certificate = aws.root_credentials(), aws.endpoint(), str(tls.material().authority)
    return {
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_REGION": region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_CA_BUNDLE": certificate,
        "NODE_EXTRA_CA_CERTS": certificate,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DOCKER": str(layout.REPOSITORY / "localcloud" / "docker"),
        "LOCALCLOUD_HOME": str(layout.home()),
        "LOCALCLOUD_BASE_PORT": str(layout.ports().base),
        "IMAGE_KEYS": str(image_key.folder()),
    }


def synth(*, env: str, output: Path) -> None:
    """Synthesize one environment of the app into `output`. Raises LocalCloudError with the app's own message.

    With a key for image URLs that is this local cloud's own: nobody here has the private half of AWS's.
    """
    image_key.make(env)
    run(
        [
            *("synth", "--quiet", "--no-notices", "--no-validation", "--output", str(output)),
            *("-c", f"env={env}", "-c", f"preview.domain={PREVIEW_DOMAIN}"),
        ],
        local=False,
    )


def bootstrap(assembly: Path, *, regions: list[str]) -> None:
    """Bootstrap the emulated account in each region; quick where it stands already."""
    targets = [f"aws://{layout.ACCOUNT}/{region}" for region in regions]
    run(["bootstrap", "--app", str(assembly), *targets])


def deploy(assembly: Path, *, outputs: Path, concurrency: int = CONCURRENCY) -> None:
    """Deploy every stack of the assembly, as anyone would to AWS."""
    run(
        [
            *("deploy", "--all", "--app", str(assembly), "--require-approval", "never"),
            *("--concurrency", str(concurrency), "--outputs-file", str(outputs), "--no-notices"),
        ]
    )


def run(
    arguments: list[str], *, local: bool = True, tree: Path = layout.REPOSITORY, region: str = regions.ALL[0]
) -> None:
    """Run the pinned CDK CLI in `tree`; its output goes to logs/cdk.log. Raises CdkError when it fails."""
    variables = {
        **os.environ,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "IMAGE_KEYS": str(image_key.folder()),
    }
    if local:
        variables |= environment(region)
    log = layout.folder("logs") / "cdk.log"
    said = []
    with log.open("a") as file:
        file.write(f"\n$ cdk {' '.join(arguments)}\n")
        file.flush()
        # Line by line into the log that people follow, and beside it: others may be writing there at the same time.
        with subprocess.Popen(
            [str(tree / "scripts" / "cdk"), *arguments],
            cwd=tree,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running:
            for line in running.stdout or ():
                said.append(line)
                file.write(line)
                file.flush()
    if running.returncode:
        output = re.sub(r"\x1b\[[0-9;]*m", "", "".join(said))
        raise CdkError(
            f"cdk {arguments[0]} failed:\n{_telling_lines(output)}",
            remedy=f"the whole output is in {log}",
            output=output,
        )


def _telling_lines(output: str) -> str:
    """The last lines of the CLI's output without its progress bars."""
    lines = [line for line in output.splitlines() if line.strip() and "_IN_PROGRESS" not in line]
    return "\n".join(f"  {line}" for line in lines[-25:])
