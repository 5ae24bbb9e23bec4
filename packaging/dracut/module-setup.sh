#!/bin/bash
# dracut module: data exchange with the Hyper-V host before the root is mounted.
# Only on request: add_dracutmodules+=" hvguest "

check() {
    require_binaries /usr/sbin/hvguest || return 1
    # The executable is large: nobody gets it without asking.
    return 255
}

depends() {
    echo base
}

installkernel() {
    hostonly='' instmods hv_vmbus hv_utils
}

install() {
    # The native module is embedded, so dracut cannot see what it needs.
    inst_multiple /usr/sbin/hvguest cat cp kill mkdir mount mv rm sleep sync
    inst_libdir_file 'libgcc_s.so.1*'
    inst_hook pre-trigger 20 "$moddir/hvguest-start.sh"
    inst_hook pre-pivot 20 "$moddir/hvguest-stop.sh"
}
