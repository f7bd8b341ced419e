package vault

import (
	"errors"
	"slices"
	"testing"
)

// BlobsContract is what every Blobs keeps, whatever holds the bytes.
func BlobsContract(t *testing.T, b Blobs) {
	t.Helper()
	ctx := t.Context()
	if _, err := b.Get(ctx, "a/b"); !errors.Is(err, ErrNoBlob) {
		t.Fatalf("absent blob: %v", err)
	}
	for _, put := range []struct{ name, data string }{{"a/b", "1"}, {"a/b", "two"}, {"a/c", ""}, {"d", "4"}} {
		if err := b.Put(ctx, put.name, []byte(put.data)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Get(ctx, put.name); err != nil || string(got) != put.data {
			t.Fatalf("%s: %q %v", put.name, got, err)
		}
	}
	if names, err := b.List(ctx, "a/"); err != nil || !slices.Equal(names, []string{"a/b", "a/c"}) {
		t.Fatalf("%v %v", names, err)
	}
	for range 2 {
		if err := b.Delete(ctx, "a/b"); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := b.List(ctx, ""); err != nil || !slices.Equal(names, []string{"a/c", "d"}) {
		t.Fatalf("%v %v", names, err)
	}
}
