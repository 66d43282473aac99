"""Entry point of the CDK app: `cdk synth -c env=prod`, `cdk synth -c pipeline=1`, `cdk synth -c preview=<branch>`, or
`python app.py` for dev."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aws_cdk as cdk

from audit.pack.plugin import plugins as audit_packs
from infra.config import ConfigurationError
from infra.image_key import FOLDER as IMAGE_KEYS
from pipelines.app import CONTEXT as PIPELINE
from pipelines.app import DeliveryApp
from preflight.plugin import Preflight
from stacks.platform import SpendSmartPlatform
from stacks.preview_app import CONTEXT as PREVIEW
from stacks.preview_app import PreviewApp


def main() -> int:
    preflight = Preflight()  # first, so that it sees every construct being made
    try:
        app = _app()
        cdk.Validations.of(app).add_plugins(preflight, *audit_packs(app))
        app.synth()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _app() -> cdk.App:
    """The pipelines or a branch's preview where the context asks for them, otherwise one environment."""
    outdir = os.environ.get("CDK_OUTDIR", "cdk.out")
    # An app alone can tell which context the CLI has passed; this one is never synthesized.
    asked = cdk.App(auto_synth=False).node.try_get_context
    if asked(PIPELINE):
        return DeliveryApp(outdir=outdir)
    if asked(PREVIEW):
        return PreviewApp(outdir=outdir)
    # Where public keys of image URLs are, for an environment that makes its own, as the local cloud does.
    keys = Path(os.environ["IMAGE_KEYS"]) if "IMAGE_KEYS" in os.environ else IMAGE_KEYS
    return SpendSmartPlatform(outdir=outdir, keys=keys)


if __name__ == "__main__":
    sys.exit(main())
