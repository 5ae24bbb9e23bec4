#!/bin/sh
# Puts cloud-init's data into the pool files of a guest's root folder, in the keys that
# a Hyper-V host uses, to try a seed without a host or to bake it into an image:
#   put-seed.sh ROOT user-data=FILE [meta-data=FILE] [network-config=FILE] [vendor-data=FILE]
set -eu
root=${1:?the root folder}
shift
part_size=1000
pools="$root/var/lib/hyperv"
mkdir -p "$pools"

put() {
    hvguest kvp set --dir "$pools" --pool external "$1" "$2"
}

for argument in "$@"; do
    name=${argument%%=*}
    file=${argument#*=}
    case $name in
    user-data | meta-data | network-config | vendor-data) ;;
    *) echo "put-seed.sh: '$argument' is none of the seed's files" >&2; exit 2 ;;
    esac
    text=$(gzip -9nc "$file" | base64 -w 0)
    part=0
    while [ -n "$text" ]; do
        rest=$(printf %s "$text" | cut -c $((part_size + 1))-)
        put "cloud-init.$name.$part" "$(printf %s "$text" | cut -c 1-$part_size)"
        text=$rest
        part=$((part + 1))
    done
    put "cloud-init.$name.parts" "$part"
    put "cloud-init.$name.encoding" gzip+base64
    put "cloud-init.$name.sha256" "$(sha256sum "$file" | cut -d ' ' -f 1)"
done
