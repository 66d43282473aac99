"""The comment on a pull request: one for each preview, and always the same one.

A line that nobody sees (`marker`) is how it is found again. Plain text in, Markdown out; whoever posts it is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from previews.life import Preview, State, Terms

_LONGEST_REASON = 6000
"""Characters of what a tool said; a comment may have 65 536 (GitHub)."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What became of a push: `what` in a few words, `said` by the tool, `remedy` for whoever pushed."""

    what: str
    said: str
    remedy: str
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Access:
    """`link` lets in whoever has it, and is empty where all the world could read it; `token_command` prints the token,
    `password_command` the password of `user`."""

    link: str
    user: str
    token_command: str
    password_command: str


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Everything that is said of a preview. `preview` is None when there is none, as after a first push that failed;
    `daily_usd` is None when a type of resource has no price; `ended` is why a preview is no more."""

    name: str
    preview: Preview | None
    terms: Terms
    now: datetime
    daily_usd: float | None = None
    access: Access | None = None
    logs_command: str = ""
    failure: Failure | None = None
    ended: str = ""


def marker(name: str) -> str:
    """The first line of a preview's comment."""
    return f"<!-- preview: {name} -->"


def render(comment: Comment) -> str:
    """The comment's Markdown."""
    preview = comment.preview
    parts = [marker(comment.name), f"### Preview `{comment.name}`: {_state(comment)}"]
    if comment.failure:
        parts.append(_failure(comment.failure, preview))
    if preview and not comment.ended:
        if preview.is_ending_soon(comment.terms, comment.now):
            parts.append(
                f"**It ends {_in(preview.expires(comment.terms) - comment.now)}.** Push again, or put the label "
                f"`keep` on the pull request."
            )
        parts.append(
            "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in _rows(comment, preview))])
        )
    if comment.ended:
        parts.append("Everything that belonged to it is deleted. Push again for a new one.")
    return "\n\n".join(parts) + "\n"


def _state(comment: Comment) -> str:
    if comment.ended:
        return f"ended ({comment.ended})"
    if comment.preview is None:
        return State.FAILED if comment.failure else State.STARTING
    if comment.failure and comment.preview.state is State.READY:
        return State.PUSH_FAILED
    return comment.preview.state


def _rows(comment: Comment, preview: Preview) -> Iterator[tuple[str, str]]:
    access, terms = comment.access, comment.terms
    if preview.url:
        yield "URL", f"[{preview.url}]({access.link})" if access and access.link else preview.url
    if access:
        if not access.link:
            yield "Access", f"add `?access=<token>`: {_code(access.token_command)}"
        yield "Login", f"`{access.user}`, password: {_code(access.password_command)}"
    if preview.commit or preview.branch:
        yield "Commit", f"`{preview.commit[:10] or 'work tree'}` of {_code(preview.branch or preview.name)}"
    if preview.owner:
        yield "Owner", _code(preview.owner)
    expires = preview.expires(terms)
    way = (
        f"kept: {days(terms.kept_hours)} after the last push"
        if preview.kept
        else f"a push counts {days(terms.hours)} anew; the label `keep` makes it {days(terms.kept_hours)}"
    )
    yield "Expires", f"{expires:%Y-%m-%d %H:%M} UTC, {_in(expires - comment.now)} ({way})"
    if comment.daily_usd is not None:
        so_far = cost_so_far(preview, comment.daily_usd, comment.now)
        yield "Cost", f"USD {so_far:.2f} so far, USD {comment.daily_usd:.2f} a day"
    if comment.logs_command:
        yield "Logs", _code(comment.logs_command)
    yield "Reset its data", _code(f"make preview NAME={preview.name} RESET=1")
    yield "End it", _code(f"make preview-down NAME={preview.name}")


def cost_so_far(preview: Preview, daily_usd: float, now: datetime) -> float:
    """USD since it was made, as if it had always run as it does now."""
    return daily_usd * max(0.0, (now - preview.created) / timedelta(days=1))


def _failure(failure: Failure, preview: Preview | None) -> str:
    pushed = f" of `{failure.commit[:10]}`" if failure.commit else ""
    serving = ""
    if preview and preview.state in (State.READY, State.PUSH_FAILED):
        serving = f" The version before{f' (`{preview.commit[:10]}`)' if preview.commit else ''} goes on serving."
    elif preview is None:
        serving = " Nothing is left of it."
    fence = _fence(failure.said)
    said = failure.said.strip()
    if len(said) > _LONGEST_REASON:
        said = f"…{said[-_LONGEST_REASON:]}"
    return (
        f"**The push{pushed} failed: {failure.what}.**{serving} {failure.remedy}\n\n"
        f"<details><summary>What was said</summary>\n\n{fence}\n{said}\n{fence}\n\n</details>"
    )


def _fence(text: str) -> str:
    """Longer than any in the text: what a branch's code prints does not get out of its box."""
    return "`" * max(3, _longest_run(text) + 1)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _code(text: str) -> str:
    """Inline code in a table's cell, whatever characters a branch's name has."""
    plain = re.sub(r"\s+", " ", text).replace("|", "\\|")
    longest = _longest_run(plain)
    fence, padding = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{padding}{plain}{padding}{fence}"


def _in(left: timedelta) -> str:
    hours = left / timedelta(hours=1)
    if hours <= 0:
        return "at the next sweep"
    return f"in {days(round(hours))}" if hours >= 1 else f"in {max(1, round(hours * 60))} minutes"


def days(hours: int) -> str:
    """Hours in words: days where they are some."""
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours} hour{'' if hours == 1 else 's'}"
