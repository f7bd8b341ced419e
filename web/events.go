package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"confermo/evidence"
)

// heartbeat keeps a quiet stream of events alive through proxies.
const heartbeat = 20 * time.Second

// streamLife ends a stream, which the browser then opens again: whoever signed out meanwhile is told nothing more.
const streamLife = 10 * time.Minute

// dayEvents tells the day's list that something of the agency's interviews changed. What arrives every few seconds of a
// call is not told.
func (s *server) dayEvents(w http.ResponseWriter, r *http.Request, d *sitting) error {
	ours := map[string]bool{}
	return s.events(w, r, func(h evidence.Head) bool {
		if h.Interview == "" || h.Kind == "media-observed" || h.Kind == "mute-changed" {
			return false
		}
		mine, known := ours[h.Interview]
		if !known {
			iv, err := s.j.Interview(r.Context(), h.Interview)
			if err != nil {
				return false
			}
			mine = iv.Scheduled != nil && iv.Scheduled.Agency.ID == d.Account.Agency
			ours[h.Interview] = mine
		}
		return mine
	})
}

// dossierEvents tells the pages of one interview.
func (s *server) dossierEvents(w http.ResponseWriter, r *http.Request, _ *sitting, iv *evidence.Interview) error {
	return s.events(w, r, func(h evidence.Head) bool { return h.Interview == iv.ID && h.Kind != "media-observed" })
}

// events streams "look again" whenever an entry matters, as server-sent events. Nothing of the record goes through it.
func (s *server) events(w http.ResponseWriter, r *http.Request, matters func(evidence.Head) bool) error {
	ctx, end := context.WithTimeout(r.Context(), streamLife)
	defer end()
	flow := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	if err := flow.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	size := s.j.Size()
	if _, err := fmt.Fprint(w, ": open\n\n"); err != nil || flow.Flush() != nil {
		return nil
	}
	for {
		now, err := s.grown(ctx, size)
		if err != nil {
			return nil // the reader or the service is going
		}
		told := ": still here\n\n"
		if now > size {
			hit, err := s.anyMatters(ctx, size, now, matters)
			if err != nil {
				return nil
			}
			size = now
			if !hit {
				continue
			}
			told = "data: changed\n\n"
		}
		if _, err := fmt.Fprint(w, told); err != nil || flow.Flush() != nil {
			return nil
		}
	}
}

// grown waits until the tree is larger than size, or for a heartbeat, and gives the size then.
func (s *server) grown(ctx context.Context, size int64) (int64, error) {
	wait, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	err := s.j.Wait(wait, size)
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
		return 0, err
	}
	return s.j.Size(), nil
}

func (s *server) anyMatters(ctx context.Context, from, to int64, matters func(evidence.Head) bool) (bool, error) {
	lines, err := s.j.Lines(ctx, from, to)
	if err != nil {
		return false, err
	}
	for _, line := range lines {
		if h, err := evidence.ParseLine(line); err == nil && matters(h) {
			return true, nil
		}
	}
	return false, nil
}
