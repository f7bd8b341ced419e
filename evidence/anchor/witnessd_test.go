package anchor

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/tree"
)

// log is a tree of numbered lines, forked from line fork on.
type log struct {
	signer note.Signer
	vkey   string
	hashes []tlog.Hash
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func newLog(t testing.TB, skey, vkey string, size, fork int) *log {
	t.Helper()
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{signer: signer, vkey: vkey}
	for i := range size {
		line := fmt.Sprint(i, i >= fork)
		hashes, err := tlog.StoredHashes(int64(i), []byte(line), l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	return l
}

func (l *log) request(t testing.TB, old, size int64) addCheckpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		t.Fatal(err)
	}
	a := addCheckpoint{old: old}
	if a.checkpoint, err = tree.SignCheckpoint(tree.Checkpoint{Origin: l.signer.Name(), Size: size, Root: root}, l.signer); err != nil {
		t.Fatal(err)
	}
	if old > 0 && old < size {
		if a.proof, err = tlog.ProveTree(size, old, l); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func post(w *WitnessServer, body []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(string(body))))
	return rec
}

func TestWitnessCosignsOnlyWhatContinues(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	good, forked := newLog(t, skey, vkey, 40, 40), newLog(t, skey, vkey, 40, 7)
	other, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	foreign, unknown := newLog(t, other, vkey, 40, 40), *good
	strange, _, err := note.GenerateKey(rand.Reader, "strange.example/log")
	if err != nil {
		t.Fatal(err)
	}
	if unknown.signer, err = note.NewSigner(strange); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w, err := NewWitnessServer(dir, "witness.example/w1", vkey)
	if err != nil {
		t.Fatal(err)
	}
	broken := good.request(t, 10, 20)
	broken.proof[0][0] ^= 1
	noProof := good.request(t, 10, 20)
	noProof.proof = nil
	tooEarly := good.request(t, 0, 10)
	tooEarly.proof = broken.proof
	for i, step := range []struct {
		request addCheckpoint
		status  int
		answer  string
	}{
		{unknown.request(t, 0, 10), 404, ""},
		{foreign.request(t, 0, 10), 403, ""},
		{good.request(t, 3, 10), 409, "0\n"},
		{tooEarly, 422, ""},
		{good.request(t, 0, 10), 200, "— witness.example/w1 "},
		{good.request(t, 0, 20), 409, "10\n"},
		{good.request(t, 10, 5), 400, ""},
		{broken, 422, ""},
		{noProof, 422, ""},
		{forked.request(t, 10, 20), 422, ""},
		{forked.request(t, 10, 10), 409, "10\n"},
		{good.request(t, 10, 10), 200, "— witness.example/w1 "},
		{good.request(t, 10, 40), 200, "— witness.example/w1 "},
		{good.request(t, 10, 40), 409, "40\n"},
	} {
		rec := post(w, step.request.text())
		if rec.Code != step.status || !strings.HasPrefix(rec.Body.String(), step.answer) {
			t.Fatalf("step %d: %d %s", i, rec.Code, rec.Body)
		}
		if rec.Code == http.StatusConflict && rec.Header().Get("Content-Type") != "text/x.tlog.size" {
			t.Errorf("step %d: type %s", i, rec.Header().Get("Content-Type"))
		}
		if w, err = NewWitnessServer(dir, "", vkey); err != nil { // what it knows must be on disk
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/", "/add-checkpoint/x"} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, nil))
		if rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	for _, body := range []string{"", "old\n\n", "old 01\n\nx", "old -1\n\nx", "old 1\nAAAA\n\nx", "x\n\n", "old 1\n" + strings.Repeat("A\n", 1<<16)} {
		if rec := post(w, []byte(body)); rec.Code < 400 || rec.Code > 404 {
			t.Errorf("%.20q: %d", body, rec.Code)
		}
	}
}

func TestWitnessNeverCosignsTwoTreesAtOnce(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	good, forked := newLog(t, skey, vkey, 20, 20), newLog(t, skey, vkey, 20, 3)
	w, err := NewWitnessServer(t.TempDir(), "witness.example/w1", vkey)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	cosigned := map[string]int{}
	for i := range 16 {
		wg.Go(func() {
			l := []*log{good, forked}[i%2]
			if rec := post(w, l.request(t, 0, 20).text()); rec.Code == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				cosigned[l.hashes[len(l.hashes)-1].String()]++
			}
		})
	}
	wg.Wait()
	if len(cosigned) != 1 {
		t.Errorf("cosigned %v", cosigned)
	}
}

func FuzzParseAddCheckpoint(f *testing.F) {
	f.Add([]byte("old 0\n\nexample.com/log\n1\nAAAA\n\n— x y\n"))
	f.Add([]byte("old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\nx\n"))
	f.Add([]byte("old 00\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAddCheckpoint(body)
		if err == nil && string(a.text()) != string(body) {
			t.Fatalf("%q\nread and written as\n%q", body, a.text())
		}
	})
}
