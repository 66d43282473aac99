"""Reading the request log so that each line counts once, over restarts of Envoy and of ourselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from localcloud import layout
from localcloud.dataplane.envoy import request_log
from localcloud.dataplane.envoy.request_log import Request
from localcloud.dataplane.errors import NotYetError
from localcloud.metrics import position
from localcloud.metrics.position import Position

_log = logging.getLogger(__name__)

_CUT_AT = 8 * 1024**2
"""Bytes from which on the log is cut: some 40,000 requests."""


class RequestLog:
    """The position is kept in a file, written before what was read is handed out: who dies in between loses a minute's
    requests, and never counts them twice."""

    def __init__(self) -> None:
        self._noted = layout.folder("metrics") / "requests.json"
        self._position = position.read(self._noted)

    def take(self, before: float) -> list[Request]:
        """Requests that were answered before that moment and not taken yet."""
        found: list[Request] = []
        for path in (request_log.cut_path(), request_log.path()):
            if path.exists() and not self._read(path, before, found):
                break
        self._tidy()
        position.write(self._noted, self._position)
        return found

    def _read(self, path: Path, before: float, found: list[Request]) -> bool:
        """Read on in a file; False when there is more of it that is not due yet."""
        with path.open("rb") as file:
            inode = path.stat().st_ino
            offset = self._position.in_file(path)
            file.seek(offset)
            for size, request in _lines(file):
                if request and request.completed >= before:
                    self._position = Position(inode=inode, offset=offset)
                    return False
                offset += size
                if request:
                    found.append(request)
        self._position = Position(inode=inode, offset=offset)
        return True

    def _tidy(self) -> None:
        """Remove the piece that was read to its end, cut the log when it has become long."""
        path, cut = request_log.path(), request_log.cut_path()
        if cut.exists() and cut.stat().st_ino != self._position.inode:
            cut.unlink()
        elif not cut.exists() and self._position.offset > _CUT_AT:
            try:
                request_log.cut()
            except NotYetError as error:
                _log.info("%s was cut, and %s", path, error)


def _lines(file: Iterator[bytes]) -> Iterator[tuple[int, Request | None]]:
    """Sizes and requests; none for a line of another form, nothing for one that is still being written."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        try:
            yield len(line), request_log.parse(line.decode(errors="replace"))
        except ValueError:
            _log.warning("not a request: %r", line[:200])
            yield len(line), None
