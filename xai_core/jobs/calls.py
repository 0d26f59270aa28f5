"""The system calls that a worker may make; the filter refuses all others, known and unknown.

Numbers are (x86-64, 64-bit ARM), from the kernel's tables; None if a machine lacks the call. The list holds what
`scripts/record_system_calls.py` recorded, and the variants that other versions of the C library use instead.
"""

from __future__ import annotations

import errno

Numbers = tuple[int | None, int | None]

ALLOWED: dict[str, Numbers] = {
    # Its own memory: bounded by RLIMIT_DATA and the watchdog. Membarrier and the policies are those of this process.
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "msync": (26, 227), "mincore": (27, 232), "mlock": (149, 228), "mlock2": (325, 284),
    "munlock": (150, 229), "mbind": (237, 235), "get_mempolicy": (239, 236), "set_mempolicy": (238, 237),
    "membarrier": (324, 283),
    # Open files: opening them was allowed.
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "preadv2": (327, 286), "pwritev2": (328, 287),
    "lseek": (8, 62), "close": (3, 57), "close_range": (436, 436), "dup": (32, 23), "dup2": (33, None),
    "dup3": (292, 24), "pipe": (22, None), "pipe2": (293, 59), "eventfd": (284, None), "eventfd2": (290, 19),
    "ftruncate": (77, 46), "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83), "fadvise64": (221, 223),
    "readahead": (187, 213), "sendfile": (40, 71), "copy_file_range": (326, 285), "fstat": (5, 80),
    "fstatfs": (138, 44), "getdents": (78, None), "getdents64": (217, 61), "fchdir": (81, 50),
    # Paths: Landlock decides which may be used, except by stat, which works for every path that is known.
    "open": (2, None), "openat": (257, 56), "creat": (85, None), "truncate": (76, 45), "stat": (4, None),
    "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78),
    "getcwd": (79, 17), "chdir": (80, 49), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None),
    "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "umask": (95, 166),
    # Waiting
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "epoll_create": (213, None),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441), "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    "pause": (34, None),
    # Threads: `clone` has a rule of its own below.
    "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "set_tid_address": (218, 96),
    "rseq": (334, 293), "gettid": (186, 178), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "sched_get_priority_min": (147, 126),
    "sched_get_priority_max": (146, 125), "sched_rr_get_interval": (148, 127), "getcpu": (309, 168),
    "exit": (60, 93), "exit_group": (231, 94), "arch_prctl": (158, None),
    # Its own signals
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    # Clocks, random numbers, and what it may know about itself and the machine
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrandom": (318, 278), "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getresuid": (118, 148),
    "getresgid": (120, 150), "getgroups": (115, 158), "getpgrp": (111, None), "getrusage": (98, 165),
    "getrlimit": (97, 163), "sysinfo": (99, 179), "uname": (63, 160), "wait4": (61, 260), "waitid": (247, 95),
}  # fmt: skip

# Refused as if the kernel lacked them, so that libraries fall back; all others are refused as not permitted.
UNAVAILABLE: dict[str, tuple[Numbers, int]] = {
    "clone3": ((435, 435), errno.ENOSYS),  # the C library falls back to clone, whose flags a filter can see
    "flock": ((73, 32), errno.ENOSYS),  # HDF5 goes on without a lock, which nobody else would respect
    "listxattr": ((194, 11), errno.ENOTSUP),  # shutil copies a file without its attributes
    "llistxattr": ((195, 12), errno.ENOTSUP),
    "flistxattr": ((196, 13), errno.ENOTSUP),
    "getxattr": ((191, 8), errno.ENOTSUP),
    "lgetxattr": ((192, 9), errno.ENOTSUP),
    "fgetxattr": ((193, 10), errno.ENOTSUP),
}
# Calls from here on are newer than Linux 5.1. Libraries try them first and expect a kernel that lacks them.
FIRST_RECENT = 424

# Allowed for some of their arguments only; the rules are in seccomp.py.
CLONE, TGKILL, KILL, PRLIMIT = (56, 220), (234, 131), (62, 129), (302, 261)
FCNTL, IOCTL, PRCTL, SET_AFFINITY = (72, 25), (16, 29), (157, 167), (203, 122)

# Flags of a new thread: VM FS FILES SIGHAND THREAD SYSVSEM SETTLS, its number at two places, and DETACHED (musl).
THREAD_FLAGS, THREAD_FLAG = 0x7D0F00, 0x10000
# Handles: copies, flags, the size of a pipe. No signals from files, leases, locks or notifications.
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030, 1032)
# Is it a terminal (TCGETS, TCGETS2), its size, closing on exec, waiting or not, bytes to read
IOCTL_REQUESTS = (0x5401, 0x802C542A, 0x5413, 0x5450, 0x5451, 0x5421, 0x541B)
# Of files (attributes, clones, encryption) and terminals; with a GPU, a worker may make all requests except these.
IOCTL_REFUSED_KINDS = (0x54, 0x58, 0x66, 0x94)
# Names of threads and of memory, the vector length of ARM, huge pages, and what a process may read about itself
PRCTL_OPTIONS = (3, 15, 16, 21, 23, 38, 39, 41, 42, 51, 56, 64, 0x53564D41)
