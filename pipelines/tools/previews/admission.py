"""Whether a pull request may have a preview, asked before any of its code is run with a right of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from infra.config.previews import Previews
from pipelines.tools.previews.github import PullRequest
from previews.life import Preview


class RefusedError(Exception):
    """No preview; the message says why and what to do."""


def pull_request(found: PullRequest | None, *, branch: str, commit: str) -> PullRequest:
    """Raises RefusedError for one that is closed or from a fork, and for a commit that is not its newest: a fork may
    call its branch like one of ours, but does not have our commits."""
    if found is None:
        raise RefusedError(
            f"no open pull request has the branch {branch} of this repository: those of forks get no preview, as their "
            "code would get credentials"
        )
    if found.from_fork or not found.open:
        raise RefusedError(f"pull request {found.number} is {'from a fork' if found.from_fork else found.state}")
    if found.commit != commit:
        raise RefusedError(
            f"{commit[:10]} is not the newest commit of pull request {found.number}, which is {found.commit[:10]}: "
            "there was another push meanwhile, or it is somebody else's branch of the same name"
        )
    return found


def limits(
    name: str, there: Sequence[Preview], previews: Previews, daily_usd: Callable[[Preview], float | None]
) -> None:
    """Raises RefusedError when one more would be too many, or cost too much; one that is there may always be updated.

    The new one is taken to cost as much as the dearest that is there.
    """
    others = [preview for preview in there if preview.name != name]
    if len(others) < len(there):
        return
    if len(others) >= previews.most:
        raise RefusedError(
            f"there are {len(others)} previews, and no more than {previews.most} may be (previews.most): end one that "
            "nobody needs; make previews lists them"
        )
    costs = [daily_usd(preview) or 0.0 for preview in others]
    expected = sum(costs) + max(costs, default=0.0)
    if expected > previews.life.daily_usd:
        raise RefusedError(
            f"with one more all previews would cost USD {expected:.2f} a day, and no more than "
            f"{previews.life.daily_usd} may be (previews.life.daily_usd): end one that nobody needs; "
            "make previews lists them"
        )
