"""The packs of rules that every synth is judged by: cdk-nag's, our own, and what keeps acknowledgements honest."""
