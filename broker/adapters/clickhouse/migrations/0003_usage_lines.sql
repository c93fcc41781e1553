-- What each log line adds to usage: numbers without content, which outlive the line's own retention.
-- A replay of an event is the same key with the same numbers, so FINAL counts it once; sums over rows are made on reading.
-- `conversation` is the vendor's conversation id where an agent became ready: running totals count from its start.
CREATE TABLE IF NOT EXISTS usage_lines
(
    workspace LowCardinality(String),
    session String,
    epoch LowCardinality(String),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    event LowCardinality(String),
    agent LowCardinality(String),
    agent_id String CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    cached_tokens UInt64 CODEC(ZSTD(1)),
    cost_usd Float64 CODEC(ZSTD(1)),
    cumulative Bool,
    conversation String CODEC(ZSTD(1)),
    resumed Bool,
    v UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(v)
PARTITION BY toStartOfMonth(at)
ORDER BY (workspace, session, epoch, offset)
TTL toDateTime(at) + toIntervalDay(400) DELETE
