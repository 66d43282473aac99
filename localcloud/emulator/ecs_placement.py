"""Where Fargate puts a service's tasks: spread over the zones of the service's subnets.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html: Fargate tasks are spread
across Availability Zones.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ministack.services import ec2

from localcloud.emulator.ecs_records import ENDED, Record


def configuration(service: Record, tasks: Iterable[Record]) -> Record:
    """The service's network configuration with the subnet first that the next task goes to: upstream takes that one."""
    made: Record = copy.deepcopy(service.get("networkConfiguration") or {})
    subnets = (made.get("awsvpcConfiguration") or {}).get("subnets") or []
    if subnets:
        used = Counter(subnet_of(task) for task in tasks if task["desiredStatus"] != ENDED)
        made["awsvpcConfiguration"]["subnets"] = sorted(subnets, key=lambda subnet: used[subnet])
    return made


def note_zone(task: Record) -> None:
    """A task is in the zone of its subnet."""
    found: Any = ec2._subnets.get(subnet_of(task))
    if found:
        task["availabilityZone"] = found["AvailabilityZone"]


def subnet_of(task: Record) -> str:
    """The subnet that a task was started in; empty without one."""
    return str(task.get("_subnet") or "")
