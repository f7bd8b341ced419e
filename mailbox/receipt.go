package mailbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"confermo/evidence"
)

// Receipt is what the person keeps: the line that holds the verdict on the reply, and the proof that it stands in a
// signed checkpoint. Whoever rewrites the record later contradicts every receipt that was sent.
type Receipt struct {
	V          int      `json:"v"`
	Interview  string   `json:"interview"`
	Number     string   `json:"number"`
	Timesheet  int      `json:"timesheet"` // version
	Attested   int      `json:"attested_seconds"`
	Verdict    string   `json:"verdict"`
	Line       string   `json:"line"` // the entry reply-classified, bytes as hashed
	N          int      `json:"n"`
	Index      int64    `json:"index"`
	Path       []string `json:"path"`       // inclusion proof (RFC 6962), base64
	Checkpoint string   `json:"checkpoint"` // signed note
	Log        string   `json:"log"`        // verifier key of the log
}

func (m *Mailbox) receipt(ctx context.Context, iv *evidence.Interview, r *evidence.Reply, verdict string) ([]byte, error) {
	out := Receipt{V: 1, Interview: iv.ID, Number: iv.Scheduled.Number.String(), Timesheet: r.Classified.Version, Verdict: verdict, N: r.ClassN, Log: m.Journal.VKey()}
	if iv.Signed != nil {
		out.Attested = iv.Signed.Attested
	}
	for _, e := range iv.Entries() {
		if e.Head.N == r.ClassN {
			out.Line, out.Index = string(e.Line), e.Index
		}
	}
	note, checkpoint, err := m.Journal.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("write receipt: %w", err)
	}
	path, err := m.Journal.ProveEntry(ctx, checkpoint.Size, out.Index)
	if err != nil {
		return nil, fmt.Errorf("write receipt: %w", err)
	}
	for _, h := range path {
		out.Path = append(out.Path, base64.StdEncoding.EncodeToString(h[:]))
	}
	out.Checkpoint = string(note)
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write receipt: %w", err)
	}
	return append(b, '\n'), nil
}
