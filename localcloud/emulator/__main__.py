"""`python -m localcloud.emulator`: serve the AWS API until stopped."""

from __future__ import annotations

import sys

from localcloud.emulator import environment


def main() -> int:
    try:
        environment.check_version()
    except environment.WrongMiniStackError as error:
        print(error, file=sys.stderr)
        return 1
    environment.prepare()
    # MiniStack reads its environment on import, so it is imported after prepare().
    from localcloud.emulator import server

    return server.run()


if __name__ == "__main__":
    sys.exit(main())
