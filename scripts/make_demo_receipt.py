#!/usr/bin/env python3
"""Draw docs/demo-receipt.png, the receipt that `make up` sends through.

.venv/bin/python scripts/make_demo_receipt.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "app" / "extraction"))

from receipt_images import draw  # noqa: E402 - the tests' renderer; the path has to be set first

ROWS = (
    ("Corner Bean Coffee", ""), ("480 Orchard Avenue", ""), ("Portland, OR 97205", ""), ("(503) 555-0117", ""),
    ("", ""), ("03/14/2026 8:42 AM", ""), ("", ""),
    ("2 x 4.50 Flat White", "$9.00"), ("Almond Croissant", "$4.25"), ("Sparkling Water", "$2.50"),
    ("Subtotal", "$15.75"), ("Sales Tax", "$1.42"), ("Total", "$17.17"), ("VISA ************4242", "$17.17"),
    ("", ""), ("Thank you!", ""),
)  # fmt: skip


def main() -> None:
    """Write to the path given, else over the checked-in picture."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "demo-receipt.png"
    draw(ROWS).convert("L").save(path, "PNG", optimize=True)


if __name__ == "__main__":
    main()
