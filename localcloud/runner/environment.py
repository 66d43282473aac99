"""The environment of a process that stands for a container: what the task definition gives, and nothing that leaks in.

Three kinds of values are translated, because tasks share one machine's loopback interface and file system
(docs/adr/0001): everything else reaches the program as it would on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localcloud import layout


def translated(variables: Mapping[str, str], *, ports: Mapping[int, int], mounts: Mapping[str, Path]) -> dict[str, str]:
    """The variables with addresses, the task's own ports and its mounted folders as they are on this machine.

    `ports` maps container ports to host ports, `mounts` container paths to folders. Only a value that is exactly one
    of these is replaced, never a part of a value.
    """
    replacements = {"0.0.0.0": layout.LOOPBACK}  # noqa: S104  (looked for, never bound)
    replacements |= {str(container): str(host) for container, host in ports.items()}
    replacements |= {path: str(folder) for path, folder in mounts.items()}
    return {name: replacements.get(value, value) for name, value in variables.items()}
