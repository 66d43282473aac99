"""An environment brought up in its second region, out of what is there when the first one is gone."""

from __future__ import annotations

import re
from typing import Any

from infra.config.loading import ConfigurationError
from infra.config.models import Environment

_DATA = re.compile(
    r"arn:[a-z-]+:rds:(?P<region>[a-z0-9-]+):\d{12}:(auto-backup:ab-[a-z0-9-]+|snapshot:[A-Za-z][A-Za-z0-9-]*)"
)


def in_second_region(environment: Environment, *, region: str, data: str | None) -> Environment:
    """The environment as it is in `region`, the one with the copies, without copies of its own for the time being.

    CloudFront's stack and its firewall live in us-east-1, so there is no CDN: pictures come from S3 by signed forms.
    `data` is the ARN of a copied snapshot or of a replicated automated backup of the database.
    Raises ConfigurationError.
    """
    name = environment.name
    if region != environment.regions.replica:
        raise ConfigurationError(
            f"-c region={region}: {name} serves from {environment.regions.primary} and has its copies in "
            f"{environment.regions.replica}, which are the regions that it can be brought up in"
        )
    if not (environment.features.replication and environment.protect):
        raise ConfigurationError(
            f"-c region={region}: {name} keeps no copies of all there: that takes features.replication and protect"
        )
    found = _DATA.fullmatch(data or "")
    if found is None or found["region"] != region:
        raise ConfigurationError(
            f"-c region={region} needs -c restore=ARN, of an automated backup or a snapshot of the database in that "
            f"region, not {data!r}: docs/runbooks/region-lost.md says how to find it"
        )
    domain = environment.domain
    if domain and not domain.replica_certificate_arn:
        raise ConfigurationError(
            f"-c region={region}: config/{name}.toml: domain.replica_certificate_arn is not set; a load balancer takes "
            f"certificates of its own region alone"
        )
    changes: dict[str, Any] = {
        "regions": environment.regions.model_copy(
            update={"primary": environment.regions.replica, "replica": environment.regions.primary}
        ),
        # IAM knows no regions: the first one's role for emergencies is there, and its name with it.
        "break_glass": None,
        "features": environment.features.model_copy(update={"replication": False, "backup": False, "cdn": False}),
    }
    if domain:
        changes["domain"] = domain.model_copy(update={"certificate_arn": domain.replica_certificate_arn})
    return environment.model_copy(update=changes)
