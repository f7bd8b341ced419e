package bundle_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"confermo/evidence"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/tree"
)

// TestFormatExamples recomputes the worked example of FORMAT.md: every value must stand in it.
func TestFormatExamples(t *testing.T) {
	page, err := os.ReadFile("../FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	l := audittest.NewLog("log.example", at)
	l.Append("stream:node", "journal", at, &evidence.NodeStarted{Node: "n1", Boot: l.Boot, Name: "Agenzia"})
	e := l.Append("01A", "web", at, &evidence.LinkOpened{Device: "d1", Agent: "x", How: "first"})
	next := l.Append("01A", "web", at, &evidence.PartyJoined{Party: "guest", Connection: "c", Name: evidence.V("Eva")})
	note := string(l.Note(3, at))
	proofs := l.Prove(3, []evidence.Entry{e, next}, 2)
	openings := slices.Concat(e.Openings, next.Openings)
	must := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	values := map[string]string{
		"line":        string(e.Line),
		"next line":   string(next.Line),
		"body":        string(e.Body),
		"next body":   string(next.Body),
		"commitment":  e.Head.Fact.C,
		"prev":        tree.LineHash(e.Line),
		"leaf hash":   tree.LeafHash(e.Line).String(),
		"salt":        base64.StdEncoding.EncodeToString(e.Openings[0].Salt),
		"openings":    must(openings),
		"proofs":      must(proofs),
		"log key":     l.VKey,
		"witness key": l.WVKey,
		"checkpoint":  note,
	}
	for what, want := range values {
		if !strings.Contains(string(page), want) {
			t.Errorf("FORMAT.md does not hold the %s:\n%s", what, want)
		}
	}
}
