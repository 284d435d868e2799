#!/bin/sh
# run-arm64.sh PROGRAM [ARG...]: runs an AArch64 Linux program under qemu-user. cargo uses it as its runner.
#
#   ARM_CPU=NAME      cortex-a53 (NEON), cortex-a76 (and fp16, dotprod), max (and i8mm, bf16, SVE2); default max.
#                     An instruction that this CPU lacks ends the program with SIGILL.
#   ARM_TIMEOUT=SECS  ends a program that hangs (default 900).
#
# Where Debian's libc6:arm64 is installed it must be used by itself: the cross package's loader is then paired
# with the wrong libc, and a program that starts a thread spins forever.
case ${1:-} in ''|-h|--help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
if [ -e /lib/ld-linux-aarch64.so.1 ] || [ ! -d /usr/aarch64-linux-gnu ]; then
  exec timeout "${ARM_TIMEOUT:-900}" qemu-aarch64 -cpu "${ARM_CPU:-max}" "$@"
fi
exec timeout "${ARM_TIMEOUT:-900}" qemu-aarch64 -cpu "${ARM_CPU:-max}" -L /usr/aarch64-linux-gnu "$@"
