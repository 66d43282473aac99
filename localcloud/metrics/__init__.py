"""Metrics of the local cloud's real parts, in CloudWatch under AWS's names and dimensions.

A module for each namespace turns samples into data and nothing else; `readers/` take the samples. What cannot be
measured here is not published: docs/local-metrics.md says what is, and how.
"""
