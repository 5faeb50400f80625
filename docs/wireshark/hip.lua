-- SPDX-License-Identifier: Apache-2.0
--
-- HIP version 2 (RFC 7401, 7402, 8003, 8004, 8046, 9028) for Wireshark and tshark 4.0, in place of the built-in dissector, which knows version 1's
-- HOST_ID and signatures, not R1_COUNTER 129, DH_GROUP_LIST, TRANSPORT_FORMAT_LIST and the parameters of RFC 9028, and leaves
-- ESP in UDP 10500 undissected.
--
--     tshark -X lua_script:hip.lua -r CAPTURE        or copy it into Wireshark's folder of personal Lua plugins
--
-- Fields: hip2.type, hip2.sender, hip2.receiver, hip2.param (a parameter's type), hip2.hi_alg, hip2.sig_alg, hip2.group, hip2.spi ...

local hip2 = Proto("hip2", "Host Identity Protocol, version 2")
local hip2_udp = Proto("hip2_udp", "HIP or ESP in UDP")

local PACKETS = { [1] = "I1", [2] = "R1", [3] = "I2", [4] = "R2", [16] = "UPDATE", [17] = "NOTIFY", [18] = "CLOSE", [19] = "CLOSE_ACK",
    [20] = "HDRR", [32] = "HIP_DATA" }
local PARAMS = { [65] = "ESP_INFO", [128] = "R1_COUNTER (v1)", [129] = "R1_COUNTER", [193] = "LOCATOR_SET", [257] = "PUZZLE",
    [321] = "SOLUTION", [385] = "SEQ", [449] = "ACK", [511] = "DH_GROUP_LIST", [513] = "DIFFIE_HELLMAN", [577] = "HIP_TRANSFORM (v1)",
    [579] = "HIP_CIPHER", [608] = "NAT_TRAVERSAL_MODE", [610] = "TRANSACTION_PACING", [641] = "ENCRYPTED", [705] = "HOST_ID",
    [715] = "HIT_SUITE_LIST", [768] = "CERT", [832] = "NOTIFICATION", [897] = "ECHO_REQUEST_SIGNED", [930] = "REG_INFO",
    [932] = "REG_REQUEST", [934] = "REG_RESPONSE", [936] = "REG_FAILED", [950] = "REG_FROM", [961] = "ECHO_RESPONSE_SIGNED",
    [2049] = "TRANSPORT_FORMAT_LIST", [4095] = "ESP_TRANSFORM", [4481] = "SEQ_DATA", [4545] = "ACK_DATA", [4577] = "PAYLOAD_MIC",
    [4580] = "TRANSACTION_ID", [4592] = "OVERLAY_ID", [4601] = "ROUTE_DST", [4650] = "RELAYED_ADDRESS", [4660] = "MAPPED_ADDRESS",
    [4680] = "PEER_PERMISSION", [4700] = "CANDIDATE_PRIORITY", [4710] = "NOMINATE", [7680] = "HIP_TRANSPORT_MODE",
    [32800] = "EAP_PAYLOAD", [32802] = "BIND_REQUEST", [32804] = "BIND_RESPONSE", [32806] = "BIND_MAC", [61505] = "HIP_MAC",
    [61569] = "HIP_MAC_2", [61633] = "HIP_SIGNATURE_2", [61697] = "HIP_SIGNATURE", [63425] = "ECHO_RESPONSE_UNSIGNED",
    [63661] = "ECHO_REQUEST_UNSIGNED", [63998] = "RELAY_FROM", [64002] = "RELAY_TO", [64011] = "OVERLAY_TTL", [64017] = "ROUTE_VIA",
    [65498] = "FROM", [65500] = "RVS_HMAC", [65502] = "VIA_RVS", [65520] = "RELAY_HMAC" }
local HI_ALGS = { [1] = "NULL-ENCRYPT", [3] = "DSA", [5] = "RSA", [7] = "ECDSA", [9] = "ECDSA_LOW", [13] = "EdDSA" }
local CURVES = { [7] = { [1] = "NIST P-256", [2] = "NIST P-384" }, [9] = { [1] = "SECP160R1" },
    [13] = { [1] = "Ed25519", [2] = "Ed25519ph", [3] = "Ed448", [4] = "Ed448ph" } }
local GROUPS = { [3] = "MODP 1536", [4] = "MODP 3072", [7] = "NIST P-256", [8] = "NIST P-384", [9] = "NIST P-521", [10] = "SECP160R1",
    [11] = "MODP 2048" }
local CIPHERS = { [1] = "NULL-ENCRYPT", [2] = "AES-128-CBC", [4] = "AES-256-CBC" }
local SUITES = { [1] = "RSA,DSA/SHA-256", [2] = "ECDSA/SHA-384", [3] = "ECDSA_LOW/SHA-1", [5] = "EdDSA/cSHAKE128" }
local ESP = { [7] = "NULL/HMAC-SHA-256", [8] = "AES-128-CBC/HMAC-SHA-256", [9] = "AES-256-CBC/HMAC-SHA-256", [10] = "AES-CCM-8",
    [11] = "AES-CCM-16", [12] = "AES-GCM, 8-octet ICV", [13] = "AES-GCM, 16-octet ICV", [14] = "AES-CMAC-96", [15] = "AES-GMAC" }
local MODES = { [1] = "UDP-ENCAPSULATION", [2] = "ICE-STUN-UDP", [3] = "ICE-HIP-UDP" }
local SERVICES = { [1] = "RENDEZVOUS", [2] = "RELAY_UDP_HIP", [3] = "RELAY_UDP_ESP", [4] = "CANDIDATE_DISCOVERY", [201] = "SIM_BINDING" }
local DOMAINS = { [0] = "none", [1] = "FQDN", [2] = "NAI" }
local KINDS = { [0] = "host", [1] = "server reflexive", [2] = "peer reflexive", [3] = "relayed" }

local f = {
    type = ProtoField.uint8("hip2.type", "Packet type", base.DEC, PACKETS, 0x7f),
    version = ProtoField.uint8("hip2.version", "Version", base.DEC, nil, 0xf0),
    checksum = ProtoField.uint16("hip2.checksum", "Checksum", base.HEX),
    controls = ProtoField.uint16("hip2.controls", "Controls", base.HEX),
    anonymous = ProtoField.bool("hip2.anonymous", "Anonymous", 16, nil, 1),
    sender = ProtoField.ipv6("hip2.sender", "Sender's HIT"),
    receiver = ProtoField.ipv6("hip2.receiver", "Receiver's HIT"),
    param = ProtoField.uint16("hip2.param", "Type", base.DEC, PARAMS),
    length = ProtoField.uint16("hip2.length", "Length", base.DEC),
    octets = ProtoField.bytes("hip2.octets", "Contents"),
    padding = ProtoField.bytes("hip2.padding", "Padding"),
    reserved = ProtoField.bytes("hip2.reserved", "Reserved"),
    counter = ProtoField.uint64("hip2.r1_counter", "R1 counter", base.DEC),
    k = ProtoField.uint8("hip2.k", "K", base.DEC),
    lifetime = ProtoField.uint8("hip2.puzzle_lifetime", "Lifetime: 2^(value - 32) seconds", base.DEC),
    opaque = ProtoField.uint16("hip2.opaque", "Opaque", base.HEX),
    i = ProtoField.bytes("hip2.i", "#I"),
    j = ProtoField.bytes("hip2.j", "#J"),
    group = ProtoField.uint8("hip2.group", "Group", base.DEC, GROUPS),
    public_len = ProtoField.uint16("hip2.public_len", "Public value length", base.DEC),
    public = ProtoField.bytes("hip2.public", "Public value"),
    cipher = ProtoField.uint16("hip2.cipher", "Cipher", base.DEC, CIPHERS),
    suite = ProtoField.uint8("hip2.hit_suite", "HIT suite", base.DEC, SUITES, 0xf0),
    format = ProtoField.uint16("hip2.transport_format", "Transport format", base.DEC, { [4095] = "ESP" }),
    esp = ProtoField.uint16("hip2.esp_suite", "ESP suite", base.DEC, ESP),
    mode = ProtoField.uint16("hip2.nat_mode", "NAT traversal mode", base.DEC, MODES),
    pacing = ProtoField.uint32("hip2.pacing", "Min Ta (ms)", base.DEC),
    hi_len = ProtoField.uint16("hip2.hi_len", "HI length", base.DEC),
    di_type = ProtoField.uint16("hip2.di_type", "Domain identifier type", base.DEC, DOMAINS, 0xf000),
    di_len = ProtoField.uint16("hip2.di_len", "Domain identifier length", base.DEC, nil, 0x0fff),
    hi_alg = ProtoField.uint16("hip2.hi_alg", "HI algorithm", base.DEC, HI_ALGS),
    curve = ProtoField.uint16("hip2.curve", "Curve", base.DEC),
    hi = ProtoField.bytes("hip2.hi", "Host identity"),
    di = ProtoField.string("hip2.di", "Domain identifier"),
    mac = ProtoField.bytes("hip2.mac", "MAC"),
    sig_alg = ProtoField.uint16("hip2.sig_alg", "Signature algorithm", base.DEC, HI_ALGS),
    sig = ProtoField.bytes("hip2.sig", "Signature"),
    keymat = ProtoField.uint16("hip2.keymat_index", "KEYMAT index", base.DEC),
    old_spi = ProtoField.uint32("hip2.old_spi", "Old SPI", base.HEX),
    spi = ProtoField.uint32("hip2.spi", "SPI", base.HEX),
    id = ProtoField.uint32("hip2.update_id", "Update ID", base.DEC),
    ack = ProtoField.uint32("hip2.ack", "Acknowledges", base.DEC),
    notify = ProtoField.uint16("hip2.notify", "Notification", base.DEC),
    data = ProtoField.bytes("hip2.data", "Data"),
    reg_lifetime = ProtoField.uint8("hip2.reg_lifetime", "Lifetime: 2^((value - 64) / 8) seconds", base.DEC),
    reg_failure = ProtoField.uint8("hip2.reg_failure", "Failure", base.DEC),
    reg_type = ProtoField.uint8("hip2.reg_type", "Registration type", base.DEC, SERVICES),
    port = ProtoField.uint16("hip2.port", "Port", base.DEC),
    protocol = ProtoField.uint8("hip2.protocol", "Protocol", base.DEC, { [0] = "IP", [17] = "UDP" }),
    address = ProtoField.ipv6("hip2.address", "Address"),
    priority = ProtoField.uint32("hip2.priority", "Priority", base.DEC),
    traffic = ProtoField.uint8("hip2.traffic", "Traffic type", base.DEC, { [0] = "both", [1] = "signalling", [2] = "data" }),
    locator_type = ProtoField.uint8("hip2.locator_type", "Locator type", base.DEC),
    kind = ProtoField.uint8("hip2.kind", "Kind", base.DEC, KINDS),
    seconds = ProtoField.uint32("hip2.lifetime", "Lifetime (s)", base.DEC),
    encrypted = ProtoField.bytes("hip2.encrypted", "IV and ciphertext"),
    marker = ProtoField.uint32("hip2_udp.marker", "Non-ESP marker", base.HEX),
}
do
    local own, udp = {}, {}
    for name, field in pairs(f) do
        table.insert(name == "marker" and udp or own, field)
    end
    hip2.fields, hip2_udp.fields = own, udp
end
local malformed = ProtoExpert.new("hip2.malformed", "a parameter that goes past the end", expert.group.MALFORMED, expert.severity.ERROR)
local order = ProtoExpert.new("hip2.order", "parameters out of order (RFC 7401 s5.2.1)", expert.group.PROTOCOL, expert.severity.ERROR)
hip2.experts = { malformed, order }

-- A cursor over a parameter's contents: fields one behind the other, nothing past the end.
local function cursor(tvb, tree)
    local at = 0
    local c = {}
    function c.left() return tvb:len() - at end
    function c.skip(n) at = at + n end
    function c.take(field, n)
        if n == 0 or n > c.left() then return nil end
        local r = tvb(at, n)
        at = at + n
        tree:add(field, r)
        return r
    end
    function c.rest(field) return c.take(field, c.left()) end
    function c.all(field, n) while c.left() >= n do c.take(field, n) end end
    return c
end

local function transport(c)
    c.take(f.port, 2) c.take(f.protocol, 1) c.take(f.reserved, 1) c.take(f.address, 16)
end

local function registration(c) c.take(f.reg_lifetime, 1) c.all(f.reg_type, 1) end
local function signature(c) c.take(f.sig_alg, 2) c.rest(f.sig) end
local function mac(c) c.rest(f.mac) end

-- Locators: Traffic, Type, Length in words, P, Lifetime, Locator (RFC 8046 s4, RFC 9028 s5.7).
local function locators(c, tvb)
    while c.left() >= 8 do
        c.take(f.traffic, 1)
        local kind = c.take(f.locator_type, 1):uint()
        local words = c.take(f.length, 1):uint()
        c.take(f.reserved, 1)
        c.take(f.seconds, 4)
        if kind == 2 and words == 7 then
            c.take(f.port, 2) c.take(f.protocol, 1) c.take(f.kind, 1) c.take(f.priority, 4)
        end
        if (kind == 2 and words == 7) or (kind == 1 and words == 5) then c.take(f.spi, 4) end
        if kind <= 2 and words >= 4 then c.take(f.address, 16) else c.take(f.octets, words * 4) end
    end
end

-- HI Length counts the Host Identity alone; the Algorithm of two octets stands in front of it (RFC 7401 s5.2.9).
local function host_id(c, tvb, tree)
    local n = c.take(f.hi_len, 2)
    if not n or c.left() < 4 then return end
    local di = tvb(2, 2)
    tree:add(f.di_type, di) tree:add(f.di_len, di)
    c.skip(2)
    local alg = c.take(f.hi_alg, 2):uint()
    n = n:uint()
    if CURVES[alg] and n > 2 and n <= c.left() then
        local name = CURVES[alg][tvb(6, 2):uint()]
        tree:add(f.curve, tvb(6, 2)):append_text(name and " (" .. name .. ")" or "")
    end
    c.take(f.hi, n)
    local len = di:uint() % 4096
    if len > 0 and len <= c.left() then
        local r = tvb(tvb:len() - c.left(), len)
        local text = r:string()
        if di:uint() >= 0x1000 and di:uint() < 0x2000 then -- FQDN: labels
            local at, out = 0, {}
            while at < len and r(at, 1):uint() > 0 and at + 1 + r(at, 1):uint() <= len do
                table.insert(out, r(at + 1, r(at, 1):uint()):string())
                at = at + 1 + r(at, 1):uint()
            end
            text = table.concat(out, ".") .. "."
        end
        tree:add(f.di, r, text)
    end
end

local DECODE = {
    [65] = function(c) c.take(f.reserved, 2) c.take(f.keymat, 2) c.take(f.old_spi, 4) c.take(f.spi, 4) end,
    [129] = function(c) c.take(f.reserved, 4) c.take(f.counter, 8) end,
    [193] = locators,
    [257] = function(c) c.take(f.k, 1) c.take(f.lifetime, 1) c.take(f.opaque, 2) c.rest(f.i) end,
    [321] = function(c)
        c.take(f.k, 1) c.take(f.reserved, 1) c.take(f.opaque, 2)
        c.take(f.i, math.floor(c.left() / 2)) c.rest(f.j)
    end,
    [385] = function(c) c.take(f.id, 4) end,
    [449] = function(c) c.all(f.ack, 4) end,
    [511] = function(c) c.all(f.group, 1) end,
    [513] = function(c) c.take(f.group, 1) c.take(f.public_len, 2) c.rest(f.public) end,
    [579] = function(c) c.all(f.cipher, 2) end,
    [608] = function(c) c.take(f.reserved, 2) c.all(f.mode, 2) end,
    [610] = function(c) c.take(f.pacing, 4) end,
    [641] = function(c) c.take(f.reserved, 4) c.rest(f.encrypted) end,
    [705] = host_id,
    [715] = function(c) c.all(f.suite, 1) end,
    [832] = function(c) c.take(f.reserved, 2) c.take(f.notify, 2) c.rest(f.data) end,
    [930] = function(c) c.take(f.reg_lifetime, 1) registration(c) end,
    [932] = registration,
    [934] = registration,
    [936] = function(c) c.take(f.reg_failure, 1) c.all(f.reg_type, 1) end,
    [950] = transport,
    [2049] = function(c) c.all(f.format, 2) end,
    [4095] = function(c) c.take(f.reserved, 2) c.all(f.esp, 2) end,
    [4650] = transport,
    [4660] = transport,
    [4680] = function(c)
        c.take(f.port, 2) c.take(f.port, 2) c.take(f.protocol, 1) c.take(f.reserved, 3)
        c.take(f.address, 16) c.take(f.address, 16) c.take(f.old_spi, 4) c.take(f.spi, 4)
    end,
    [4700] = function(c) c.take(f.priority, 4) end,
    [4710] = function(c) c.take(f.priority, 4) end,
    [61505] = mac, [61569] = mac, [65500] = mac, [65520] = mac, [32806] = mac,
    [61633] = signature, [61697] = signature,
    [63998] = transport,
    [64002] = transport,
    [65498] = function(c) c.all(f.address, 16) end,
    [65502] = function(c) c.all(f.address, 16) end,
}

local function param(tvb, at, stop, tree, last)
    local kind, n = tvb(at, 2):uint(), tvb(at + 2, 2):uint()
    local total = 11 + n - (n + 3) % 8
    local name = PARAMS[kind] or "unknown"
    if at + total > stop then
        tree:add_proto_expert_info(malformed)
        return nil
    end
    local t = tree:add(hip2, tvb(at, total), string.format("%s (%d%s), %d octets", name, kind, kind % 2 == 1 and ", critical" or "", n))
    if kind < last then t:add_proto_expert_info(order) end
    t:add(f.param, tvb(at, 2))
    t:add(f.length, tvb(at + 2, 2))
    if n > 0 then
        local v = tvb(at + 4, n):tvb()
        local c = cursor(v, t)
        local decode = DECODE[kind] or function(x) x.rest(f.octets) end
        decode(c, v, t)
    end
    if total > n + 4 then t:add(f.padding, tvb(at + 4 + n, total - n - 4)) end
    return at + total, kind
end

function hip2.dissector(tvb, pinfo, tree)
    if tvb:len() < 40 then return 0 end
    local len = math.min((tvb(1, 1):uint() + 1) * 8, tvb:len())
    local kind = tvb(2, 1):uint() % 128
    pinfo.cols.protocol = "HIPv" .. math.floor(tvb(3, 1):uint() / 16)
    pinfo.cols.info = PACKETS[kind] or ("packet type " .. kind)
    local t = tree:add(hip2, tvb(0, len), "Host Identity Protocol, " .. (PACKETS[kind] or kind))
    t:add(f.type, tvb(2, 1))
    t:add(f.version, tvb(3, 1))
    t:add(f.checksum, tvb(4, 2))
    t:add(f.controls, tvb(6, 2))
    t:add(f.anonymous, tvb(6, 2))
    t:add(f.sender, tvb(8, 16))
    t:add(f.receiver, tvb(24, 16))
    local at, last = 40, 0
    while at and at + 4 <= len do
        at, last = param(tvb, at, len, t, last)
    end
    return len
end

-- RFC 9028 s5.1, s5.11: four zero octets and HIP, else ESP; a single octet keeps a NAT's mapping.
function hip2_udp.dissector(tvb, pinfo, tree)
    if tvb:len() < 8 then return 0 end
    if tvb(0, 4):uint() ~= 0 then return Dissector.get("esp"):call(tvb, pinfo, tree) end
    tree:add(hip2_udp, tvb(0, 4)):add(f.marker, tvb(0, 4))
    return hip2.dissector(tvb(4):tvb(), pinfo, tree)
end

DissectorTable.get("ip.proto"):add(139, hip2)
DissectorTable.get("udp.port"):add(10500, hip2_udp)
