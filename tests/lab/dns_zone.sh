#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What knot.sh and bind.sh share: the zone's first contents, waiting for the server, the trust anchor, the end.
# Sourced by them. The port is 53, or LAB_DNS_PORT where the tests need another.

# lab_dns_zonefile FILE ZONE ADDR4 ADDR6: SOA, NS and the addresses of ns1. The FA writes its own ones itself.
lab_dns_zonefile()
{
    {
        printf '$ORIGIN %s.\n$TTL 60\n' "$2"
        printf '@ IN SOA ns1 hostmaster 1 3600 900 604800 30\n@ IN NS ns1\n'
        [ "$3" = - ] || printf 'ns1 IN A %s\n' "$3"
        [ "$4" = - ] || printf 'ns1 IN AAAA %s\n' "$4"
    } >"$1"
}

# One of the server's addresses to ask it at.
lab_dns_addr()
{
    if [ "$1" != - ]; then echo "$1"; else echo "$2"; fi
}

# lab_dns_wait DIR ADDR ZONE PIDFILE: until it answers with a signed SOA and shows its key; the key is DIR/anchor.
lab_dns_wait()
{
    local dir=$1 addr=$2 zone=$3 pid=$4 i out
    for i in $(seq 100); do
        if ! kill -0 "$pid" 2>/dev/null; then
            echo "the DNS server ended; its log is $dir/log" >&2
            return 1
        fi
        out=$(dig -p "${LAB_DNS_PORT:-53}" "@$addr" +dnssec +norec +noall +answer +time=1 +tries=1 "$zone" SOA 2>/dev/null)
        if grep -q 'RRSIG.SOA' <<<"$out"; then
            out=$(dig -p "${LAB_DNS_PORT:-53}" "@$addr" +norec +noall +answer +time=1 +tries=1 "$zone" DNSKEY 2>/dev/null |
                grep -E 'DNSKEY[[:space:]]+257 ')
            if [ -n "$out" ]; then
                printf '%s\n' "$out" >"$dir/anchor"
                return 0
            fi
        fi
        sleep 0.1
    done
    echo "the DNS server does not answer for $zone; its log is $dir/log" >&2
    return 1
}

# lab_dns_stop PIDFILE: end it and wait until it is gone.
lab_dns_stop()
{
    local pid i
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null
    for i in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        [ -e "/proc/$pid/status" ] && grep -q '^State:.Z' "/proc/$pid/status" && break
        [ "$i" -lt 80 ] || kill -9 "$pid" 2>/dev/null
        sleep 0.05
    done
    rm -f "$1"
}
