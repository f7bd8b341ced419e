package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"confermo/evidence/durable"
)

const keyFileHead = "confermo-vault-key-1 "

// openKeyFile reads the wrapping key, or makes one where neither key file nor wrapped keys exist yet. A missing file
// beside wrapped keys is refused: a fresh key would open none of them.
func openKeyFile(ctx context.Context, b Blobs, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		names, err := b.List(ctx, "keys/")
		if err != nil {
			return nil, err
		}
		if len(names) > 0 {
			return nil, fmt.Errorf("key file %s is missing, and %d keys are wrapped by it", path, len(names))
		}
		return makeKeyFile(path)
	}
	if err != nil {
		return nil, err
	}
	coded, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(keyFileHead))
	key, err := base64.StdEncoding.DecodeString(string(coded))
	if !ok || err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key file %s is not of the form %q", path, keyFileHead+"<base64 of 32 bytes>")
	}
	return key, nil
}

func makeKeyFile(path string) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	// CreateTemp gives 0600, and the rename keeps it.
	text := keyFileHead + base64.StdEncoding.EncodeToString(key) + "\n"
	if err := durable.WriteFile(path, []byte(text)); err != nil {
		return nil, err
	}
	return key, nil
}
