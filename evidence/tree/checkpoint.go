package tree

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says that the log Origin had Size entries and the root hash Root (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text is the checkpoint's note text: three lines. An outside time stamp covers exactly these bytes.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads a note text strictly: what Text writes, and nothing else.
func ParseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.SplitN(text, "\n", 5)
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("read checkpoint: want exactly three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return c, fmt.Errorf("read checkpoint: size %q is not a decimal number", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return c, fmt.Errorf("read checkpoint: root is not the base64 of 32 bytes")
	}
	if lines[0] == "" {
		return c, fmt.Errorf("read checkpoint: origin is missing")
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// SignCheckpoint writes the signed note (C2SP signed-note).
func SignCheckpoint(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: c.Text()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return msg, nil
}

// OpenCheckpoint reads a signed note of which at least one signature is by a known verifier. The note lists the verified
// signatures, and those by unknown keys apart.
func OpenCheckpoint(msg []byte, verifiers note.Verifiers) (Checkpoint, *note.Note, error) {
	n, err := note.Open(msg, verifiers)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("open checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	return c, n, nil
}

// NoteText cuts the signature lines off a signed note without verifying them: the bytes a time stamp covers.
func NoteText(msg []byte) (string, error) {
	i := strings.LastIndex(string(msg), "\n\n")
	if i < 0 {
		return "", fmt.Errorf("read note: no blank line before the signatures")
	}
	return string(msg[:i+1]), nil
}
