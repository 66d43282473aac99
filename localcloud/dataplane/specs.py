"""What should run, in our own terms: made from the AWS API by `desired`, carried out by the other modules."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """One RDS instance. `source` names the instance it is a read replica of; parameters as in its parameter group."""

    name: str
    port: int
    username: str
    password: str
    database: str
    parameters: dict[str, str] = field(default_factory=dict)
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class ValkeyUser:
    """One ElastiCache user: its access string (Valkey's ACL rules) and password."""

    name: str
    access_string: str
    password: str


@dataclass(frozen=True, kw_only=True)
class ValkeySpec:
    """One ElastiCache replication group, as one server."""

    name: str
    port: int
    users: tuple[ValkeyUser, ...]
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A registered target of a target group."""

    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Seconds, and how many checks in a row turn a target healthy or unhealthy; `matcher` as in ELB ("200,300-302")."""

    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str = "200"


@dataclass(frozen=True, kw_only=True)
class TargetGroupSpec:
    arn: str
    targets: tuple[Target, ...]
    health_check: HealthCheck


@dataclass(frozen=True, kw_only=True)
class WeightedGroup:
    arn: str
    weight: int


@dataclass(frozen=True, kw_only=True)
class Forward:
    groups: tuple[WeightedGroup, ...]


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """ELB's placeholders `#{host}`, `#{path}`, `#{port}`, `#{protocol}` and `#{query}` stay in the strings."""

    status_code: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, kw_only=True)
class FixedResponse:
    status_code: int
    content_type: str = "text/plain"
    body: str = ""


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One of ELB's conditions: `field` is its name there, a header's or query string's name is in `key`."""

    field: str
    values: tuple[str, ...]
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """A listener rule; the default rule has no conditions and comes last."""

    priority: int
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True, kw_only=True)
class ListenerSpec:
    """`port` is the template's, `local_port` where it really listens."""

    arn: str
    port: int
    local_port: int
    tls: bool
    rules: tuple[RuleSpec, ...]


@dataclass(frozen=True, kw_only=True)
class LoadBalancerSpec:
    arn: str
    name: str
    listeners: tuple[ListenerSpec, ...]
    target_groups: tuple[TargetGroupSpec, ...]
    idle_timeout: int = 60
    drop_invalid_headers: bool = False


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One cache behaviour of a distribution; `pattern` "*" is the default one. `public_keys` ask for signed URLs."""

    pattern: str
    origin: str
    redirect_to_https: bool
    public_keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BucketOrigin:
    """A bucket behind origin access control; `path` leads every key."""

    bucket: str
    region: str
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerOrigin:
    """The load balancer whose listener answers on `local_port`."""

    local_port: int
    tls: bool


@dataclass(frozen=True, kw_only=True)
class DistributionSpec:
    """A CloudFront distribution; behaviours in their order, the default one last."""

    id: str
    arn: str
    local_port: int
    origins: dict[str, BucketOrigin | LoadBalancerOrigin]
    behaviours: tuple[Behaviour, ...]


@dataclass(frozen=True, kw_only=True)
class Desired:
    """Everything that should run."""

    databases: tuple[DatabaseSpec, ...] = ()
    valkeys: tuple[ValkeySpec, ...] = ()
    load_balancers: tuple[LoadBalancerSpec, ...] = ()
    distributions: tuple[DistributionSpec, ...] = ()
