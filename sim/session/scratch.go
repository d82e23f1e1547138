package session

import "context"

// BeginScratch begins a time of the session of which nothing is to stay in the real
// engine: not even where the session ends in it without a chance to clear up.
// Whoever began it takes back what was made before [Session.EndScratch].
func (s *Session) BeginScratch(ctx context.Context) {
	s.begin(ctx)
	s.scratch, s.lasts = true, len(s.kept)
	s.scratches++
	s.setScratch(ctx)
}

// EndScratch ends what BeginScratch began.
func (s *Session) EndScratch(ctx context.Context) {
	if s.scratch {
		s.scratch, s.kept = false, s.kept[:s.lasts]
		s.setScratch(ctx)
	}
}

func (s *Session) setScratch(ctx context.Context) {
	if s.Real == nil || s.broken != nil {
		return
	}
	s.fell(s.Real.SetScratch(ctx, s.scratch))
}
