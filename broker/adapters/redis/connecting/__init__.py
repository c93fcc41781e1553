"""Connections to one Redis, a Cluster, or whatever the Sentinels say is the primary."""
