package local

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"confermo/evidence/durable"
)

// box is one user's mailbox: the files are the truth, the IMAP user in memory serves them.
type box struct {
	address, password, dir string
	validity               uint32
	user                   *imapmemserver.User

	mu     sync.Mutex // makes file, list and IMAP mailbox one step
	stored []Stored
}

func openBox(dir string, u User) (*box, error) {
	address := base(u.Address)
	if !strings.Contains(address, "@") || strings.ContainsAny(address, "/\\\x00") || strings.HasPrefix(address, ".") {
		return nil, fmt.Errorf("open mailbox: %q is no address", u.Address)
	}
	b := &box{address: address, password: u.Password, dir: filepath.Join(dir, address), user: imapmemserver.NewUser(address, u.Password)}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make mailbox folder: %w", err)
	}
	if err := b.readValidity(); err != nil {
		return nil, err
	}
	for _, name := range []string{"INBOX", "Sent"} {
		if err := b.user.Create(name, nil); err != nil {
			return nil, fmt.Errorf("make mailbox: %w", err)
		}
	}
	names, err := filepath.Glob(filepath.Join(b.dir, "*.eml")) // sorted: by UID
	if err != nil {
		return nil, fmt.Errorf("list mailbox: %w", err)
	}
	for i, name := range names {
		uid, ms, ok := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".eml"), "-")
		n, err := strconv.Atoi(uid)
		millis, merr := strconv.ParseInt(ms, 10, 64)
		if !ok || err != nil || merr != nil || n != i+1 {
			return nil, fmt.Errorf("open mailbox %s: file %s is out of order", address, filepath.Base(name))
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("open mailbox: %w", err)
		}
		if err := b.show(raw, time.UnixMilli(millis)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readValidity reads or draws UIDVALIDITY: a mailbox that is made anew gets another one.
func (b *box) readValidity() error {
	name := filepath.Join(b.dir, "validity")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		var r [4]byte
		_, _ = rand.Read(r[:]) // never fails (crypto/rand)
		b.validity = binary.BigEndian.Uint32(r[:])>>1 | 1
		return durable.WriteFile(name, []byte(strconv.FormatUint(uint64(b.validity), 10)))
	}
	if err != nil {
		return fmt.Errorf("read mailbox: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return fmt.Errorf("read mailbox: UIDVALIDITY: %w", err)
	}
	b.validity = uint32(n)
	return nil
}

// deliver keeps a mail and shows it.
func (b *box) deliver(raw []byte, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := fmt.Sprintf("%06d-%d.eml", len(b.stored)+1, at.UnixMilli())
	if err := durable.WriteFile(filepath.Join(b.dir, name), raw); err != nil {
		return err
	}
	return b.show(raw, at)
}

func (b *box) show(raw []byte, at time.Time) error {
	d, err := b.user.Append("INBOX", literal{bytes.NewReader(raw)}, &goimap.AppendOptions{Time: at})
	if err != nil {
		return fmt.Errorf("show mail: %w", err)
	}
	b.stored = append(b.stored, Stored{UID: uint32(d.UID), Received: at, Raw: raw})
	return nil
}

type literal struct{ *bytes.Reader }

// Size is the length of the literal in bytes.
func (l literal) Size() int64 { return l.Reader.Size() }
