-- Make what a hold has taken these amounts. To say it twice changes nothing: the hold knows what it counts as, and is gone
-- when its exchange is over.
--
-- KEYS: the hold, then one for each bound.
-- ARGV: the gateway, 1 if the exchange is over, requests, tokens, money, then for each bound its kind, which amount it
-- counts, its limit, its time to live.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local gateway, over = ARGV[1], ARGV[2] == '1'
local used = { tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]) }
local held = redis.call('HMGET', KEYS[1], '1', '2', '3')
if not held[1] then
    return 0
end

for at = 2, #KEYS do
    local arg = 6 + (at - 2) * 4
    local kind, of, limit = ARGV[arg], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
    local change = of < 4 and used[of] - tonumber(held[of]) or 0
    if kind == 'bucket' then
        local state = redis.call('HMGET', KEYS[at], 'level', 'at')
        local drained = math.max(0, now - (tonumber(state[2]) or now)) * limit
        local level = math.max(0, (tonumber(state[1]) or 0) - drained)
        level = math.max(0, level + change * 60000)
        redis.call('HSET', KEYS[at], 'level', string.format('%.0f', level), 'at', string.format('%.0f', now))
        redis.call('PEXPIRE', KEYS[at], ARGV[arg + 3])
    elseif kind == 'sum' then
        if change ~= 0 and redis.call('INCRBY', KEYS[at], string.format('%.0f', change)) < 0 then
            redis.call('SET', KEYS[at], '0')
        end
        redis.call('PEXPIRE', KEYS[at], ARGV[arg + 3])
    elseif over and redis.call('HINCRBY', KEYS[at], gateway, -1) <= 0 then
        redis.call('HDEL', KEYS[at], gateway)
    end
end

if over then
    redis.call('DEL', KEYS[1])
else
    redis.call('HSET', KEYS[1], '1', ARGV[3], '2', ARGV[4], '3', ARGV[5])
end
return 1
