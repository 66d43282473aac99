"""`make preview-drill`: several previews at once, pushes that are broken, borders, and whether anything is left.

On a running local cloud that carries previews, which it leaves as it found it. `out/preview-drill/summary.json`: `ok`,
and `checks` with `name`, `ok` and `said` of each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import httpx2
import psutil

from localcloud import aws, demo, layout
from localcloud.console import LocalCloudError, fail
from localcloud.previews import border, leftovers, orphans, revisions, run
from previews.failure import SYNTHESIS
from previews.names import PreviewName
from previews.places import ACCESS_COOKIE, ACCESS_QUERY, failure_file

MOST_MEMORY = 300 * 1000**2 / 1024**2
"""MiB of a preview's processes (300 MB), shared pages counted by their share (proc(5), Pss)."""

_PATIENCE = 900
_PAGE = "/api/docs/"
_AT_ONCE = tuple(PreviewName.of(f"drill-{number}") for number in range(1, 6))
_CLOSED = _AT_ONCE[-1]
_BROKEN = PreviewName.of("drill-broken")


@dataclass(frozen=True, kw_only=True)
class Check:
    name: str
    ok: bool
    said: str


class Drill:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def run(self) -> None:
        try:
            self._five_at_once()
            self._broken_first_pushes()
            self._broken_later_pushes()
        finally:
            self._end_all([*_AT_ONCE, _BROKEN])

    def _note(self, name: str, ok: bool, said: str) -> None:
        self.checks.append(Check(name=name, ok=ok, said=said))
        print(f"  {'ok    ' if ok else 'FAILED'}  {name}: {said}", flush=True)

    # ---- five at once ----

    def _five_at_once(self) -> None:
        began = time.monotonic()
        open_ones = [["up", each.name] for each in _AT_ONCE if each != _CLOSED]
        codes = _together([*open_ones, ["up", _CLOSED.name, "--closed"]])
        took = time.monotonic() - began
        self._note("five at once", set(codes) == {0}, f"exit codes {codes}, {took:.0f} s for all of them")
        answers = [_answers(each) for each in _AT_ONCE]
        self._note("each answers", all(answers), f"{sum(bool(each) for each in answers)} of {len(answers)}")
        self._memory("before a receipt")
        self._receipts()
        self._memory("after a receipt each")
        self._door(_CLOSED)
        for name, refused, said in border.checks(*_AT_ONCE[:2]):
            self._note(name, refused, said)
        self._end_all(_AT_ONCE)

    def _memory(self, when: str) -> None:
        used = [memory_mib(each) for each in _AT_ONCE]
        said = ", ".join(f"{mib:.0f}" for mib in used)
        self._note(
            f"memory {when}", max(used) < MOST_MEMORY, f"MiB of each: {said}; less than {MOST_MEMORY:.0f} wanted"
        )

    def _receipts(self) -> None:
        """One for each, all sent at the same time."""
        with ThreadPoolExecutor(len(_AT_ONCE)) as threads:
            states = [threads.submit(_receipt, each) for each in _AT_ONCE]
            most = 0.0
            while not all(each.done() for each in states):
                most = max(most, sum(memory_mib(each) for each in _AT_ONCE))
        ends = [each.result() for each in states]
        said = f"{', '.join(ends)}; {most:.0f} MiB at the most of all together"
        self._note("receipts are read", set(ends) <= {"extracted", "needs_review"}, said)

    def _door(self, preview: PreviewName) -> None:
        """At the load balancer: without the token, with a wrong one, by the link, and as end-to-end tests come."""
        token = run.token(preview, run.environment())
        for what, path, cookie, code in (
            ("without a token", _PAGE, "", 403),
            ("with a wrong token", f"{_PAGE}?{ACCESS_QUERY}=wrong", f"{ACCESS_COOKIE}=wrong", 403),
            ("by its link", f"{_PAGE}?{ACCESS_QUERY}={token}", "", 302),
            ("with the cookie", _PAGE, f"{ACCESS_COOKIE}={token}", 200),
        ):
            answer = _get(preview, path, cookie=cookie)
            self._note(f"the door {what}", answer.status_code == code, f"{answer.status_code}, {code} wanted")
        given = _get(preview, f"{_PAGE}?{ACCESS_QUERY}={token}").headers.get("Set-Cookie", "")
        self._note("the link's cookie", given.startswith(f"{ACCESS_COOKIE}={token};"), "is the token" if given else "-")
        robots = _get(preview, _PAGE, cookie=f"{ACCESS_COOKIE}={token}").headers.get("X-Robots-Tag", "")
        self._note("search engines", "noindex" in robots, robots or "nothing is said to them")

    # ---- broken pushes ----

    def _broken_first_pushes(self) -> None:
        for what, revision, expected in _broken():
            code = _up(_BROKEN, revision)
            self._note(f"first push, {what}", code == 1 and expected in _told(_BROKEN), _told(_BROKEN))
            left = leftovers.of(_BROKEN)
            self._note(f"first push, {what}: nothing is left", not left, "; ".join(left) or "nothing")

    def _broken_later_pushes(self) -> None:
        code = _up(_BROKEN, revisions.another_release("the version before"))
        before = _answers(_BROKEN)
        self._note("a version that works", code == 0 and bool(before), f"release {before[:12]}")
        held = _databases(_BROKEN)
        run.keep(_BROKEN, wanted=True)
        for what, revision, expected in _broken():
            code = _up(_BROKEN, revision)
            self._note(f"later push, {what}", code == 1 and expected in _told(_BROKEN), _told(_BROKEN))
            serves = _answers(_BROKEN)
            self._note(
                f"later push, {what}: the version before serves",
                bool(before) and serves == before and _databases(_BROKEN) == held,
                f"release {serves[:12] or 'none'} on {', '.join(_databases(_BROKEN))}",
            )
        self._note("it is still kept", run.is_kept(_BROKEN), "by its stack's termination protection")
        run.keep(_BROKEN, wanted=False)
        self._orphans(_BROKEN)

    def _orphans(self, preview: PreviewName) -> None:
        found = orphans.orphan(preview)
        self._note("a stack that retained everything", len(found) > 20, f"{len(found)} things are left")
        left = orphans.swept(preview)
        self._note("the sweeper", not left, "; ".join(left) or "found and deleted all of it")

    # ---- the end ----

    def _end_all(self, previews: Sequence[PreviewName]) -> None:
        codes = _together([["down", each.name] for each in previews])
        left = [line for each in previews for line in leftovers.of(each)]
        self._note("nothing is left", not left and set(codes) == {0}, "; ".join(left) or "nothing")
        for each in previews:
            failure_file(layout.REPOSITORY, each.name).unlink(missing_ok=True)


def _receipt(preview: PreviewName) -> str:
    """The state it ends in, through the preview's bucket, its queue, its worker and its database."""
    env = run.environment()
    login = demo.DemoUser(email=run.DEMO_USER, password=run.password(env))
    cookie = f"{ACCESS_COOKIE}={run.token(preview, env)}" if preview == _CLOSED else None
    client = demo.Client(run.address(preview), login, host=preview.host(run.DOMAIN), cookie=cookie)
    return str(client.wait(client.upload(demo.RECEIPT, content_type="image/png"), patience=_PATIENCE)["state"])


def memory_mib(preview: PreviewName) -> float:
    """What a preview's processes use."""
    total = 0
    for process in leftovers.processes(preview):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1024**2


def _broken() -> list[tuple[str, str, str]]:
    """What is broken, the revision, and what the comment says of it."""
    return [
        ("an image that does not start", revisions.image_that_does_not_start(), "its web task does not start"),
        ("a migration that fails", revisions.migration_that_fails(), "its migrations failed"),
        ("a template that does not synthesize", revisions.template_that_does_not_synthesize(), SYNTHESIS),
    ]


def _up(preview: PreviewName, revision: str) -> int:
    return _together([["up", preview.name, "--branch", revision]])[0]


def _together(commands: Sequence[Sequence[str]]) -> list[int]:
    """The exit codes of `python -m localcloud.previews …`, all run at the same time."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "localcloud.previews", *words],
            cwd=layout.REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=(layout.folder("logs") / "preview-drill.log").open("a"),
        )
        for words in commands
    ]
    return [each.wait(timeout=_PATIENCE) for each in running]


def _get(preview: PreviewName, path: str, *, cookie: str = "") -> httpx2.Response:
    headers = {"Host": preview.host(run.DOMAIN), **({"Cookie": cookie} if cookie else {})}
    return httpx2.get(f"{run.address(preview)}{path}", headers=headers, verify=demo.trust(), timeout=30)


def _answers(preview: PreviewName) -> str:
    """The release that answers; empty when none does."""
    try:
        answer = _get(preview, "/readyz", cookie=f"{ACCESS_COOKIE}={run.token(preview, run.environment())}")
    except httpx2.HTTPError:
        return ""
    return str(answer.headers.get("X-Release", "")) if answer.status_code == 200 else ""


def _databases(preview: PreviewName) -> list[str]:
    return sorted(line for line in leftovers.of(preview) if line.startswith("database preview_"))


def _told(preview: PreviewName) -> str:
    """What the preview's comment says of the push before; empty when it failed in no way."""
    file = failure_file(layout.REPOSITORY, preview.name)
    return str(json.loads(file.read_text())["what"]) if file.exists() else "no word of a failure"


def main() -> int:
    drill = Drill()
    try:
        aws.client("cloudformation", "us-east-1").describe_stacks()
        drill.run()
    except LocalCloudError as error:
        return fail(error)
    ok = all(check.ok for check in drill.checks)
    folder = layout.REPOSITORY / "out" / "preview-drill"
    folder.mkdir(parents=True, exist_ok=True)
    summary = {"ok": ok, "checks": [asdict(check) for check in drill.checks]}
    (folder / "summary.json").write_text(json.dumps(summary, indent=2))
    print(f"\n{sum(check.ok for check in drill.checks)} of {len(drill.checks)} hold; {folder / 'summary.json'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
