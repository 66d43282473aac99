"""Every fault, in the order in which they are drilled."""

from __future__ import annotations

from localcloud.drill.faults.catalog_of_servers import SERVERS
from localcloud.drill.faults.catalog_of_services import SERVICES, UNDRILLED
from localcloud.drill.faults.fault import REDUNDANT, Bounds, Fault
from localcloud.drill.faults.processes import (
    Frozen,
    Killed,
    container,
    emulator,
    no_more_descriptors,
    no_more_disk,
    of_data_plane,
    zone,
)

_ALONE = Bounds(recovery=30.0, since="mended")
"""The only one of its kind here: there is an outage, which ends when the part has started again."""

_KILL, _STOP = "SIGKILL", "SIGSTOP"

PROCESSES = (
    Fault(
        name="web-killed", says="a web task dies", how=f"{_KILL} to all its web processes", group="processes",
        breakage=Killed(container("web", "web")), bounds=REDUNDANT,
    ),
    Fault(
        name="web-frozen", says="a web task hangs", how=f"{_STOP} to all its web processes", group="processes",
        breakage=Frozen(container("web", "web")), holds=40, bounds=REDUNDANT,
    ),
    Fault(
        name="web-descriptors", says="a web task has no file descriptor left", group="processes", holds=40,
        how="RLIMIT_NOFILE of all its web processes, down to what they have open",
        breakage=no_more_descriptors(container("web", "web")), bounds=REDUNDANT,
    ),
    Fault(
        name="web-disk-full", says="a web task cannot write a byte to its disk", group="processes", holds=40,
        how="RLIMIT_FSIZE of all its processes, down to nothing",
        breakage=no_more_disk(container("web", "web")), bounds=REDUNDANT,
    ),
    Fault(
        name="worker-killed", says="a worker dies, perhaps with a receipt in hand", how=_KILL, group="processes",
        breakage=Killed(container("worker", "worker")), bounds=REDUNDANT,
    ),
    Fault(
        name="worker-frozen", says="a worker hangs", how=_STOP, group="processes",
        breakage=Frozen(container("worker", "worker")), holds=40, bounds=REDUNDANT,
    ),
    Fault(
        name="worker-descriptors", says="a worker has no file descriptor left", group="processes", holds=40,
        how="RLIMIT_NOFILE of all its processes, down to what they have open",
        breakage=no_more_descriptors(container("worker", "worker")), bounds=REDUNDANT,
    ),
    Fault(
        name="worker-disk-full", says="a worker cannot write a byte to its disk", group="processes", holds=40,
        how="RLIMIT_FSIZE of all its processes, down to nothing",
        breakage=no_more_disk(container("worker", "worker")), bounds=REDUNDANT,
    ),
    Fault(
        name="beat-killed", says="the scheduler dies", how=_KILL, group="processes",
        breakage=Killed(container("beat", "beat")), bounds=REDUNDANT,
    ),
    Fault(
        name="beat-frozen", says="the scheduler hangs", how=_STOP, group="processes",
        breakage=Frozen(container("beat", "beat")), holds=40, bounds=REDUNDANT,
    ),
    Fault(
        name="pgbouncer-killed", says="the connection pool of a web task dies", how=_KILL, group="processes",
        breakage=Killed(container("web", "pgbouncer")), bounds=REDUNDANT,
    ),
    Fault(
        name="pgbouncer-frozen", says="the connection pool of a web task hangs", how=_STOP, group="processes",
        breakage=Frozen(container("web", "pgbouncer")), holds=40, bounds=REDUNDANT,
    ),
    Fault(
        name="envoy-killed", says="the load balancer dies: on AWS one of several nodes, here the only one", how=_KILL,
        breakage=Killed(of_data_plane("envoy")), bounds=_ALONE, group="processes",
    ),
    Fault(
        name="envoy-frozen", says="the load balancer hangs", how=f"{_STOP} for 5 s", group="processes",
        breakage=Frozen(of_data_plane("envoy")), holds=5, bounds=_ALONE,
    ),
    Fault(
        name="emulator-killed", says="AWS's control plane, S3 and Secrets Manager are gone", how=_KILL,
        breakage=Killed(emulator), bounds=_ALONE, group="processes",
    ),
    Fault(
        name="emulator-frozen", says="AWS's control plane, S3 and Secrets Manager hang", how=f"{_STOP} for 8 s",
        breakage=Frozen(emulator), holds=8, bounds=_ALONE, group="processes",
    ),
    Fault(
        name="zone-lost", says="every task of an availability zone dies at once", how=f"{_KILL} to all their processes",
        breakage=Killed(zone), bounds=REDUNDANT, group="processes",
    ),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*PROCESSES, *SERVERS, *SERVICES, *UNDRILLED)
