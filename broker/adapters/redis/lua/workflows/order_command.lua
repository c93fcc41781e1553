-- Gives a machine one command of a run, once.
-- KEYS[1] workspace root
-- ARGV    order    JSON object, see `order_command`
-- Returns how far it is: 'ordered', 'refused', or what it was before
-- uses: command_orders
return order_command(cjson.decode(order))
