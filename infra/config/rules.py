"""Rules that tie several values of an environment together.

Those of rollouts are in `infra.config.rollout_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from infra.config.models import Database, Environment, Scaling
from infra.config.rule import Fault, rule

CONNECTION_SHARE = 0.8
"""Share of `max_connections` that the pools may use together; the rest is for migrations, people and monitoring."""

ROLLOUT_FACTOR = 2
"""A rolling update (maximum 200 %), a blue-green and a canary each may run old and new tasks side by side."""

MIGRATION_CONNECTIONS = 2
"""What the migration task opens to the primary: one for each of Django's two database aliases."""

WORKER_OVERHEAD_MIB = 300
"""Of a worker task, beside the processes that read receipts: the parent and PgBouncer."""

HEALTH_CHECK_SECONDS = 4
"""The shortest patience of the target groups' health checks (`infra.load_balancer.WebTargetGroup`)."""

IDLE_TIMEOUT_SECONDS = 60
"""Of the load balancer (`infra.load_balancer.PublicLoadBalancer`)."""

_GIB = 1024**3
_BYTES_PER_CONNECTION = 9_531_392
"""RDS's default is LEAST(DBInstanceClassMemory / 9531392, 5000): Amazon RDS User Guide, "Quotas and constraints"."""

_MEMORY_GIB = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
"""Memory by size for the burstable and general classes; memory-optimized (r) classes have twice as much."""

_FARGATE_MEMORY_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
}
"""Memory that Fargate offers for each CPU size: Amazon ECS Developer Guide, "Task CPU and memory"."""


@rule("regions")
def _two_regions(env: Environment) -> Iterator[Fault]:
    if env.regions.primary == env.regions.replica:
        yield Fault(key="regions.replica", value=env.regions.replica, accepted="a region other than regions.primary")


@rule("network")
def _room_for_subnets(env: Environment) -> Iterator[Fault]:
    if not 16 <= env.network.cidr.prefixlen <= 20:
        yield Fault(
            key="network.cidr",
            value=str(env.network.cidr),
            accepted="a network of /16 to /20: three subnets in each availability zone, with room for the tasks",
        )
    if not env.network.cidr.is_private:
        yield Fault(key="network.cidr", value=str(env.network.cidr), accepted="a private network (RFC 1918)")
    if env.network.nat_gateways > env.network.availability_zones:
        yield Fault(
            key="network.nat_gateways",
            value=env.network.nat_gateways,
            accepted=f"at most one in each of the {env.network.availability_zones} availability zones",
        )


@rule("network")
def _load_balancer_zones(env: Environment) -> Iterator[Fault]:
    if env.network.availability_zones < 2:
        yield Fault(
            key="network.availability_zones",
            value=env.network.availability_zones,
            accepted="2 or 3: a load balancer, a database's subnet group and Multi-AZ need two availability zones",
        )


@rule("network", "database")
def _multi_az_needs_zones(env: Environment) -> Iterator[Fault]:
    if env.database.multi_az and env.network.availability_zones < 2:
        yield Fault(
            key="database.multi_az",
            value=True,
            accepted=f"false with network.availability_zones = {env.network.availability_zones}; true needs 2 or 3",
        )


@rule("web")
def _web_scaling(env: Environment) -> Iterator[Fault]:
    yield from _scaling("web", env.web)


@rule("worker")
def _worker_scaling(env: Environment) -> Iterator[Fault]:
    yield from _scaling("worker", env.worker)


def _scaling(section: str, service: Scaling) -> Iterator[Fault]:
    if service.scale_in_cpu >= service.scale_out_cpu:
        yield Fault(
            key=f"{section}.scale_in_cpu",
            value=service.scale_in_cpu,
            accepted=f"less than {section}.scale_out_cpu = {service.scale_out_cpu}",
        )
    if service.min_count > service.max_count:
        yield Fault(
            key=f"{section}.min_count",
            value=service.min_count,
            accepted=f"at most {section}.max_count = {service.max_count}",
        )
    yield from _fargate_size(section, cpu=service.cpu, memory_mib=service.memory_mib)


@rule("beat")
def _beat_size(env: Environment) -> Iterator[Fault]:
    yield from _fargate_size("beat", cpu=env.beat.cpu, memory_mib=env.beat.memory_mib)


def _fargate_size(section: str, *, cpu: int, memory_mib: int) -> Iterator[Fault]:
    offered = _FARGATE_MEMORY_MIB[cpu]
    if memory_mib not in offered:
        choice = ", ".join(map(str, offered[:3])) + (f" … {offered[-1]}" if len(offered) > 3 else "")
        yield Fault(key=f"{section}.memory_mib", value=memory_mib, accepted=f"with cpu = {cpu}: {choice}")


@rule("name", "web", "worker")
def _minimum_in_prod(env: Environment) -> Iterator[Fault]:
    if env.name != "prod":
        return
    for section, service in (("web", env.web), ("worker", env.worker)):
        if service.min_count < 2:
            yield Fault(
                key=f"{section}.min_count",
                value=service.min_count,
                accepted="2 or more in prod: one task is one availability zone",
            )


@rule("name", "database", "protect")
def _prod_is_protected(env: Environment) -> Iterator[Fault]:
    if env.name != "prod":
        return
    if not env.protect:
        yield Fault(key="protect", value=False, accepted="true in prod")
    if not env.database.deletion_protection:
        yield Fault(key="database.deletion_protection", value=False, accepted="true in prod")


@rule("database")
def _storage_autoscaling(env: Environment) -> Iterator[Fault]:
    least = int(env.database.storage_gib * 1.26) + 1
    if env.database.max_storage_gib < least:
        yield Fault(
            key="database.max_storage_gib",
            value=env.database.max_storage_gib,
            accepted=f"at least {least}: RDS wants storage_gib plus 10 %, and advises 26 %",
        )


@rule("database")
def _connections_of_the_instance(env: Environment) -> Iterator[Fault]:
    memory = memory_gib(env.database)
    if memory is None:
        yield Fault(
            key="database.instance_class",
            value=env.database.instance_class,
            accepted="a class of family t, m or r (db.t4g.small, db.m7g.large, db.r7g.2xlarge …)",
        )
        return
    most = min(memory * _GIB // _BYTES_PER_CONNECTION, 5000)
    if env.database.max_connections > most:
        yield Fault(
            key="database.max_connections",
            value=env.database.max_connections,
            accepted=f"at most {most}: {env.database.instance_class} has {memory} GiB of memory",
        )


def memory_gib(database: Database) -> int | None:
    """Memory of the instance class in GiB; None for a family that is not known."""
    _, family, size = database.instance_class.split(".")
    multiple = size.removesuffix("xlarge")
    gib = _MEMORY_GIB.get(size) or (16 * int(multiple) if multiple.isdigit() and size.endswith("xlarge") else None)
    if gib is None or family[0] not in "tmr":
        return None
    return gib * 2 if family[0] == "r" else gib


@rule("database", "pgbouncer", "web", "worker")
def _connection_budget(env: Environment) -> Iterator[Fault]:
    web, worker = env.web.max_count, env.worker.max_count
    tasks, pool = _tasks_with_pools(env), _pool_of_a_task(env)
    needed, budget = connections_of_tasks(env), connection_budget(env)
    if needed > budget:
        yield Fault(
            key="pgbouncer.writer_pool_size + reader_pool_size"
            if env.database.replicas == 0
            else "pgbouncer.*_pool_size",
            value=pool,
            accepted=(
                f"at most {(budget - MIGRATION_CONNECTIONS) // tasks}: {web} web and {worker} worker tasks, twice "
                f"during a rollout, and 1 beat task, with pools of {pool}, and the migration with "
                f"{MIGRATION_CONNECTIONS}, open {needed} connections; 80 % of max_connections = "
                f"{env.database.max_connections} are {budget}"
            ),
        )


def connections_of_tasks(env: Environment) -> int:
    """What all tasks open to one server, at the most and in the middle of a rollout."""
    return _tasks_with_pools(env) * _pool_of_a_task(env) + MIGRATION_CONNECTIONS


def connection_budget(env: Environment) -> int:
    return int(CONNECTION_SHARE * env.database.max_connections)


def _tasks_with_pools(env: Environment) -> int:
    # Of beat one task is stopped before the next one starts.
    return (env.web.max_count + env.worker.max_count) * ROLLOUT_FACTOR + 1


def _pool_of_a_task(env: Environment) -> int:
    pools = env.pgbouncer
    # Without a replica both pools open their connections to the one server.
    if env.database.replicas == 0:
        return pools.writer_pool_size + pools.reader_pool_size
    return max(pools.writer_pool_size, pools.reader_pool_size)


@rule("pgbouncer", "web")
def _clients_of_the_pooler(env: Environment) -> Iterator[Fault]:
    """Each thread of a web task keeps a connection to the writer and one to the reader, as the health check does."""
    least = env.web.workers * (env.web.threads + 1) * 2
    if env.pgbouncer.max_client_connections < least:
        yield Fault(
            key="pgbouncer.max_client_connections",
            value=env.pgbouncer.max_client_connections,
            accepted=(
                f"at least {least}: {env.web.workers} web processes of {env.web.threads} threads, and a health check"
            ),
        )


@rule("worker")
def _memory_of_the_processes(env: Environment) -> Iterator[Fault]:
    most = (env.worker.memory_mib - WORKER_OVERHEAD_MIB) // env.worker.concurrency
    if env.worker.memory_mib_per_process > most:
        yield Fault(
            key="worker.memory_mib_per_process",
            value=env.worker.memory_mib_per_process,
            accepted=(
                f"at most {most}: worker.memory_mib = {env.worker.memory_mib} for {env.worker.concurrency} processes, "
                f"and {WORKER_OVERHEAD_MIB} for what is beside them"
            ),
        )


@rule("limits")
def _requests_are_refused_in_time(env: Environment) -> Iterator[Fault]:
    if env.limits.wait_seconds >= HEALTH_CHECK_SECONDS:
        yield Fault(
            key="limits.wait_seconds",
            value=env.limits.wait_seconds,
            accepted=(
                f"less than {HEALTH_CHECK_SECONDS}, which a health check may take: a task that waits longer for its "
                "threads would be replaced for being busy"
            ),
        )
    if env.limits.arrival_seconds >= IDLE_TIMEOUT_SECONDS:
        yield Fault(
            key="limits.arrival_seconds",
            value=env.limits.arrival_seconds,
            accepted=f"less than {IDLE_TIMEOUT_SECONDS}, when the load balancer gives up on the connection",
        )


@rule("storage")
def _lifecycle_order(env: Environment) -> Iterator[Fault]:
    storage = env.storage
    if storage.glacier_instant_days < storage.infrequent_access_days + 30:
        yield Fault(
            key="storage.glacier_instant_days",
            value=storage.glacier_instant_days,
            accepted=f"at least {storage.infrequent_access_days + 30}: Infrequent Access is billed for 30 days",
        )
    if storage.expiry_days <= storage.glacier_instant_days:
        yield Fault(
            key="storage.expiry_days",
            value=storage.expiry_days,
            accepted=f"more than storage.glacier_instant_days = {storage.glacier_instant_days}",
        )


@rule("backup", "database")
def _one_owner_of_continuous_backups(env: Environment) -> Iterator[Fault]:
    if env.backup.continuous_days != env.database.backup_retention_days:
        yield Fault(
            key="backup.continuous_days",
            value=env.backup.continuous_days,
            accepted=(
                f"database.backup_retention_days = {env.database.backup_retention_days}: under continuous backup "
                "RDS refuses any other retention"
            ),
        )


@rule("backup")
def _vault_lock(env: Environment) -> Iterator[Fault]:
    if 0 < env.backup.vault_lock_days < 3:
        yield Fault(
            key="backup.vault_lock_days", value=env.backup.vault_lock_days, accepted="0 (no lock), or 3 and more"
        )


@rule("waf")
def _login_limit_is_tighter(env: Environment) -> Iterator[Fault]:
    if env.waf.login_rate_limit >= env.waf.rate_limit:
        yield Fault(
            key="waf.login_rate_limit",
            value=env.waf.login_rate_limit,
            accepted=f"less than waf.rate_limit = {env.waf.rate_limit}",
        )


@rule("domain", "regions")
def _certificate_regions(env: Environment) -> Iterator[Fault]:
    if env.domain is None:
        return
    wanted = [("certificate_arn", env.domain.certificate_arn, env.regions.primary)]
    if env.domain.cdn_certificate_arn:
        wanted.append(("cdn_certificate_arn", env.domain.cdn_certificate_arn, "us-east-1"))
    for key, arn, region in wanted:
        if arn.split(":")[3] != region:
            yield Fault(key=f"domain.{key}", value=arn, accepted=f"a certificate in {region}")


@rule("domain", "features")
def _cdn_certificate(env: Environment) -> Iterator[Fault]:
    """Without one CloudFront would speak HTTP to a load balancer that redirects to HTTPS, for ever."""
    if env.domain and env.features.cdn and env.domain.cdn_certificate_arn is None:
        yield Fault(
            key="domain.cdn_certificate_arn",
            value="(not set)",
            accepted=f"a certificate for {env.domain.name} in us-east-1, or features.cdn = false",
        )


def overlapping(name: str, cidr: IPv4Network, others: dict[str, IPv4Network]) -> Iterator[Fault]:
    """Networks that could never be peered: `others` maps an environment's name to its network."""
    for other, network in others.items():
        if other != name and cidr.overlaps(network):
            yield Fault(
                key="network.cidr",
                value=str(cidr),
                accepted=f"a network that does not overlap {network} of config/{other}.toml",
            )
