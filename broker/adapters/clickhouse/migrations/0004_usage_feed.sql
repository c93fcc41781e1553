-- Fills usage_lines from every insert into the log.
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_feed TO usage_lines AS
SELECT
    workspace, session, epoch, offset, at, event, agent, agent_id, length(body) AS bytes,
    input_tokens, output_tokens, cached_tokens, cost_usd, cumulative,
    if(event = 'agent.ready', JSONExtractString(body, 'data', 'native_id'), '') AS conversation,
    event = 'agent.ready' AND JSONExtractBool(body, 'data', 'resumed') AS resumed,
    v
FROM log_lines
