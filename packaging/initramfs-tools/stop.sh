#!/bin/sh
# Ends data exchange in the initramfs and hands its pools over to the root, since the
# host does not send its items again in this boot.
if [ "$1" = prereqs ]; then
    exit 0
fi

# dracut reads this into its own shell: all variables stay in here.
(
    [ -s /run/hvguest-initramfs/pid ] || exit 0
    root=${rootmnt:-${NEWROOT:-/sysroot}}
    pid=$(cat /run/hvguest-initramfs/pid)
    kill -TERM "$pid" 2>/dev/null || true
    tries=0
    while [ -d "/proc/$pid" ] && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    rm -f /run/hvguest-initramfs/pid

    hand_over() {
        mkdir -p "$root/var/lib/hyperv" || return 1
        for pool in /run/hvguest-initramfs/var/lib/hyperv/.kvp_pool_*; do
            if [ -s "$pool" ]; then
                cp "$pool" "$root/var/lib/hyperv/${pool##*/}.new" &&
                    mv "$root/var/lib/hyperv/${pool##*/}.new" "$root/var/lib/hyperv/${pool##*/}"
            fi
        done
        sync
    }

    if (: >"$root/var/.hvguest") 2>/dev/null; then
        rm -f "$root/var/.hvguest"
        hand_over
    elif mount -o remount,rw none "$root"; then
        # klibc's mount wants a device, whatever its name.
        hand_over
        mount -o remount,ro none "$root"
    fi
)
