"""The floor of a host call: COUNT round trips of 60 bytes over a socket pair between two processes, asyncio-free."""

from __future__ import annotations

import os
import socket
import sys

BYTES = b"x" * 60

ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    while data := theirs.recv(4096):
        theirs.sendall(data)
    os._exit(0)
theirs.close()
for _ in range(1000):
    ours.sendall(BYTES)
    ours.recv(4096)
print("begin", flush=True)
for _ in range(int(sys.argv[1])):
    ours.sendall(BYTES)
    ours.recv(4096)
print("end", flush=True)
ours.close()
os.wait()
