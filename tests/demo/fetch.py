#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""fetch.py URL FILE: fetch a file, patient while the network comes up."""
import sys
import time
import urllib.request

for attempt in range(50):
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=20) as reply:
            data = reply.read()
        break
    except OSError:
        if attempt == 49:
            raise
        time.sleep(0.1)
with open(sys.argv[2], "wb") as out:
    out.write(data)
