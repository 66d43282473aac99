"""What tells people: alarms, the messages that they send, dashboards, and functions that look where AWS does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from infra.break_glass import BreakGlassRole
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.imported_values import ImportedValues
from infra.monitoring.alarm import Alarms, Severity, prefix
from infra.monitoring.alarms import copies as copy_alarms
from infra.monitoring.alarms import cost, database, objectives, openai, outages, reading, services, valkey, web
from infra.monitoring.alarms import previews as preview_alarms
from infra.monitoring.copies import CopyChecks, Replication
from infra.monitoring.counted_events import CountedEvents, database_failovers, failed_rotations
from infra.monitoring.dashboards import cost as cost_page
from infra.monitoring.dashboards import objectives as objectives_page
from infra.monitoring.dashboards import operations as operations_page
from infra.monitoring.database_log import DatabaseLogMetrics, log_group_name
from infra.monitoring.journey import Journey
from infra.monitoring.log_queries import LogQueries
from infra.monitoring.metrics import account
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.database import DatabaseMetrics
from infra.monitoring.metrics.ecs_service import EcsServiceMetrics
from infra.monitoring.metrics.load_balancer import LoadBalancerMetrics
from infra.monitoring.metrics.statistic import DAY
from infra.monitoring.metrics.valkey import ValkeyMetrics
from infra.monitoring.sources import Sources
from infra.monitoring.spending import Spending
from infra.monitoring.topics import NotificationProps, Notifications
from infra.receipts_bucket import REPLICATION_RULE
from infra.web_acl import metric_name
from stacks.data import DataStack
from stacks.ingress import IngressStack
from stacks.network import NetworkStack
from stacks.service import ServiceStack
from stacks.storage import ReceiptsStack, StorageReplicaStack


@dataclass(frozen=True, kw_only=True)
class WatchedStacks:
    """`storage_replica` and `vault` are None where there is no copy, no backup."""

    network: NetworkStack
    data: DataStack
    storage: ReceiptsStack
    ingress: IngressStack
    service: ServiceStack
    storage_replica: StorageReplicaStack | None
    vault: str | None


class MonitoringStack(EnvironmentStack):
    """Comes last, as it looks at all others: nothing refers to it but people, and pipelines by its alarms' names."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, watched: WatchedStacks
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        self._import = ImportedValues(self, "Imported", prefix=f"/spendsmart/{environment.name}/monitoring")
        self._watched = watched
        self.encrypt_logs_with(watched.network.key_of_logs)
        self._sources = self._import_sources()
        self._notifications = self._notify()
        self.alarms = Alarms(
            scope=Construct(self, "Alarms"), environment=environment, topics=self._notifications.topics
        )
        self._objectives = objectives.objectives(self.alarms, self._sources.load_balancer, self._sources.application)
        self._add_outages()
        if Severity.P1 in environment.alarms.severities:
            self._add_degradations()
        if Severity.P2 in environment.alarms.severities:
            self._add_cost()
        if environment.previews:
            preview_alarms.add(self.alarms, self._sources.application)
        outages.add_symptoms(self.alarms)
        outages.add_gate(self.alarms)
        self._add_dashboards()
        LogQueries(self, "LogQueries", environment=environment, groups=self._log_groups)
        if emergency := environment.break_glass:
            BreakGlassRole(
                self,
                "BreakGlass",
                environment=environment.name,
                principals=emergency.principals,
                require_mfa=emergency.require_mfa,
                topic=self._notifications.open_to_events(Severity.P0),
            )
        for severity in Severity:
            cdk.CfnOutput(self, f"{severity}Topic", value=self._notifications.topics[severity].topic_arn)
            cdk.CfnOutput(self, f"{severity}MessagesTopic", value=self._notifications.messages[severity].topic_arn)

    @property
    def notifications(self) -> Notifications:
        return self._notifications

    # ---- what is looked at ----
    def _import_sources(self) -> Sources:
        environment, watched, keep = self.settings, self._watched, self._import.keep
        balancer, data = watched.ingress, watched.data
        groups = {"Blue": balancer.blue, "Green": balancer.green}
        return Sources(
            application=ApplicationMetrics(environment=environment.name),
            load_balancer=LoadBalancerMetrics(
                name=keep("LoadBalancer", balancer.load_balancer.load_balancer_full_name),
                target_groups=[
                    keep(f"{color}TargetGroup", group.target_group_full_name) for color, group in groups.items()
                ],
            ),
            web=self._service("web"),
            worker=self._service("worker"),
            beat=self._service("beat"),
            writer=DatabaseMetrics(title="writer", identifier=f"spendsmart-{environment.name}"),
            readers=[
                DatabaseMetrics(title=f"reader-{number}", identifier=f"spendsmart-{environment.name}-reader-{number}")
                for number in range(1, environment.database.replicas + 1)
            ],
            broker=ValkeyMetrics(
                title="broker", group=keep("BrokerGroup", data.broker.group_id), nodes=environment.broker.replicas + 1
            ),
            cache=ValkeyMetrics(
                title="cache", group=keep("CacheGroup", data.cache.group_id), nodes=environment.cache.replicas + 1
            ),
            blocked=self._blocked(),
            nat_gateways=[
                keep(f"NatGateway{number}", gateway)
                for number, gateway in enumerate(watched.network.nat_gateways, start=1)
            ],
        )

    def _service(self, name: str) -> EcsServiceMetrics:
        return EcsServiceMetrics(title=name, cluster=self._cluster, service=self._service_names[name])

    @property
    def _cluster(self) -> str:
        return self._once("ClusterName", self._watched.service.cluster.cluster_name)

    @property
    def _service_names(self) -> Mapping[str, str]:
        service = self._watched.service
        each = {"web": service.web, "worker": service.worker, "beat": service.beat}
        return {name: self._once(f"{name.capitalize()}Service", one.service_name) for name, one in each.items()}

    def _once(self, name: str, value: str) -> str:
        known = self._import.node.try_find_child(name)
        return known.attr_value if known else self._import.keep(name, value)  # type: ignore[attr-defined]

    def _blocked(self) -> dict[str, cloudwatch.IMetric]:
        """CloudFront's firewall reports in us-east-1 alone, where alarms of another region do not see it."""
        features, region = self.settings.features, self.settings.regions.primary
        found: dict[str, cloudwatch.IMetric] = {}
        if features.waf:
            found["alb"] = account.blocked_requests(metric_name(self.settings.name, "alb"), region)
            if features.cdn and region == "us-east-1":
                found["cdn"] = account.blocked_requests(metric_name(self.settings.name, "cdn"), None)
        return found

    # ---- who is told ----
    def _notify(self) -> Notifications:
        groups = {name.lower(): group for name, group in self._log_groups.items()}
        return Notifications(
            self,
            "Notifications",
            props=NotificationProps(
                environment=self.settings,
                log_groups={**groups, "database": log_group_name(self._sources.writer.identifier)},
                cluster=self._cluster,
                services=list(self._service_names.values()),
            ),
        )

    @property
    def _log_groups(self) -> Mapping[str, str]:
        groups = self._watched.service.log_groups
        return {name: self._once(f"{name}LogGroup", group.log_group_name) for name, group in groups.items()}

    # ---- alarms ----
    def _add_outages(self) -> None:
        """P0 and what belongs to the same parts; severities that the environment lacks are left out."""
        sources, alarms = self._sources, self.alarms
        outages.add_maintenance(alarms, sources.application)
        database.add(alarms, sources.application, writer=sources.writer, readers=list(sources.readers))
        valkey.add(alarms, sources.application, broker=sources.broker, cache=sources.cache)
        outages.add_causes(alarms)
        web.add(alarms, sources.load_balancer)
        reading.add(alarms, sources.application)
        for objective in self._objectives:
            objectives.add(alarms, objective, quiet_during=alarms.by_name.get("maintenance"))
        if domain := self.settings.domain:
            in_region = {"cdn": domain.cdn_certificate_arn} if self.region == "us-east-1" else {}
            holders = {"site": domain.certificate_arn, **in_region}
            web.add_certificates(alarms, {holder: arn for holder, arn in holders.items() if arn})
        if minutes := self.settings.alarms.journey_minutes:
            self._add_journey(minutes)
        CountedEvents(
            self,
            "Events",
            environment=self.settings,
            patterns=self._patterns(),
            uncounted=self._notifications.messages[Severity.P0],
            key=self._notifications.key,
        )
        self._add_copies()

    def _add_journey(self, minutes: int) -> None:
        ingress, domain = self._watched.ingress, self.settings.domain
        host = (
            domain.name
            if domain
            else self._import.keep("LoadBalancerDnsName", ingress.load_balancer.load_balancer_dns_name)
        )
        Journey(
            self,
            "Journey",
            environment=self.settings,
            # With the port, by which the local cloud knows a listener's address.
            site_url=f"{ingress.scheme}://{host}:{443 if ingress.scheme == 'https' else 80}",
            key=self._notifications.key,
        )
        web.add_journey(self.alarms, self._sources.application, minutes=minutes)

    def _patterns(self) -> dict[str, events.EventPattern]:
        patterns = {"database-failover": database_failovers(self._sources.writer.identifier)}
        if Severity.P1 in self.settings.alarms.severities:
            patterns["secret-rotation-failed"] = failed_rotations(self._rotated_secrets())
        return patterns

    def _rotated_secrets(self) -> list[str]:
        data = self._watched.data
        return [
            self._import.keep("DatabaseLogin", data.database.secret.secret_arn),
            self._import.keep("JwtSigningKey", data.jwt_signing_key.secret_arn),
            self._import.keep("BrokerPassword", data.broker.secret.secret_arn),
            self._import.keep("CachePassword", data.cache.secret.secret_arn),
        ]

    def _add_copies(self) -> None:
        watched, replication = self._watched, None
        if watched.storage_replica:
            replication = Replication(
                source=self._import.keep("ReceiptsBucket", watched.storage.bucket.bucket_name),
                destination=watched.storage_replica.bucket_name,
                rule=REPLICATION_RULE,
                region=self.settings.regions.replica,
            )
        checks = None
        if watched.vault or replication:
            function = CopyChecks(
                self, "CopyChecks", environment=self.settings, vault=watched.vault, replication=replication
            ).function
            checks = account.function_errors(function.function_name)
        if watched.vault:
            copy_alarms.add_backups(self.alarms, self._sources.application)
        if replication:
            failures = account.replication_failures(
                source=replication.source, destination=replication.destination, rule=replication.rule
            )
            copy_alarms.add_replication(self.alarms, self._sources.application, failures)
        notify = account.function_errors(self._notifications.function.function_name)
        copy_alarms.add_functions(self.alarms, notify=notify, checks=checks)

    def _add_degradations(self) -> None:
        """P1 of parts that have no P0."""
        sources, alarms = self._sources, self.alarms
        DatabaseLogMetrics(self, "DatabaseLog", environment=self.settings, identifier=sources.writer.identifier)
        for metrics, limits in ((sources.web, self.settings.web), (sources.worker, self.settings.worker)):
            services.add(alarms, metrics, limits)
            services.add_memory(alarms, metrics)
        web.add_firewalls(alarms, sources.blocked)
        copy_alarms.add_rotation(alarms, sources.application)
        if self.settings.features.openai:
            openai.add(alarms, sources.application)

    def _add_cost(self) -> None:
        sources, alarms = self._sources, self.alarms
        cost.add(
            alarms,
            nat=account.nat_bytes_out(sources.nat_gateways),
            out=sources.load_balancer.bytes_out(DAY),
            logs=account.log_bytes(),
        )
        database.add_idle(alarms, sources.writer)
        for metrics in (sources.web, sources.worker):
            cost.add_idle_service(alarms, metrics)
        Spending(self, "Spending", environment=self.settings, topic=self._notifications.topics[Severity.P2])

    # ---- what is seen ----
    def _add_dashboards(self) -> None:
        pages = {
            "operations": operations_page.rows(self.alarms, self._sources),
            "objectives": objectives_page.rows(self.alarms, self._objectives),
        }
        if Severity.P2 in self.settings.alarms.severities:
            pages["cost"] = cost_page.rows(self.alarms, self._sources)
        for name, rows in pages.items():
            cloudwatch.Dashboard(
                self,
                f"{name.capitalize()}Dashboard",
                dashboard_name=f"{prefix(self.settings)}{name}",
                widgets=rows,
                default_interval=cdk.Duration.hours(3 if name == "operations" else 24 * 7),
            )
