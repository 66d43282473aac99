"""Service deployments as Amazon ECS carries them out: rolling ones watched, the others step by step.

`planner` decides, `driver` acts on it every half second, `records` keeps where each deployment stands, so that the
emulator and the task runner may be killed at any moment. `calls` answers the API.
"""
