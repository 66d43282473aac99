"""Entry point of the CDK app: `cdk synth -c env=prod`, or `python app.py` for dev."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aws_cdk import Validations

from infra.config import ConfigurationError
from infra.image_key import FOLDER as IMAGE_KEYS
from preflight.plugin import Preflight
from stacks.platform import SpendSmartPlatform


def main() -> int:
    preflight = Preflight()  # first, so that it sees every construct being made
    try:
        # Where public keys of image URLs are, for an environment that makes its own, as the local cloud does.
        keys = Path(os.environ["IMAGE_KEYS"]) if "IMAGE_KEYS" in os.environ else IMAGE_KEYS
        platform = SpendSmartPlatform(outdir=os.environ.get("CDK_OUTDIR", "cdk.out"), keys=keys)
        Validations.of(platform).add_plugins(preflight)
        platform.synth()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
