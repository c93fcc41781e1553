"""A whole installation in one file: what is in Redis, the embedded log store, and the keys of the data folder.

Redis is read first, as it stands at one moment, and the log store afterwards: Redis lets go of log events only when the
log store has them, so nothing is in neither. What the log store has beyond that moment is left behind when it is
restored: each log begins a new branch there, as it does when a replica that lacks the last seconds becomes the primary.
"""
