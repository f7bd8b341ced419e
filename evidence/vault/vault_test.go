package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"confermo/evidence"
)

func open(t *testing.T, folder string) (*Vault, Blobs) {
	t.Helper()
	b, err := Dir(filepath.Join(folder, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(t.Context(), b, filepath.Join(folder, "keys", "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	return v, b
}

func TestSealedBytesOpenAfterRestartAndOnlyInTheirPlace(t *testing.T) {
	folder := t.TempDir()
	v, _ := open(t, folder)
	for _, size := range []int{0, 1, inlineMax, inlineMax + 1, 200_000} {
		plain := bytes.Repeat([]byte("x"), size)
		sealed, err := v.Seal(t.Context(), "01ABC", evidence.ClassMail, plain)
		if err != nil {
			t.Fatal(err)
		}
		if size > 100 && bytes.Contains(sealed, plain[:100]) || len(sealed) > inlineMax+100 {
			t.Fatalf("%d bytes: sealed to %d", size, len(sealed))
		}
		again, _ := open(t, folder)
		got, err := again.Unseal(t.Context(), "01ABC", evidence.ClassMail, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if _, err := again.Seal(t.Context(), "01ABD", evidence.ClassMail, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := again.Unseal(t.Context(), "01ABD", evidence.ClassMail, sealed); err == nil {
			t.Fatal("opened in another interview")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := again.Unseal(t.Context(), "01ABC", evidence.ClassMail, sealed); err == nil {
			t.Fatal("opened after a change")
		}
	}
}

func TestErasedClassIsGoneAndOthersStay(t *testing.T) {
	folder := t.TempDir()
	v, b := open(t, folder)
	mail, _ := v.Seal(t.Context(), "stream:mail", evidence.ClassMail, []byte("a"))
	record, _ := v.Seal(t.Context(), "stream:mail", evidence.ClassRecord, []byte("b"))
	before, _ := b.Get(t.Context(), "keys/stream.mail/mail")
	for range 2 {
		if err := v.Erase(t.Context(), "stream:mail", evidence.ClassMail); err != nil {
			t.Fatal(err)
		}
	}
	after, _ := b.Get(t.Context(), "keys/stream.mail/mail")
	if len(before) < keySize || len(after) != 1 {
		t.Fatalf("key blob was %d bytes, is %d", len(before), len(after))
	}
	reopened, _ := open(t, folder)
	for _, v := range []*Vault{v, reopened} {
		if _, err := v.Unseal(t.Context(), "stream:mail", evidence.ClassMail, mail); !errors.Is(err, ErrErased) {
			t.Fatalf("erased mail: %v", err)
		}
		if _, err := v.Seal(t.Context(), "stream:mail", evidence.ClassMail, nil); !errors.Is(err, ErrErased) {
			t.Fatalf("sealing under an erased class: %v", err)
		}
		if got, err := v.Unseal(t.Context(), "stream:mail", evidence.ClassRecord, record); err != nil || string(got) != "b" {
			t.Fatalf("the other class: %q %v", got, err)
		}
	}
}

func TestKeyFileIsPrivateAndNeverReplaced(t *testing.T) {
	folder := t.TempDir()
	v, _ := open(t, folder)
	if _, err := v.Seal(t.Context(), "01ABC", evidence.ClassMail, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "keys", "vault.key")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	b, _ := Dir(filepath.Join(folder, "blobs"))
	if _, err := Open(t.Context(), b, file); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Fatalf("a lost key file was replaced: %v", err)
	}
}

func TestOneKeyHoweverManyAskFirst(t *testing.T) {
	folder := t.TempDir()
	v, _ := open(t, folder)
	sealed := make([][]byte, 32)
	var wg sync.WaitGroup
	for i := range sealed {
		wg.Go(func() { sealed[i], _ = v.Seal(t.Context(), "01ABC", evidence.ClassMail, []byte("x")) })
	}
	wg.Wait()
	again, _ := open(t, folder)
	for _, s := range sealed {
		if _, err := again.Unseal(t.Context(), "01ABC", evidence.ClassMail, s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBlobNamesCannotLeaveTheFolder(t *testing.T) {
	b, err := Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "..", "../x", "a/../b", "/x", "a//b", ".x", "a/.x", "a\\b", "a\x00b", "a b", strings.Repeat("a/", 8) + "a"} {
		if err := b.Put(t.Context(), name, nil); err == nil {
			t.Errorf("put %q", name)
		}
		if _, err := b.Get(t.Context(), name); err == nil || errors.Is(err, ErrNoBlob) {
			t.Errorf("get %q: %v", name, err)
		}
	}
}

func TestBlobs(t *testing.T) {
	b, err := Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	BlobsContract(t, b)
}
