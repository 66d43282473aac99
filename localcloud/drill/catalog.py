"""The drills there are; one more is a line here."""

from __future__ import annotations

from localcloud.drill import calm
from localcloud.drill.alarms import command as alarms
from localcloud.drill.faults import command as faults
from localcloud.drill.overload import command as overload
from localcloud.drill.plan import Drill
from localcloud.drill.recovery import restore
from localcloud.drill.region import command as region

DRILLS = {
    drill.name: drill
    for drill in (
        Drill(
            name="faults",
            says="parts die while clients work: nothing acknowledged is lost, nothing billed twice",
            run=faults.run,
            rate=8.0,
        ),
        Drill(name="alarms", says="every alarm that is deployed is made to fire, and to clear", run=alarms.run),
        Drill(name="calm", says="normal load for some minutes (MINUTES=30): no alarm may speak", run=calm.run),
        Drill(name="restore", says="a table and images are lost under load, and restored to a second", run=restore.run),
        Drill(
            name="region", says="the first region is lost under load; the second serves of its copies", run=region.run
        ),
        Drill(name="overload", says="ten times the load: refused politely, and nothing lost", run=overload.run),
    )
}
