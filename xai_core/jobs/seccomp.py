"""Close the system calls that no model needs, for every thread of this process, with a seccomp filter.

Numbers are from the kernel's tables for x86-64 and 64-bit ARM; seccomp(2) describes filters. The filter closes
programs, processes, sockets, signals to other processes, their memory and limits, mounts, keys, clocks, and the owners
and modes of files. Threads stay allowed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from xai_core.jobs import kernel

DENIED: dict[str, tuple[int | None, int | None]] = {
    # programs and processes; clone has its own rule below
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "setsid": (112, 157), "setpgid": (109, 154), "unshare": (272, 97), "setns": (308, 268),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "setrlimit": (160, 164), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    # the network
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendmmsg": (307, 269),
    # the kernel
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58), "personality": (135, 92),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    # files
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "fsmount": (432, 432), "open_tree": (428, 428), "move_mount": (429, 429),
    "mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262), "mknod": (133, None), "mknodat": (259, 33),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    # who this process is
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159), "capset": (126, 91),
    # memory that no limit of a process covers
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "move_pages": (279, 239), "migrate_pages": (256, 238),
}  # fmt: skip
_CLONE, _CLONE3, _TGKILL, _PRLIMIT, _FCNTL = (56, 220), (435, 435), (234, 131), (302, 261), (72, 25)
_ARCHITECTURE, _SECCOMP = (0xC000003E, 0xC00000B7), (317, 277)
_SET_FILTER, _ALL_THREADS, _ACTION_AVAILABLE = 1, 1, 2
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets in struct seccomp_data; arguments are 8 bytes, low half first, and one load takes half of one.
_NUMBER, _ARCH, _FIRST, _SECOND, _THIRD, _HALF = 0, 4, 16, 24, 32, 4
_THREAD_FLAG = 0x10000
_X32_CALLS = 0x40000000
_SIGNALS_OF_A_FILE = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: which process gets which signal from a file

Step = tuple[int, int, int, int]  # code, steps to skip when true, when false, operand
_REFUSE: Step = (_RETURN, 0, 0, _FAIL | errno.EPERM)


def available() -> bool:
    """Return whether the kernel accepts a filter and this machine's call numbers are known."""
    if (column := kernel.machine()) is None:
        return False
    try:
        action = ctypes.create_string_buffer(struct.pack("=I", _FAIL), 4)
        return kernel.call(_SECCOMP[column], _ACTION_AVAILABLE, 0, action) == 0
    except OSError:
        return False


def close_calls() -> bool:
    """Install the filter for good; return False if the kernel has none."""
    column = kernel.machine()
    if column is None or not available():
        return False
    packed = b"".join(struct.pack("=HBBI", *step) for step in _program(column))
    steps = ctypes.create_string_buffer(packed, len(packed))
    program = ctypes.create_string_buffer(struct.pack("=H6xQ", len(packed) // 8, ctypes.addressof(steps)), 16)
    kernel.no_new_privileges()
    if kernel.call(_SECCOMP[column], _SET_FILTER, _ALL_THREADS, program) != 0:
        raise OSError(errno.ESRCH, "The filter could not be applied to a thread.")
    return True


def _program(column: int) -> list[Step]:
    steps = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _ARCHITECTURE[column]), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER)]
    if column == 0:
        steps += [(_AT_LEAST, 0, 1, _X32_CALLS), (_RETURN, 0, 0, _KILL)]
    # Without clone3 the C library falls back to clone, whose flags a filter can see.
    steps += _when(_CLONE3[column], [(_RETURN, 0, 0, _FAIL | errno.ENOSYS)])
    steps += _when(_CLONE[column], _unless((_FIRST, _ANY_BIT, _THREAD_FLAG)))
    steps += _when(_TGKILL[column], _unless((_FIRST, _EQUAL, os.getpid())))
    steps += _when(_PRLIMIT[column], _unless((_THIRD, _EQUAL, 0), (_THIRD + _HALF, _EQUAL, 0)))
    steps += _when(_FCNTL[column], _refuse_any(_SECOND, _SIGNALS_OF_A_FILE))
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            steps += _when(number, [_REFUSE])
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _when(number: int, then: list[Step]) -> list[Step]:
    return [(_EQUAL, 0, len(then), number), *then]


def _unless(*tests: tuple[int, int, int]) -> list[Step]:
    """Refuse unless every test holds: the offset of half an argument, the comparison, the operand."""
    steps: list[Step] = []
    for offset, code, operand in tests:
        steps += [(_LOAD, 0, 0, offset), (code, 1, 0, operand), _REFUSE]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _refuse_any(offset: int, values: tuple[int, ...]) -> list[Step]:
    """Refuse if half an argument is one of these values."""
    refusals = [step for value in values for step in _when(value, [_REFUSE])]
    return [(_LOAD, 0, 0, offset), *refusals, (_RETURN, 0, 0, _ALLOW)]
