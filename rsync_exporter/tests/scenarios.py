"""The table: what is done to a daemon, and what the exporter must say of it.

Each scenario has a module of its own, so that the label ``module`` tells them apart and
all can happen at the same time. What rsyncd writes in each was measured with 3.5.0.
"""

from rsync_exporter.tests.says import Logging
from rsync_exporter.tests.scenarios_of_access import ACCESS
from rsync_exporter.tests.scenarios_of_failures import FAILURES
from rsync_exporter.tests.scenarios_of_pulls import PULLS
from rsync_exporter.tests.scenarios_of_pushes import PUSHES

TABLE = [*PULLS, *ACCESS, *PUSHES, *FAILURES]

FILE_LOG = {"transfer logging": "yes"}

LOGGINGS = [
    Logging("plain", files=False),
    Logging("default_format", FILE_LOG),
    Logging(
        "wire_bytes",
        {**FILE_LOG, "log format": "%o %h [%a] %m user=(%u) wire=%b %l %c %i %f"},
        wire=True,
    ),
    Logging("itemized", {**FILE_LOG, "log format": "%i %n%L %l"}),
    Logging("grouped", {**FILE_LOG, "log format": "%o %-20h %'15l '%f'"}),
    Logging("names_only", {**FILE_LOG, "log format": "[%a] %o %n"}, lengths=False),
    Logging("no_operation", {**FILE_LOG, "log format": "[%a] %l %f"}),
    Logging("own_log", {**FILE_LOG, "log file": "{folder}/own.log"}),
]
