"""Talks with a command on a terminal of its own: waits for a text, types, and so on, then passes on all bytes.

Arguments: a JSON list of [text to wait for, what is typed then], the command. A text is waited for among what was
shown after what was waited for before, a minute long; whoever is not heard until then is killed.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

turns, command = json.loads(sys.argv[1]), sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    os.execv(command[0], command)

shown, heard, is_killed = b"", 0, False
deadline = time.monotonic() + 60
while True:
    while turns and turns[0][0].encode() in shown[heard:]:
        awaited, typed = (text.encode() for text in turns.pop(0))
        heard = shown.index(awaited, heard) + len(awaited)
        os.write(terminal, typed)
        deadline = time.monotonic() + 60
    if time.monotonic() > deadline:
        os.kill(process, signal.SIGKILL)
        is_killed = True
        shown += b"\n[not heard: " + json.dumps(turns[:1]).encode() + b"]"
        break
    if not select.select([terminal], [], [], 1)[0]:
        continue
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    shown += read
_, status = os.waitpid(process, 0)
sys.stdout.buffer.write(shown)
sys.exit(99 if is_killed or turns else os.waitstatus_to_exitcode(status))
