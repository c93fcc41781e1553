"""The log's long history in ClickHouse: a server, or the engine in-process."""
