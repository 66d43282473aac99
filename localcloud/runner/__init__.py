"""ECS's scheduler and agent: starts each deployed service as its task definition says."""
