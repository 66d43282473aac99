"""What a load does to the tasks there are: CPU share, queue, and an estimate of the latency.

The models are simple on purpose and are stated in docs/scaling.md; every latency is an estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from localcloud.scaling.traces import Job

CPU_PER_REQUEST = 0.005
"""CPU seconds of one request: 177 to 236 requests per CPU second (README, Measured)."""

PATIENCE = 30.0
"""Seconds after which people give up: what would wait longer is not done any more."""

BUSIEST = 0.98
"""Utilization up to which the queueing formula is used; beyond, the queue that really builds up is what counts."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A tick: seconds of CPU used, and how much waits (CPU seconds of requests, jobs of a queue)."""

    cpu: float
    waiting: float
    given_up: float = 0.0


def serve(*, demand: float, waiting: float, capacity: float, tick: float) -> Done:
    """Requests for `tick` seconds. `demand` and `capacity` are CPU seconds a second, `waiting` CPU seconds.

    What exceeds the capacity waits; what would wait longer than PATIENCE gives up.
    """
    wanted = demand * tick + waiting
    used = min(capacity * tick, wanted)
    left = wanted - used
    kept = min(left, capacity * PATIENCE)
    return Done(cpu=used, waiting=kept, given_up=left - kept)


def work(*, arrivals: float, waiting: float, slots: float, capacity: float, job: Job, tick: float) -> Done:
    """Jobs for `tick` seconds: `arrivals` new ones, `waiting` from before, those being done included.

    As many are done as the slots and the CPU allow; what is being done stays in the queue until then, as the
    application counts it. While all of them are being done, each ends at the rate 1 / wall, so that their number
    approaches arrivals × wall (Little's law).
    """
    rate = throughput(slots=slots, capacity=capacity, job=job)
    at_once = rate * job.wall
    level = arrivals / tick * job.wall
    free = level + (waiting - level) * math.exp(-tick / job.wall)
    left = free if max(waiting, free) <= at_once else max(waiting + arrivals - rate * tick, min(free, at_once))
    return Done(cpu=(waiting + arrivals - left) * job.cpu, waiting=left)


def throughput(*, slots: float, capacity: float, job: Job) -> float:
    """Jobs a second that the slots and the CPU of all tasks together can do."""
    return min(slots / job.wall, capacity / job.cpu)


def request_latency(*, demand: float, waiting: float, tasks: int, vcpu: float) -> float:
    """Estimate of the 95th percentile of the response time in seconds; infinite without tasks.

    An M/M/c queue at each task (Erlang C, c its vCPUs, at least one), requests spread evenly, plus the queue that has
    built up where there is more work than capacity.
    """
    if not tasks:
        return math.inf
    servers = max(1, round(vcpu))
    speed = vcpu / servers
    service = CPU_PER_REQUEST / speed
    load = min(demand / tasks / speed, BUSIEST * servers)
    wait_probability = erlang_c(servers=servers, load=load)
    slack = (servers - load) / service
    wait = max(0.0, math.log(wait_probability / 0.05) / slack) if wait_probability > 0.05 else 0.0
    return service + wait + waiting / (tasks * vcpu)


def erlang_c(*, servers: int, load: float) -> float:
    """Probability that an arrival waits in an M/M/c queue of `load` erlangs, below `servers`."""
    if load <= 0:
        return 0.0
    blocking = 1.0
    for count in range(1, servers + 1):  # Erlang B by recursion, which does not overflow
        blocking = load * blocking / (count + load * blocking)
    utilization = load / servers
    return blocking / (1 - utilization + utilization * blocking)
