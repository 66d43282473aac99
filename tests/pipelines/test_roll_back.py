"""A prefix of a bucket at an earlier time: what is copied, what is deleted, what is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipelines.tools.roll_back import Change, Version, changes

THEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def _versions(key: str, *history: tuple[int, str]) -> list[Version]:
    """The newest first: minutes since THEN, and the content or "" for a delete marker."""
    return [
        Version(
            key=key,
            version_id=f"{key}{minutes}",
            at=THEN + timedelta(minutes=minutes),
            latest=number == 0,
            marker=not content,
            etag=content,
        )
        for number, (minutes, content) in enumerate(history)
    ]


def test_each_key_is_as_it_was() -> None:
    found = changes(
        [
            *_versions("untouched", (-5, "a")),
            *_versions("overwritten", (7, "c"), (5, "b"), (-5, "a"), (-9, "0")),
            *_versions("deleted", (5, ""), (0, "a")),
            *_versions("overwritten-and-deleted", (6, ""), (5, "b"), (-1, "a")),
            *_versions("new", (5, "a")),
            *_versions("new-and-deleted", (6, ""), (5, "a")),
            *_versions("deleted-before-and-back", (5, "a"), (-1, ""), (-3, "a")),
            *_versions("back-already", (8, "a"), (5, "b"), (-1, "a")),
        ],
        THEN,
    )
    assert list(found) == [
        Change(key="deleted", how="copy", version_id="deleted0"),
        Change(key="deleted-before-and-back", how="delete"),
        Change(key="new", how="delete"),
        Change(key="overwritten", how="copy", version_id="overwritten-5"),
        Change(key="overwritten-and-deleted", how="copy", version_id="overwritten-and-deleted-1"),
    ]


def test_what_it_did_can_be_undone_by_it() -> None:
    """Its own copies are versions like any other."""
    history = _versions("image", (9, "a"), (5, "b"), (-5, "a"))
    (change,) = changes(history, THEN + timedelta(minutes=6))
    assert change == Change(key="image", how="copy", version_id="image5")
