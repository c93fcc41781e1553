-- One row per session event. A replay of an event is the same key, so merges and FINAL leave the newest version (v).
-- Partitions follow the day of expiry, so that expiry drops whole parts; long tiers are rounded to weeks and months to keep
-- the number of partitions small. `days` is the retention a row was written under: rows with another one are to be re-dated.
-- `folded` is the text in lower case where it has capitals beyond ASCII, else empty: the in-process engine has no lowerUTF8.
-- Small granules: a search reads a few scattered rows, and each costs one granule of the text columns.
CREATE TABLE IF NOT EXISTS log_lines
(
    workspace LowCardinality(String),
    session String,
    epoch LowCardinality(String),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    kind LowCardinality(String),
    event LowCardinality(String),
    agent LowCardinality(String),
    agent_id String CODEC(ZSTD(1)),
    cli LowCardinality(String),
    frame_type LowCardinality(String),
    tool LowCardinality(String),
    command String CODEC(ZSTD(1)),
    exit_code Nullable(Int64),
    paths Array(String) CODEC(ZSTD(1)),
    diff String CODEC(ZSTD(1)),
    ok Bool,
    text String CODEC(ZSTD(1)),
    folded String CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    cached_tokens UInt64 CODEC(ZSTD(1)),
    cost_usd Float64 CODEC(ZSTD(1)),
    cumulative Bool,
    body String CODEC(ZSTD(1)),
    redactions UInt32 CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(1)),
    days UInt16,
    expires_at DateTime('UTC') CODEC(Delta, ZSTD(1)),
    v UInt64 DEFAULT toUnixTimestamp64Milli(now64(3)) CODEC(Delta, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(v)
PARTITION BY multiIf(days <= 100, toDate(expires_at), days <= 800, toMonday(expires_at), toStartOfMonth(expires_at))
ORDER BY (workspace, session, epoch, offset)
TTL expires_at DELETE
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024, non_replicated_deduplication_window = 10000
