"""The composition root: which stacks an environment has, and in which order they are deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infra.config import in_second_region, load_environment
from infra.custom_resources import complete_custom_resources
from infra.database import BackupCopy
from infra.defaults import injectors
from infra.environment_stack import EnvironmentStack
from infra.image_key import FOLDER as IMAGE_KEYS
from infra.image_key import image_public_key
from infra.permissions import bound_roles, without_inline_policies
from infra.web_acl import EdgeHeader
from stacks.backup import BackupReplicaStack, BackupStack
from stacks.data import DataReplicaStack, DataStack, Recovered, SecretsCopy
from stacks.edge import EdgeStack
from stacks.ingress import IngressStack
from stacks.monitoring import MonitoringStack, WatchedStacks
from stacks.network import NetworkStack, boundary_arn
from stacks.observability import ObservabilityStack
from stacks.preview_sweeper import PreviewSweeperStack
from stacks.previews import PreviewsStack
from stacks.service import ServiceStack
from stacks.storage import ReceiptsStack, StorageReplicaStack, StorageStack
from stacks.waf import RegionalWafStack

_CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"
_ROLLOUT = "rollout."


class SpendSmartPlatform(cdk.App):
    """All stacks of one environment, cut by how often and how dangerously they change.

    - Network: VPC, key of logs, boundary of roles; almost never changes.
    - Data, Storage: what must not be lost, with copies in a second region (StorageReplica, BackupReplica first,
      as their keys and names have to exist before anything is copied there).
    - Ingress, RegionalWaf, Edge: the way in, from the load balancer outwards.
    - Observability: alarms; before Service, whose rollouts watch some of them.
    - Service: what changes with every release.
    - Previews: what branches' previews share, where the environment carries some.
    - Backup: plans and restore tests; finds what to copy by tag, so it references no other stack.
    - Monitoring: alarms, dashboards and messages; looks at all others.
    - PreviewSweeper: ends previews, and tells the readers of P2.

    A stack may reference those above it, by few and weak references (docs/adr/0003).
    """

    def __init__(
        self,
        *,
        environment: str | None = None,
        validate: bool | None = None,
        outdir: str | None = None,
        keys: Path = IMAGE_KEYS,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """`environment` is a file name in `config/`; by default the context value `env`, or dev. `context` is
        what the CLI passes with `-c`: values such as `rollout.strategy` replace those of the section `[rollout]`.

        `validate` switches CDK's built-in template validation; by default CDK_VALIDATION decides. `keys` holds the
        public keys of signed image URLs.
        Raises ConfigurationError naming every fault of the configuration.
        """
        super().__init__(
            # The CLI passes these itself; `python app.py` and tests would otherwise run without feature flags.
            context={**json.loads(_CDK_JSON.read_text())["context"], **(context or {})},
            property_injectors=injectors(),
            builtin_cloud_formation_validation=validate,
            outdir=outdir,
        )
        name = environment or self.node.try_get_context("env") or "dev"
        self.environment = load_environment(name, overrides={"rollout": self._rehearsed()})
        # After the loss of the first region: docs/runbooks/region-lost.md
        region, self._restored_from = self.node.try_get_context("region"), None
        if region and region != self.environment.regions.primary:
            self._restored_from = self.node.try_get_context("restore")
            self.environment = in_second_region(self.environment, region=region, data=self._restored_from)
        cdk.Tags.of(self).add("Project", "SpendSmart")
        cdk.Tags.of(self).add("Environment", self.environment.name)
        self._keys = keys
        self._compose()

    def _rehearsed(self) -> dict[str, Any]:
        """Values of `[rollout]` from the context: `-c rollout.strategy=canary -c rollout.canary_minutes=1`."""
        context: dict[str, Any] = self.node.get_all_context()
        return {key.removeprefix(_ROLLOUT): value for key, value in sorted(context.items()) if key.startswith(_ROLLOUT)}

    def _compose(self) -> None:
        environment, features = self.environment, self.environment.features
        self._image_key = image_public_key(environment.name, folder=self._keys) if features.cdn else None
        self.network = NetworkStack(self, "Network", environment=environment)
        backup_replica = BackupReplicaStack(self, "BackupReplica", environment=environment) if features.backup else None
        self._compose_state(backup_replica)
        self.ingress = IngressStack(
            self,
            "Ingress",
            environment=environment,
            vpc=self.network.vpc,
            nat_addresses=self.network.nat_addresses,
        )
        edge = self._compose_edge()
        self.observability = ObservabilityStack(
            self, "Observability", environment=environment, ingress=self.ingress, data=self.data
        )
        self.service = ServiceStack(
            self,
            "Service",
            environment=environment,
            vpc=self.network.vpc,
            data=self.data,
            storage=self.storage,
            ingress=self.ingress,
            edge=edge,
        )
        # Rollouts watch alarms by their names.
        self.service.add_stack_dependency(self.observability)

        previews = None
        if environment.previews:
            previews = PreviewsStack(
                self,
                "Previews",
                environment=environment,
                vpc=self.network.vpc,
                data=self.data,
                storage=self.storage,
                ingress=self.ingress,
            )

        backup = None
        if backup_replica:
            backup = BackupStack(self, "Backup", environment=environment, copy_vault_arn=backup_replica.vault_arn)
            # The vault's name is known beforehand, so no reference says that it has to exist.
            backup.add_stack_dependency(backup_replica)
        self.monitoring = MonitoringStack(
            self,
            "Monitoring",
            environment=environment,
            watched=WatchedStacks(
                network=self.network,
                data=self.data,
                storage=self.storage,
                ingress=self.ingress,
                service=self.service,
                storage_replica=self._storage_replica,
                vault=backup.vault_name if backup else None,
            ),
        )
        if backup:
            self.monitoring.add_stack_dependency(backup)  # whose vault it names
        if previews:
            PreviewSweeperStack(
                self,
                "PreviewSweeper",
                environment=environment,
                vpc=self.network.vpc,
                data=self.data,
                storage=self.storage,
                ingress=self.ingress,
                previews=previews,
                monitoring=self.monitoring,
            )
        self._hold_to_least_privilege()

    def _hold_to_least_privilege(self) -> None:
        """When everything is made: each role is bounded and has no inline policy, CDK's own helpers included."""
        tags = {"Environment": self.environment.name, "Project": "SpendSmart"}
        for stack in self.node.children:
            if isinstance(stack, EnvironmentStack):
                complete_custom_resources(stack, tags=tags, log_key=self.network.key_of_logs)
                bound_roles(stack, self.network.boundary if stack is self.network else boundary_arn(stack))
                if stack is not self.network:
                    # The boundary's name is known beforehand, so no reference says that it has to exist.
                    stack.add_stack_dependency(self.network)
        without_inline_policies(self)

    def _compose_state(self, backup_replica: BackupReplicaStack | None) -> None:
        """What must not be lost. Where copies go is made first."""
        environment, backup_copy, secrets_copy = self.environment, None, None
        self._storage_replica: StorageReplicaStack | None = None
        self.storage: ReceiptsStack
        if self._restored_from:
            self._compose_recovered_state(self._restored_from)
            return
        if backup_replica:
            backup_copy = BackupCopy(region=environment.regions.replica, key_arn=backup_replica.key.key_arn)
        if environment.features.replication:
            region = environment.regions.replica
            self._storage_replica = StorageReplicaStack(self, "StorageReplica", environment=environment, region=region)
            # A copied secret has a name, which is taken for weeks after the stack that had it was deleted.
            if environment.protect:
                replica = DataReplicaStack(self, "DataReplica", environment=environment, region=region)
                secrets_copy = SecretsCopy(region=region, key_arn=replica.key.key_arn)
        self.data = DataStack(
            self,
            "Data",
            environment=environment,
            vpc=self.network.vpc,
            log_key=self.network.key_of_logs,
            backup_copy=backup_copy,
            signed_images=self._image_key is not None,
            secrets_copy=secrets_copy,
        )
        receipts_copy = self._storage_replica.receipts if self._storage_replica else None
        self.storage = StorageStack(self, "Storage", environment=environment, replica=receipts_copy)

    def _compose_recovered_state(self, data: str) -> None:
        """The same in the second region: the stacks with the copies go on, and serve."""
        environment = self.environment
        region = environment.regions.primary
        replica = DataReplicaStack(self, "DataReplica", environment=environment, region=region)
        self.data = DataStack(
            self,
            "Data",
            environment=environment,
            vpc=self.network.vpc,
            log_key=self.network.key_of_logs,
            backup_copy=None,
            signed_images=False,
            recovered=Recovered(data=data, key_arn=replica.key.key_arn),
        )
        self.storage = StorageReplicaStack(self, "StorageReplica", environment=environment, region=region, serves=True)

    def _compose_edge(self) -> EdgeStack | None:
        """Firewall and CDN where the environment has them."""
        environment, features, ingress = self.environment, self.environment.features, self.ingress
        edge_header = EdgeHeader(name="x-spendsmart-edge", value=ingress.edge_token)
        if features.waf:
            RegionalWafStack(
                self,
                "RegionalWaf",
                environment=environment,
                log_key=self.network.key_of_logs,
                load_balancer=ingress.load_balancer,
                trusted_edge=edge_header if features.cdn else None,
            )
        if not features.cdn:
            return None
        return EdgeStack(
            self,
            "Edge",
            environment=environment,
            load_balancer_dns_name=ingress.load_balancer.load_balancer_dns_name,
            edge_header=edge_header,
            receipts=self.storage.bucket,
            image_public_key=self._image_key,
        )
