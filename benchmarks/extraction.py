"""Measure the local engine on a folder of labelled receipts: `python benchmarks/extraction.py FOLDER`.

The folder holds labels.json, {file name: {"merchant", "date", "total", "currency"}}, and the pictures beside it
or in images/. Nothing of it is copied. Prints one line a miss, then accuracy per field, time and memory, and
writes out/bench/extraction.json.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
_LEGAL_FORM = re.compile(r"\b(sdn|bhd|s/?b|gmbh|ag|kg|co|inc|llc|ltd|m)\b|[^\w\s]")


def same_merchant(read: str | None, label: str) -> bool:
    """Whether two names mean one shop: legal forms aside, one holds the other's words or they are 80 % alike."""
    a, b = (" ".join(_LEGAL_FORM.sub(" ", (name or "").lower()).split()) for name in (read, label))
    if not a or not b:
        return False
    if set(a.split()) <= set(b.split()) or set(b.split()) <= set(a.split()):
        return True
    return difflib.SequenceMatcher(None, a.replace(" ", ""), b.replace(" ", "")).ratio() >= 0.8


def judge(extraction: Any, label: dict[str, Any]) -> dict[str, bool]:
    """Right or wrong by field."""
    return {
        "total": extraction.total is not None and abs(float(extraction.total) - label["total"]) < 0.005,
        "date": str(extraction.purchased_on) == label["date"],
        "merchant": same_merchant(extraction.merchant, label["merchant"]),
        "currency": extraction.currency == label["currency"],
    }


def measure(folder: Path) -> dict[str, Any]:
    """Read every labelled picture once, in one process, and count."""
    sys.path.insert(0, str(REPOSITORY / "app_src"))
    from extraction import engine_for

    engine = engine_for(name="local")
    labels: dict[str, dict[str, Any]] = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    verdicts: list[dict[str, bool]] = []
    unflagged = needlessly_flagged = 0
    seconds: list[float] = []
    for name, label in sorted(labels.items()):
        path = folder / "images" / name
        data = (path if path.exists() else folder / name).read_bytes()
        started = time.process_time()
        extraction = engine.extract(data)
        seconds.append(time.process_time() - started)
        verdict = judge(extraction, label)
        verdicts.append(verdict)
        wrong = [field for field, right in verdict.items() if not right]
        unflagged += bool({"total", "date"} & set(wrong)) and not extraction.needs_review
        needlessly_flagged += not wrong and bool(extraction.needs_review)
        if wrong:
            read = {"total": extraction.total, "date": extraction.purchased_on, "merchant": extraction.merchant,
                    "currency": extraction.currency}  # fmt: skip
            print(f"{name}: " + "; ".join(f"{field} {read[field]} (label {label[field]})" for field in wrong))
    count = len(verdicts)
    return {
        "receipts": count,
        "accuracy": {field: round(sum(v[field] for v in verdicts) / count, 3) for field in verdicts[0]},
        "total_date_merchant_all_right": round(
            sum(v["total"] and v["date"] and v["merchant"] for v in verdicts) / count, 3
        ),
        "wrong_total_or_date_without_review": unflagged,
        "all_right_but_sent_to_review": needlessly_flagged,
        "cpu_seconds_median": round(statistics.median(seconds), 2),
        "cpu_seconds_worst": round(max(seconds), 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> int:
    """Run and report; exit code 0 always: this measures, tests judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    result = measure(parser.parse_args().folder)
    out = REPOSITORY / "out" / "bench" / "extraction.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
