package lessons

import (
	"maps"
	"slices"
)

// File is a file of a lesson's directory.
type File struct {
	Name    string `json:"name"` // below the directory
	Size    int64  `json:"size"`
	Content string `json:"content"` // "" where it is longer than anybody reads
}

// shownMost is the longest file whose content is shown.
const shownMost = 4096

// Files are the files of the lesson's directory, by name.
func (r *Run) Files() (all []File, err error) {
	all = []File{}
	files, err := r.box.dir.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := File{Name: name, Size: int64(len(files[name]))}
		if f.Size <= shownMost {
			f.Content = files[name]
		}
		all = append(all, f)
	}
	return all, err
}
