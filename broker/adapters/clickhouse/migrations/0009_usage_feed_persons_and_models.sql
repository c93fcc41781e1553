-- Feeds them.
ALTER TABLE usage_feed MODIFY QUERY
SELECT
    workspace, session, epoch, offset, at, event, agent, agent_id, length(body) AS bytes,
    input_tokens, output_tokens, cached_tokens, cost_usd, cumulative,
    if(event = 'agent.ready', JSONExtractString(body, 'data', 'native_id'), '') AS conversation,
    event = 'agent.ready' AND JSONExtractBool(body, 'data', 'resumed') AS resumed,
    if(event = 'agent.spawning', JSONExtractString(body, 'data', 'person'), '') AS person,
    if(event = 'agent.ready', JSONExtractString(body, 'data', 'model'), '') AS model,
    v
FROM log_lines
