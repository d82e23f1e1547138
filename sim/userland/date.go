package userland

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// zone is the time zone of a process: UTC, unless TZ names an offset such as
// "CET-1".
func zone(p *Process) *time.Location {
	tz := p.getenv("TZ")
	i := strings.IndexAny(tz, "+-0123456789")
	if i < 3 {
		return time.UTC
	}
	hours, err := strconv.Atoi(tz[i:])
	if err != nil || hours == 0 {
		return time.UTC
	}
	return time.FixedZone(tz[:i], -hours*3600)
}

var dateLayouts = []string{
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006.01.02-15:04:05", "2006.01.02-15:04",
	"20060102150405", "200601021504.05", "200601021504", "15:04:05", "15:04", "2006-01-02T15:04:05",
	time.RFC3339, "Mon, 02 Jan 2006 15:04:05 -0700", "Mon Jan _2 15:04:05 MST 2006",
}

// parseDate reads a date as date -d and touch -d take it.
func parseDate(s string, now time.Time, loc *time.Location) (time.Time, error) {
	if secs, ok := strings.CutPrefix(s, "@"); ok {
		n, err := strconv.ParseInt(secs, 10, 64)
		return time.Unix(n, 0), err
	}
	for _, layout := range dateLayouts {
		when, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			continue
		}
		if when.Year() == 0 {
			n := now.In(loc)
			when = when.AddDate(n.Year(), int(n.Month())-1, n.Day()-1)
		}
		return when, nil
	}
	return time.Time{}, errors.New("invalid date")
}

// date prints the time.
func date(t *tool) int {
	loc := zone(t.Process)
	if t.has('u') {
		loc = time.UTC
	}
	when := t.Now()
	switch {
	case t.has('d'):
		var err error
		if when, err = parseDate(t.val('d'), when, loc); err != nil {
			return t.errorf("invalid date '%s'", t.val('d'))
		}
	case t.has('r'):
		st, err := t.stat(t.val('r'))
		if err != nil {
			return t.cannot("stat", t.val('r'), err)
		}
		when = st.Mtime
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case t.has('R'):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case t.has('I'):
		format = "%Y-%m-%d"
	}
	if len(t.args) > 0 {
		if !strings.HasPrefix(t.args[0], "+") {
			return t.errorf("can't set date: %s", "Operation not permitted")
		}
		format = t.args[0][1:]
	}
	t.println(strftime(format, when.In(loc)))
	return 0
}

var strftimeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'H': "15",
	'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'Y': "2006", 'Z': "MST",
	'z': "-0700", 'c': "Mon Jan _2 15:04:05 2006", 'D': "01/02/06", 'F': "2006-01-02", 'R': "15:04",
	'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'r': "03:04:05 PM",
}

// strftime formats a time as strftime(3) does in the C locale.
func strftime(format string, when time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		b.WriteString(strftimeOne(format[i], when))
	}
	return b.String()
}

func strftimeOne(c byte, when time.Time) string {
	if layout, ok := strftimeLayouts[c]; ok {
		return when.Format(layout)
	}
	_, week := when.ISOWeek()
	switch c {
	case 's':
		return strconv.FormatInt(when.Unix(), 10)
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	case 'u':
		return strconv.Itoa((int(when.Weekday())+6)%7 + 1)
	case 'w':
		return strconv.Itoa(int(when.Weekday()))
	case 'C':
		return sprintf("%02d", when.Year()/100)
	case 'k':
		return sprintf("%2d", when.Hour())
	case 'l':
		return sprintf("%2d", (when.Hour()+11)%12+1)
	case 'V':
		return sprintf("%02d", week)
	case 'U':
		return sprintf("%02d", (when.YearDay()+6-int(when.Weekday()))/7)
	case 'W':
		return sprintf("%02d", (when.YearDay()+6-(int(when.Weekday())+6)%7)/7)
	}
	return "%" + string(c)
}

// sleep waits; its operands are added up.
func sleep(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	var total time.Duration
	for _, arg := range t.args {
		d, ok := sleepTime(arg)
		if !ok {
			return t.errorf("invalid number '%s'", arg)
		}
		total += d
	}
	if t.sleep(t.ctx, total) != nil {
		return exitKilled
	}
	return 0
}

// sleep waits by the process's clock.
func (p *Process) sleep(ctx context.Context, d time.Duration) error {
	if p.Sleep == nil {
		return SleepFor(ctx, d)
	}
	return p.Sleep(ctx, d)
}

// SleepFor waits by the real clock.
func SleepFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sleepTime(arg string) (time.Duration, bool) {
	unit := time.Second
	if n := len(arg); n > 0 {
		switch arg[n-1] {
		case 's':
			arg = arg[:n-1]
		case 'm':
			unit, arg = time.Minute, arg[:n-1]
		case 'h':
			unit, arg = time.Hour, arg[:n-1]
		case 'd':
			unit, arg = 24*time.Hour, arg[:n-1]
		}
	}
	if arg == "inf" || arg == "infinity" {
		return 1<<63 - 1, true
	}
	n, err := strconv.ParseFloat(arg, 64)
	return time.Duration(n * float64(unit)), err == nil && n >= 0
}
