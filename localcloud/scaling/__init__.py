"""`make scaling`: load traces replayed against the scaling policies of the synthesized templates."""
