-- Takes a number before Stripe is asked: answers to later questions are not overwritten by answers to earlier ones.
-- KEYS[1] workspace root
-- Returns the number
return redis.call('HINCRBY', K.billing(), 'tickets', 1)
