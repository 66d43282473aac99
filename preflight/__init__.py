"""What AWS would refuse, although it synthesizes: rules over CloudFormation templates and cloud assemblies.

Reads templates only, never the code that made them, so it serves any CDK app and any hand-written template.
`loading` reads, `assembly` and `values` give the rules a resolved view, `rules/` holds the rules, `engine` runs them,
`report` prints what they found, `plugin` does all that in every CDK synth, and `account` asks an AWS account.
"""
