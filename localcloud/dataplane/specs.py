"""What the data plane is to run, free of API shapes. Names follow the AWS API; times are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Login:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ArchiveSpec:
    """Where the automated backups of one instance lie: `server` is the id of its resource."""

    region: str
    bucket: str
    server: str


@dataclass(frozen=True, kw_only=True)
class RestoreSpec:
    """What a new instance begins with: a base backup as it was (`backup_id`), or the state at `time` (ISO 8601), or
    without either the last one that there is."""

    archive: ArchiveSpec
    backup_id: str = ""
    time: str = ""


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """One DB instance. `source` is the identifier of the instance it replicates, None for a primary; `replicas` are
    the identifiers of those that replicate it; with `multi_az` it has a standby in step; `parameters` are the ones set
    in its DB parameter group; `resource_id` tells it from an earlier instance of the same identifier. Backups
    are kept in `archive` for `retention_days`, none where it is None."""

    identifier: str
    port: int
    login: Login | None = None
    database: str | None = None
    source: str | None = None
    replicas: tuple[str, ...] = ()
    resource_id: str = ""
    multi_az: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    archive: ArchiveSpec | None = None
    retention_days: int = 0
    restore: RestoreSpec | None = None


@dataclass(frozen=True, kw_only=True)
class ValkeyUser:
    """`access_string` in Valkey's ACL language; no password means that the user cannot log in."""

    username: str
    access_string: str
    passwords: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class ValkeySpec:
    """One replication group; `memory` in bytes, `parameters` those set in its cache parameter group."""

    group_id: str
    port: int
    memory: int
    users: tuple[ValkeyUser, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, order=True)
class Target:
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class HealthCheckSpec:
    """`port` None is the target's own; `codes` as in a target group's matcher ("200", "200-299", "200,302")."""

    path: str = "/"
    protocol: str = "HTTP"
    port: int | None = None
    codes: str = "200"
    interval: int = 30
    timeout: int = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2

    def accepted(self) -> list[tuple[int, int]]:
        """The first and the last status of each range in `codes`."""
        found = []
        for part in self.codes.split(","):
            first, _, last = part.strip().partition("-")
            found.append((int(first), int(last or first)))
        return found


@dataclass(frozen=True, kw_only=True)
class TargetGroupSpec:
    arn: str
    name: str
    protocol: str = "HTTP"
    protocol_version: str = "HTTP1"
    algorithm: str = "round_robin"
    slow_start: int = 0
    health_check: HealthCheckSpec = HealthCheckSpec()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextCondition:
    """`field` is host-header, path-pattern, http-header or http-request-method; one of the values must fit. `values`
    may have the wildcards `*` and `?`, `regexes` are regular expressions; `header` names the header."""

    field: str
    values: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    header: str = ""


@dataclass(frozen=True, kw_only=True)
class QueryCondition:
    """One of the (key, value) pairs must be in the query; an empty key fits every key."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class SourceCondition:
    """The client's address must be in one of the networks (CIDR)."""

    networks: tuple[str, ...]


Condition = TextCondition | QueryCondition | SourceCondition


@dataclass(frozen=True, kw_only=True)
class ForwardAction:
    """Weights by target group ARN."""

    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class RedirectAction:
    """Members may hold `#{protocol}`, `#{host}`, `#{port}`, `#{path}`, `#{query}`, as ELB defines them."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, kw_only=True)
class FixedResponseAction:
    status: int
    content_type: str = "text/plain"
    body: str = ""


Action = ForwardAction | RedirectAction | FixedResponseAction


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """No conditions: the default rule."""

    arn: str
    action: Action
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ListenerSpec:
    """`port` as declared, `local_port` where it listens on this machine; `rules` in order, the default one last."""

    arn: str
    port: int
    local_port: int
    protocol: str
    rules: tuple[RuleSpec, ...]


@dataclass(frozen=True, kw_only=True)
class LoadBalancerSpec:
    arn: str
    name: str
    listeners: tuple[ListenerSpec, ...] = ()
    idle_timeout: int = 60
    drop_invalid_header_fields: bool = False
    forwarded_for: str = "append"
    """`routing.http.xff_header_processing.mode`: append, preserve or remove."""


@dataclass(frozen=True, kw_only=True)
class OriginSpec:
    """Where a distribution fetches from: `bucket` for S3 through origin access control (`allowed` tells whether the
    bucket policy lets the distribution in), otherwise an HTTP(S) server on this machine."""

    origin_id: str
    domain_name: str
    port: int
    tls: bool
    path: str = ""
    bucket: str = ""
    region: str = ""
    allowed: bool = True
    read_timeout: int = 30
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class PublicKeySpec:
    key_pair_id: str
    pem: str


@dataclass(frozen=True, kw_only=True)
class BehaviorSpec:
    """`path_pattern` with `*` and `?`; `trusted_keys` None means that no signature is asked for."""

    path_pattern: str
    origin_id: str
    viewer_protocol_policy: str = "allow-all"
    allowed_methods: tuple[str, ...] = ("GET", "HEAD")
    compress: bool = False
    forward_headers: bool = False
    forward_query: bool = False
    forward_cookies: bool = False
    host: str = "origin"
    """Which Host header the origin sees: `viewer` or `origin`."""
    response_headers: tuple[tuple[str, str], ...] = ()
    trusted_keys: tuple[PublicKeySpec, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class DistributionSpec:
    """`behaviors` in order of precedence, the default one (`*`) last."""

    distribution_id: str
    local_port: int
    origins: tuple[OriginSpec, ...]
    behaviors: tuple[BehaviorSpec, ...]
    default_root_object: str = ""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """All that one Envoy serves: it is configured as a whole."""

    load_balancers: tuple[LoadBalancerSpec, ...] = ()
    target_groups: tuple[TargetGroupSpec, ...] = ()
    distributions: tuple[DistributionSpec, ...] = ()
    refused: tuple[tuple[str, str, str], ...] = ()
    """(kind, name, message) of what could not be read into a spec."""
