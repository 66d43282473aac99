"""When a release first answered: asked of a real server of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localcloud.previews.answers import Answers


class Preview:
    def __init__(self) -> None:
        self.status, self.release, self.key = 200, "aaaa", ""
        self.url = ""


@pytest.fixture
def preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preview]:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))  # the trust in its authority is the client's
    found = Preview()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Host"] == "pr-42.preview.localhost"
            let_in = not found.key or f"preview_access={found.key}" in self.headers.get("Cookie", "")
            self.send_response((found.status if let_in else 403) if known else 404)
            self.send_header("X-Release", found.release)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/readyz"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def _answers(preview: Preview) -> Answers:
    return Answers(preview.url, host="pr-42.preview.localhost", token=lambda: preview.key)


def _eventually(ask: Callable[[], float | None]) -> float | None:
    deadline = time.monotonic() + 20
    while (found := ask()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_the_new_release_is_seen_when_it_first_answers(preview: Preview) -> None:
    with _answers(preview) as answers:
        asked = time.time()
        assert answers.since("bbbb1234", asked=asked) is None
        preview.release, preview.status = "bbbb", 503
        time.sleep(0.5)
        assert answers.since("bbbb1234", asked=asked) is None, "it is not ready"
        preview.status = 200
        first = _eventually(lambda: answers.since("bbbb1234", asked=asked))
        assert first is not None and first > asked + 0.5
        time.sleep(0.5)
        assert answers.since("bbbb1234", asked=time.time()) == first, "the first time counts, not the last"


def test_of_a_release_that_was_there_before_the_answer_after_the_push_counts(preview: Preview) -> None:
    with _answers(preview) as answers:
        time.sleep(0.3)
        asked = time.time()
        assert answers.since("aaaa1234", asked=asked) is None
        found = _eventually(lambda: answers.since("aaaa1234", asked=asked))
        assert found is not None and found > asked


def test_where_a_token_is_wanted_it_is_given(preview: Preview) -> None:
    preview.key = "secret"
    with _answers(preview) as answers:
        assert _eventually(lambda: answers.since("aaaa1234", asked=0.0)) is not None


def test_what_it_last_said_is_kept_for_people(preview: Preview) -> None:
    preview.status = 503
    with _answers(preview) as answers:
        assert answers.last.startswith("503")
