package reply

import (
	"strings"
	"testing"
)

// FuzzClassify: no input makes it panic, and nothing is confirmed unless its new text says so in one of the languages.
func FuzzClassify(f *testing.F) {
	for _, list := range [][]situation{wordsSituations(), shapeSituations(), robotSituations()} {
		for _, s := range list {
			if raw := s.d.raw(); len(raw) < 8<<10 {
				f.Add(raw)
			}
		}
	}
	sent := sentSummary(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := Classify(raw, []Sent{sent}, Options{Registered: person})
		switch v.Verdict {
		case Confirmed:
			text := fold(v.Text)
			if !strings.Contains(text, "conferm") && !strings.Contains(text, "best") && !strings.Contains(text, "confirm") {
				t.Errorf("confirmed by %q", v.Text)
			}
			if len(v.Binding) == 0 || v.From != person || holdsAny(text, contrastWords) {
				t.Errorf("confirmed with %+v", v)
			}
		case Refused, Disputed, Automatic, Bounced, Unmatched:
		default:
			t.Errorf("verdict %q", v.Verdict)
		}
	})
}

// FuzzParseSent: reading back what we sent never panics.
func FuzzParseSent(f *testing.F) {
	f.Add(crlf(summary))
	f.Add([]byte("Message-ID: <a@b>\n\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := ParseSent(raw); err == nil && s.Token == "" && s.MessageID == "" && s.Code == "" {
			t.Error("a mail without bindings was accepted")
		}
	})
}
