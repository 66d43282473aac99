"""Pull requests and their comments, by GitHub's REST API.

https://docs.github.com/en/rest/pulls/pulls, https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

URL = "https://api.github.com"
_PAGE = 100


class GitHubError(Exception):
    """An answer that was not hoped for; the message says to what."""


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """`from_fork`: its branch is in somebody else's repository, whose code gets no credentials of ours."""

    number: int
    branch: str
    commit: str
    author: str
    state: str
    merged: bool
    from_fork: bool
    labels: frozenset[str]

    @property
    def open(self) -> bool:
        return self.state == "open"


class GitHub:
    """One repository. The token may read pull requests and write their comments, and needs no other right."""

    def __init__(self, *, repository: str, token: str, url: str = URL) -> None:
        self._repository = repository
        self._http = httpx2.Client(
            base_url=f"{url}/repos/{repository}",
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=30,
        )

    def is_private(self) -> bool:
        """Whether only those who may read the repository read its comments."""
        return bool(self._ask("GET", "")["private"])

    def pull_request(self, number: int) -> PullRequest:
        """Raises GitHubError."""
        return self._of(self._ask("GET", f"/pulls/{number}"))

    def pull_request_of(self, branch: str) -> PullRequest | None:
        """The open one from a branch of this very repository; None without one.

        One that is from a fork has another owner in its `head`, and is not found.
        """
        owner = self._repository.split("/")[0]
        found = self._ask("GET", "/pulls", params={"state": "open", "head": f"{owner}:{branch}"})
        ours = [each for each in map(self._of, found) if not each.from_fork and each.branch == branch]
        return ours[0] if ours else None

    def comment(self, number: int, body: str) -> str:
        """Write the comment that begins with the same line as `body`, or change it; its address."""
        first = body.split("\n", 1)[0]
        page = 0
        while True:
            page += 1
            asked = {"per_page": _PAGE, "page": page}
            some = self._ask("GET", f"/issues/{number}/comments", params=asked)
            for each in some:
                if str(each["body"]).split("\n", 1)[0].strip() == first:
                    return self._changed(each, body)
            if len(some) < _PAGE:
                made = self._ask("POST", f"/issues/{number}/comments", json={"body": body})
                return str(made["html_url"])

    def _changed(self, comment: dict[str, Any], body: str) -> str:
        if comment["body"] != body:
            self._ask("PATCH", f"/issues/comments/{comment['id']}", json={"body": body})
        return str(comment["html_url"])

    def _of(self, found: dict[str, Any]) -> PullRequest:
        head = found["head"]
        # The repository of a branch whose fork was deleted is null.
        home = (head.get("repo") or {}).get("full_name", "")
        return PullRequest(
            number=found["number"],
            branch=head["ref"],
            commit=head["sha"],
            author=found["user"]["login"],
            state=found["state"],
            merged=bool(found.get("merged_at")),
            from_fork=home.lower() != self._repository.lower(),
            labels=frozenset(each["name"] for each in found.get("labels", [])),
        )

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise GitHubError(f"{method} {path or '/'} of {self._repository}: {error}") from error
        if answer.status_code >= 300:
            raise GitHubError(
                f"{method} {path or '/'} of {self._repository} answered {answer.status_code}: {answer.text[:300]}"
            )
        return answer.json()
