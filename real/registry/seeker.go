package registry

import (
	"errors"
	"io"
)

// seeker lets a content that can only be read from its beginning be read from
// any place: it opens it at the first Read and passes over what comes before.
type seeker struct {
	content
	at   int64 // where the next Read begins
	body io.ReadCloser
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.size
	}
	if offset < 0 {
		return s.at, errors.New("seek before the beginning")
	}
	if offset != s.at {
		s.at = offset
		return offset, s.Close()
	}
	return offset, nil
}

func (s *seeker) Read(p []byte) (int, error) {
	if s.body == nil {
		if err := s.reopen(); err != nil {
			return 0, err
		}
	}
	n, err := s.body.Read(p)
	s.at += int64(n)
	return n, err
}

// reopen opens the content at s.at.
func (s *seeker) reopen() (err error) {
	if s.body, err = s.open(); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, s.body, s.at)
	return err
}

func (s *seeker) Close() error {
	if s.body == nil {
		return nil
	}
	body := s.body
	s.body = nil
	return body.Close()
}
