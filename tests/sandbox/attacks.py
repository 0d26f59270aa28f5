"""Things that a hostile model might try. Each runs in a worker, and is told to fail by a `PermissionError` or the like.

Only workers import this module. `TRIES` end in an error or succeed; `BLOWS` are meant to hurt.
"""

import ctypes
import fcntl
import itertools
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np

from xai_core.errors import ModelError
from xai_core.jobs import kernel, messages
from xai_core.types import Capability, Card, InputSpec

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {  # x86-64 and 64-bit ARM
    "tgkill": (234, 131), "prlimit64": (302, 261), "rt_sigqueueinfo": (129, 138), "ptrace": (101, 117),
    "unshare": (272, 97), "mount": (165, 40), "shmget": (29, 194), "io_uring_setup": (425, 425), "bpf": (321, 280),
    "keyctl": (250, 219),
}  # fmt: skip
F_SETOWN_EX = 15
MAP_FIXED_NOREPLACE = 0x100000


def call(name, *arguments):
    """Make a system call past the C library."""
    number = NUMBERS[name][kernel.machine()]
    if libc.syscall(number, *map(ctypes.c_long, arguments)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def read_secret(place):
    with open(place, "rb") as file:
        file.read(10)


def threads_without_end():
    stop = threading.Event()
    try:
        for _ in range(5000):
            threading.Thread(target=stop.wait, daemon=True).start()
    finally:
        stop.set()


def forks_without_end():
    for _ in range(5000):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)


def more_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def limits_at_a_round_address():
    """Set the app's limits from a place in memory whose address is zero in its lower half."""
    libc.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
    place = libc.mmap(ctypes.c_void_p(1 << 36), ctypes.c_size_t(4096), mmap.PROT_READ, flags, -1, ctypes.c_long(0))
    if place != 1 << 36:
        raise MemoryError("The round address is taken.")
    call("prlimit64", os.getppid(), resource.RLIMIT_CORE, place, 0)


def ask_a_pipe_for_signals(command, argument):
    """Say whom a pipe sends which signal once it can be read."""
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(reader, command, argument)
    finally:
        os.close(reader)
        os.close(writer)


def write_in(folder):
    with open(os.path.join(folder, "vitrine-was-here"), "w"):
        pass


def socket_of(family, kind):
    with socket.socket(family, kind) as made:
        made.connect(("127.0.0.1", 9)) if family == socket.AF_INET else made.connect("/tmp/none")


def link(how, scratch):
    how("/etc/passwd", os.path.join(scratch, "link"))


TRIES = {
    "write in the folder for temporary files": lambda source, scratch: write_in("/tmp"),
    "write in another such folder": lambda source, scratch: write_in("/var/tmp"),
    "write beside the model": lambda source, scratch: write_in(os.path.dirname(source.path)),
    "write to the model": lambda source, scratch: open(source.path, "ab").close(),
    "remove the model": lambda source, scratch: os.remove(source.path),
    "read beside the model": lambda source, scratch: os.listdir(os.path.dirname(source.path)),
    "read /etc/passwd": lambda source, scratch: read_secret("/etc/passwd"),
    "read the app's environment": lambda source, scratch: read_secret(f"/proc/{os.getppid()}/environ"),
    "read the app's memory": lambda source, scratch: read_secret(f"/proc/{os.getppid()}/mem"),
    "read the disk": lambda source, scratch: read_secret("/dev/vda"),
    "TCP": lambda source, scratch: socket_of(socket.AF_INET, socket.SOCK_STREAM),
    "UDP": lambda source, scratch: socket_of(socket.AF_INET, socket.SOCK_DGRAM),
    "a socket file": lambda source, scratch: socket_of(socket.AF_UNIX, socket.SOCK_STREAM),
    "a pair of sockets": lambda source, scratch: [end.close() for end in socket.socketpair()],
    "exec": lambda source, scratch: os.execv("/bin/true", ["true"]),
    "a program": lambda source, scratch: subprocess.run(["/bin/true"], check=False),
    "a shell": lambda source, scratch: 1 / (os.system("true") == 0),
    "a fork bomb": lambda source, scratch: forks_without_end(),
    "a thread bomb": lambda source, scratch: threads_without_end(),
    "a signal to the app": lambda source, scratch: os.kill(os.getppid(), signal.SIGUSR1),
    "a signal to the app's thread": lambda source, scratch: call("tgkill", os.getppid(), os.getppid(), signal.SIGUSR1),
    "a queued signal to the app": lambda source, scratch: call("rt_sigqueueinfo", os.getppid(), signal.SIGUSR1, 0),
    "a pipe's signals to the app": lambda source, scratch: ask_a_pipe_for_signals(fcntl.F_SETOWN, os.getppid()),
    "a pipe's signals to the app, by kind": lambda source, scratch: ask_a_pipe_for_signals(
        F_SETOWN_EX, struct.pack("=ii", 1, os.getppid())
    ),
    "a pipe's choice of a signal": lambda source, scratch: ask_a_pipe_for_signals(fcntl.F_SETSIG, signal.SIGKILL),
    "a handle on the app": lambda source, scratch: os.pidfd_open(os.getppid()),
    "limits of the app": lambda source, scratch: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (9, 9)),
    "limits of the app from a round address": lambda source, scratch: limits_at_a_round_address(),
    "priority of the app": lambda source, scratch: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "trace the app": lambda source, scratch: call("ptrace", 16, os.getppid(), 0, 0),
    "a higher limit": lambda source, scratch: more_memory(),
    "another user": lambda source, scratch: os.setuid(12345),
    "another group of processes": lambda source, scratch: os.setsid(),
    "new name spaces": lambda source, scratch: call("unshare", 0x10000000),
    "a mount": lambda source, scratch: call("mount", 0, 0, 0, 0, 0),
    "another root": lambda source, scratch: os.chroot(scratch),
    "a mode": lambda source, scratch: os.chmod(scratch, 0o777),
    "a symbolic link": lambda source, scratch: link(os.symlink, scratch),
    "a hard link": lambda source, scratch: link(os.link, scratch),
    "a device": lambda source, scratch: os.mknod(os.path.join(scratch, "device"), 0o060600, 0xFE00),
    "memory outside any limit": lambda source, scratch: os.close(os.memfd_create("none")),
    "shared memory": lambda source, scratch: call("shmget", 0, 1 << 20, 0o600),
    "a ring of requests": lambda source, scratch: call("io_uring_setup", 1, 0),
    "a kernel program": lambda source, scratch: call("bpf", 0, 0, 0),
    "keys": lambda source, scratch: call("keyctl", 0, -3, 0),
}


def results_pipe():
    return int(sys.argv[2])


def lie(header, body=b"", magic=b"XAI1", lengths=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    sizes = lengths or (len(text), len(body))
    os.write(results_pipe(), struct.pack("<4sIQ", magic, *sizes) + text + body)
    time.sleep(60)


def card(**changes):
    honest = messages.card_to_json(Card("onnx", "onnx", 3, InputSpec(None, None), Capability.PREDICT))
    return {"say": "done", "job": 0, "value": {**honest, **changes}, "arrays": []}


def private_memory():
    raise_what = [np.ones(1 << 27) for _ in range(64)]
    raise ModelError(f"{len(raise_what)} GB were given.")


def shared_memory():
    kept = [mmap.mmap(-1, 1 << 30) for _ in range(16)]
    for one, start in itertools.product(kept, range(0, 1 << 30, 4096)):
        one[start] = 1


def many_files(scratch):
    for number in itertools.count():
        write_in(os.makedirs(os.path.join(scratch, str(number))) or os.path.join(scratch, str(number)))


def deep_folders(scratch):
    os.chdir(scratch)
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
    time.sleep(60)


def one_large_file(scratch):
    with open(os.path.join(scratch, "large"), "wb") as file:
        while True:
            file.write(bytes(1 << 20))


def several_files(scratch):
    for number in itertools.count():
        with open(os.path.join(scratch, str(number)), "wb") as file:
            file.write(bytes(1 << 20))


def files_without_a_name(scratch):
    kept = [os.open(scratch, os.O_TMPFILE | os.O_WRONLY) for _ in range(8)]
    for file, _ in itertools.product(kept, range(15)):
        os.write(file, bytes(1 << 20))
    time.sleep(60)


def silence():
    os.close(results_pipe())
    time.sleep(60)


def loop_in_python():
    while True:
        pass


SHOUT = (b"x" * 4096 + b"\n") * 256

BLOWS = {
    "memory": lambda source, scratch: private_memory(),
    "shared mappings": lambda source, scratch: shared_memory(),
    "a loop": lambda source, scratch: loop_in_python(),
    "a loop that lets no other thread run": lambda source, scratch: sum(itertools.repeat(0)),
    "a crash": lambda source, scratch: ctypes.string_at(0),
    "an abort": lambda source, scratch: libc.abort(),
    "an end": lambda source, scratch: os._exit(0),
    "silence": lambda source, scratch: silence(),
    "many files": lambda source, scratch: many_files(scratch),
    "deep folders": lambda source, scratch: deep_folders(scratch),
    "one large file": lambda source, scratch: one_large_file(scratch),
    "several files": lambda source, scratch: several_files(scratch),
    "endless words": lambda source, scratch: [os.write(2, SHOUT) for _ in itertools.repeat(0)],
    "another magic": lambda source, scratch: lie({"arrays": []}, magic=b"EVIL"),
    "a huge header": lambda source, scratch: lie({}, lengths=(1 << 31, 0)),
    "a huge body": lambda source, scratch: lie({}, lengths=(2, 1 << 62)),
    "sizes that do not add up": lambda source, scratch: lie({"arrays": [["f4", [9]]]}, bytes(4)),
    "an array that was not asked for": lambda source, scratch: lie(card() | {"arrays": [["u1", [4]]]}, bytes(4)),
    "no JSON": lambda source, scratch: lie(b"\x80\x04."),
    "deep JSON": lambda source, scratch: lie(b"[" * 100_000),
    "half a frame": lambda source, scratch: lie({}, lengths=(100, 0)),
    "another job": lambda source, scratch: lie({"say": "tick", "arrays": []} | {"say": "preview", "job": 7}),
    "a card without sense": lambda source, scratch: lie(card(classes=-1)),
    "a card without end": lambda source, scratch: lie(card(labels=["x"] * 200_000)),
    "a framework of its own": lambda source, scratch: lie(card(framework="os")),
    "an error of its own": lambda source, scratch: lie(
        {"say": "failed", "error": "SystemExit", "message": 7, "arrays": []}
    ),
    "a second hello": lambda source, scratch: lie({"say": "hello", "sandbox": {}, "arrays": []}),
}
ON_A_FULL_DISK = {"files without a name": lambda source, scratch: files_without_a_name(scratch)}
LIES = {
    "maps that are not numbers": (np.full((1, 4, 5), np.nan, np.float32), 0.5),
    "maps of another size": (np.zeros((1, 5, 4), np.float32), 0.5),
    "maps of another type": (np.zeros((1, 4, 5), np.int32), 0.5),
    "more maps than targets": (np.zeros((2, 4, 5), np.float32), 0.5),
    "more than all of the work": (np.zeros((1, 4, 5), np.float32), 7),
    "another's job": (np.zeros((1, 4, 5), np.float32), 0.5),
}


TRUE = (np.full((1, 4, 5), 5, np.float32), 0.5)


def lie_of(name, job):
    maps, fraction = LIES.get(name, TRUE)
    kind = maps.dtype.str[1:]
    header = {"say": "preview", "job": 99 if name == "another's job" else job}
    value = {"fraction": fraction, "diagnostics": {}, "notes": []}
    lie({**header, "value": value, "arrays": [[kind, list(maps.shape)]]}, maps.tobytes())
