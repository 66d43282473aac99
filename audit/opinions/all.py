"""Every second opinion on an assembly, asked at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from audit.model import Finding, Tool
from audit.opinions import cfn_lint, checkov, guard
from audit.opinions.explained import Explanation
from audit.opinions.opinion import NotRun, Opinion, judged
from audit.opinions.running import NotRunError
from preflight.assembly import Assembly

Ask = Callable[[Assembly, Path | None], Opinion]
ASKED: dict[str, tuple[str, Ask]] = {module.NAME: (module.SCOPE, module.ask) for module in (checkov, cfn_lint, guard)}


def opinions(
    assembly: Assembly, explanations: Sequence[Explanation], *, cache: Path | None = None
) -> tuple[tuple[Tool, ...], tuple[Finding, ...]]:
    """Every tool's verdict, and all their findings."""
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda name: _asked(name, assembly, cache), ASKED))
    verdicts = [judged(one, explanations) for one in said]
    return tuple(tool for tool, _ in verdicts), tuple(finding for _, found in verdicts for finding in found)


def _asked(name: str, assembly: Assembly, cache: Path | None) -> Opinion | NotRun:
    scope, ask = ASKED[name]
    try:
        return ask(assembly, cache)
    except NotRunError as error:
        return NotRun(name=name, scope=scope, why=str(error))
