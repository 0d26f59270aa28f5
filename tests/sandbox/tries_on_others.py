"""What a hostile model might try on its neighbours: their files, processes, queues, and what it may learn of them.

Only workers import this module. A try returns what it got, or ends in an error. `victim` is a private folder of the
same user with one file in it, as another person's uploads would lie; a worker could not know its name. Results are kept
there too.
"""

import ctypes
import fcntl
import os
import struct

from xai_core.jobs import kernel

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {  # x86-64 and 64-bit ARM
    "sched_setaffinity": (203, 122), "inotify_init1": (294, 26), "clone": (56, 220), "fspick": (433, 433),
    "shmctl": (31, 195), "shmat": (30, 196), "semctl": (66, 191), "msgctl": (71, 187), "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182), "setxattrat": (463, 463), "getxattrat": (464, 464), "removexattrat": (466, 466),
    "open_tree_attr": (467, 467), "file_getattr": (468, 468), "file_setattr": (469, 469), "openat2": (437, 437),
    "open_tree": (428, 428),
    "prctl": (157, 167), "setxattr": (188, 5), "getxattr": (191, 8), "ioprio_set": (251, 30), "sync": (162, 81),
    "sched_setattr": (314, 274), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "memfd_create": (319, 279), "pidfd_open": (434, 434), "io_uring_setup": (425, 425), "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443), "process_madvise": (440, 440), "landlock_create_ruleset": (444, 444),
    "capget": (125, 90), "statmount": (457, 457), "listmount": (458, 458), "a future call": (600, 600),
}  # fmt: skip
HERE = -100  # AT_FDCWD
FOLDER_FLAGS = 0x80086601, 0x40086602  # FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
F_SETLEASE, F_NOTIFY, F_OFD_SETLK = 1024, 1026, 37
NEW_NETWORK, NEW_USER, A_THREAD = 0x40000000, 0x10000000, 0x10F00


def call(name, *arguments):
    """Make a system call past the C library; texts become paths."""
    plain = [a.encode() if isinstance(a, str) else ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(NUMBERS[name][kernel.machine()]), *plain)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def affinity_of_threads_near():
    for thread in range(os.getppid(), os.getppid() + 40):
        try:
            os.sched_setaffinity(thread, {0})
        except ProcessLookupError:
            continue


def attribute(victim, name, value):
    """Set an extended attribute by the newest call; an access list is one, and works as chmod does."""
    text = ctypes.create_string_buffer(value, len(value))
    arguments = ctypes.create_string_buffer(struct.pack("=QII", ctypes.addressof(text), len(value), 0), 16)
    call("setxattrat", HERE, victim, 0, name, arguments, 16)


def access_list(mode):
    entries = [(1, mode, 0xFFFFFFFF), (4, 5, 0xFFFFFFFF), (0x20, 5, 0xFFFFFFFF)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def flags_of(victim, flags):
    """Make a file immutable, or hide it from backups."""
    attributes = ctypes.create_string_buffer(struct.pack("=QIIII", flags, 0, 0, 0, 0), 24)
    call("file_setattr", HERE, f"{victim}/upload", attributes, 24, 0)


def flags_of_own_file(scratch):
    with open(os.path.join(scratch, "flags"), "wb") as file:
        fcntl.ioctl(file, FOLDER_FLAGS[1], struct.pack("l", 0x10))


def remove_every(name):
    """Ask for the ids of all segments, semaphores or queues of this machine, and remove them."""
    summary, one = {"shmctl": (14, 13), "semctl": (19, 18), "msgctl": (12, 11)}[name]
    number = (0,) if name == "semctl" else ()  # of a semaphore in its set
    buffer = ctypes.create_string_buffer(256)
    for index in range(call(name, 0, *number, summary, buffer) + 1):
        call(name, call(name, index, *number, one, buffer), *number, 0, buffer)


def read(path):
    with open(path, "rb") as file:
        return file.read(100)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read_by_the_newest_call(path):
    how = ctypes.create_string_buffer(24)
    return os.read(call("openat2", HERE, path, how, 24), 20)


def with_file(path, act):
    file = os.open(path, os.O_RDONLY)
    try:
        return act(file)
    finally:
        os.close(file)


def lock():
    return struct.pack("hhqqi", fcntl.F_RDLCK, 0, 0, 0, 0)


TRIES_ON_OTHERS = {
    "processor of the app": lambda source, scratch, victim: os.sched_setaffinity(os.getppid(), {0}),
    "processor of threads near": lambda source, scratch, victim: affinity_of_threads_near(),
    "priority of reads and writes": lambda source, scratch, victim: call("ioprio_set", 1, os.getppid(), 0),
    "schedule of the app": lambda source, scratch, victim: call("sched_setattr", os.getppid(), bytes(48), 0),
    "open another's private folder": lambda source, scratch, victim: attribute(
        victim, "system.posix_acl_access", access_list(7)
    ),
    "an attribute on another's file": lambda source, scratch, victim: attribute(
        f"{victim}/upload", "user.vitrine", b"x"
    ),
    "an attribute, the old way": lambda source, scratch, victim: os.setxattr(f"{victim}/upload", "user.vitrine", b"x"),
    "remove an attribute": lambda source, scratch, victim: call("removexattrat", HERE, f"{victim}/upload", 0, "user.x"),
    "attributes of another's file": lambda source, scratch, victim: os.getxattr(f"{victim}/upload", "user.vitrine"),
    "make another's file immutable": lambda source, scratch, victim: flags_of(victim, 0x8),
    "hide another's file from backups": lambda source, scratch, victim: flags_of(victim, 0x80),
    "flags of its own file": lambda source, scratch, victim: flags_of_own_file(scratch),
    "read another's upload": lambda source, scratch, victim: read(f"{victim}/upload"),
    "list another's uploads": lambda source, scratch, victim: os.listdir(victim),
    "the name of the folder of kept results": lambda source, scratch, victim: read(f"{victim}/name"),
    "watch the folder for temporary files": lambda source, scratch, victim: call("inotify_init1", 0x800),
    "watch a folder by a signal": lambda source, scratch, victim: with_file(
        scratch, lambda file: fcntl.fcntl(file, F_NOTIFY, 0x80000004)
    ),
    "watch the whole disk": lambda source, scratch, victim: call("fanotify_init", 0x200, 0),
    "a handle on another's file": lambda source, scratch, victim: call("name_to_handle_at", HERE, victim, 0, 0, 0),
    "a lease on the model": lambda source, scratch, victim: with_file(
        source.path, lambda file: fcntl.fcntl(file, F_SETLEASE, fcntl.F_RDLCK)
    ),
    "a lock on the model": lambda source, scratch, victim: with_file(
        source.path, lambda file: fcntl.fcntl(file, fcntl.F_SETLK, lock())
    ),
    "an open lock on a library": lambda source, scratch, victim: with_file(
        os.__file__, lambda file: fcntl.fcntl(file, F_OFD_SETLK, lock())
    ),
    "a lock on a library": lambda source, scratch, victim: with_file(
        os.__file__, lambda file: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ),
    "shared memory of others": lambda source, scratch, victim: remove_every("shmctl"),
    "attach shared memory": lambda source, scratch, victim: call("shmat", 0, 0, 0),
    "semaphores of others": lambda source, scratch, victim: remove_every("semctl"),
    "message queues of others": lambda source, scratch, victim: remove_every("msgctl"),
    "a POSIX queue of others": lambda source, scratch, victim: call("mq_unlink", "vitrine"),
    "a copy of the file system's tree": lambda source, scratch, victim: call("open_tree_attr", HERE, victim, 1, 0, 0),
    "a copy of the file system's tree, the old way": lambda source, scratch, victim: call(
        "open_tree", HERE, victim, 0x8001
    ),
    "choose a file system": lambda source, scratch, victim: call("fspick", HERE, "/", 0),
    "mounts, the newest way": lambda source, scratch, victim: call("listmount", bytes(24), bytes(80), 10, 0),
    "a file by the newest call": lambda source, scratch, victim: read_by_the_newest_call("/etc/passwd"),
    "a call that no kernel has yet": lambda source, scratch, victim: call("a future call", 0, 0, 0),
    "a thread in a new network": lambda source, scratch, victim: call("clone", A_THREAD | NEW_NETWORK, 0, 0, 0, 0),
    "a thread with a new user": lambda source, scratch, victim: call("clone", A_THREAD | NEW_USER, 0, 0, 0, 0),
    "capabilities of the app": lambda source, scratch, victim: call("capget", bytes(8), bytes(24)),
    "dumps of its own memory": lambda source, scratch, victim: call("prctl", 4, 1, 0, 0, 0),
    "write all that is cached": lambda source, scratch, victim: call("sync"),
    "connections of the machine": lambda source, scratch, victim: read("/proc/self/net/tcp"),
    "sockets of the machine": lambda source, scratch, victim: read("/proc/self/net/unix"),
    "connections, by the thread": lambda source, scratch, victim: read(f"/proc/self/task/{os.getpid()}/net/tcp"),
    "mounts of the machine": lambda source, scratch, victim: read("/proc/self/mountinfo"),
    "mounts, by another name": lambda source, scratch, victim: read("/proc/mounts"),
    "through its own root": lambda source, scratch, victim: read("/proc/self/root/etc/passwd"),
    "through its own folder": lambda source, scratch, victim: os.listdir("/proc/self/cwd/.."),
    "through its threads": lambda source, scratch, victim: read(f"/proc/self/task/../../{os.getppid()}/environ"),
    "the app's command": lambda source, scratch, victim: read(f"/proc/{os.getppid()}/cmdline"),
    "the app's memory in numbers": lambda source, scratch, victim: read(f"/proc/{os.getppid()}/status"),
    "the first process's command": lambda source, scratch, victim: read("/proc/1/cmdline"),
    "the list of processes": lambda source, scratch, victim: os.listdir("/proc"),
    "what the processors do": lambda source, scratch, victim: read("/proc/stat"),
    "the folder for temporary files": lambda source, scratch, victim: os.listdir("/tmp"),
    "the folders of all workers": lambda source, scratch, victim: os.listdir(os.path.dirname(scratch)),
    "shared memory by name": lambda source, scratch, victim: os.listdir("/dev/shm"),
    "a file in shared memory": lambda source, scratch, victim: write("/dev/shm/vitrine-was-here", "x"),
    "live when memory runs out": lambda source, scratch, victim: write("/proc/self/oom_score_adj", "-900"),
    "the name of its process": lambda source, scratch, victim: write("/proc/self/comm", "systemd"),
}

# What still works, and why it is left: nothing that is said here is a secret of another person.
LEFT_OPEN = {
    # Landlock has no right for stat, and a filter cannot see paths. Private files lie below random names instead.
    "size and time of the folder of kept results": lambda source, scratch, victim: os.stat(f"{victim}/name"),
    "size and time of a file whose name it knows": lambda source, scratch, victim: os.stat(f"{victim}/upload"),
    "size and time of a system file": lambda source, scratch, victim: os.stat("/etc/shadow"),
    # The environment is made for the worker and holds settings of Vitrine only.
    "its own settings": lambda source, scratch, victim: dict(os.environ)["PATH"],
    "its own settings, by the kernel": lambda source, scratch, victim: read("/proc/self/environ"),
    # Frameworks start a thread for each processor. How busy these are can be felt anyway.
    "the number of processors": lambda source, scratch, victim: os.sched_getaffinity(0),
}
