"""What can be configured for an environment, with the range of each value.

Rules that tie several values together are in `infra.config.rules` and `infra.config.rollout_rules`.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.config.alarms import Alarms, Objectives
from infra.config.previews import Previews
from infra.config.section import Email as Email
from infra.config.section import Section as Section

RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""CloudWatch Logs keeps log groups for one of these numbers of days (PutRetentionPolicy)."""

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
CertificateArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+$")]
PrincipalArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$")]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/*\s]+$")]
Percent = Annotated[int, Field(ge=1, le=99)]
CpuUnits = Literal[256, 512, 1024, 2048, 4096]
"""CPU units of a Fargate task, 1024 to a vCPU."""


class Regions(Section):
    """`primary` serves; `replica` holds copies of receipts, backups and database backups."""

    primary: Region
    replica: Region


class Domain(Section):
    """A name of one's own: certificates must exist in ACM, the CDN's one in us-east-1, and one in the second region
    for the day when that one serves."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
    certificate_arn: CertificateArn
    cdn_certificate_arn: CertificateArn | None = None
    replica_certificate_arn: CertificateArn | None = None


class Network(Section):
    """One VPC: `availability_zones` triples of public, private and isolated subnets."""

    cidr: IPv4Network
    availability_zones: int = Field(ge=1, le=3)
    nat_gateways: int = Field(ge=1, le=3)
    flow_log_retention_days: RetentionDays
    interface_endpoints: tuple[
        Literal["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssmmessages", "kms", "sqs", "monitoring"], ...
    ] = ()


class Database(Section):
    """RDS for PostgreSQL. Storage in GiB; `max_connections` as the parameter group sets it."""

    engine_version: Annotated[str, StringConstraints(pattern=r"^1[5-9]\.\d+$")]
    instance_class: Annotated[str, StringConstraints(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")]
    multi_az: bool
    replicas: int = Field(ge=0, le=5)
    storage_gib: int = Field(ge=20, le=65536)
    max_storage_gib: int = Field(ge=20, le=65536)
    backup_retention_days: int = Field(ge=1, le=35)
    max_connections: int = Field(ge=50, le=5000)
    deletion_protection: bool


class PgBouncer(Section):
    """Pools of the sidecar in each task: server connections it may open to the writer and to a reader."""

    writer_pool_size: int = Field(ge=1, le=100)
    reader_pool_size: int = Field(ge=1, le=100)
    max_client_connections: int = Field(ge=10, le=10000)


class Valkey(Section):
    """One ElastiCache replication group: one primary and `replicas` readable copies."""

    node_type: Annotated[str, StringConstraints(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$")]
    replicas: int = Field(ge=0, le=5)


class Scaling(Section):
    """A service's task size and how many run: out at or above one CPU share, in at or below the other."""

    cpu: CpuUnits
    memory_mib: int = Field(ge=512, le=30720)
    min_count: int = Field(ge=1, le=500)
    max_count: int = Field(ge=1, le=500)
    scale_out_cpu: Percent
    scale_in_cpu: Percent


class Web(Scaling):
    """`workers` gunicorn processes of `threads` threads each, per task."""

    workers: int = Field(ge=1, le=16)
    threads: int = Field(ge=1, le=64)


class Worker(Scaling):
    """Celery: `concurrency` processes a task; beyond `on_demand_base` tasks Fargate Spot is used.

    A process that has come to take more than `memory_mib_per_process` is replaced after its receipt: reading 57 scans
    takes it to 820 MiB (`benchmarks/extraction.py`).
    """

    concurrency: int = Field(ge=1, le=16)
    backlog_per_task: int = Field(ge=1, le=1000)
    on_demand_base: int = Field(ge=0, le=100)
    memory_mib_per_process: int = Field(ge=900, le=16_384)


class Beat(Section):
    """Celery's scheduler: exactly one task."""

    cpu: CpuUnits
    memory_mib: int = Field(ge=512, le=30720)


class Storage(Section):
    """The receipts bucket. Days count from the upload; 30 is S3's minimum for Infrequent Access."""

    infrequent_access_days: int = Field(ge=30, le=3650)
    glacier_instant_days: int = Field(ge=30, le=3650)
    expiry_days: int = Field(ge=31, le=36500)
    upload_max_mib: int = Field(ge=1, le=100)
    upload_expiry_seconds: int = Field(ge=30, le=3600)
    allowed_origins: tuple[Origin, ...] = ()


class Logs(Section):
    retention_days: RetentionDays


class Tracing(Section):
    """How many of 100 requests, and of 100 scheduled tasks, are traced with all that they cause; 0 for none.

    The account has to have Transaction Search switched on (docs/tracing.md).
    """

    sample_percent: float = Field(default=0, ge=0, le=100)


class Limits(Section):
    """Up to where requests are served; beyond it they are refused, and told when to come back (docs/backpressure.md).

    One account may make `requests_per_minute` and announce `receipts_per_day`. Of receipts that wait or are being read
    there may be `queued_receipts`; with `bulk_percent` of them, bulk uploads are taken no more. A request may wait
    `wait_seconds` for a thread, and take `arrival_seconds` to arrive; each of its statements may run for
    `statement_seconds`.
    """

    requests_per_minute: int = Field(ge=60, le=1_000_000)
    receipts_per_day: int = Field(ge=10, le=10_000_000)
    queued_receipts: int = Field(ge=10, le=10_000_000)
    bulk_percent: int = Field(ge=1, le=100)
    wait_seconds: float = Field(ge=0.1, le=30)
    arrival_seconds: int = Field(ge=2, le=300)
    statement_seconds: int = Field(ge=1, le=50)


class Waf(Section):
    """Requests per IP address in five minutes; WAF's least is 10 (RateBasedStatement)."""

    rule_action: Literal["block", "count"]
    rate_limit: int = Field(ge=10, le=2_000_000_000)
    login_rate_limit: int = Field(ge=10, le=2_000_000_000)


class Backup(Section):
    """AWS Backup. `vault_lock_days` is how long the copy's lock can still be taken off; 0 means no lock."""

    daily_retention_days: int = Field(ge=1, le=3650)
    monthly_retention_days: int = Field(ge=1, le=3650)
    continuous_days: int = Field(ge=1, le=35)
    vault_lock_days: int = Field(ge=0, le=36500)


class Recovery(Section):
    """What is promised for the loss of the first region: minutes until the second one serves, and of writes that may
    be gone. `make drill NAME=region` measures all three.

    Nobody can promise less than what copies: RDS sends the write-ahead log off every five minutes (RDS User Guide,
    "Restoring to a point in time"), S3 Replication Time Control copies nearly all objects within 15 (S3 User Guide).
    """

    rto_minutes: int = Field(default=120, ge=15, le=1440)
    database_rpo_minutes: int = Field(default=5, ge=5, le=1440)
    images_rpo_minutes: int = Field(default=15, ge=15, le=1440)


class Budgets(Section):
    monthly_usd: int = Field(ge=1)
    openai_daily_usd: int = Field(ge=0)


class OpenAI(Section):
    """`strong_model` reads again what fails its checks, at most `escalation_percent` of a day's receipts.

    The two rates are the account's limits at OpenAI, for all workers together. What has waited longer than
    `batch_after_minutes` goes through the Batch API, at half the price and within 24 hours.
    """

    model: str
    strong_model: str
    requests_per_minute: int = Field(ge=1, le=1_000_000)
    tokens_per_minute: int = Field(ge=10_000, le=1_000_000_000)
    escalation_percent: int = Field(ge=0, le=100)
    batch_after_minutes: int = Field(ge=1, le=10_080)


class Rollout(Section):
    """How a new release of the web tasks takes over (docs/pipeline.md, "Rollouts").

    `rolling` replaces task by task; `blue_green` starts all new tasks beside the old ones and moves all traffic at
    once; `canary` first moves `canary_percent` of it for `canary_minutes`. Both keep the old tasks for another
    `bake_minutes`.

    A migration that runs longer than `migration_timeout_minutes`, or a smoke test longer than
    `smoke_test_timeout_minutes` (Lambda's most is 15), sends the release back.

    So do alarms, once their condition has held for `alarm_minutes`. They look at each of the two target groups on its
    own, in minutes with at least `min_requests` requests: a share of answers 5xx of `errors_percent`; a slowest
    hundredth of `p99_seconds`, or `p99_ratio` times the other group's where it is above `p99_floor_seconds`. Open
    database connections count as a share of `max_connections`.
    """

    strategy: Literal["rolling", "blue_green", "canary"]
    canary_percent: int = Field(ge=1, le=50)
    canary_minutes: int = Field(ge=1, le=1440)
    bake_minutes: int = Field(ge=1, le=1440)
    migration_timeout_minutes: int = Field(ge=1, le=120)
    smoke_test_timeout_minutes: int = Field(ge=1, le=14)
    alarm_minutes: int = Field(ge=1, le=10)
    min_requests: int = Field(ge=1, le=1_000_000)
    errors_percent: float = Field(gt=0, lt=100)
    p99_seconds: float = Field(gt=0, le=60)
    p99_ratio: float = Field(gt=1, le=100)
    p99_floor_seconds: float = Field(gt=0, le=60)
    connections_percent: int = Field(ge=1, le=100)


class Usage(Section):
    """What `make plan` assumes of people when it estimates a bill; measured figures belong here once there are some.

    Per month: receipts, requests to the load balancer, GiB of logs written, GiB through the NAT gateways. Averages: KiB
    of a receipt's image with its smaller copies, KiB of a response, of which the CDN sends `cdn_percent`.
    `receipts_kept_months` is the age of the bucket that is priced. `backup_changed_percent`: how much of the data
    changes between two backups.
    `spot_discount_percent`: off the price of Fargate, at most 70 as AWS says.
    """

    receipts_per_month: int = Field(ge=0, le=1_000_000_000)
    receipt_kib: int = Field(ge=1, le=102_400)
    receipts_kept_months: int = Field(ge=1, le=1200)
    requests_per_month: int = Field(ge=0, le=1_000_000_000_000)
    response_kib: int = Field(ge=0, le=102_400)
    cdn_percent: int = Field(ge=0, le=100)
    log_gib_per_month: int = Field(ge=0, le=1_000_000)
    nat_gib_per_month: int = Field(ge=0, le=1_000_000)
    backup_changed_percent: int = Field(ge=0, le=100)
    spot_discount_percent: int = Field(ge=0, le=70)


class Plan(Section):
    """`allow_replacement`: construct paths of stateful resources that a deploy may replace or delete, such as
    `Data/Database/Writer`. To be taken out again afterwards.
    """

    allow_replacement: tuple[Annotated[str, StringConstraints(pattern=r"^[^/\s]+(/[^/\s]+)+$")], ...] = ()


class Tokens(Section):
    """`key_rotation_days`: days between two signing keys; the one before is still accepted.

    More than the 14 days that a refresh token lives (`SIMPLE_JWT` in the application's settings), so that no rotation
    logs anybody out; Secrets Manager's most is 1000.
    """

    key_rotation_days: int = Field(ge=15, le=1000)


class BreakGlass(Section):
    """The emergency role (docs/runbooks/break-glass.md): `principals` are roles and users that may take it, and with
    none named it is whom the account's own policies allow. `require_mfa` suits users of IAM; an identity provider has
    asked for the second factor itself.
    """

    principals: tuple[PrincipalArn, ...] = ()
    require_mfa: bool


class Features(Section):
    """Parts that an environment can do without.

    `backup`: AWS Backup and, in the replica region, its copies and those of the database's own backups.
    `replication`: the copy of the receipts bucket in the replica region.
    """

    cdn: bool
    waf: bool
    backup: bool
    replication: bool
    exec: bool
    openai: bool


class Environment(Section):
    """Everything that differs between environments."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
    account: Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
    protect: bool
    cpu_architecture: Literal["arm64", "x86_64"]
    regions: Regions
    domain: Domain | None = None
    network: Network
    database: Database
    pgbouncer: PgBouncer
    broker: Valkey
    cache: Valkey
    web: Web
    worker: Worker
    beat: Beat
    storage: Storage
    logs: Logs
    tracing: Tracing = Tracing()
    limits: Limits
    waf: Waf
    backup: Backup
    budgets: Budgets
    alarms: Alarms
    objectives: Objectives = Objectives()
    recovery: Recovery = Recovery()
    openai: OpenAI
    tokens: Tokens
    rollout: Rollout
    break_glass: BreakGlass | None = None
    features: Features
    usage: Usage
    plan: Plan = Plan()
    previews: Previews | None = None

    @property
    def doubles_tasks(self) -> bool:
        """Whether a rollout shifts traffic between old and new tasks side by side (ECS blue-green and canary do)."""
        return self.rollout.strategy in {"blue_green", "canary"}

    @property
    def boundary_name(self) -> str:
        """Of the policy that bounds every role."""
        # IAM knows no regions: where the environment is brought up in its second one, the first one's is still there.
        return f"spendsmart-{self.name}-{self.regions.primary}-boundary"
