package journal

import (
	"context"
	"crypto/ed25519"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/store"
)

//go:embed sqlite/*.sql postgres/*.sql
var migrations embed.FS

// Errors a caller tells apart.
var (
	ErrNoInterview = errors.New("no such interview")
	ErrClosed      = errors.New("journal is closed")
)

// Keeper seals the bytes behind lines: *vault.Vault.
type Keeper interface {
	Seal(ctx context.Context, scope string, class evidence.Class, plain []byte) ([]byte, error)
	Unseal(ctx context.Context, scope string, class evidence.Class, sealed []byte) ([]byte, error)
	Erase(ctx context.Context, scope string, class evidence.Class) error
}

// Config says whose journal this is.
type Config struct {
	Node    string // of this process, "n1"
	Version string // of the program
	Name    string // who runs the service
	Test    bool   // certificates and stamps are test ones
	LogKey  string // note signer key; its name is the log's origin
	Erased  error  // what the Keeper returns for an erased class: vault.ErrErased
	// Left is the file that remembers the last signed checkpoint that left the house, outside the database and its
	// backups. Open refuses a database that does not continue it. "" remembers nothing.
	Left string
}

// Journal is an open log. It is safe for concurrent use.
type Journal struct {
	db     *store.DB
	keep   Keeper
	cfg    Config
	signer note.Signer
	vkey   string
	left   left
	boot   string
	start  time.Time // of boot, with its monotonic reading

	requests chan *request
	stop     chan struct{} // closed by Close
	done     chan struct{} // closed by the commit goroutine when it has ended
	closing  sync.Once

	prepared statements
	readable sync.Map // [2]string{by, kind} of lines that were read again once

	c committer // owned by the commit goroutine

	mu      sync.Mutex
	size    int64
	root    tlog.Hash
	grown   chan struct{} // closed and replaced when the tree grows
	changed int64         // grows whenever what was read before may be outdated
	cells   map[string][]evidence.Entry
	weight  int // entries in cells
}

// Open opens the journal in db and appends node-started. It refuses a database whose tree does not match its lines, and
// destroys again every key that the record says was erased, which a restored backup may have brought back.
func Open(ctx context.Context, db *store.DB, k Keeper, cfg Config) (*Journal, error) {
	signer, err := note.NewSigner(cfg.LogKey)
	if err != nil {
		return nil, fmt.Errorf("open journal: log key: %w", err)
	}
	vkey, err := verifierKey(cfg.LogKey)
	if err != nil {
		return nil, fmt.Errorf("open journal: log key: %w", err)
	}
	if err := db.Migrate(ctx, "journal", migrations); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	now := time.Now()
	j := &Journal{
		db: db, keep: k, cfg: cfg, signer: signer, vkey: vkey, boot: ulid.Make().String(), start: now,
		requests: make(chan *request, 1024), stop: make(chan struct{}), done: make(chan struct{}),
		grown: make(chan struct{}), cells: map[string][]evidence.Entry{}, left: left{file: cfg.Left},
	}
	if err := j.load(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.eraseSince(ctx, db.SQL(), 0); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	go j.run()
	if err := j.announce(ctx); err != nil {
		j.Close()
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

// announce appends node-started, and key-made where the log key is not the one announced last.
func (j *Journal) announce(ctx context.Context) error {
	drafts := []Draft{{Stream: "node", By: "journal", Fact: &evidence.NodeStarted{
		Node: j.cfg.Node, Boot: j.boot, Version: j.cfg.Version, Engine: j.db.Engine(), Name: j.cfg.Name, Test: j.cfg.Test,
	}}}
	keys, err := j.Entries(ctx, "stream:keys")
	if err != nil {
		return err
	}
	last := ""
	for _, e := range keys {
		if k, ok := e.Fact.(*evidence.KeyMade); ok && k.Use == "log" {
			last = k.Key
		}
	}
	if last != j.vkey {
		drafts = append(drafts, Draft{Stream: "keys", By: "journal", Fact: &evidence.KeyMade{Use: "log", Key: j.vkey}})
	}
	_, err = j.Append(ctx, drafts...)
	return err
}

// Close commits what was accepted and ends the journal. The database stays open.
func (j *Journal) Close() {
	j.closing.Do(func() { close(j.stop) })
	<-j.done
	j.prepared.close()
}

// VKey is the log's verifier key, as auditors and witnesses need it.
func (j *Journal) VKey() string { return j.vkey }

// Origin is the log's name in checkpoints.
func (j *Journal) Origin() string { return j.signer.Name() }

// Size is the number of committed entries.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Wait returns once the tree is larger than size.
func (j *Journal) Wait(ctx context.Context, size int64) error {
	for {
		j.mu.Lock()
		have, grown := j.size, j.grown
		j.mu.Unlock()
		if have > size {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-j.done:
			return ErrClosed
		}
	}
}

// verifierKey derives the public key of a note signer key, PRIVATE+KEY+NAME+HASH+BASE64(1‖seed).
func verifierKey(skey string) (string, error) {
	parts := strings.SplitN(skey, "+", 5)
	if len(parts) != 5 {
		return "", fmt.Errorf("want PRIVATE+KEY+NAME+HASH+KEY")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != 1 {
		return "", fmt.Errorf("want an Ed25519 key")
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}
