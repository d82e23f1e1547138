package scene

import (
	"cmp"
	"fmt"
	"slices"

	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// Host is the machine: one kernel, the containers on it, and beside them a
// virtual machine.
func Host(m play.Moment) Scene {
	s := Scene{Kind: play.PictureHost, Step: m.StepAt, Title: sayHost, Says: sayHostNow, Columns: []Column{}, Arrows: []Arrow{}}
	kernel := sayKernel(m.World.Machine.Kernel)
	if m.World.Machine.Kernel == "" {
		kernel = sayHostKernel
	}
	rows := map[string]*Row{}
	for _, r := range hostRows {
		rows[r.id] = &Row{ID: r.id, Name: r.name, Cells: []Cell{}}
	}
	put := func(row, column string, c Cell) {
		c.ID, c.Column = row+" "+column, column
		rows[row].Cells = append(rows[row].Cells, c)
	}
	for _, k := range slices.Backward(m.World.Containers) {
		if len(s.Columns) == columnsMost-2 {
			s.More++
			continue
		}
		s.Columns = append(s.Columns, Column{k.ID, say.Verbatim(k.Name), len(s.Columns) + 2})
		put("processes", k.ID, processesOf(k))
		put("namespaces", k.ID, namespacesOf(k))
		put("root", k.ID, Cell{Text: say.Verbatim(k.Image), Note: sayLayers(len(k.Layers))})
		put("mounts", k.ID, mountsOf(k))
	}
	s.Columns = append(s.Columns, Column{"host", sayTheHost, 0}, Column{"vm", sayMachine, 1})
	put("processes", "host", hostProcesses(m.World.Machine))
	put("namespaces", "host", Cell{Text: sayHosts})
	put("root", "host", Cell{Text: sayRootfs})
	put("processes", "vm", Cell{Text: sayItsOwn})
	put("namespaces", "vm", Cell{Text: sayItsOwn})
	put("root", "vm", Cell{Text: sayDisk})
	first := s.Columns[0].ID
	put("kernel", first, Cell{Text: kernel, Note: sayOneForAll, Span: len(s.Columns) - 1, Marks: []Mark{Shared}})
	put("kernel", "vm", Cell{Text: sayAnotherKernel, Note: sayOfItsOwn, Marks: []Mark{New}})
	put("hardware", first, Cell{Text: sayHardware, Span: len(s.Columns)})
	for _, r := range hostRows {
		s.Rows = append(s.Rows, *rows[r.id])
	}
	return s
}

// hostRows are the rows, topmost first.
var hostRows = []struct {
	id   string
	name say.Phrase
}{
	{"processes", sayProcesses}, {"namespaces", sayNamespaces}, {"root", sayRootOf}, {"mounts", sayMounts}, {"kernel", sayKernelRow}, {"hardware", sayHardwareRow},
}

func processesOf(k play.Container) Cell {
	if len(k.Processes) == 0 {
		status := sayExited
		if k.Status == sim.Created {
			status = sayCreated
		}
		return Cell{Text: sayNoProcess, Note: status, Marks: []Mark{Gone}}
	}
	p := k.Processes[0]
	c := Cell{Text: say.Verbatim(p.Cmd), Note: sayPID(p.PID)}
	if p.Inner != 0 {
		c.Note = sayPIDs(p.PID, p.Inner)
	}
	if more := len(k.Processes) - 1; more > 0 {
		c.Text = sayAndMore(p.Cmd, more)
	}
	return c
}

func hostProcesses(m play.Hosted) Cell {
	if len(m.Processes) == 0 {
		return Cell{Text: sayHostsOwn}
	}
	return Cell{Text: say.Verbatim(m.Processes[0].Cmd), Note: sayPID(m.Processes[0].PID)}
}

// namespacesOf are a container's, by the one that everybody knows.
func namespacesOf(k play.Container) Cell {
	if len(k.Namespaces) == 0 {
		return Cell{Text: sayNone}
	}
	number := fmt.Sprint(k.Namespaces["pid"])
	return Cell{Text: sayNamespacesOwn, Note: say.Verbatim("pid …" + number[max(0, len(number)-5):]), Marks: []Mark{New}}
}

func mountsOf(k play.Container) Cell {
	extra := slices.DeleteFunc(slices.Clone(k.Mounts), func(m play.Mount) bool { return m.Target == "/" })
	if len(extra) == 0 {
		return Cell{Text: sayNone}
	}
	c := Cell{Text: say.Verbatim(extra[0].Target), Note: say.Verbatim(extra[0].Type + " " + cmp.Or(extra[0].Source, "-")), Marks: []Mark{New}}
	if len(extra) > 1 {
		c.Text = sayAndMore(extra[0].Target, len(extra)-1)
	}
	return c
}
