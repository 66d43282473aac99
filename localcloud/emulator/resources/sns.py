"""Topics with their key and their other attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Properties, Wanted, resource

_ATTRIBUTES = ("KmsMasterKeyId", "SignatureVersion", "TracingConfig", "ArchivePolicy")


@resource("AWS::SNS::Topic")
class Topic(Completion):
    """Upstream keeps a topic's name and tags only."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        for name in _ATTRIBUTES:
            value = wanted.properties.get(name)
            if value is None and name not in before:
                continue
            text = json.dumps(value) if isinstance(value, dict) else str(value or "")
            client("sns").set_topic_attributes(TopicArn=ref, AttributeName=name, AttributeValue=text)
        return {}
