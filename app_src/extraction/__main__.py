"""Read one receipt from a file or the standard input: `python -m extraction < receipt.jpg` prints JSON."""

from __future__ import annotations

import sys
from pathlib import Path

from extraction import RejectedImageError, engine_for


def main() -> int:
    """Exit code 0 when the picture was read, 1 when it was refused."""
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else sys.stdin.buffer.read()
    try:
        extraction = engine_for(name="local").extract(data)
    except RejectedImageError as error:
        print(f"refused: {error.reason}", file=sys.stderr)
        return 1
    print(extraction.model_dump_json(indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
