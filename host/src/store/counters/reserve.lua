-- Take amounts of all bounds, or of none. The rule is that of `rule.rs`.
--
-- KEYS: the hold, the gateways, then one for each bound.
-- ARGV: the gateway, its lease in ms, the hold's time to live in ms (0 to look and take nothing), requests, tokens, money, then for each bound
-- its kind, which amount it counts (1 requests, 2 tokens, 3 money, 4 one), its limit (-1 for none), its time to live.
-- Gives 1 if it is taken and 0 if not, the time, and for each bound what is taken of it now.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local gateway, lease = ARGV[1], tonumber(ARGV[2])
local wanted = { tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), 1 }

local function whole(number)
    return string.format('%.0f', number)
end

-- The gateway is there; who has not said so for as long as a lease is not, and frees its places.
redis.call('ZADD', KEYS[2], now + lease, gateway)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('PEXPIRE', KEYS[2], lease)

local function places(key)
    local open = 0
    local held = redis.call('HGETALL', key)
    for at = 1, #held, 2 do
        if redis.call('ZSCORE', KEYS[2], held[at]) then
            open = open + tonumber(held[at + 1])
        else
            redis.call('HDEL', key, held[at])
        end
    end
    return open
end

local taken = {}
local fits = true
for at = 3, #KEYS do
    local arg = 7 + (at - 3) * 4
    local kind, amount, limit = ARGV[arg], wanted[tonumber(ARGV[arg + 1])], tonumber(ARGV[arg + 2])
    local unit, level = 1, 0
    if kind == 'bucket' then
        unit = 60000
        local state = redis.call('HMGET', KEYS[at], 'level', 'at')
        local drained = math.max(0, now - (tonumber(state[2]) or now)) * limit
        level = math.max(0, (tonumber(state[1]) or 0) - drained)
    elseif kind == 'sum' then
        level = tonumber(redis.call('GET', KEYS[at]) or '0')
    else
        level = places(KEYS[at])
    end
    taken[at] = level
    if limit >= 0 and (level >= limit * unit or level + amount * unit > limit * unit) then
        fits = false
    end
end

-- Asked again, because the answer to the first time was lost: it is taken already.
local again = redis.call('EXISTS', KEYS[1]) == 1
if fits and not again and tonumber(ARGV[3]) > 0 then
    redis.call('HSET', KEYS[1], '1', ARGV[4], '2', ARGV[5], '3', ARGV[6])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    for at = 3, #KEYS do
        local arg = 7 + (at - 3) * 4
        local kind, amount = ARGV[arg], wanted[tonumber(ARGV[arg + 1])]
        if kind == 'bucket' then
            taken[at] = taken[at] + amount * 60000
            redis.call('HSET', KEYS[at], 'level', whole(taken[at]), 'at', whole(now))
        elseif kind == 'sum' then
            taken[at] = redis.call('INCRBY', KEYS[at], whole(amount))
        else
            taken[at] = taken[at] + 1
            redis.call('HINCRBY', KEYS[at], gateway, 1)
        end
        redis.call('PEXPIRE', KEYS[at], ARGV[arg + 3])
    end
end

local said = { (fits or again) and '1' or '0', whole(now) }
for at = 3, #KEYS do
    said[#said + 1] = whole(taken[at])
end
return said
