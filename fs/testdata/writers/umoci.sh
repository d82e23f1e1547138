umoci init --layout out
umoci new --image out:x
umoci unpack --image out:x first
tar -C first/rootfs -xf base.tar
umoci repack --image out:x first
umoci unpack --image out:x second
change second/rootfs
umoci repack --image out:x second
