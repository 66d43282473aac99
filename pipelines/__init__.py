"""Delivery: CodePipeline, CodeBuild, and the commands that their buildspecs run."""
