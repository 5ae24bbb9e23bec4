"""Appends records as cloud-init does: flock(2), append, close.

flock_writer.py FILE COUNT PREFIX
"""

import fcntl
import struct
import sys

path, count, prefix = sys.argv[1], int(sys.argv[2]), sys.argv[3]
for number in range(count):
    key, value = f"{prefix} {number}".encode(), b"v" * (number % 1500)
    with open(path, "ab") as pool:
        fcntl.flock(pool, fcntl.LOCK_EX)
        pool.write(struct.pack("512s2048s", key, value))
        pool.flush()
        fcntl.flock(pool, fcntl.LOCK_UN)
