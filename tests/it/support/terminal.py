"""Calls a command on a terminal of its own, passes its bytes on, and ends with its exit code.

Arguments: the width, a text to wait for, what is typed then (both may be empty), the command.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

width, awaited, typed, *command = sys.argv[1:]
awaited, typed = awaited.encode(), typed.encode()
process, terminal = pty.fork()
if process == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 60, int(width), 0, 0))
    os.execv(command[0], command)

shown = b""
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    shown += read
    if typed and awaited in shown:
        os.write(terminal, typed)
        typed = b""
_, status = os.waitpid(process, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
