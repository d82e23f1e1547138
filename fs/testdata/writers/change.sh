# What happens to a root file system between its two layers; $1 is its root.
rm $1/etc/a
rm -r $1/etc/dir
mkdir $1/etc/dir
echo new > $1/etc/dir/new
ln $1/etc/dir/new $1/etc/hard
ln -s ../etc/hard $1/tmp/link
mkfifo $1/etc/fifo
chmod 4755 $1/bin/busybox
chown 12:34 $1/etc/keep
mknod $1/tmp/null c 1 3
touch $1/etc/$(printf 'n%.0s' $(seq 200)) $1/etc/zürich "$1/etc/a name"
mkdir -p $1/$(printf 'deep/%.0s' $(seq 60))
