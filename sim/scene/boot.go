package scene

import (
	"slices"

	"twinlayer/kernel"
	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// phases are those of a boot, in order.
var phases = []struct {
	is   kernel.Phase
	name say.Phrase
}{
	{kernel.PoweredOn, sayPowerOn}, {kernel.Bootfs, sayBootfsPhase}, {kernel.Rootfs, sayRootfsPhase}, {kernel.Booted, sayUnmountPhase}, {kernel.Up, sayInitPhase},
}

// parts are what comes up, the last to come first, with the phases from which
// on each is there and from which on it is gone; 0: never.
var parts = []struct {
	id         string
	name       say.Phrase
	what       say.Phrase
	from, gone int
}{
	{"init", sayUserSpace, sayInit, 5, 0},
	{"rootfs", sayRootfsRow, sayRootfs, 3, 0},
	{"kernel", sayKernelRow, sayKernelRuns, 2, 0},
	{"bootfs", sayBootfsRow, sayBootfs, 2, 4},
	{"firmware", sayFirmwareRow, sayFirmware, 1, 2},
}

// Boot is a machine as it comes up, phase by phase up to where it is.
func Boot(m play.Moment) Scene {
	s := Scene{Kind: play.PictureBoot, Step: m.StepAt, Title: sayBoot, Says: sayBootNow, Columns: []Column{}, Rows: []Row{}, Arrows: []Arrow{}}
	reached := slices.IndexFunc(phases, func(p struct {
		is   kernel.Phase
		name say.Phrase
	}) bool {
		return p.is == m.World.Machine.Phase
	}) + 1
	if reached == 0 && m.World.Machine.Phase == "" {
		s.Title, s.Says = sayNothingThere, sayNoBoot
		return s
	}
	if m.StepAt != nil {
		s.Says = m.Why
	}
	for i, p := range phases {
		s.Columns = append(s.Columns, Column{string(p.is), p.name, i})
	}
	booting := m.StepAt != nil && reached > 0 && m.Cmd == "power on"
	for _, part := range parts {
		row := Row{ID: part.id, Name: part.name, Cells: []Cell{}}
		for n := part.from; n <= reached; n++ {
			c := Cell{ID: part.id + " " + string(phases[n-1].is), Column: string(phases[n-1].is), Text: part.what, Now: booting && n == reached && (n == part.from || n == part.gone)}
			switch {
			case n == part.from:
				c.Marks = []Mark{New}
			case part.gone != 0 && n == part.gone:
				c.Text, c.Marks = sayGone, []Mark{Gone}
			case part.gone != 0 && n > part.gone:
				continue
			}
			row.Cells = append(row.Cells, c)
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}
