"""What ECS tells EventBridge: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html"""

from __future__ import annotations

import json

from ministack.services import eventbridge

from localcloud.emulator.ecs_records import Record


def task_changed(task: Record) -> None:
    """The task's state is another one: ECS sends the whole task, as DescribeTasks shows it."""
    detail = {name: value for name, value in task.items() if not name.startswith("_")}
    event = {
        "Source": "aws.ecs",
        "DetailType": "ECS Task State Change",
        "Resources": [task["taskArn"]],
        "Detail": json.dumps(detail, default=str),
    }
    eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
