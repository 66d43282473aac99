"""Deployable units of the platform, cut by lifecycle; `stacks.platform` composes them."""

import infra  # noqa: F401  (chooses the Node.js for jsii before any module here imports aws_cdk)
