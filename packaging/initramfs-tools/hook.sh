#!/bin/sh
# initramfs-tools hook: data exchange with the Hyper-V host before the root is mounted.
# Only on request: touch /etc/hvguest/in-initramfs && update-initramfs -u
set -e
if [ "$1" = prereqs ]; then
    exit 0
fi
# The executable is large: nobody gets it without asking.
[ -e /etc/hvguest/in-initramfs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/sbin/hvguest
# The native module is embedded, so the libraries that it needs are not seen.
for library in /lib/*/libgcc_s.so.1 /usr/lib/*/libgcc_s.so.1 /usr/lib64/libgcc_s.so.1; do
    if [ -e "$library" ]; then
        copy_exec "$library"
        break
    fi
done
# What hands the pools over; klibc has no cp.
copy_exec /bin/cp
copy_exec /bin/rm
manual_add_modules hv_vmbus hv_utils
