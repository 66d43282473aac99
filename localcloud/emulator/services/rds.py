"""RDS calls that MiniStack lacks."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_region
from ministack.services import rds

from localcloud.emulator import wire


def install() -> None:
    # Upstream does not know replicated automated backups, which are seen in the region they go to.
    rds._ACTION_MAP["DescribeDBInstanceAutomatedBackups"] = _describe_automated_backups


def _describe_automated_backups(parameters: Any) -> Any:
    wanted = rds._p(parameters, "DBInstanceIdentifier")
    found = [
        backup
        for _, record in rds._instances.all_items()
        if (backup := record.get("_replicated_backup"))
        and backup["DBInstanceAutomatedBackupsArn"].split(":")[3] == get_region()
        and wanted in ("", None, backup["DBInstanceIdentifier"])
    ]
    return (
        200,
        {"Content-Type": "text/xml"},
        wire.answer("rds", "DescribeDBInstanceAutomatedBackups", {"DBInstanceAutomatedBackups": found}),
    )
