"""ECS task definitions in full, services that end when their rollout ends, capacity providers of clusters."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

import os
import time
from typing import Any

from ministack.services import ecs

from localcloud.emulator import cloudformation, coercion, parallel
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource
from localcloud.emulator.service_deployments.strategy import longest_bake

_LOOK_AGAIN_SECONDS = 0.1
_ROLLOUT_SECONDS = 900.0
_DRAINING_SECONDS = 180.0
_OF_A_REVISION = ("TaskDefinition", "LoadBalancers", "NetworkConfiguration", "CapacityProviderStrategy")


class DeploymentFailedError(RuntimeError):
    """A service did not reach steady state; the message has the task runner's reason."""


def runner_expected() -> bool:
    """Whether a task runner works on the services; without one nothing is waited for."""
    return os.environ.get("LOCALCLOUD_RUNNER") != "off"


@resource("AWS::ECS::TaskDefinition")
class TaskDefinition(Handler):
    """Every change but of tags is a new revision; the old one is deregistered after the update."""

    immutable = frozenset(coercion.takes("ecs", "RegisterTaskDefinition")) - {"tags"}

    def create(self, wanted: Wanted) -> Provisioned:
        family = wanted.properties.get("Family") or wanted.physical_name()
        request = coercion.to_input("ecs", "RegisterTaskDefinition", {**wanted.properties, "Family": family})
        arn = client("ecs").register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]
        return Provisioned(ref=arn, attributes={"TaskDefinitionArn": arn})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        if _without_tags(before) != _without_tags(wanted.properties):
            return self.create(wanted)
        ecs._tags[ref] = _tags(wanted.properties)
        return Provisioned(ref=ref, attributes={"TaskDefinitionArn": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ecs").deregister_task_definition(taskDefinition=ref)


def _without_tags(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _tags(properties: Properties) -> list[dict[str, str]]:
    return [{"key": str(tag["Key"]), "value": str(tag["Value"])} for tag in properties.get("Tags", [])]


@resource("AWS::ECS::Service")
class Service(Handler):
    """Create and update end with the service deployment, and fail with its reason."""

    immutable = frozenset({"Cluster", "LaunchType", "SchedulingStrategy", "ServiceName", "Role"})

    def create(self, wanted: Wanted) -> Provisioned:
        name = wanted.properties.get("ServiceName") or wanted.physical_name()
        request = coercion.to_input(
            "ecs", "CreateService", {"DesiredCount": 1, **wanted.properties, "ServiceName": name}
        )
        arn = _taking_fractions(request).create_service(**request)["service"]["serviceArn"]
        wanted.made(arn)
        try:
            _wait_for_deployment(arn, wanted)
        except Exception:
            self.delete(arn, wanted.properties)
            raise
        return Provisioned(ref=arn, attributes={"ServiceArn": arn, "Name": name})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        takes = {name.lower() for name in coercion.takes("ecs", "UpdateService")}
        changed = {
            name: value
            for name, value in wanted.properties.items()
            if before.get(name) != value and name.lower() in takes
        }
        # A property taken out of the template goes back to what ECS itself would have chosen.
        for name in before.keys() - wanted.properties.keys():
            if name.lower() in takes and isinstance(before[name], (list, dict)):
                changed[name] = type(before[name])()
        request = coercion.to_input(
            "ecs", "UpdateService", {**changed, "Cluster": wanted.properties["Cluster"], "Service": ref}
        )
        _taking_fractions(request).update_service(**request)
        if before.get("Tags") != wanted.properties.get("Tags"):
            ecs._tags[ref] = _tags(wanted.properties)
        _wait_for_deployment(ref, wanted)
        return Provisioned(ref=ref, attributes={"ServiceArn": ref, "Name": ref.rsplit("/", 1)[-1]})

    def delete(self, ref: str, properties: Properties) -> None:
        cluster = properties["Cluster"]
        client("ecs").delete_service(cluster=cluster, service=ref, force=True)
        deadline = time.monotonic() + _DRAINING_SECONDS
        while _service(cluster, ref)["status"] == "DRAINING" and runner_expected():
            if time.monotonic() > deadline:
                raise DeploymentFailedError(f"tasks of {ref} did not stop within {_DRAINING_SECONDS:.0f} s")
            time.sleep(_LOOK_AGAIN_SECONDS)


def _taking_fractions(request: Properties) -> Any:
    """ECS takes whole minutes; rehearsals on this machine bake for parts of one, which boto3 would refuse."""
    configuration = request.get("deploymentConfiguration") or {}
    canary, linear = configuration.get("canaryConfiguration") or {}, configuration.get("linearConfiguration") or {}
    minutes = (
        configuration.get("bakeTimeInMinutes"),
        canary.get("canaryBakeTimeInMinutes"),
        linear.get("stepBakeTimeInMinutes"),
    )
    return client("ecs", validated=not any(isinstance(each, float) for each in minutes))


def _service(cluster: str, ref: str) -> dict[str, Any]:
    found: dict[str, Any] = client("ecs").describe_services(cluster=cluster, services=[ref])["services"][0]
    return found


def _wait_for_deployment(ref: str, wanted: Wanted) -> None:
    """Until the service's deployment under way has ended, if there is one.

    A rollback counts as a success where the revision it leads to is the wanted one: CloudFormation's own rollback asks
    for what ECS is on its way back to already.
    """
    arn = _service(wanted.properties["Cluster"], ref).get("currentServiceDeployment")
    if not arn or not runner_expected():
        return
    patience = _Patience()
    while True:
        deployment = client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]
        status = deployment["status"]
        if status == "SUCCESSFUL" or (status == "ROLLBACK_SUCCESSFUL" and _leads_to(deployment, wanted)):
            return
        if status in ("STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
            raise DeploymentFailedError(f"{ref}: service deployment {status}: {deployment.get('statusReason')}")
        if cloudformation.take_cancellation(wanted.stack_name) or parallel.is_given_up(wanted.stack_name):
            raise DeploymentFailedError("Resource update cancelled")
        if patience.is_over(deployment):
            events = _service(wanted.properties["Cluster"], ref)["events"]
            latest = next((event["message"] for event in events), "no event")
            raise DeploymentFailedError(f"{ref} made no progress for {_ROLLOUT_SECONDS:.0f} s; latest event: {latest}")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _leads_to(deployment: dict[str, Any], wanted: Wanted) -> bool:
    """Whether a rollback leads to what is wanted, and not only to its task definition: the revision before a change of
    strategy runs the same tasks, but has no second target group."""
    arn = deployment["rollback"]["serviceRevisionArn"]
    revision = client("ecs").describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0]
    held = {name: wanted.properties[name] for name in _OF_A_REVISION if name in wanted.properties}
    asked = coercion.to_input("ecs", "UpdateService", held)
    return all((revision.get(name) or None) == (value or None) for name, value in asked.items())


class _Patience:
    """A deployment may take as long as it likes where it is told to wait, but not stand still."""

    def __init__(self) -> None:
        self._seen: Any = None
        self._deadline = 0.0

    def is_over(self, deployment: dict[str, Any]) -> bool:
        target = deployment["targetServiceRevision"]
        seen = (deployment["status"], deployment.get("lifecycleStage"), target.get("requestedProductionTrafficWeight"))
        if seen != self._seen:
            self._seen = seen
            self._deadline = time.monotonic() + _ROLLOUT_SECONDS + longest_bake(deployment["deploymentConfiguration"])
        return time.monotonic() > self._deadline


_CLUSTER_WORDS = {"ClusterSettings": "settings"}


@resource("AWS::ECS::Cluster")
class Cluster(Handler):
    immutable = frozenset({"ClusterName"})

    def create(self, wanted: Wanted) -> Provisioned:
        name = wanted.properties.get("ClusterName") or wanted.physical_name()
        request = coercion.to_input(
            "ecs", "CreateCluster", {**wanted.properties, "ClusterName": name}, rename=_CLUSTER_WORDS
        )
        arn = client("ecs").create_cluster(**request)["cluster"]["clusterArn"]
        return Provisioned(ref=name, attributes={"Arn": arn})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        request = coercion.to_input(
            "ecs",
            "UpdateCluster",
            {**wanted.properties, "Cluster": ref},
            rename=_CLUSTER_WORDS,
            without=("ClusterName", "Tags", "CapacityProviders", "DefaultCapacityProviderStrategy"),
        )
        arn = client("ecs").update_cluster(**request)["cluster"]["clusterArn"]
        ecs._tags[arn] = _tags(wanted.properties)
        return Provisioned(ref=ref, attributes={"Arn": arn})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ecs").delete_cluster(cluster=ref)


@resource("AWS::ECS::ClusterCapacityProviderAssociations")
class CapacityProviderAssociations(Handler):
    """Ref is the cluster."""

    immutable = frozenset({"Cluster"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("ecs", "PutClusterCapacityProviders", wanted.properties)
        client("ecs").put_cluster_capacity_providers(**request)
        return Provisioned(ref=str(wanted.properties["Cluster"]))

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("ecs").put_cluster_capacity_providers(
            cluster=ref, capacityProviders=[], defaultCapacityProviderStrategy=[]
        )
