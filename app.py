"""Entry point of the CDK app: `cdk synth -c env=prod`, or `python app.py` for dev."""

from __future__ import annotations

import os
import sys

from infra.config import ConfigurationError
from stacks.platform import SpendSmartPlatform


def main() -> int:
    try:
        SpendSmartPlatform(outdir=os.environ.get("CDK_OUTDIR", "cdk.out")).synth()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
