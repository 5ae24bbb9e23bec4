#!/bin/sh
# Puts hvguest into a disk image, without starting it:
#   customize.sh IMAGE.qcow2 [HVGUEST]
# guestmount shows the image as a folder. Nothing of it is run, so that it may be of
# another architecture: then HVGUEST is the executable for that one.
set -eu
image=${1:?the disk image}
binary=${2:-/usr/sbin/hvguest}
folder=$(mktemp -d)
trap 'guestunmount "$folder" 2>/dev/null || true; rmdir "$folder"' EXIT
guestmount -a "$image" -i "$folder"
hvguest install --root "$folder" --binary "$binary" --replace
# An image with SELinux labels its files anew at the first boot.
if [ -e "$folder/etc/selinux/config" ]; then
    touch "$folder/.autorelabel"
fi
