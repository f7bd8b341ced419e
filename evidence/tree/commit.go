package tree

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
)

// SaltSize is the length of every salt in bytes. It is fixed, so that no byte can move between salt and body.
const SaltSize = 32

// Commit is the commitment to body under salt: base64 of SHA-256(salt‖body).
func Commit(salt, body []byte) string {
	h := sha256.New()
	h.Write(salt)
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// CheckOpening reports whether salt and body are what the commitment stands for.
func CheckOpening(commitment string, salt, body []byte) error {
	if len(salt) != SaltSize {
		return fmt.Errorf("check opening: salt has %d bytes, want %d", len(salt), SaltSize)
	}
	if subtle.ConstantTimeCompare([]byte(Commit(salt, body)), []byte(commitment)) != 1 {
		return fmt.Errorf("check opening: bytes do not match the commitment %s", commitment)
	}
	return nil
}

// LineHash is what the next line of the same scope carries as prev: base64 of SHA-256(line).
func LineHash(line []byte) string {
	h := sha256.Sum256(line)
	return base64.StdEncoding.EncodeToString(h[:])
}

// LeafHash is the line's leaf in the tree (RFC 6962 section 2.1).
func LeafHash(line []byte) tlog.Hash { return tlog.RecordHash(line) }

// CheckChain reports whether the lines are the whole chain of one interview or stream up to the last of them: numbers
// from 1 without a gap, each prev the hash of the line before.
func CheckChain(lines [][]byte) error {
	scope, prev := "", ""
	for i, line := range lines {
		h, err := evidence.ParseLine(line)
		if err != nil {
			return fmt.Errorf("check chain: line %d: %w", i+1, err)
		}
		switch {
		case bytes.IndexByte(line, '\n') >= 0:
			return fmt.Errorf("check chain: line %d holds a line break", i+1)
		case i > 0 && h.Scope() != scope:
			return fmt.Errorf("check chain: line %d belongs to %s, not to %s", i+1, h.Scope(), scope)
		case h.N != i+1:
			return fmt.Errorf("check chain: %s: entry %d stands where %d is due", h.Scope(), h.N, i+1)
		case h.Prev != prev:
			return fmt.Errorf("check chain: %s: entry %d does not follow the line before it", h.Scope(), h.N)
		}
		scope, prev = h.Scope(), LineHash(line)
	}
	return nil
}
