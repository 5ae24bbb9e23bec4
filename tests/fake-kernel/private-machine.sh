#!/bin/sh
# Runs a command on a machine of its own: /dev, /run, /tmp, pools, host name, network
# and processes are private, and every file it writes is gone afterwards.
#   tests/fake-kernel/private-machine.sh COMMAND [ARGUMENT...]
# The root is an overlay over the real one, and the real mounts are detached: nothing
# in here can freeze, or even name, a file system of the machine outside.
set -eu

if [ "${1-}" != --inside ]; then
    [ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT...]" >&2; exit 2; }
    [ "$(id -u)" = 0 ] || { echo "$0: needs root, to make namespaces" >&2; exit 1; }
    exec unshare --mount --uts --ipc --net --pid --fork --kill-child \
        sh "$0" --inside "$(pwd -P)" "$@"
fi
directory=$2
shift 2
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)

mount --make-rprivate /
mount -t tmpfs -o mode=755 hvguest-tests /mnt
root=/mnt/root

# A copy of a directory that reads from the real one and writes to memory.
overlay() {
    upper=/mnt/$1
    mkdir -p "$upper/files" "$upper/work" "$3"
    mount -t overlay hvguest-tests \
        -o "lowerdir=$2,upperdir=$upper/files,workdir=$upper/work" "$3"
}
overlay root / $root
# An overlay shows one file system only: the directories that tests use may be others.
for extra in /usr /etc /var /root "$checkout" "$directory"; do
    if [ "$(stat -c %d "$extra")" != "$(stat -c %d "$root$extra" 2>/dev/null)" ] &&
        [ ! "$(stat -fc %T "$root$extra" 2>/dev/null)" = overlayfs ]; then
        overlay "$(echo "$extra" | tr / _)" "$extra" "$root$extra"
    fi
done

mkdir -p $root/dev $root/etc/hvguest $root/var/lib/hyperv $root/old-root
mount -t tmpfs -o mode=755,size=1m dev $root/dev
for node in null zero full random urandom tty fuse net/tun loop-control; do
    [ -e /dev/$node ] || continue
    mkdir -p "$(dirname $root/dev/$node)"
    cp -a /dev/$node $root/dev/$node
done
mkdir $root/dev/shm $root/dev/vmbus
mount -t tmpfs -o mode=1777 shm $root/dev/shm
ln -s /proc/self/fd $root/dev/fd
mount -t tmpfs -o mode=755 run $root/run
mount -t tmpfs -o mode=1777 tmp $root/tmp
mount -t tmpfs -o mode=755,size=32m pools $root/var/lib/hyperv
mount -t tmpfs -o mode=755 etc $root/etc/hvguest

cd $root
pivot_root . old-root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
umount -l /old-root
rmdir /old-root
if grep -q '^/dev/' /proc/mounts; then
    echo "$0: a disk of the real machine is still mounted:" >&2
    grep '^/dev/' /proc/mounts >&2
    exit 1
fi

export HVGUEST_PRIVATE_MACHINE=1
hostname guest
printf '127.0.0.1 localhost\n192.0.2.10 guest.example.com guest\n' >/etc/hosts
echo nameserver 192.0.2.53 >/etc/resolv.conf
ip link set lo up
ip tuntap add eth0 mode tap
ip link set eth0 address 00:15:5d:01:02:03 up
ip address add 192.0.2.10/24 dev eth0
ip address add 198.51.100.7/25 dev eth0
ip address add 2001:db8::10/64 dev eth0 nodad
ip route add default via 192.0.2.1 dev eth0
cd "$directory"
status=0
# This shell stays, as the process that orphans come to.
"$@" || status=$?
exit $status
