"""Task definitions as a whole: sizes, volumes, secrets, and what the services that run them ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ecs_containers import containers, for_fargate
from preflight.rules.ecs_services import API, GUIDE, REGISTER, SERVICE, TASK_DEFINITION, old_platform, task_definition
from preflight.values import Node, Text, boolean, entries, integer, is_unknown, target, text

_SECRET, _ATTACHMENT = "AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment"
_ROTATION = "AWS::SecretsManager::RotationSchedule"
_EXEC_PATHS = ("/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm")


@rule(
    "ECS-26",
    constraint=26,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="ECS Exec has somewhere to write",
    otherwise="On a read-only root file system the exec agent dies soon after the start: ExecuteCommand fails.",
    remedy="Mount writable volumes on /managed-agents, /var/lib/amazon/ssm and /var/log/amazon/ssm, or turn Exec off.",
    source=f"{GUIDE}/ecs-exec.html",
    types=(SERVICE,),
)
def exec_on_read_only(service: Resource) -> Iterator[Fault]:
    task = task_definition(service) if boolean(service.get("EnableExecuteCommand")) else None
    if task is None:
        return
    # Side containers may well be closed: what one wants to enter is what serves requests, or else anything essential.
    balanced = {text(entry.get("ContainerName")) for entry in entries(service.get("LoadBalancers"))}
    essential = [one for one in containers(task) if boolean(one.get("Essential")) is not False]
    wanted = [one for one in containers(task) if text(one.get("Name")) in balanced - {None}] or essential
    locked = [one for one in wanted if boolean(one.get("ReadonlyRootFilesystem")) and not _exec_can_write(one)]
    if locked and len(locked) == len(wanted):
        names = ", ".join(text(one.get("Name")) or str(one) for one in locked)
        message = f"the root file system of {names} in {task.logical_id} is read-only"
        yield Fault(at="EnableExecuteCommand", message=message)


@rule(
    "ECS-30",
    constraint=30,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Ephemeral storage is 21 to 200 GiB",
    otherwise=REGISTER,
    remedy="Set SizeInGiB within 21 and 200, or leave EphemeralStorage out for the 20 GiB that every task has.",
    source=f"{API}/API_EphemeralStorage.html",
    types=(TASK_DEFINITION,),
)
def ephemeral_storage(task: Resource) -> Iterator[Fault]:
    node = task.get("EphemeralStorage", "SizeInGiB")
    size = integer(node)
    if size is not None and not 21 <= size <= 200:
        yield Fault(at=str(node), message=f"{size} GiB")


@rule(
    "ECS-33",
    constraint=33,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    # Whether the old password still works depends on the kind of rotation and on the application: so this warns.
    level=Level.WARNING,
    title="Something restarts a service when a secret of its tasks rotates",
    otherwise="Secrets are read when a task starts: running tasks keep the old password after the rotation.",
    remedy="On EventBridge's rotation event of the secret, force a new deployment of the service.",
    source="https://github.com/aws/aws-cdk/issues/23645",
    lacks=("AWS::Events::Rule",),
)
def restart_on_rotation(assembly: Assembly) -> Iterator[Fault]:
    tasks = assembly.of_type(TASK_DEFINITION)
    if not assembly.of_type(_ROTATION) or _hears_of_secrets(assembly):
        return
    for task in (one for one in tasks if any(other.type == SERVICE for other in one.referrers)):
        for container in containers(task):
            secrets = [(node, _secret(node.get("ValueFrom"))) for node in entries(container.get("Secrets"))]
            rotating = next(((node, secret) for node, secret in secrets if secret and _rotates(secret)), None)
            if rotating:
                message = f"{rotating[1].logical_id} rotates, and nothing restarts the service"
                yield Fault(at=str(rotating[0]), message=message, resource=task)


@rule(
    "ECS-210",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="What needs Fargate's platform 1.4.0 does not run on an older one",
    otherwise="CreateService refuses, or no task starts.",
    remedy="Leave PlatformVersion out, or set it to LATEST or 1.4.0.",
    source=f"{GUIDE}/platform-linux-fargate.html",
    types=(SERVICE,),
)
def platform_features(service: Resource) -> Iterator[Fault]:
    version, task = old_platform(service), task_definition(service)
    if version is None or task is None:
        return
    volumes = [one for one in entries(task.get("Volumes")) if isinstance(one.get("EFSVolumeConfiguration").value, dict)]
    needs = {
        "ephemeral storage": isinstance(task.get("EphemeralStorage").value, dict),
        "a shared process namespace": text(task.get("PidMode")) == "task",
        "an EFS volume": bool(volumes),
        "ECS Exec": boolean(service.get("EnableExecuteCommand")) is True,
    }
    for feature in (name for name, used in needs.items() if used):
        yield Fault(at="PlatformVersion", message=f"platform {version} has no {feature.removeprefix('an ')}")


@rule(
    "ECS-213",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Fargate takes no host volumes, host namespaces or accelerators",
    otherwise=REGISTER,
    remedy="Drop the parameter, or run the task on EC2.",
    source=f"{GUIDE}/fargate-tasks-services.html",
    types=(TASK_DEFINITION,),
)
def task_parameters(task: Resource) -> Iterator[Fault]:
    if not for_fargate(task):
        return
    if text(task.get("PidMode")) == "host":
        yield Fault(at="PidMode", message="PidMode host on Fargate")
    if text(task.get("IpcMode")) is not None:
        yield Fault(at="IpcMode", message="IpcMode on Fargate")
    if entries(task.get("InferenceAccelerators")):
        yield Fault(at="InferenceAccelerators", message="InferenceAccelerators on Fargate")
    for volume in entries(task.get("Volumes")):
        for keys in (("Host", "SourcePath"), ("DockerVolumeConfiguration",)):
            node = volume.get(*keys)
            if not node.absent and not is_unknown(node):
                yield Fault(at=str(node), message=f"{keys[-1]} on Fargate")
    for container in containers(task):
        for node in entries(container.get("ResourceRequirements")):
            if text(node.get("Type")) in ("GPU", "InferenceAccelerator", "NeuronDevice"):
                yield Fault(at=str(node), message=f"{text(node.get('Type'))} on Fargate")


@rule(
    "ECS-215",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Containers fit into their task's CPU and memory",
    otherwise=REGISTER,
    remedy="Raise the task's size, or lower the containers' Cpu, Memory or MemoryReservation.",
    source=f"{API}/API_ContainerDefinition.html",
    types=(TASK_DEFINITION,),
)
def sizes(task: Resource) -> Iterator[Fault]:
    if (text(task.get("RuntimePlatform", "OperatingSystemFamily")) or "").startswith("WINDOWS"):
        return  # Sizes of the task as a whole do not count there.
    cpu, memory = _units(task.get("Cpu"), "vcpu"), _units(task.get("Memory"), "gb")
    used = sum(integer(one.get("Cpu")) or 0 for one in containers(task))
    if cpu and used > cpu:
        yield Fault(at="Cpu", message=f"containers reserve {used} CPU units of {cpu:g}")
    reserved = 0
    for container in containers(task):
        hard, soft = integer(container.get("Memory")), integer(container.get("MemoryReservation"))
        reserved += (hard or 0) if soft is None else soft
        if hard is not None and soft is not None and hard < soft:
            yield Fault(at=container.path("Memory"), message=f"Memory {hard} is less than MemoryReservation {soft}")
        if hard is not None and memory and hard > memory:
            yield Fault(at=container.path("Memory"), message=f"Memory {hard} MiB in a task of {memory:g} MiB")
    if memory and reserved > memory:
        yield Fault(at="Memory", message=f"containers reserve {reserved} MiB of {memory:g}")


@rule(
    "ECS-216",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="On Fargate secrets, awslogs and images from ECR need an execution role",
    otherwise=f"{REGISTER} Fargate requires an execution role ARN for them.",
    remedy="Give the task definition an ExecutionRoleArn.",
    source=f"{GUIDE}/task_execution_IAM_role.html",
    types=(TASK_DEFINITION,),
)
def execution_role(task: Resource) -> Iterator[Fault]:
    if not for_fargate(task) or not task.get("ExecutionRoleArn").absent:
        return
    for container in containers(task):
        image = container.get("Image").value
        written = image.literal if isinstance(image, Text) else str(image)
        needs = {
            "Secrets": bool(entries(container.get("Secrets"))),
            "LogConfiguration": text(container.get("LogConfiguration", "LogDriver")) == "awslogs",
            "Image": ".dkr.ecr." in written,
        }
        for key in (name for name, used in needs.items() if used):
            yield Fault(at=container.path(key), message=f"{key} needs an ExecutionRoleArn")


@rule(
    "ECS-217",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="EFS volumes with an access point or IAM are encrypted in transit, and an access point has no root directory",
    otherwise=REGISTER,
    remedy="Set TransitEncryption: ENABLED, and with an AccessPointId leave RootDirectory out.",
    source=f"{API}/API_EFSVolumeConfiguration.html",
    types=(TASK_DEFINITION,),
)
def efs_volumes(task: Resource) -> Iterator[Fault]:
    for volume in entries(task.get("Volumes")):
        efs = volume.get("EFSVolumeConfiguration")
        point = efs.get("AuthorizationConfig", "AccessPointId")
        iam = text(efs.get("AuthorizationConfig", "IAM")) == "ENABLED"
        encryption, root = efs.get("TransitEncryption"), text(efs.get("RootDirectory"))
        if (iam or point.present) and (encryption.absent or text(encryption) == "DISABLED"):
            yield Fault(at=str(encryption), message="no encryption in transit")
        if point.present and root not in (None, "/", ""):
            yield Fault(at=efs.path("RootDirectory"), message=f"RootDirectory {root} beside an access point")


@rule(
    "ECS-223",
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A secret and an environment variable of a container have different names",
    otherwise=f'{REGISTER} "The secret name must be unique and not shared with any new or existing environment '
    'variables set on the container."',
    remedy="Drop the one or the other.",
    source="https://github.com/compose-x/ecs_composex/issues/707",
    types=(TASK_DEFINITION,),
)
def variable_names(task: Resource) -> Iterator[Fault]:
    for container in containers(task):
        taken = {text(node.get("Name")) for node in entries(container.get("Environment"))}
        for node in entries(container.get("Secrets")):
            name = text(node.get("Name"))
            if name is not None and name in taken:
                yield Fault(at=node.path("Name"), message=f"{name} is in use in this container")
            taken.add(name)


def _exec_can_write(container: Node) -> bool:
    """Whether writable mounts cover each folder of the exec agent. A mount at an unknown path may."""
    mounts = [one for one in entries(container.get("MountPoints")) if boolean(one.get("ReadOnly")) is not True]
    paths = [text(mount.get("ContainerPath")) for mount in mounts]
    folders = [f"{path.rstrip('/')}/" for path in paths if path]
    return None in paths or all(any(f"{wanted}/".startswith(each) for each in folders) for wanted in _EXEC_PATHS)


def _secret(node: Node) -> Resource | None:
    found = target(node, _SECRET, _ATTACHMENT)
    if found and found.type == _ATTACHMENT:
        return target(found.get("SecretId"), _SECRET)
    return found


def _rotates(secret: Resource) -> bool:
    owners = [secret, *(one for one in secret.referrers if one.type == _ATTACHMENT)]
    return any(one.type == _ROTATION for owner in owners for one in owner.referrers)


def _hears_of_secrets(assembly: Assembly) -> bool:
    """Whether some EventBridge rule listens to rotations that succeed; a pattern that is not known may."""
    patterns = [each.get("EventPattern") for each in assembly.of_type("AWS::Events::Rule")]
    return any(is_unknown(one) or _hears_of_rotations(one) for one in patterns if not one.absent)


def _hears_of_rotations(pattern: Node) -> bool:
    if "secretsmanager" not in repr(pattern.value):
        return False
    names = {text(name) for name in entries(pattern.get("detail", "eventName"))}
    return not names or not names <= {"RotationFailed", "RotationAbandoned"}


def _units(node: Node, unit: str) -> float | None:
    """A size in CPU units or MiB, also from "1 vCPU" and "2 GB"."""
    written = (text(node) or "").strip().lower()
    found = re.fullmatch(rf"(\d{{1,9}}(?:\.\d{{1,3}})?|\.\d{{1,3}})\s*({unit})?", written)
    return float(found[1]) * (1024 if found[2] else 1) if found else None
