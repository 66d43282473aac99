"""Names of previews: any branch gets one that fits everywhere, and no two branches the same."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from previews.names import LONGEST, RESERVED, PreviewName, PreviewNameError

BRANCHES = st.text(min_size=1, max_size=255).filter(lambda text: text.strip() == text and text.isprintable())
PLAIN = st.text(string.ascii_lowercase + string.digits + "-/_.", min_size=1, max_size=60)


def _of(branch: str) -> PreviewName:
    try:
        return PreviewName.of(branch)
    except PreviewNameError:
        assume(False)
        raise


@settings(deadline=None)
@given(BRANCHES | PLAIN)
@example("feature/" + "long-" * 49)
@example("a-name-but-for-its-length")
@example("Ärger/été")
@example("🎉")
@example("42")
@example("dependabot/npm_and_yarn/a/b-1.2.3")
def test_any_branch_gets_a_name_that_fits_everywhere(branch: str) -> None:
    preview = _of(branch)
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", preview.name) and "--" not in preview.name
    assert len(preview.name) <= LONGEST
    assert preview.name not in RESERVED
    # ElastiCache: CreateUser, 40 characters; PostgreSQL: 63 bytes, and nine more for a database; DNS: 63 a label.
    assert len(preview.environment) <= 40
    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,53}", preview.identifier)
    # CloudFormation: CreateStack, StackName.
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", f"SpendSmart-Preview-{preview.stack}")


@settings(deadline=None)
@given(BRANCHES | PLAIN)
@example("pr-42")
def test_the_name_of_a_name_is_itself(branch: str) -> None:
    preview = _of(branch)
    assert PreviewName.of(preview.name).name == preview.name


@settings(deadline=None)
@given(BRANCHES | PLAIN, BRANCHES | PLAIN)
@example("feature/a-very-long-name-1", "feature/a-very-long-name-2")
@example("Feature/x", "feature/x")
@example("a/b", "a-b")
@example("a.b", "a_b")
def test_two_branches_share_nothing(one: str, other: str) -> None:
    first, second = _of(one), _of(other)
    assume(first.branch != second.branch)
    assume(one != second.name and other != first.name)  # whoever names a branch after another's short name
    assert first.name != second.name
    assert first.identifier != second.identifier


@settings(deadline=None)
@given(PLAIN)
def test_no_prefix_of_one_is_anothers(branch: str) -> None:
    """Rights are given by prefix: `pr-4` may not be let in where `pr-42` lives."""
    preview = _of(branch)
    longer = f"{preview.name}2"[:LONGEST]
    assume(longer != preview.name)
    other = PreviewName.of(longer)
    assert not other.key_prefix.startswith(preview.key_prefix)
    assert not other.object_prefix.startswith(preview.object_prefix)


@pytest.mark.parametrize("name", ["prod", "PROD", "staging", "refs/heads/main", "Preview", "dev"])
def test_what_is_something_else_is_refused_with_a_way_on(name: str) -> None:
    with pytest.raises(PreviewNameError, match=r"names of something else; give another one, such as pr-42"):
        PreviewName.of(name)


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "a\nb", "a\x00b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(PreviewNameError, match="cannot be called"):
        PreviewName.of(name)


def test_a_plain_name_stays_as_it_is() -> None:
    preview = PreviewName.of("refs/heads/pr-42")
    assert (preview.name, preview.identifier, preview.host("preview.localhost")) == (
        "pr-42",
        "preview_pr_42",
        "pr-42.preview.localhost",
    )


def test_a_branch_of_any_script_fits_a_tag() -> None:
    assert PreviewName.of("feature/Ärger#1").tag == "feature/Ärger_1"
