"""Questions to an AWS account before a deploy: is everything there that these stacks need?

Read-only. Each module holds the checks of one topic; `check` asks them all, side by side, and returns their answers.
What the stacks need is read from the cloud assembly. `calls` lists every API call that is made.
"""

from preflight.account.answer import Answer, Status
from preflight.account.asking import check

__all__ = ["Answer", "Status", "check"]
