// Package rules reads the signed rule packs of programmes: what may be held, how time counts, by when to sign and reply.
//
// A pack is a signed note (golang.org/x/mod/sumdb/note, Ed25519) whose text is the line "confermo-rules/v1" and one JSON
// object, signed by the programme's managing authority:
//
//	confermo-rules/v1
//	{"id":"assegno-impiego-prova","title":"…","version":1,"from":"2026-01-01",…}
//
//	— regione.example+53eb… <signature>
package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
)

const (
	magic   = "confermo-rules/v1\n"
	maxPack = 256 << 10
)

// Pack is a programme's rules from one day to another, dates as yyyy-mm-dd in the agency's zone; To may be empty.
type Pack struct {
	ID         string         `json:"id"`
	Title      string         `json:"title"`
	Authority  string         `json:"authority"`
	Version    int            `json:"version"`
	From       string         `json:"from"`
	To         string         `json:"to,omitempty"`
	Acts       []string       `json:"acts"` // acts it rests on, with their dates (T3, T27)
	Activities []Named        `json:"activities"`
	Topics     []Named        `json:"topics"`
	Terms      evidence.Terms `json:"terms"`
	Test       bool           `json:"test"`
}

// Named is a code with its names by language.
type Named struct {
	Code  string            `json:"code"`
	Names map[string]string `json:"names"`
}

// Name gives the code's name in the language, else in Italian, else the code itself.
func Name(list []Named, code, lang string) string {
	for _, n := range list {
		if n.Code != code {
			continue
		}
		if s := n.Names[lang]; s != "" {
			return s
		}
		if s := n.Names["it"]; s != "" {
			return s
		}
	}
	return code
}

// Sign writes the pack as a signed note.
func Sign(p Pack, signer note.Signer) ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode rule pack: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: magic + string(body) + "\n"}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign rule pack: %w", err)
	}
	return signed, nil
}

// Open reads a pack signed by one of the verifiers.
func Open(signed []byte, trusted note.Verifiers) (Pack, error) {
	if len(signed) > maxPack {
		return Pack{}, fmt.Errorf("open rule pack: %d bytes are too many", len(signed))
	}
	n, err := note.Open(signed, trusted)
	if err != nil {
		return Pack{}, fmt.Errorf("open rule pack: %w", err)
	}
	return parse(n.Text)
}

// Peek reads a pack without believing its signature, to show what an untrusted one says.
func Peek(signed []byte) (Pack, error) {
	if len(signed) > maxPack {
		return Pack{}, fmt.Errorf("read rule pack: %d bytes are too many", len(signed))
	}
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return Pack{}, fmt.Errorf("read rule pack: it is not a signed note")
	}
	return parse(text + "\n")
}

func parse(text string) (Pack, error) {
	body, ok := strings.CutPrefix(text, magic)
	if !ok {
		return Pack{}, fmt.Errorf("read rule pack: it does not start with %q", strings.TrimSpace(magic))
	}
	var p Pack
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Pack{}, fmt.Errorf("read rule pack: %w", err)
	}
	if d.More() {
		return Pack{}, fmt.Errorf("read rule pack: bytes follow the object")
	}
	return p, p.check()
}

func (p Pack) check() error {
	r := p.Terms.Rule
	switch {
	case p.ID == "" || p.Version < 1 || p.From == "":
		return fmt.Errorf("read rule pack: id, version or first day is missing")
	case r.Liveness < 1 || r.Minimum < 0 || r.Tolerance < 0 || r.BridgeTotal < 0:
		return fmt.Errorf("read rule pack: a term of the duration rule is out of range")
	case len(p.Activities) == 0 || len(p.Topics) == 0 || len(p.Terms.Languages) == 0:
		return fmt.Errorf("read rule pack: activities, topics or languages are missing")
	}
	return nil
}

// Digest names a signed pack: SHA-256 of its bytes, standard base64.
func Digest(signed []byte) string {
	sum := sha256.Sum256(signed)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Programme is what an interview's first fact carries of the pack.
func (p Pack) Programme(signed []byte) evidence.Programme {
	return evidence.Programme{ID: p.ID, Title: p.Title, Version: p.Version, Digest: Digest(signed), Terms: p.Terms}
}
