#!/bin/sh
# Boots Debian's systemd as PID 1 of a throw-away machine: the files of this one under an overlay in memory, with a /tmp,
# /run, /dev, process table and network of its own. Nothing that it does is seen outside, and nothing of it stays.
#
# boot.sh DIRECTORY [SHOWN...]: DIRECTORY is an empty one; each SHOWN is a directory under /tmp that is seen inside, too.
# First it runs itself in a mount namespace, where the control group is made; then, with "inside", in all the others.
set -eu

if [ "$1" != inside ]; then
    # A group of its own, so that the groups which this systemd makes go with it.
    mkdir "$1/cgroup"
    mount -t cgroup2 cgroup2 "$1/cgroup"
    group="$1/cgroup/logstream-test-$$"
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
    code=0
    unshare --pid --mount --uts --ipc --cgroup --net --fork "$0" inside "$@" || code=$?
    echo $$ >"$1/cgroup/cgroup.procs"
    find "$group" -depth -type d -exec rmdir {} +
    exit "$code"
fi

shift
directory=$1
shift
mount -t tmpfs -o mode=755 tmpfs "$directory"
mkdir "$directory/upper" "$directory/work" "$directory/root"
mount -t overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" overlay "$directory/root"
cd "$directory/root"
for empty in tmp run var/tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$empty"; done
chmod 1777 tmp var/tmp
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for shown; do
    mkdir -p ".$shown"
    mount --rbind "$shown" ".$shown"
    mount -o remount,bind,ro ".$shown"
done

# Only the journal, and what the test starts.
rm -rf etc/systemd/system/*.wants lib/systemd/system/*.wants lib/systemd/system-generators
printf '[Unit]\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n' >etc/systemd/system/test.target
echo 0123456789abcdef0123456789abcdef >etc/machine-id
exec chroot . /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=test.target --log-target=journal --show-status=no
