"""The models of load, against figures that queueing theory gives."""

from __future__ import annotations

import math

import pytest

from localcloud.scaling import load
from localcloud.scaling.traces import Job


def test_erlang_c_against_known_values() -> None:
    """M/M/1 waits with the probability of its load; M/M/2 at 1 erlang with one third, M/M/5 at 4 with 0.5541."""
    assert load.erlang_c(servers=1, load=0.7) == pytest.approx(0.7)
    assert load.erlang_c(servers=2, load=1.0) == pytest.approx(1 / 3)
    assert load.erlang_c(servers=5, load=4.0) == pytest.approx(0.5541, abs=1e-4)
    assert load.erlang_c(servers=3, load=0.0) == 0.0


def test_latency_grows_with_load_and_with_what_waits() -> None:
    calm, busy = (load.request_latency(demand=demand, waiting=0, tasks=2, vcpu=1) for demand in (0.2, 1.7))
    assert load.CPU_PER_REQUEST < calm < busy
    assert load.request_latency(demand=1.7, waiting=10, tasks=2, vcpu=1) == pytest.approx(busy + 5)
    assert load.request_latency(demand=1, waiting=0, tasks=0, vcpu=1) == math.inf


def test_a_small_task_is_slower() -> None:
    whole, quarter = (load.request_latency(demand=0.5 * vcpu, waiting=0, tasks=1, vcpu=vcpu) for vcpu in (1.0, 0.25))
    assert quarter == pytest.approx(4 * whole)


def test_what_is_too_much_waits_and_in_the_end_gives_up() -> None:
    first = load.serve(demand=3, waiting=0, capacity=2, tick=10)
    assert (first.cpu, first.waiting, first.given_up) == (20, 10, 0)
    full = load.serve(demand=3, waiting=60, capacity=2, tick=10)
    assert (full.waiting, full.given_up) == (2 * load.PATIENCE, 10)


@pytest.mark.parametrize("job", [Job(cpu=2.6, wall=2.6), Job(cpu=0.3, wall=12.0)])
def test_a_queue_settles_at_littles_law_and_loses_nothing(job: Job) -> None:
    rate = load.throughput(slots=4, capacity=2, job=job)
    arrivals, waiting, done = 0.5 * rate * 10, 0.0, 0.0
    for _ in range(100):
        before = waiting
        tick = load.work(arrivals=arrivals, waiting=waiting, slots=4, capacity=2, job=job, tick=10)
        waiting = tick.waiting
        done = tick.cpu / job.cpu
        assert before + arrivals == pytest.approx(waiting + done)
    assert done == pytest.approx(arrivals)
    assert waiting == pytest.approx(0.5 * rate * job.wall)


def test_more_jobs_than_can_be_done_gather() -> None:
    job = Job(cpu=1.0, wall=1.0)
    tick = load.work(arrivals=100, waiting=50, slots=2, capacity=2, job=job, tick=10)
    assert tick.waiting == pytest.approx(130)
    assert tick.cpu == pytest.approx(20)
