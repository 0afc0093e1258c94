-- wrk -s publish.lua URL -- FILE CHANNELS SIZE
--
-- Publishes bodies of SIZE octets through nchan, to CHANNELS random channels
-- a request.  The channels have the names of the mailboxes whose ids are in
-- FILE.

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               .. "0123456789-_"
local POOL = 200000                     -- names, in all requests together

local heads = {}
local body, position

local function base64url(octets)
    local out = {}
    local value, bits = 0, 0

    for i = 1, #octets do
        value = value * 256 + octets:byte(i)
        bits = bits + 8

        while bits >= 6 do
            bits = bits - 6

            local digit = math.floor(value / 2^bits)

            value = value % 2^bits
            out[#out + 1] = DIGITS:sub(digit + 1, digit + 1)
        end
    end

    if bits > 0 then
        local digit = value * 2^(6 - bits)

        out[#out + 1] = DIGITS:sub(digit + 1, digit + 1)
    end

    return table.concat(out)
end

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local ids = file:read("*a")
    local channels, size = tonumber(args[2]), tonumber(args[3])
    local count = #ids / 16
    local names = {}

    file:close()
    math.randomseed(1)

    for i = 1, count do
        names[i] = base64url(ids:sub(i * 16 - 15, i * 16))
    end

    for i = 1, POOL / channels do
        local chosen, seen = {}, {}

        while #chosen < channels do
            local n = math.random(count)

            if not seen[n] then
                seen[n] = true
                chosen[#chosen + 1] = names[n]
            end
        end

        heads[i] = "POST /publish?to=" .. table.concat(chosen, ",")
                   .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                   .. "application/octet-stream\r\nContent-Length: " .. size
                   .. "\r\n\r\n"
    end

    body = string.rep("b", size)
    position = 0
end

function request()
    position = position % #heads + 1

    return heads[position] .. body
end

function done(summary, latency, requests)
    local errors = summary.errors

    io.write(string.format("result %d %d %d %d 0\n", summary.requests,
             summary.duration, errors.status,
             errors.connect + errors.read + errors.write + errors.timeout))
end
