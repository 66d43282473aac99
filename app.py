"""Entry point of the CDK app: `cdk synth -c env=prod`, or `python app.py` for dev."""

from __future__ import annotations

import os
import sys

from aws_cdk import Validations

from infra.config import ConfigurationError
from preflight.plugin import Preflight
from stacks.platform import SpendSmartPlatform


def main() -> int:
    preflight = Preflight()  # first, so that it sees every construct being made
    try:
        platform = SpendSmartPlatform(outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
        Validations.of(platform).add_plugins(preflight)
        platform.synth()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
