package session

import "context"

// Apart begins a time of the session of which nothing is to stay in the real
// engine: not even where the session ends in it without a chance to clear up.
// Whoever began it takes back what was made before [Session.Together].
func (s *Session) Apart(ctx context.Context) {
	s.begin(ctx)
	s.apart, s.lasts = true, len(s.kept)
	s.setApart(ctx)
}

// Together ends what Apart began.
func (s *Session) Together(ctx context.Context) {
	if s.apart {
		s.apart, s.kept = false, s.kept[:s.lasts]
		s.setApart(ctx)
	}
}

func (s *Session) setApart(ctx context.Context) {
	if s.Real == nil || s.broken != nil {
		return
	}
	s.fell(s.Real.Apart(ctx, s.apart))
}
