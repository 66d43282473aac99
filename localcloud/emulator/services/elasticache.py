"""ElastiCache: answers that are well-formed XML."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from ministack.services import elasticache

from localcloud.emulator.corrections import replace


def install() -> None:
    stock = elasticache._user_xml

    def user_xml(user: dict[str, Any]) -> Any:
        # Upstream writes access strings, which are full of "&", into XML as they are.
        return stock({**user, "AccessString": escape(user.get("AccessString", ""))})

    replace(elasticache, "_user_xml", user_xml)
