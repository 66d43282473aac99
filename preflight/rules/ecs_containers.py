"""Container definitions: limits, order of start, volumes, and what Fargate does not take."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ecs_services import API, REGISTER, SERVICE, TASK_DEFINITION, on_fargate
from preflight.values import Node, boolean, entries, integer, is_unknown, strings, text

_FARGATE_DIFFERENCES = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"


def containers(task: Resource) -> list[Node]:
    return [node for node in entries(task.get("ContainerDefinitions")) if isinstance(node.value, dict)]


def for_fargate(task: Resource) -> bool:
    """Whether it says so itself, or a service on Fargate runs it."""
    if "FARGATE" in strings(task.get("RequiresCompatibilities")):
        return True
    return any(other.type == SERVICE and on_fargate(other) for other in task.referrers)


def by_name(task: Resource) -> dict[str, Node] | None:
    """Containers by name; None where one is not known."""
    found: dict[str, Node] = {}
    definitions = task.get("ContainerDefinitions")
    for node in entries(definitions):
        name = text(node.get("Name"))
        if name is None:
            return None
        found[name] = node
    return None if is_unknown(definitions) else found


@rule(
    "ECS-27",
    constraint=27,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A container that another waits for to be HEALTHY has a health check",
    otherwise=REGISTER,
    remedy="Give it a HealthCheck (the image's own does not count), or wait for START.",
    source=f"{API}/API_ContainerDependency.html",
    types=(TASK_DEFINITION,),
)
def healthy_needs_check(task: Resource) -> Iterator[Fault]:
    for dependency, other in _dependencies(task):
        if text(dependency.get("Condition")) == "HEALTHY" and other.get("HealthCheck").absent:
            yield Fault(at=str(dependency), message=f"{text(other.get('Name'))} has no HealthCheck")


@rule(
    "ECS-27b",
    constraint=27,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Only a container that is not essential is waited for to end",
    otherwise=f"{REGISTER} COMPLETE and SUCCESS cannot be set on an essential container.",
    remedy="Set Essential: false on the container that ends.",
    source=f"{API}/API_ContainerDependency.html",
    types=(TASK_DEFINITION,),
)
def end_of_essential(task: Resource) -> Iterator[Fault]:
    for dependency, other in _dependencies(task):
        essential = other.get("Essential")
        if text(dependency.get("Condition")) in ("COMPLETE", "SUCCESS") and (essential.absent or boolean(essential)):
            yield Fault(at=str(dependency), message=f"{text(other.get('Name'))} is essential")


@rule(
    "ECS-27c",
    constraint=27,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Containers name containers of the same task, and no two have one name",
    otherwise=REGISTER,
    remedy="Correct the name in DependsOn or VolumesFrom, or give each container its own.",
    source=f"{API}/API_ContainerDefinition.html",
    types=(TASK_DEFINITION,),
)
def container_names(task: Resource) -> Iterator[Fault]:
    known = by_name(task)
    if known is None:
        return
    for container in containers(task):
        name = text(container.get("Name"))
        if name is not None and str(known[name]) != str(container):
            yield Fault(at=container.path("Name"), message=f"a second container {name}")
        for key, property_name in (("DependsOn", "ContainerName"), ("VolumesFrom", "SourceContainer")):
            for node in entries(container.get(key)):
                wanted = text(node.get(property_name))
                if wanted is not None and wanted not in known:
                    yield Fault(at=node.path(property_name), message=f"there is no container {wanted}")
                elif wanted is not None and wanted == name:
                    yield Fault(at=node.path(property_name), message=f"{name} waits for itself")


@rule(
    "ECS-27d",
    constraint=27,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A mount point's volume is one of the task's volumes",
    otherwise=f"{REGISTER} A mount point refers to a volume by its name in Volumes.",
    remedy="Add the volume to Volumes, or correct SourceVolume.",
    source=f"{API}/API_Volume.html",
    types=(TASK_DEFINITION,),
)
def volumes_exist(task: Resource) -> Iterator[Fault]:
    volumes = task.get("Volumes")
    names = [text(volume.get("Name")) for volume in entries(volumes)]
    if is_unknown(volumes) or None in names:
        return
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Fault(at=volumes.path(index, "Name"), message=f"a second volume {name}")
    for container in containers(task):
        for mount in entries(container.get("MountPoints")):
            wanted = text(mount.get("SourceVolume"))
            if wanted is not None and wanted not in names:
                yield Fault(at=mount.path("SourceVolume"), message=f"there is no volume {wanted}")


@rule(
    "ECS-27e",
    constraint=27,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="Containers do not wait for each other in a circle",
    otherwise=REGISTER,
    remedy="Take one of the dependencies away.",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    types=(TASK_DEFINITION,),
)
def start_cycle(task: Resource) -> Iterator[Fault]:
    waits = {
        name: [text(node.get("ContainerName")) or "" for node in entries(container.get("DependsOn"))]
        for name, container in (by_name(task) or {}).items()
    }
    for name in waits:
        seen: set[str] = set()
        pending = [other for other in waits[name] if other != name]
        while pending and name not in seen:
            other = pending.pop()
            if other not in seen:
                seen.add(other)
                pending.extend(waits.get(other, []))
        if name in seen:
            yield Fault(at="ContainerDefinitions", message=f"{name} waits for itself by way of others")
            return


@rule(
    "ECS-28",
    constraint=28,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A container's stopTimeout is at most 120 seconds on Fargate",
    otherwise=REGISTER,
    remedy="Set StopTimeout to 120 or less.",
    source=f"{API}/API_ContainerDefinition.html",
    types=(TASK_DEFINITION,),
)
def stop_timeout(task: Resource) -> Iterator[Fault]:
    for container in containers(task) if for_fargate(task) else []:
        seconds = integer(container.get("StopTimeout"))
        if seconds is not None and not 0 <= seconds <= 120:
            yield Fault(at=container.path("StopTimeout"), message=f"stopTimeout of {seconds} s")


_CHECK_LIMITS = {"Interval": (5, 300), "Timeout": (2, 60), "Retries": (1, 10), "StartPeriod": (0, 300)}


@rule(
    "ECS-29",
    constraint=29,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A container's health check is within ECS's limits",
    otherwise=REGISTER,
    remedy="Interval 5 to 300 s, Timeout 2 to 60 s, Retries 1 to 10, StartPeriod 0 to 300 s.",
    source=f"{API}/API_HealthCheck.html",
    types=(TASK_DEFINITION,),
)
def health_check(task: Resource) -> Iterator[Fault]:
    for container in containers(task):
        for key, (lowest, highest) in _CHECK_LIMITS.items():
            node = container.get("HealthCheck", key)
            value = integer(node)
            if value is not None and not lowest <= value <= highest:
                yield Fault(at=str(node), message=f"{key} {value} is not within {lowest} and {highest}")


@rule(
    "ECS-29b",
    constraint=29,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A health check's command starts with CMD or CMD-SHELL",
    otherwise=REGISTER,
    remedy='Write ["CMD", "program", "argument"] or ["CMD-SHELL", "a line for the shell"].',
    source=f"{API}/API_HealthCheck.html",
    types=(TASK_DEFINITION,),
)
def check_command(task: Resource) -> Iterator[Fault]:
    for container in containers(task):
        check = container.get("HealthCheck")
        if isinstance(check.value, dict) and (check.get("Command").absent or check.get("Command").value == []):
            yield Fault(at=check.path("Command"), message="no command")
        first = next(iter(entries(check.get("Command"))), None)
        word = text(first)
        # One element may hold the whole line, as the console writes it: "CMD-SHELL, curl -f http://localhost/".
        if word is not None and word.split(",")[0].split(" ")[0] not in ("CMD", "CMD-SHELL", "NONE"):
            yield Fault(at=str(first), message=f"the command starts with {word[:40]!r}")


_NOT_ON_FARGATE = ("SharedMemorySize", "Devices", "MaxSwap", "Swappiness")


@rule(
    "ECS-31",
    constraint=31,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Fargate takes no shared memory size, devices or swap settings",
    otherwise=REGISTER,
    remedy="Drop the parameter; for shared memory mount a volume instead.",
    source=f"{API}/API_LinuxParameters.html",
    types=(TASK_DEFINITION,),
)
def linux_parameters(task: Resource) -> Iterator[Fault]:
    for container in containers(task) if for_fargate(task) else []:
        for key in _NOT_ON_FARGATE:
            node = container.get("LinuxParameters", key)
            if not node.absent and not is_unknown(node) and node.value not in ([], None):
                yield Fault(at=str(node), message=f"{key} on Fargate")


@rule(
    "ECS-211",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Fargate takes no privileged containers, links, host entries or name servers",
    otherwise=REGISTER,
    remedy="Drop the parameter, or run the task on EC2.",
    source=_FARGATE_DIFFERENCES,
    types=(TASK_DEFINITION,),
)
def container_parameters(task: Resource) -> Iterator[Fault]:
    lists = ("Links", "ExtraHosts", "DnsServers", "DnsSearchDomains", "DockerSecurityOptions")
    for container in containers(task) if for_fargate(task) else []:
        for key in ("Privileged", "DisableNetworking"):
            if boolean(container.get(key)):
                yield Fault(at=container.path(key), message=f"{key} on Fargate")
        for key in lists:
            node = container.get(key)
            if isinstance(node.value, list) and node.value:
                yield Fault(at=str(node), message=f"{key} on Fargate")


@rule(
    "ECS-212",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="On Fargate SYS_PTRACE is the only capability that can be added",
    otherwise=REGISTER,
    remedy="Take the capability out of LinuxParameters.Capabilities.Add.",
    source=f"{API}/API_KernelCapabilities.html",
    types=(TASK_DEFINITION,),
)
def capabilities(task: Resource) -> Iterator[Fault]:
    for container in containers(task) if for_fargate(task) else []:
        for node in entries(container.get("LinuxParameters", "Capabilities", "Add")):
            name = text(node)
            if name is not None and name not in ("SYS_PTRACE", "CAP_SYS_PTRACE"):
                yield Fault(at=str(node), message=f"adds {name}")


def _dependencies(task: Resource) -> Iterator[tuple[Node, Node]]:
    """Each entry of a container's DependsOn, with the container that it names."""
    known = by_name(task) or {}
    for container in containers(task):
        for dependency in entries(container.get("DependsOn")):
            other = known.get(text(dependency.get("ContainerName")) or "")
            if other is not None:
                yield dependency, other
