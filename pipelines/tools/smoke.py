"""Tries a stage from outside: `python -m pipelines.tools.smoke full|read-only`, into out/verify/smoke.json.

`read-only` looks at health, pages and the API's description, and leaves nothing behind. `full` also sends a receipt
the whole way as a user of its own, and deletes the receipt; the user stays.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2

from pipelines.tools import stage
from pipelines.tools.client import RECEIPT_TOTAL, Client, UnexpectedAnswerError
from pipelines.tools.findings import ROOT

OUTPUT = ROOT / "out" / "verify" / "smoke.json"
PATIENCE = 180
"""Seconds from the upload to a final state; the first receipt of a new task also loads the recognition models."""


def read_only(client: Client) -> dict[str, Callable[[], Any]]:
    """Checks by name."""
    return {
        "it lives": lambda: client.page("/livez"),
        "database, broker and cache answer": lambda: client.page("/readyz"),
        "the first page is there": lambda: client.page("/"),
        "the API describes itself": lambda: client.page("/api/schema/"),
    }


def full(client: Client) -> dict[str, Callable[[], Any]]:
    """Those of `read_only`, and a receipt."""
    return {
        **read_only(client),
        "a user registers and logs in": client.register,
        "a receipt goes the whole way": lambda: _receipt(client),
    }


def _receipt(client: Client) -> None:
    receipt = client.upload()
    seen = client.wait(receipt, patience=PATIENCE)
    if seen["state"] not in ("extracted", "needs_review") or str(seen.get("total")) != RECEIPT_TOTAL:
        raise UnexpectedAnswerError(f"it ended as {seen['state']} with the total {seen.get('total')}")
    client.delete(receipt)


def run(checks: dict[str, Callable[[], Any]]) -> list[dict[str, Any]]:
    """Every check in turn; what comes after a failed one is not run."""
    results: list[dict[str, Any]] = []
    failed = False
    for name, check in checks.items():
        started, state, because = time.monotonic(), "not run" if failed else "passed", ""
        if not failed:
            try:
                check()
            except (UnexpectedAnswerError, httpx2.HTTPError) as error:
                state, because, failed = "failed", str(error) or type(error).__name__, True
        seconds = round(time.monotonic() - started, 2)
        results.append({"check": name, "state": state, "because": because, "seconds": seconds})
        print(f"{state:8} {name} {because}")
    return results


def main() -> int:
    kinds = {"full": full, "read-only": read_only}
    if len(sys.argv) != 2 or sys.argv[1] not in kinds:
        print("smoke: say full or read-only", file=sys.stderr)
        return 2
    try:
        url = stage.url()
    except stage.StageError as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 2
    results = run(kinds[sys.argv[1]](Client(url)))
    ok = all(result["state"] == "passed" for result in results)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"ok": ok, "url": url, "checks": results}, indent=2) + "\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
