"""A small, steady load on a stage: `python -m pipelines.tools.load`, into out/verify/load.json.

The rate is kept whatever the answers take, so that a slow stage shows as late answers and not as fewer requests.
Limits come from LOAD_REQUESTS_PER_SECOND, LOAD_SECONDS, LOAD_MAX_FAILED_PERCENT and LOAD_MAX_P95_MS.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2

from pipelines.tools import stage
from pipelines.tools.client import Client
from pipelines.tools.findings import ROOT

OUTPUT = ROOT / "out" / "verify" / "load.json"
PATHS = ("/api/v1/receipts/", "/api/v1/analytics/month/", "/")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much, how long, and what is too much."""

    requests_per_second: float
    seconds: float
    max_failed_percent: float
    max_p95_ms: float

    @classmethod
    def of_environment(cls) -> Limits:
        """From the variables LOAD_…; raises KeyError when one is not set."""
        return cls(**{name: float(os.environ[f"LOAD_{name.upper()}"]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Whether a request was answered well, and after how many milliseconds from when it was due."""

    good: bool
    milliseconds: float


def steady(send: Callable[[int], bool], *, limits: Limits) -> list[Answer]:
    """Call `send` with 0, 1, 2 … at the rate of `limits`; its answer says whether that request went well."""
    count = max(1, round(limits.requests_per_second * limits.seconds))
    started = time.monotonic()

    def one(number: int) -> Answer:
        due = started + number / limits.requests_per_second
        time.sleep(max(0.0, due - time.monotonic()))
        good = send(number)
        return Answer(good=good, milliseconds=1000 * (time.monotonic() - due))

    with ThreadPoolExecutor(max_workers=min(count, 32)) as pool:
        return list(pool.map(one, range(count)))


def judge(answers: Sequence[Answer], limits: Limits) -> tuple[dict[str, float], list[str]]:
    """Figures, and what is wrong with them."""
    late = sorted(answer.milliseconds for answer in answers)
    figures = {
        "requests": len(answers),
        "failed": sum(not answer.good for answer in answers),
        "failed_percent": round(100 * sum(not answer.good for answer in answers) / len(answers), 3),
        "p50_ms": round(late[len(late) // 2], 1),
        "p95_ms": round(late[min(len(late) - 1, int(0.95 * len(late)))], 1),
    }
    wrong = [
        f"{key} is {figures[key]}, at most {most} was agreed"
        for key, most in (("failed_percent", limits.max_failed_percent), ("p95_ms", limits.max_p95_ms))
        if figures[key] > most
    ]
    return figures, wrong


def main() -> int:
    if not os.environ.get("LOAD_REQUESTS_PER_SECOND"):
        print("not run: load (LOAD_REQUESTS_PER_SECOND is not set: this stage gets none)")
        return 0
    limits = Limits.of_environment()
    client = Client(stage.url())
    client.register()

    def send(number: int) -> bool:
        try:
            return client.http.get(PATHS[number % len(PATHS)]).status_code == 200
        except httpx2.HTTPError:
            return False

    figures, wrong = judge(steady(send, limits=limits), limits)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"ok": not wrong, **figures, "wrong": wrong}, indent=2) + "\n")
    print(", ".join(f"{key} {value}" for key, value in figures.items()))
    print("\n".join(wrong) or "within what was agreed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
