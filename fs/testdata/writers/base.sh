# A root file system in ./root and its tar, ./base.tar.
mkdir -p root/bin root/etc/dir root/tmp
cp /bin/busybox root/bin/
echo a > root/etc/a
echo keep > root/etc/keep
echo b > root/etc/dir/b
chmod 1777 root/tmp
tar -C root -cf base.tar .
