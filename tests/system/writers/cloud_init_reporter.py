"""Reports through cloud-init's own handler, in a Debian that has it installed.

cloud_init_reporter.py COUNT LENGTH PREFIX   publishes COUNT events of LENGTH characters
cloud_init_reporter.py read                  prints the keys that the handler decodes
"""

import json
import sys

from cloudinit.reporting import events
from cloudinit.reporting.handlers import HyperVKvpReportingHandler

handler = HyperVKvpReportingHandler()
if sys.argv[1] == "read":
    print(json.dumps([item["key"] for item in handler._iterate_kvps(0)]))
else:
    count, length, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for number in range(count):
        handler.publish_event(
            events.ReportingEvent("start", f"{prefix} {number}", "é" + "x" * (length - 1))
        )
    handler.flush()
