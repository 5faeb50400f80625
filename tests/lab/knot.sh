#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Knot DNS as the zone's primary, in the current network namespace: signed by itself, updated under one TSIG key that may write
# HIP records below the zone and addresses at the FA's own name, and nothing else.
#
#   knot_start DIR ADDR4 ADDR6 ZONE KEYNAME SECRET_B64 FA_NAME    ("-" for an address there is not)
#       DIR/log, DIR/pid, DIR/anchor (the zone's DNSKEY), DIR/db (contents live on over knot_stop and knot_start)
#   knot_stop DIR

. "${BASH_SOURCE[0]%/*}/dns_zone.sh"

knot_config()
{
    local dir=$1 a4=$2 a6=$3 zone=$4 key=$5 secret=$6 fa=$7 listen='' a
    for a in "$a4" "$a6"; do
        [ "$a" = - ] || listen="$listen${listen:+, }$a@${LAB_DNS_PORT:-53}"
    done
    cat <<END
server:
    rundir: $dir/run
    pidfile: $dir/run/knot.pid
    listen: [ $listen ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: $dir/db
    journal-db-max-size: 32M
    kasp-db-max-size: 16M
    timer-db-max-size: 8M
key:
  - id: $key
    algorithm: hmac-sha256
    secret: $secret
acl:
  - id: fa-hip
    key: $key
    action: update
    update-type: [ TYPE55 ]
    update-owner: zone
    update-owner-match: sub
  - id: fa-own
    key: $key
    action: update
    update-type: [ A, AAAA ]
    update-owner: name
    update-owner-match: equal
    update-owner-name: [ $fa. ]
  - id: fa-query
    key: $key
    action: query
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
    ksk-lifetime: 0
    cds-cdnskey-publish: none
zone:
  - domain: $zone
    file: $dir/zone
    acl: [ fa-hip, fa-own, fa-query ]
    dnssec-signing: on
    dnssec-policy: lab
    zonefile-sync: -1
    journal-content: changes
END
}

knot_start()
{
    local dir=$1 addr
    mkdir -p "$dir/run" "$dir/db" && chmod 700 "$dir" || return 1
    dir=$(cd "$dir" && pwd)
    addr=$(lab_dns_addr "$2" "$3")
    [ -e "$dir/zone" ] || lab_dns_zonefile "$dir/zone" "$4" "$2" "$3"
    (umask 077 && knot_config "$dir" "${@:2}" >"$dir/knot.conf") || return 1
    knotd -c "$dir/knot.conf" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    lab_dns_wait "$dir" "$addr" "$4" "$!" || { knot_stop "$dir"; return 1; }
}

knot_stop()
{
    lab_dns_stop "$1/pid"
}
