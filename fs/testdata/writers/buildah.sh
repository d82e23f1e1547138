B="buildah --root $PWD/b --runroot $PWD/br --storage-driver vfs"
c=$($B from scratch)
$B add -q $c base.tar /
$B commit -q $c tl/base
c=$($B from tl/base)
change $($B mount $c)
$B commit -q $c tl/x
$B push -q tl/x oci:out:x
$B umount -a
