package userland

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/afero"

	"twinlayer/fs"
)

// copyJob is a running dd.
type copyJob struct {
	*tool
	files             map[string]string
	ibs, obs          int64
	count, skip, seek int64
	hasCount          bool
	conv, status      string
	inFull, inPart    int64
	outFull, outPart  int64
}

func dd(t *tool) int {
	d := &copyJob{tool: t, files: map[string]string{}, ibs: 512, obs: 512}
	for _, arg := range t.args {
		if !d.operand(arg) {
			return max(t.failed, 1)
		}
	}
	in, err := d.source()
	if err != nil {
		return t.cannot("open", d.files["if"], err)
	}
	defer in.Close()
	out, err := d.target()
	if err != nil {
		return t.cannot("open", d.files["of"], err)
	}
	err = d.copy(in, out)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil && !brokenPipe(err) {
		t.errorf("error writing '%s': %s", d.files["of"], reason(err))
	}
	if d.status != "none" {
		t.out.Flush()
		io.WriteString(t.Stderr, sprintf("%d+%d records in\n%d+%d records out\n", d.inFull, d.inPart, d.outFull, d.outPart))
	}
	return 0
}

func (d *copyJob) operand(arg string) bool {
	name, value, ok := strings.Cut(arg, "=")
	if !ok {
		d.errorf("invalid argument '%s'", arg)
		return false
	}
	switch name {
	case "if", "of":
		d.files[name] = value
		return true
	case "conv":
		d.conv += "," + value
		return true
	case "status":
		d.status = value
		return true
	case "iflag", "oflag":
		return true
	}
	n, valid := countArg(value)
	if !valid || n < 0 {
		d.errorf("invalid number '%s'", value)
		return false
	}
	if strings.HasSuffix(name, "bs") && n > memoryMax {
		d.fail("", errMemory)
		return false
	}
	switch name {
	case "bs":
		d.ibs, d.obs = max(n, 1), max(n, 1)
	case "ibs":
		d.ibs = max(n, 1)
	case "obs":
		d.obs = max(n, 1)
	case "count":
		d.count, d.hasCount = n, true
	case "skip":
		d.skip = n
	case "seek":
		d.seek = n
	default:
		d.errorf("invalid argument '%s'", arg)
		return false
	}
	return true
}

func (d *copyJob) source() (io.ReadCloser, error) {
	var r io.ReadCloser = io.NopCloser(d.in)
	if name, ok := d.files["if"]; ok {
		f, err := d.open(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Seek(d.skip*d.ibs, io.SeekStart); err == nil {
			return inFile{obey(d.ctx, f), f}, nil
		}
		r = inFile{obey(d.ctx, f), f}
	}
	io.CopyN(io.Discard, r, d.skip*d.ibs)
	return r, nil
}

func (d *copyJob) target() (io.WriteCloser, error) {
	name, ok := d.files["of"]
	if !ok {
		return nopWriteCloser{d.out}, nil
	}
	flag := os.O_WRONLY | os.O_CREATE
	if !strings.Contains(d.conv, "notrunc") && d.seek == 0 {
		flag |= os.O_TRUNC
	}
	f, err := d.FS.OpenFile(d.abs(name), flag, 0o666)
	if err != nil {
		return nil, err
	}
	return f, d.position(f)
}

func (d *copyJob) position(f afero.File) error {
	if d.seek == 0 {
		return nil
	}
	at := d.seek * d.obs
	if !strings.Contains(d.conv, "notrunc") {
		if err := f.Truncate(at); err != nil && fs.ErrnoOf(err) != fs.EINVAL {
			return err
		}
	}
	_, err := f.Seek(at, io.SeekStart)
	return err
}

type nopWriteCloser struct{ io.Writer }

func (nopWriteCloser) Close() error { return nil }

// copy moves block by block; blocks of another output size are gathered.
func (d *copyJob) copy(in io.Reader, out io.Writer) error {
	buf := make([]byte, d.ibs)
	var pending []byte
	for !d.hasCount || d.inFull+d.inPart < d.count {
		n, err := in.Read(buf)
		switch {
		case n == len(buf):
			d.inFull++
		case n > 0:
			d.inPart++
		}
		if d.ibs == d.obs {
			if werr := d.put(out, buf[:n]); werr != nil {
				return werr
			}
		} else {
			pending = append(pending, buf[:n]...)
			for int64(len(pending)) >= d.obs {
				if werr := d.put(out, pending[:d.obs]); werr != nil {
					return werr
				}
				pending = pending[d.obs:]
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return errors.Join(err, d.put(out, pending))
		}
	}
	return d.put(out, pending)
}

func (d *copyJob) put(out io.Writer, block []byte) error {
	if len(block) == 0 {
		return nil
	}
	if int64(len(block)) == d.obs {
		d.outFull++
	} else {
		d.outPart++
	}
	_, err := out.Write(block)
	return err
}
