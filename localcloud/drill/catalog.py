"""The drills there are; one more is a line here."""

from __future__ import annotations

from localcloud.drill import calm
from localcloud.drill.alarms import command as alarms
from localcloud.drill.overload import command as overload
from localcloud.drill.plan import Drill

DRILLS = {
    drill.name: drill
    for drill in (
        Drill(name="alarms", says="every alarm that is deployed is made to fire, and to clear", run=alarms.run),
        Drill(name="calm", says="normal load for some minutes (MINUTES=30): no alarm may speak", run=calm.run),
        Drill(name="overload", says="ten times the load: refused politely, and nothing lost", run=overload.run),
    )
}
