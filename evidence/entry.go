package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// TimeFormat is how times stand in lines and bodies: UTC, milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// MaxLine bounds an entry's line in bytes; MaxBody bounds a body.
const (
	MaxLine = 4 << 10
	MaxBody = 1 << 20
)

// Head is what an entry's line says in clear. Exactly one of Interview and Stream is set.
type Head struct {
	V         int        `json:"v"`
	At        string     `json:"at"`
	Node      string     `json:"node"`
	Boot      string     `json:"boot"`
	Mono      int64      `json:"mono"` // milliseconds since boot, on the monotonic clock
	Interview string     `json:"interview,omitempty"`
	Stream    string     `json:"stream,omitempty"`
	N         int        `json:"n"` // from 1, without gaps, per interview or stream
	Prev      string     `json:"prev"`
	By        string     `json:"by"`
	Kind      Kind       `json:"kind"`
	Fact      Commitment `json:"fact"`
}

// Commitment is SHA-256(salt‖bytes) in standard base64.
type Commitment struct {
	C string `json:"c"`
}

// Time is when the fact was seen.
func (h Head) Time() time.Time {
	t, _ := time.Parse(TimeFormat, h.At)
	return t
}

// Scope names the chain the entry belongs to: the interview's id, or "stream:NAME".
func (h Head) Scope() string {
	if h.Interview != "" {
		return h.Interview
	}
	return "stream:" + h.Stream
}

// Opening is the salt and the bytes behind one commitment of entry N. Path "" is the whole body. For a file, File names
// the file in a bundle that holds the bytes, and Body is absent.
type Opening struct {
	Stream string `json:"stream,omitempty"`
	N      int    `json:"n"`
	Path   string `json:"path"`
	Salt   []byte `json:"salt"`
	Body   []byte `json:"body,omitempty"`
	File   string `json:"file,omitempty"`
}

// Entry is a fact with its place in the journal.
type Entry struct {
	Line  []byte // the very bytes that were hashed, without a newline
	Head  Head
	Index int64 // place in the tree, from 0
	Body  []byte
	Fact  Fact // nil while the body is withheld, erased or of an unknown kind
	// Openings hold what is known of the salts and bytes behind the line, the body's first.
	Openings []Opening
}

// ParseLine reads a line strictly: the very bytes that writing its head again gives, with a valid time and place. A line
// that two readers could take for two things (members doubled, reordered, in another case) is refused.
func ParseLine(line []byte) (Head, error) {
	var h Head
	if len(line) > MaxLine {
		return h, fmt.Errorf("read entry: line has %d bytes, at most %d are allowed", len(line), MaxLine)
	}
	if err := strict(line, &h); err != nil {
		return h, fmt.Errorf("read entry: %w", err)
	}
	if again, err := json.Marshal(h); err != nil || !bytes.Equal(again, line) {
		return h, fmt.Errorf("read entry: line is not in its one form")
	}
	switch {
	case h.V != 1:
		return h, fmt.Errorf("read entry: version %d is unknown", h.V)
	case (h.Interview == "") == (h.Stream == ""):
		return h, fmt.Errorf("read entry: want an interview or a stream")
	case h.N < 1:
		return h, fmt.Errorf("read entry: number %d is below 1", h.N)
	case h.Kind == "" || h.Fact.C == "":
		return h, fmt.Errorf("read entry: kind or commitment is missing")
	}
	if _, err := time.Parse(TimeFormat, h.At); err != nil {
		return h, fmt.Errorf("read entry: time: %w", err)
	}
	return h, nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("bytes follow the value")
	}
	return nil
}

// Decode sets e.Fact from e.Body and fills its values from e.Openings. Files keep their commitment; their bytes are
// read where they are needed. An unknown kind leaves Fact nil and is no error: the line still counts for the chain.
func (e *Entry) Decode() error {
	e.Fact = nil
	if e.Body == nil {
		return nil
	}
	f := New(e.Head.Kind)
	if f == nil {
		return nil
	}
	if len(e.Body) > MaxBody {
		return fmt.Errorf("read %s: body has %d bytes", e.Head.Kind, len(e.Body))
	}
	if err := json.Unmarshal(e.Body, f); err != nil {
		return fmt.Errorf("read %s: %w", e.Head.Kind, err)
	}
	parts := Parts(f)
	for _, o := range e.Openings {
		if o.Path == "" {
			continue
		}
		for _, p := range parts {
			if p.Path == o.Path && p.Value != nil {
				p.Value.Text, p.Value.Open = string(o.Body), true
			}
		}
	}
	e.Fact = f
	return nil
}
