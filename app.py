"""Entry point of the CDK app: `cdk synth -c env=prod`, `cdk synth -c pipeline=1`, `cdk synth -c preview=<branch>`, or
`python app.py` for dev."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aws_cdk as cdk

from audit.asked import Asked
from audit.pack.plugin import plugins as audit_packs
from infra.config import ConfigurationError
from infra.image_key import FOLDER as IMAGE_KEYS
from preflight.plugin import Preflight

PIPELINE, PREVIEW = "pipeline", "preview"
"""Context values that ask for something else than an environment."""


def main() -> int:
    preflight = Preflight()  # first, so that it sees every construct being made
    try:
        app = _app()
        plugins: list[cdk.IPolicyValidationPlugin] = [preflight, *audit_packs(app)]
        cdk.Validations.of(app).add_plugins(*plugins, Asked(plugins))
        app.synth()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _app() -> cdk.App:
    """The pipelines or a branch's preview where the context asks for them, otherwise one environment.

    Each is imported where it is wanted: somebody waits for a preview, and the others take a second to load.
    """
    outdir = os.environ.get("CDK_OUTDIR", "cdk.out")
    # An app alone can tell which context the CLI has passed; this one is never synthesized.
    asked = cdk.App(auto_synth=False).node.try_get_context
    if asked(PIPELINE):
        from pipelines.app import DeliveryApp

        return DeliveryApp(outdir=outdir)
    if asked(PREVIEW):
        from stacks.preview_app import PreviewApp

        return PreviewApp(outdir=outdir)
    from stacks.platform import SpendSmartPlatform

    # Where public keys of image URLs are, for an environment that makes its own, as the local cloud does.
    keys = Path(os.environ["IMAGE_KEYS"]) if "IMAGE_KEYS" in os.environ else IMAGE_KEYS
    return SpendSmartPlatform(outdir=outdir, keys=keys)


if __name__ == "__main__":
    sys.exit(main())
