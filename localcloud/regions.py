"""Regions of AWS that the local cloud has, and those that were lost in a drill: nothing brings one back but
`make destroy`."""

from __future__ import annotations

from pathlib import Path

from localcloud import layout

ALL = ("us-east-1", "us-west-2")
"""Regions that the data plane and the task runner look at."""


def standing() -> tuple[str, ...]:
    """Those that are not lost."""
    gone = lost()
    return tuple(region for region in ALL if region not in gone)


def lost() -> frozenset[str]:
    """Empty but after a drill of exactly that (`make drill NAME=region`)."""
    try:
        return frozenset(_file().read_text().split())
    except FileNotFoundError:
        return frozenset()


def lose(region: str) -> None:
    """From now on its endpoints answer nobody, and whatever starts anew forgets it. Raises ValueError for the last
    one that stands."""
    if standing() == (region,):
        raise ValueError(f"{region} is the last region of this local cloud")
    layout.write_private(_file(), "\n".join(sorted(lost() | {region})))


def _file() -> Path:
    return layout.folder() / "lost-regions"
