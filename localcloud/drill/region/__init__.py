"""`make drill NAME=region`: the first region is lost under load, and the second one serves out of its copies."""
