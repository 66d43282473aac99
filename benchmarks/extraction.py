"""Measure the local engine on a folder of labelled receipts: `python benchmarks/extraction.py FOLDER`.

The folder holds labels.json, {file name: {"merchant", "date", "total", "currency"}}, with "n_items", "subtotal",
"tax", "tip" where known, and the pictures beside it or in images/. Nothing of it is copied. Prints one line a miss,
then accuracy per field, honesty of the review queue, time and memory, and writes out/bench/extraction.json.

`--copies` reads seeded worse copies instead (photographs.py), `--drawn N` adds N receipts drawn in American style
(american_receipts.py), `--pages FOLDER` keeps what was recognized, so that rules can be measured again in seconds.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "app_src")]

from benchmarks.american_receipts import drawn_receipt  # noqa: E402 - it is a script
from benchmarks.photographs import KINDS, copy_of  # noqa: E402
from extraction.local import read_page, recognize  # noqa: E402
from extraction.page import Page  # noqa: E402

_LEGAL_FORM = re.compile(r"\b(sdn|bhd|s/?b|gmbh|ag|kg|co|inc|llc|ltd|m)\b|[^\w\s]")
_MAIN = ("total", "date", "merchant")
_MONEY = ("total", "subtotal", "tax", "tip")


@dataclass(frozen=True)
class Sample:
    """One labelled picture; `image` is read when it is needed."""

    name: str
    label: dict[str, Any]
    path: Path | None = None
    kind: str | None = None
    drawn: bytes | None = None

    def image(self) -> bytes:
        data = self.drawn if self.path is None else self.path.read_bytes()
        return copy_of(data, kind=self.kind, seed=self.name) if self.kind else data


def same_merchant(read: str | None, label: str) -> bool:
    """Whether two names mean one shop: legal forms aside, one holds the other's words or they are 80 % alike."""
    a, b = (" ".join(_LEGAL_FORM.sub(" ", (name or "").lower()).split()) for name in (read, label))
    if not a or not b:
        return False
    if set(a.split()) <= set(b.split()) or set(b.split()) <= set(a.split()):
        return True
    return difflib.SequenceMatcher(None, a.replace(" ", ""), b.replace(" ", "")).ratio() >= 0.8


def judge(extraction: Any, label: dict[str, Any]) -> dict[str, bool]:
    """Right or wrong by field, for the fields the label has."""
    verdict = {
        "date": str(extraction.purchased_on) == label["date"],
        "merchant": same_merchant(extraction.merchant, label["merchant"]),
        "currency": extraction.currency == label["currency"],
    }
    for name in _MONEY:
        if label.get(name) is not None:
            value = getattr(extraction, name)
            verdict[name] = value is not None and abs(float(value) - label[name]) < 0.005
    if label.get("n_items"):
        verdict["items"] = len(extraction.items) == label["n_items"]
    return verdict


def samples(folder: Path | None, *, kinds: list[str], drawn: int) -> Iterator[Sample]:
    """The folder's pictures, or their copies, then the drawn ones."""
    if folder:
        labels: dict[str, dict[str, Any]] = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        for kind in kinds or [None]:
            for name, label in sorted(labels.items()):
                path = folder / "images" / name
                yield Sample(name, label, path=path if path.exists() else folder / name, kind=kind)
    for number in range(drawn):
        image, label = drawn_receipt(number)
        for kind in kinds or [None]:
            yield Sample(f"drawn-{number}", label, drawn=image, kind=kind)


def page_of(sample: Sample, pages: Path | None) -> Page:
    """What is recognized on a picture, from the kept pages where there is one."""
    if pages is None:
        return recognize(sample.image())
    kept = pages / f"{sample.name}.{sample.kind or 'asis'}.json"
    digest = hashlib.sha256(sample.drawn).hexdigest() if sample.drawn else ""
    if kept.exists() and (stored := json.loads(kept.read_text(encoding="utf-8")))["of"] == digest:
        return Page.from_json(stored["page"])
    page = recognize(sample.image())
    pages.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"of": digest, "page": page.to_json()}, ensure_ascii=False), encoding="utf-8")
    return page


def measure(chosen: Iterator[Sample], *, pages: Path | None) -> dict[str, Any]:
    """Read every picture once, in one process, and count."""
    verdicts: list[dict[str, bool]] = []
    reviewed: list[bool] = []
    seconds: list[float] = []
    for sample in chosen:
        started = time.process_time()
        extraction = read_page(page_of(sample, pages))
        seconds.append(time.process_time() - started)
        verdict = judge(extraction, sample.label)
        verdicts.append(verdict)
        reviewed.append(bool(extraction.needs_review))
        if not all(verdict.values()):
            print(f"{sample.name} {sample.kind or ''}: {_misses(extraction, sample.label, verdict)}", flush=True)
    return {
        "receipts": len(verdicts),
        "accuracy": _accuracy(verdicts),
        "total_date_merchant_all_right": _share([_right(v) for v in verdicts]),
        "review": {
            "sent_to_review": _share(reviewed),
            "wrong_but_not_sent": _share([not _right(v) and not r for v, r in zip(verdicts, reviewed, strict=True)]),
            "wrong_total_or_date_not_sent": _share(
                [not (v["total"] and v["date"]) and not r for v, r in zip(verdicts, reviewed, strict=True)]
            ),
            "right_but_sent": _share([_right(v) and r for v, r in zip(verdicts, reviewed, strict=True)]),
        },
        "cpu_seconds_median": round(statistics.median(seconds), 2),
        "cpu_seconds_worst": round(max(seconds), 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _right(verdict: dict[str, bool]) -> bool:
    return all(verdict[name] for name in _MAIN)


def _share(flags: list[bool]) -> float:
    return round(sum(flags) / len(flags), 3)


def _accuracy(verdicts: list[dict[str, bool]]) -> dict[str, float]:
    """By field, over the receipts whose label has it."""
    names = dict.fromkeys(name for verdict in verdicts for name in verdict)
    return {name: _share([verdict[name] for verdict in verdicts if name in verdict]) for name in names}


def _misses(extraction: Any, label: dict[str, Any], verdict: dict[str, bool]) -> str:
    read = {**extraction.model_dump(), "date": extraction.purchased_on, "items": len(extraction.items)}
    wanted = {**label, "items": label.get("n_items")}
    misses = "; ".join(f"{name} {read[name]} (label {wanted[name]})" for name, right in verdict.items() if not right)
    return misses + ("" if extraction.needs_review or _right(verdict) else "  <- not sent to review")


def main() -> int:
    """Run and report; exit code 0 always: this measures, tests judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="labels.json and pictures")
    parser.add_argument(
        "--copies", nargs="*", choices=list(KINDS), metavar="KIND", help=f"all or some of {list(KINDS)}"
    )
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="receipts drawn in American style")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read each Nth picture only")
    parser.add_argument("--pages", type=Path, help="keep recognized pages here and use those that are there")
    args = parser.parse_args()
    kinds = [] if args.copies is None else args.copies or list(KINDS)
    chosen = islice(samples(args.folder, kinds=kinds, drawn=args.drawn), 0, None, args.every)
    result = measure(chosen, pages=args.pages)
    out = REPOSITORY / "out" / "bench" / "extraction.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
