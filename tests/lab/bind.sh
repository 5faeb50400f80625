#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# BIND 9 as the zone's primary, in the current network namespace: dnssec-policy signs, update-policy lets one TSIG key write
# HIP records below the zone and addresses at the FA's own name, and nothing else.
#
#   bind_start DIR ADDR4 ADDR6 ZONE KEYNAME SECRET_B64 FA_NAME    ("-" for an address there is not)
#       DIR/log, DIR/pid, DIR/anchor (the zone's DNSKEY), DIR/zone with its journal (lives on over bind_stop and bind_start)
#   bind_stop DIR

. "${BASH_SOURCE[0]%/*}/dns_zone.sh"

bind_config()
{
    local dir=$1 a4=$2 a6=$3 zone=$4 key=$5 secret=$6 fa=$7
    [ "$a4" != - ] || a4=none
    [ "$a6" != - ] || a6=none
    cat <<END
options {
    directory "$dir";
    pid-file "$dir/named.pid";
    session-keyfile "$dir/session.key";
    managed-keys-directory "$dir";
    key-directory "$dir/keys";
    lock-file none;
    listen-on port ${LAB_DNS_PORT:-53} { $a4; };
    listen-on-v6 port ${LAB_DNS_PORT:-53} { $a6; };
    recursion no;
    empty-zones-enable no;
    dnssec-validation no;
    notify no;
    allow-transfer { none; };
    version none;
};
controls { };
logging {
    category default { default_stderr; };
    category update { default_stderr; };
    category update-security { default_stderr; };
};
key "$key" {
    algorithm hmac-sha256;
    secret "$secret";
};
dnssec-policy "lab" {
    keys { csk key-directory lifetime unlimited algorithm ecdsap256sha256; };
    zone-propagation-delay 0;
    publish-safety 0;
};
zone "$zone" {
    type primary;
    file "$dir/zone";
    dnssec-policy "lab";
    inline-signing no;
    update-policy {
        grant $key name $fa. A AAAA;
        grant $key wildcard *.$zone. HIP;
    };
};
END
}

bind_start()
{
    local dir=$1 addr
    mkdir -p "$dir/keys" && chmod 700 "$dir" || return 1
    dir=$(cd "$dir" && pwd)
    addr=$(lab_dns_addr "$2" "$3")
    [ -e "$dir/zone" ] || lab_dns_zonefile "$dir/zone" "$4" "$2" "$3"
    (umask 077 && bind_config "$dir" "${@:2}" >"$dir/named.conf") || return 1
    named -f -n 1 -c "$dir/named.conf" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    lab_dns_wait "$dir" "$addr" "$4" "$!" || { bind_stop "$dir"; return 1; }
}

bind_stop()
{
    lab_dns_stop "$1/pid"
}
