// Package vault keeps the bytes behind facts, encrypted under one key per scope and retention class, so that destroying
// a key erases what it protects everywhere, backups of the bytes included.
//
// A scope is an interview's id or "stream:NAME". Its keys are blobs keys/SCOPE/CLASS, each wrapped by the key file, which
// lives outside the database and its backups. What Seal returns is one of
//
//	0x01 ‖ nonce (12) ‖ AES-256-GCM ciphertext                       up to 8 KiB of plain bytes
//	0x02 ‖ name of the blob that holds nonce ‖ ciphertext            more
//
// with scope, class and blob name as additional data, so that nothing can be moved to another place and still open.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"confermo/evidence"
)

// ErrErased says that the key of the scope and class was destroyed.
var ErrErased = errors.New("erased")

const (
	keySize    = 32
	inlineMax  = 8 << 10
	keysCached = 4096

	formInline = 1
	formBlob   = 2

	keyLive   = 1
	keyErased = 0
)

// Vault seals and unseals. It is safe for concurrent use.
type Vault struct {
	blobs Blobs
	wrap  cipher.AEAD

	mu   sync.Mutex // held while a key is made, so that a scope and class never gets two
	keys map[string]cipher.AEAD
}

// Open opens the vault over b with the wrapping key in keyFile, which is made (mode 0600) for a vault without keys.
func Open(ctx context.Context, b Blobs, keyFile string) (*Vault, error) {
	key, err := openKeyFile(ctx, b, keyFile)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	wrap, err := aead(key)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return &Vault{blobs: b, wrap: wrap, keys: map[string]cipher.AEAD{}}, nil
}

// Seal encrypts plain. The key, and the blob where one is used, are durable when it returns. ErrErased when the class
// of this scope has been erased: nothing new is written under it.
func (v *Vault) Seal(ctx context.Context, scope string, class evidence.Class, plain []byte) ([]byte, error) {
	key, err := v.key(ctx, scope, class, true)
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", class, scope, err)
	}
	if len(plain) <= inlineMax {
		return append([]byte{formInline}, encrypt(key, plain, label(scope, class, ""))...), nil
	}
	name := fmt.Sprintf("sealed/%s/%s", folder(scope), strings.ToLower(rand.Text()))
	if err := v.blobs.Put(ctx, name, encrypt(key, plain, label(scope, class, name))); err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", class, scope, err)
	}
	return append([]byte{formBlob}, name...), nil
}

// Unseal gives back what Seal was given. Errors: ErrErased; a key or blob that is missing; bytes that were changed.
func (v *Vault) Unseal(ctx context.Context, scope string, class evidence.Class, sealed []byte) ([]byte, error) {
	key, err := v.key(ctx, scope, class, false)
	if err != nil {
		return nil, fmt.Errorf("unseal %s of %s: %w", class, scope, err)
	}
	if len(sealed) == 0 {
		return nil, fmt.Errorf("unseal %s of %s: no bytes", class, scope)
	}
	coded, name := sealed[1:], ""
	switch sealed[0] {
	case formInline:
	case formBlob:
		name = string(coded)
		if coded, err = v.blobs.Get(ctx, name); err != nil {
			return nil, fmt.Errorf("unseal %s of %s: %w", class, scope, err)
		}
	default:
		return nil, fmt.Errorf("unseal %s of %s: form %d is unknown", class, scope, sealed[0])
	}
	plain, err := decrypt(key, coded, label(scope, class, name))
	if err != nil {
		return nil, fmt.Errorf("unseal %s of %s: %w", class, scope, err)
	}
	return plain, nil
}

// Erase destroys the key of a scope and class for ever. Repeating it is no error; a key that never existed is erased in
// advance. A mark stays in its place, so that a missing key is told from an erased one.
func (v *Vault) Erase(ctx context.Context, scope string, class evidence.Class) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.keys, label(scope, class, ""))
	if err := v.blobs.Put(ctx, keyName(scope, class), []byte{keyErased}); err != nil {
		return fmt.Errorf("erase %s of %s: %w", class, scope, err)
	}
	return nil
}

func (v *Vault) key(ctx context.Context, scope string, class evidence.Class, create bool) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := label(scope, class, "")
	if k, ok := v.keys[id]; ok {
		return k, nil
	}
	name := keyName(scope, class)
	wrapped, err := v.blobs.Get(ctx, name)
	var key []byte
	switch {
	case errors.Is(err, ErrNoBlob) && create:
		key = make([]byte, keySize)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		wrapped = append([]byte{keyLive}, encrypt(v.wrap, key, "key "+id)...)
		if err := v.blobs.Put(ctx, name, wrapped); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case len(wrapped) == 1 && wrapped[0] == keyErased:
		return nil, ErrErased
	case len(wrapped) == 0 || wrapped[0] != keyLive:
		return nil, fmt.Errorf("key %s is damaged", name)
	default:
		if key, err = decrypt(v.wrap, wrapped[1:], "key "+id); err != nil {
			return nil, fmt.Errorf("unwrap key %s: %w", name, err)
		}
	}
	k, err := aead(key)
	if err != nil {
		return nil, err
	}
	if len(v.keys) >= keysCached {
		clear(v.keys)
	}
	v.keys[id] = k
	return k, nil
}

func keyName(scope string, class evidence.Class) string {
	return fmt.Sprintf("keys/%s/%s", folder(scope), class)
}

// folder is the scope as a blob name's segment. No interview id holds a dot, so the two kinds of scope stay apart.
func folder(scope string) string { return strings.Replace(scope, "stream:", "stream.", 1) }

func label(scope string, class evidence.Class, name string) string {
	return scope + "\n" + string(class) + "\n" + name
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func encrypt(key cipher.AEAD, plain []byte, label string) []byte {
	return key.Seal(nil, nil, plain, []byte(label))
}

func decrypt(key cipher.AEAD, coded []byte, label string) ([]byte, error) {
	return key.Open(nil, nil, coded, []byte(label))
}
