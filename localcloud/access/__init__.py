"""Access tried out: what the application did was let, and what no task may do is refused."""

ATTEMPTS = "audit"
"""Name of the sessions in which forbidden calls are tried: no use of a role, and not noted as such."""
