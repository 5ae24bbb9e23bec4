"""Adds records as programs with record locks do: fcntl(2), read all, truncate, write all.

fcntl_writer.py FILE COUNT PREFIX
"""

import fcntl
import os
import struct
import sys

path, count, prefix = sys.argv[1], int(sys.argv[2]), sys.argv[3]
pool = os.open(path, os.O_RDWR | os.O_CLOEXEC)
for number in range(count):
    key, value = f"{prefix} {number}".encode(), b"v" * (number % 1500)
    fcntl.lockf(pool, fcntl.LOCK_EX)
    records = os.pread(pool, os.fstat(pool).st_size, 0)
    os.ftruncate(pool, 0)
    # Who reads now without a lock sees an empty pool.
    os.sched_yield()
    os.pwrite(pool, records + struct.pack("512s2048s", key, value), 0)
    fcntl.lockf(pool, fcntl.LOCK_UN)
