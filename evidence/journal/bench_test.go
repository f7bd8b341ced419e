package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"confermo/evidence/journal"
)

// BenchmarkAppend measures Append beside the physical limit of the same disk in the same run: the same bytes appended to
// one plain file, synced per group. Reported per writer count: entries a second, and the 50th and 99th percentile.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		for _, engine := range []struct {
			name string
			make func(testing.TB) *site
		}{{"journal", newSite}, {"postgres", newPostgresSite}} {
			b.Run(fmt.Sprintf("%s/%d", engine.name, writers), func(b *testing.B) {
				s := engine.make(b)
				for w := range writers {
					s.schedule(b, id(w), "a")
				}
				measure(b, writers, func(w, i int) error {
					_, err := s.Append(context.Background(), journal.Draft{Interview: id(w), By: "rtc", Fact: media(i)})
					return err
				})
			})
		}
		b.Run(fmt.Sprintf("file/%d", writers), func(b *testing.B) {
			f := newPlainFile(b)
			line := bytes.Repeat([]byte("x"), 800) // about a line and its sealed body
			measure(b, writers, func(int, int) error { return f.append(line) })
		})
	}
}

func measure(b *testing.B, writers int, do func(writer, i int) error) {
	b.Helper()
	took := make([][]time.Duration, writers)
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for w := range writers {
		wg.Go(func() {
			for i := range (b.N + writers - 1) / writers {
				from := time.Now()
				if err := do(w, i); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(from))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/time.Since(start).Seconds(), "entries/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// plainFile is an append-only file with group sync: who waits while a sync runs is served by the next one.
type plainFile struct {
	f       *os.File
	mu      sync.Mutex
	waiting []chan error
	buffer  []byte
	busy    bool
}

func newPlainFile(b *testing.B) *plainFile {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return &plainFile{f: f}
}

func (p *plainFile) append(line []byte) error {
	done := make(chan error, 1)
	p.mu.Lock()
	p.buffer = append(p.buffer, line...)
	p.waiting = append(p.waiting, done)
	lead := !p.busy
	p.busy = true
	p.mu.Unlock()
	for lead {
		p.mu.Lock()
		buffer, waiting := p.buffer, p.waiting
		p.buffer, p.waiting = nil, nil
		if len(waiting) == 0 {
			p.busy, lead = false, false
		}
		p.mu.Unlock()
		if !lead {
			break
		}
		_, err := p.f.Write(buffer)
		if err == nil {
			err = p.f.Sync()
		}
		for _, w := range waiting {
			w <- err
		}
	}
	return <-done
}
