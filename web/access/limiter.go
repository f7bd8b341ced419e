package access

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter allows burst events per key at once and one more each every. Keys that rested long enough are forgotten.
type limiter struct {
	every time.Duration
	burst int

	mu   sync.Mutex // guards keys
	keys map[string]*rate.Limiter
}

// maxKeys bounds the memory; beyond it keys at rest are forgotten first.
const maxKeys = 10_000

func (l *limiter) allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = map[string]*rate.Limiter{}
	}
	if len(l.keys) >= maxKeys {
		for k, r := range l.keys {
			if r.Tokens() >= float64(l.burst) {
				delete(l.keys, k)
			}
		}
		if len(l.keys) >= maxKeys {
			return false
		}
	}
	r := l.keys[key]
	if r == nil {
		r = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.keys[key] = r
	}
	return r.Allow()
}
