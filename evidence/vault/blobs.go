package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"confermo/evidence/durable"
)

// ErrNoBlob says that no blob has the name.
var ErrNoBlob = errors.New("no such blob")

// Blobs keeps named bytes. A name is up to eight segments of letters, digits, ".", "_" and "-", separated by "/"; no
// segment starts with ".". Once Put has returned, the bytes survive a crash; a reader sees the old bytes or the new.
type Blobs interface {
	Put(ctx context.Context, name string, data []byte) error
	Get(ctx context.Context, name string) ([]byte, error) // ErrNoBlob
	Delete(ctx context.Context, name string) error        // no error when absent
	List(ctx context.Context, prefix string) ([]string, error)
}

// Dir keeps blobs as files below path, which it makes when absent.
func Dir(path string) (Blobs, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	return dir{path}, nil
}

type dir struct{ root string }

func safe(name string) error {
	segments := strings.Split(name, "/")
	if len(segments) > 8 || len(name) > 255 {
		return fmt.Errorf("blob name %q is too long", name)
	}
	for _, s := range segments {
		if s == "" || s[0] == '.' {
			return fmt.Errorf("blob name %q is not allowed", name)
		}
		for _, r := range s {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
				return fmt.Errorf("blob name %q is not allowed", name)
			}
		}
	}
	return nil
}

func (d dir) Put(_ context.Context, name string, data []byte) error {
	if err := safe(name); err != nil {
		return fmt.Errorf("put blob: %w", err)
	}
	folder := d.root
	segments := strings.Split(name, "/")
	for _, s := range segments[:len(segments)-1] {
		parent := folder
		folder = filepath.Join(folder, s)
		switch err := os.Mkdir(folder, 0o700); {
		case errors.Is(err, fs.ErrExist):
		case err != nil:
			return fmt.Errorf("put blob: %w", err)
		}
		// Synced whether or not this call made it: another may have made it and not synced it yet.
		if err := durable.SyncDir(parent); err != nil {
			return fmt.Errorf("put blob: %w", err)
		}
	}
	if err := durable.WriteFile(filepath.Join(folder, segments[len(segments)-1]), data); err != nil {
		return fmt.Errorf("put blob: %w", err)
	}
	return nil
}

func (d dir) Get(_ context.Context, name string) ([]byte, error) {
	if err := safe(name); err != nil {
		return nil, fmt.Errorf("get blob: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(d.root, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("get blob %s: %w", name, ErrNoBlob)
	}
	if err != nil {
		return nil, fmt.Errorf("get blob: %w", err)
	}
	return b, nil
}

func (d dir) Delete(_ context.Context, name string) error {
	if err := safe(name); err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	path := filepath.Join(d.root, filepath.FromSlash(name))
	if err := os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	return durable.SyncDir(filepath.Dir(path))
}

func (d dir) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(d.root, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if e.Type().IsRegular() && strings.HasPrefix(name, prefix) && safe(name) == nil {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	sort.Strings(names)
	return names, nil
}
