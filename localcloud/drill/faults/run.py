"""Carries faults out, one after the other, under a load that never stops."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from localcloud import commands, layout
from localcloud.drill.faults import books
from localcloud.drill.faults.client import Book, Client, mix
from localcloud.drill.faults.fault import Fault, Scene
from localcloud.drill.faults.judge import figures, wrong
from localcloud.drill.faults.openai import Engine
from localcloud.drill.faults.record import Attempt, Record
from localcloud.drill.faults.wellness import Watch, look, well
from localcloud.drill.platform import Platform
from localcloud.ledger.entries import Ledger
from localcloud.rollout.load.answers import Answer
from localcloud.rollout.load.traffic import Traffic

WINDOW = 60.0
"""Seconds from a fault in which requests are counted at least: shares of fewer requests would be shares of nothing."""

QUIET = 8.0
"""Seconds without a failed request and with every part well, after which a fault is over."""

PATIENCE = 120.0
"""Seconds after mending in which that must come; then the next fault begins all the same."""

CALM = 60.0
"""Seconds that the platform has to be well before a fault is made."""


class Run:
    """One drill of `faults` in this order. When each is made, and which of several parts it hits, comes from `seed`."""

    def __init__(
        self,
        *,
        platform: Platform,
        faults: Sequence[Fault],
        rate: float,
        seed: int,
        engine: Engine,
        used: set[int],
        turn: int = 1,
    ) -> None:
        self._faults, self._seed = faults, seed
        # Each fault has a chance of its own: the same one whichever other faults are drilled with it.
        self._chance = {fault.name: random.Random(f"{seed}-{turn}-{fault.name}") for fault in faults}  # noqa: S311
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{seed}.jsonl"
        book = Book(ledger=Ledger(layout.folder("drill") / name), numbers=random.Random(), used=used)  # noqa: S311
        self._scene = Scene(platform=platform, engine=engine, book=book, chance=random.Random(seed))  # noqa: S311
        self._traffic = Traffic(url=commands.web_url(), rate=rate, client=partial(Client, book=book), mix=mix)
        self._attempts: list[Attempt] = []

    @property
    def ledger(self) -> object:
        """The file with every promise."""
        return self._scene.book.ledger.path

    def run(self) -> Record:
        """The whole of it; where it is interrupted, what was done until then. Raises LocalCloudError when the load
        cannot begin."""
        interrupted = False
        self._traffic.start()
        began = time.time()
        try:
            for fault in self._faults:
                self._attempts.append(self._attempt(fault))
                print(_line(self._attempts[-1]), flush=True)
        except KeyboardInterrupt:
            print("interrupted: what was broken is mended", flush=True)
            interrupted = True
        finally:
            self._traffic.stop()
        ended = time.time()
        print(f"   the load has ended after {ended - began:.0f} s; waiting until everything is read", flush=True)
        books.settle(self._scene)
        findings = books.close(self._scene, settled=True)
        self._traffic.close()
        self._scene.book.ledger.close()
        return Record(
            env=self._scene.platform.env,
            seed=self._seed,
            began=began,
            ended=ended,
            attempts=tuple(self._attempts),
            answers=tuple(self._traffic.answers),
            findings=findings,
            interrupted=interrupted,
        )

    def _attempt(self, fault: Fault) -> Attempt:
        chance = self._chance[fault.name]
        scene = Scene(platform=self._scene.platform, engine=self._scene.engine, book=self._scene.book, chance=chance)
        _until(lambda: well(look()) and not self._bad_since(time.time() - QUIET), patience=CALM)
        began = time.time()
        time.sleep(chance.uniform(2.0, 8.0))
        watch = Watch()
        made, error = time.time(), ""
        assert fault.breakage is not None  # noqa: S101  (those without one are not carried out)
        try:
            fault.breakage.make(scene)
            made = time.time()  # what is to be broken had to be found first
            time.sleep(fault.holds)
        except KeyboardInterrupt:
            fault.breakage.mend(scene)
            watch.stop()
            raise
        except Exception as failed:  # noqa: BLE001 - a drill reports what goes wrong with a fault, and goes on
            error = f"it could not be made: {failed}"
        mended = time.time()
        try:
            fault.breakage.mend(scene)
            mended = time.time()
        except Exception as failed:  # noqa: BLE001
            error = error or f"it could not be mended: {failed}"
        self._wait_for_the_end(made, mended)
        watch.stop()
        ended = time.time()
        return Attempt(
            fault=fault,
            began=began,
            made=made,
            mended=mended,
            ended=ended,
            answers=tuple(answer for answer in self._traffic.answers if began <= answer.ended <= ended),
            noticed=watch.noticed,
            whole=watch.whole,
            load=os.getloadavg()[0],
            error=error,
        )

    def _wait_for_the_end(self, made: float, mended: float) -> None:
        time.sleep(max(0.0, made + WINDOW - time.time()))
        over: Callable[[], bool] = lambda: well(look()) and not self._bad_since(time.time() - QUIET)  # noqa: E731
        _until(over, patience=PATIENCE - (time.time() - mended))

    def _bad_since(self, moment: float) -> list[Answer]:
        found = []
        for answer in reversed(self._traffic.answers):
            if answer.ended < moment:
                break
            if not answer.good:
                found.append(answer)
        return found


def _until(holds: Callable[[], bool], *, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.5)


def _line(attempt: Attempt) -> str:
    seen, said = figures(attempt), wrong(attempt)
    errors = ", ".join(f"{count} × {what}" for what, count in seen.errors)
    mark = "✗" if said else " "
    whole = f"{seen.whole:.1f}" if seen.whole is not None else "–"
    return (
        f"{mark} {attempt.fault.name:<26} {seen.failed:4} of {seen.requests} failed, clients back after "
        f"{seen.recovered:.1f} s, whole after {whole} s, reads gone {seen.reads_gone:.1f} s"
        f"{'; ' + errors if errors else ''}{'; ' + '; '.join(said) if said else ''}"
    )
