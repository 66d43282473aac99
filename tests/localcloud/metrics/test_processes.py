"""What a tree of processes uses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from localcloud.metrics.processes import Usage, processor_between, usage

PARENT = """
import subprocess, sys, time

burn = "import time\\nwhile time.process_time() < 0.4: pass\\n"
held = b"x" * 60_000_000
subprocess.run([sys.executable, "-c", burn])
child = subprocess.Popen([sys.executable, "-c", burn + "print(flush=True); time.sleep(60)"])
time.sleep(60)
"""


def test_children_count_and_so_do_those_that_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = usage([process.pid])
        process.kill()
    assert found
    assert 0.8 <= found.processor < 2
    assert found.memory > 60_000_000
    assert usage([process.pid]) is None


def test_time_is_counted_between_two_looks_at_the_same_process() -> None:
    before = Usage(processor=10.0, memory=0, swapped=0, began=1.0)
    after = replace(before, processor=12.5)
    assert processor_between(before, after) == 2.5
    assert processor_between(None, after) == 12.5
    assert processor_between(before, replace(after, began=2.0)) == 12.5
