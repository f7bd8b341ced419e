package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/durable"
	"confermo/evidence/tree"
)

// left remembers, outside the database, the largest checkpoint that left the house. A database that lost what it says is
// an old copy or a forged one.
type left struct {
	file string // "" remembers nothing

	mu   sync.Mutex
	size int64
}

// keep puts a signed checkpoint on disk before anybody gets it.
func (l *left) keep(c tree.Checkpoint, msg []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == "" || c.Size <= l.size {
		return nil
	}
	if err := durable.WriteFile(l.file, msg); err != nil {
		return fmt.Errorf("remember checkpoint: %w", err)
	}
	l.size = c.Size
	return nil
}

// compare refuses a tree that is not a continuation of the checkpoint in the file. hashes reads the tree's.
func (l *left) compare(vkey string, size int64, hashes tlog.HashReader) error {
	if l.file == "" {
		return nil
	}
	msg, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read last checkpoint: %w", err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	c, _, err := tree.OpenCheckpoint(msg, note.VerifierList(verifier))
	if err != nil {
		return fmt.Errorf("last checkpoint in %s: %w", l.file, err)
	}
	const advice = "if an old backup was restored on purpose, move the file %s away: witnesses will show the gap"
	if c.Size > size {
		return fmt.Errorf("the journal has %d entries, but a checkpoint over %d left this house: the last %d are missing; "+advice,
			size, c.Size, c.Size-size, l.file)
	}
	root, err := tlog.TreeHash(c.Size, hashes)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("the first %d entries give the root %s, but the checkpoint that left this house says %s: "+
			"they are not the entries it was signed over; "+advice, c.Size, root, c.Root, l.file)
	}
	l.size = c.Size
	return nil
}
