"""Where an environment's previews are: how their stacks are called, and the parameters beside them."""

from __future__ import annotations

from pathlib import Path

KEEP_LABEL = "keep"
"""The pull request's label by which a preview lives longer."""


def stack_prefix(environment: str) -> str:
    """How the names of the previews' stacks begin."""
    return f"SpendSmart-{environment.capitalize()}-Preview-"


def role_prefix(environment: str) -> str:
    """How the names of their roles and policies begin, which CloudFormation makes: it leaves 24 characters of a
    stack's name in that of a role, which may have 64."""
    return stack_prefix(environment)[:24]


def priorities(environment: str) -> str:
    """A path of Systems Manager: a parameter below it is a rule's priority, and holds the stack that has it."""
    return f"/spendsmart/{environment}/preview-priorities"


HEADER = "X-Preview"
"""What tells previews apart where they have no domain."""

ACCESS_COOKIE = "preview_access"
ACCESS_QUERY = "access"
"""Where the token is that lets in (`app_src/spendsmart/preview.py` sets the cookie)."""


def failure_file(repository: Path, name: str) -> Path:
    """Where a push by hand that failed leaves word for the preview's comment."""
    return repository / "out" / "preview" / f"{name}.failure.json"
