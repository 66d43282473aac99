"""`python -m preflight.account.policy`: write the IAM policy that the checks need to docs/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from preflight.account.calls import policy

FILE = Path(__file__).resolve().parents[2] / "docs" / "preflight-account-policy.json"


def rendered() -> str:
    return json.dumps(policy(), indent=2) + "\n"


def main() -> int:
    FILE.write_text(rendered())
    print(f"wrote {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
