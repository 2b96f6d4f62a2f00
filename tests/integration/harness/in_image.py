"""in_image: becomes a program in an image's root, as a container would run it.

Arguments: the folder, uid, gid, then the program and its arguments.  To be
started as root in a mount and pid namespace of its own: the root is
read-only, /dev/shm is the only place to write, there are no rights and no
groups, and the program is process 1.
"""
import ctypes
import os
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def mount_all(root):
    """What a container runtime mounts, then the root is read-only."""
    mount("--make-rprivate", "/")
    mount("--bind", root, root)
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("-t", "tmpfs", "-o", "mode=755,nosuid", "tmpfs", f"{root}/dev")
    for name in ("null", "zero", "random", "urandom"):
        with open(f"{root}/dev/{name}", "wb"):
            pass
        mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    os.mkdir(f"{root}/dev/shm")
    mount("-t", "tmpfs", "-o", "size=64m,mode=1777,noexec,nosuid,nodev",
          "tmpfs", f"{root}/dev/shm")
    mount("-o", "remount,bind,ro", root)


def drop_rights(uid, gid):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(LAST_CAPABILITY, "rb") as file:
        last = int(file.read())
    for capability in range(last + 1):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def main(root, uid, gid, *command):
    mount_all(root)
    # After this nothing more can be imported.
    os.chroot(root)
    os.chdir("/")
    drop_rights(int(uid), int(gid))
    os.execve(command[0], command, {"PATH": "/usr/sbin"})


if __name__ == "__main__":
    main(*sys.argv[1:])
