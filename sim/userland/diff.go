package userland

import (
	"bytes"
	"slices"
	"strings"

	"twinlayer/fs"
)

// differ is a running diff. Its output is unified.
type differ struct {
	*tool
	status int
}

func diff(t *tool) int {
	if len(t.args) != 2 {
		t.failed = 2
		return badUsage
	}
	d := &differ{tool: t}
	a, b := t.args[0], t.args[1]
	dirA, okA := d.kind(a)
	dirB, okB := d.kind(b)
	if !okA || !okB {
		return 2
	}
	switch {
	case dirA && dirB:
		d.dirs(a, b)
	case dirA:
		d.files(join(a, baseOf(b)), b)
	case dirB:
		d.files(a, join(b, baseOf(a)))
	default:
		d.files(a, b)
	}
	return max(d.status, t.failed)
}

// kind says whether name is a directory, and complains where it is not there.
func (d *differ) kind(name string) (dir, ok bool) {
	if name == "-" {
		return false, true
	}
	st, err := d.stat(name)
	if err != nil {
		d.cannot("stat", name, err)
		return false, false
	}
	return st.Mode&fs.S_IFMT == fs.S_IFDIR, true
}

func (d *differ) differs() { d.status = max(d.status, 1) }

// dirs compares the files of two directories by name.
func (d *differ) dirs(a, b string) {
	listA, err := d.names(a)
	listB, err2 := d.names(b)
	if err != nil || err2 != nil {
		d.status = 2
		return
	}
	all := slices.Concat(listA, listB)
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		inA, inB := slices.Contains(listA, name), slices.Contains(listB, name)
		switch {
		case inA && inB:
			d.pair(join(a, name), join(b, name))
		case d.has('N'):
			d.files(join(a, name), join(b, name))
		case inA:
			d.only(d.args[0], join(a, name))
		default:
			d.only(d.args[1], join(b, name))
		}
	}
}

func (d *differ) only(root, name string) {
	root = strings.TrimRight(root, "/")
	d.printf("Only in %s: %s\n", root, strings.TrimPrefix(name, root+"/"))
	d.differs()
}

func (d *differ) pair(a, b string) {
	dirA, okA := d.kind(a)
	dirB, okB := d.kind(b)
	switch {
	case !okA || !okB:
		d.status = 2
	case dirA && dirB:
		if d.has('r') {
			d.dirs(a, b)
		} else {
			d.printf("Common subdirectories: %s and %s\n", a, b)
		}
	case dirA != dirB:
		names := map[bool]string{true: "directory", false: "regular file"}
		d.printf("File %s is a %s while file %s is a %s\n", a, names[dirA], b, names[dirB])
		d.differs()
	default:
		d.files(a, b)
	}
}

func (d *differ) content(name string) ([]byte, bool) {
	if _, err := d.stat(name); err != nil && d.has('N') {
		return nil, true
	}
	r, ok := d.input(name)
	if !ok {
		d.status = 2
		return nil, false
	}
	defer r.Close()
	data, err := readAll(r)
	if err != nil {
		d.fail(name, err)
		d.status = 2
	}
	return data, err == nil
}

func (d *differ) files(a, b string) {
	if a == b {
		return
	}
	dataA, ok1 := d.content(a)
	dataB, ok2 := d.content(b)
	switch {
	case !ok1 || !ok2:
		return
	case bytes.Equal(dataA, dataB):
		if d.has('s') {
			d.printf("Files %s and %s are identical\n", a, b)
		}
		return
	}
	linesA, linesB := splitLines(dataA), splitLines(dataB)
	edits := editScript(d.keys(linesA), d.keys(linesB))
	if !slices.ContainsFunc(edits, func(e edit) bool { return e.op != ' ' }) {
		return
	}
	d.differs()
	switch {
	case d.has('q'):
		d.printf("Files %s and %s differ\n", a, b)
	case bytes.IndexByte(dataA, 0) >= 0 || bytes.IndexByte(dataB, 0) >= 0:
		d.printf("Binary files %s and %s differ\n", a, b)
	default:
		label := [2]string{a, b}
		copy(label[:], d.values['L'])
		d.printf("--- %s\n+++ %s\n", label[0], label[1])
		d.hunks(edits, linesA, linesB)
	}
}

// keys are the lines as -i, -b and -w compare them.
func (d *differ) keys(lines []string) []string {
	if d.last("ibw") == 0 {
		return lines
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		if d.has('i') {
			line = strings.ToLower(line)
		}
		switch {
		case d.has('w'):
			line = strings.Join(strings.Fields(line), "")
		case d.has('b'):
			line = strings.Join(strings.Fields(line), " ")
		}
		out[i] = line
	}
	return out
}

func splitLines(data []byte) []string {
	lines := strings.SplitAfter(string(data), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// edit is one line of a comparison: ' ' in both, '-' only in a, '+' only in b,
// at these positions.
type edit struct {
	op   byte
	a, b int
}

// editScript is a way from a to b: a shortest one, unless they differ in more
// lines than is worth the search.
func editScript(a, b []string) []edit {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	var edits []edit
	for i := range start {
		edits = append(edits, edit{' ', i, i})
	}
	for _, e := range shortest(a[start:endA], b[start:endB]) {
		edits = append(edits, edit{e.op, e.a + start, e.b + start})
	}
	for i := range len(a) - endA {
		edits = append(edits, edit{' ', endA + i, endB + i})
	}
	return edits
}

const editsMax = 2000

// shortest is Myers's algorithm.
func shortest(a, b []string) []edit {
	n, m := len(a), len(b)
	v := map[int]int{1: 0}
	var trace []map[int]int
	for d := 0; d <= min(n+m, editsMax); d++ {
		snapshot := make(map[int]int, len(v))
		for k, x := range v {
			snapshot[k] = x
		}
		trace = append(trace, snapshot)
		for k := -d; k <= d; k += 2 {
			x := v[k-1] + 1
			if k == -d || k != d && v[k-1] < v[k+1] {
				x = v[k+1]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			v[k] = x
			if x >= n && x-k >= m {
				return backtrack(trace, n, m)
			}
		}
	}
	var edits []edit
	for i := range n {
		edits = append(edits, edit{'-', i, 0})
	}
	for i := range m {
		edits = append(edits, edit{'+', n, i})
	}
	return edits
}

func backtrack(trace []map[int]int, x, y int) []edit {
	var edits []edit
	for d := len(trace) - 1; d >= 0; d-- {
		v, k := trace[d], x-y
		prev := k - 1
		if k == -d || k != d && v[k-1] < v[k+1] {
			prev = k + 1
		}
		px := v[prev]
		py := px - prev
		for x > px && y > py {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', x, y})
		}
		if d > 0 {
			if x == px {
				edits = append(edits, edit{'+', x, py})
			} else {
				edits = append(edits, edit{'-', px, y})
			}
		}
		x, y = px, py
	}
	slices.Reverse(edits)
	return edits
}

// hunks prints the changes with three lines around them.
func (d *differ) hunks(edits []edit, a, b []string) {
	around := 3
	if n, ok := countArg(d.val('U')); ok && d.has('U') {
		around = int(n)
	}
	for i := 0; i < len(edits); {
		if edits[i].op == ' ' {
			i++
			continue
		}
		start, end := max(0, i-around), i
		for j := i; j < len(edits) && j <= end+2*around; j++ {
			if edits[j].op != ' ' {
				end = j
			}
		}
		stop := min(len(edits), end+around+1)
		d.hunk(edits[start:stop], a, b)
		i = stop
	}
}

func (d *differ) hunk(edits []edit, a, b []string) {
	na, nb := 0, 0
	for _, e := range edits {
		if e.op != '+' {
			na++
		}
		if e.op != '-' {
			nb++
		}
	}
	d.printf("@@ -%s +%s @@\n", hunkRange(edits[0].a, na), hunkRange(edits[0].b, nb))
	for _, e := range edits {
		line := ""
		if e.op == '+' {
			line = b[e.b]
		} else {
			line = a[e.a]
		}
		d.out.WriteByte(e.op)
		d.out.WriteString(line)
		if !strings.HasSuffix(line, "\n") {
			d.out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

func hunkRange(start, n int) string {
	switch n {
	case 0:
		return sprintf("%d,0", start)
	case 1:
		return sprintf("%d", start+1)
	}
	return sprintf("%d,%d", start+1, n)
}
