"""`make drill NAME=alarms`: every alarm that is deployed is made to fire, and to clear."""
