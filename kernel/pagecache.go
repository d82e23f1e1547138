package kernel

import "twinlayer/fs/vfs"

// CachedFile is a program file in the page cache: in memory once, however many
// processes map it. The model counts all of it, as if each page had been
// touched.
type CachedFile struct {
	vfs.Inode
	Path      string // as the process knew it that ran it first
	Bytes     int64
	Container string // of that process
	PIDs      []int  // on the host, of all that map it, ascending
}

// page tells files apart: a layer's is the same in all containers that stand
// on it, a volume's in all that have it mounted; what was copied up, and any
// other, is its mount namespace's own.
type page struct {
	vfs.Inode
	mnt uint64 // 0: it is not
}

// PageCache is what is in memory of the programs that run, in the order in
// which they were started. The kernel keeps by inode what it has read, and in
// an overlay a file is the inode of the layer that holds it: so containers of
// one image share their programs, and one that has a copy of its own does not.
func (m Machine) PageCache() (all []CachedFile) {
	at := map[page]int{}
	for p := range m.processes.Values() {
		if p.Text.Path == "" {
			continue
		}
		key := page{p.Text.Inode, p.Namespaces.Mnt}
		if key.Layer != nil || key.Source != "" {
			key.mnt = 0
		}
		i, there := at[key]
		if !there {
			i, at[key] = len(all), len(all)
			all = append(all, CachedFile{Inode: p.Text.Inode, Path: p.Text.Path, Bytes: p.Text.Bytes, Container: p.Container})
		}
		all[i].PIDs = append(all[i].PIDs, p.PID)
	}
	return all
}
