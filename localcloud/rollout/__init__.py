"""Rollouts rehearsed on a running local cloud: a new version under load, watched through the AWS API, then judged."""
