"""How long previews live, and what all of them may cost."""

from __future__ import annotations

from pydantic import Field

from infra.config.section import Section
from previews.life import Terms


class PreviewLife(Section):
    """A preview lives for `hours` after its last push, and for `kept_hours` where its pull request has the label
    `keep`.

    People are warned in the last `warning_hours`. No new one is made when all together would cost more than
    `daily_usd` a day.
    """

    hours: int = Field(default=72, ge=1, le=168)
    kept_hours: int = Field(default=336, ge=1, le=744)
    warning_hours: int = Field(default=12, ge=1, le=48)
    daily_usd: int = Field(default=15, ge=1, le=1000)

    @property
    def terms(self) -> Terms:
        return Terms(hours=self.hours, kept_hours=self.kept_hours, warning_hours=self.warning_hours)
