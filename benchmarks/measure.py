"""Times whole commands from outside: wall seconds and peak memory of each finished run, as the kernel counted them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One finished run: wall-clock seconds, and MiB of the largest single process in it."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, kw_only=True)
class Series:
    """Several runs of one command."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def median(self) -> float:
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def peak_mib(self) -> float:
        return max(sample.peak_mib for sample in self.samples)

    def row(self, *, beside: Series | None = None) -> str:
        """One line for people; `beside` adds how many times that other series' median this one takes."""
        fastest, slowest = (f(sample.seconds for sample in self.samples) for f in (min, max))
        ratio = f"  ×{self.median / beside.median:5.2f}" if beside else ""
        return (
            f"{self.name:<44} {self.median:7.2f} s  ({fastest:.2f} to {slowest:.2f}, {len(self.samples)} runs)"
            f"  {self.peak_mib:5.0f} MiB{ratio}"
        )


class CommandFailedError(RuntimeError):
    """A measured command ended with an error: its figures would mean nothing."""


def run(command: Sequence[str | Path], *, cwd: Path, variables: Mapping[str, str] | None = None) -> Sample:
    """Run a command once. Raises CommandFailedError with its last output when it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailedError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said[-2000:]}")
    return Sample(seconds=seconds, peak_mib=usage.ru_maxrss / 1024)


def series(name: str, once: Callable[[], Sample], *, runs: int) -> Series:
    return Series(name=name, samples=tuple(once() for _ in range(runs)))


def machine() -> str:
    """The machine that the figures belong to."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / 1024**3
    return f"{os.cpu_count()} × {cpu}, {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
