"""Compares what is deployed, read back through the AWS API, with what the templates say.

Reads a cloud assembly and the API, never the code of the stacks: it works on AWS as on the local cloud.
"""
