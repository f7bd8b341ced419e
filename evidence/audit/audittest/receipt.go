package audittest

import (
	"encoding/json"
	"slices"

	"confermo/evidence"
	"confermo/evidence/audit"
)

// Receipt is what the person of the story keeps, of version 1 or 2, under a checkpoint of the moment after the reply was read;
// change alters it before it is written.
func (s *Story) Receipt(version int, change func(*audit.Receipt)) []byte {
	iv := s.Interview()
	classified := iv.Replies[len(iv.Replies)-1]
	r := audit.Receipt{
		V: version, Interview: ID, Number: iv.Scheduled.Number.String(), Timesheet: classified.Classified.Version, Attested: iv.Signed.Attested,
		Verdict: classified.Classified.Verdict, Log: s.Log.VKey,
	}
	entries := s.Log.Scope(ID)
	shown := []evidence.Entry{entries[0], entries[iv.SignedN-1], entries[classified.ClassN-1]}
	size := shown[2].Index + 3
	r.Checkpoint = string(s.Log.Note(size, s.clock(10, 30, 5)))
	proofs := s.Log.Prove(size, shown)
	for i, e := range shown {
		r.Entries = append(r.Entries, audit.ReceiptEntry{
			N: e.Head.N, Index: e.Index, Line: string(e.Line), Path: proofs.Leaves[i].Path, Salt: e.Openings[0].Salt, Body: e.Openings[0].Body,
		})
	}
	if version == 1 {
		last := r.Entries[2]
		r.Entries, r.Line, r.N, r.Index, r.Path = nil, last.Line, last.N, last.Index, last.Path
	}
	if change != nil {
		r.Entries = slices.Clone(r.Entries)
		change(&r)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	must(err)
	return data
}
