unset CONTAINER_HOST CONTAINER_CONNECTION # else it is a service elsewhere that works
P="podman --root $PWD/p --runroot $PWD/pr --storage-driver vfs --cgroup-manager cgroupfs"
$P import -q base.tar tl/base
c=$($P create tl/base /bin/busybox)
change $($P mount $c)
$P umount $c
$P commit -q $c tl/x
$P save -q --format oci-dir -o out tl/x
