package journal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/journal"
	"confermo/evidence/tree"
)

// tileClient reads a log over HTTP as a monitor does.
type tileClient struct {
	t       *testing.T
	handler http.Handler
	auditor bool
}

func (c tileClient) get(path string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	if c.auditor {
		req.Header.Set("Authorization", "auditor")
	}
	rec := httptest.NewRecorder()
	c.handler.ServeHTTP(rec, req)
	return rec
}

func (c tileClient) Height() int { return 8 }

func (c tileClient) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		// C2SP tlog-tiles leaves out the height of tlog's own paths.
		path := strings.Replace("/"+tile.Path(), "/tile/8/", "/tile/", 1)
		rec := c.get(path)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") {
			return nil, fmt.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		out = append(out, rec.Body.Bytes())
	}
	return out, nil
}

func (c tileClient) SaveTiles([]tlog.Tile, [][]byte) {}

func TestTilesAreReadBackByAMonitor(t *testing.T) { onEach(t, tilesAreReadBack) }

func tilesAreReadBack(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	drafts := make([]journal.Draft, 600)
	for i := range drafts {
		drafts[i] = journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)}
	}
	s.append(t, drafts...)
	auditor := func(r *http.Request) bool { return r.Header.Get("Authorization") == "auditor" }
	c := tileClient{t, journal.TileHandler(s.Journal, auditor), true}
	verifier, err := note.NewVerifier(s.VKey())
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := tree.OpenCheckpoint(c.get("/checkpoint").Body.Bytes(), note.VerifierList(verifier))
	if err != nil || head.Size != s.Size() {
		t.Fatalf("%+v %v", head, err)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: head.Size, Hash: head.Root}, c)
	for n := int64(0); n*256 < head.Size; n++ {
		width := min(256, head.Size-n*256)
		path := fmt.Sprintf("/tile/entries/%03d", n)
		if width < 256 {
			path += fmt.Sprintf(".p/%d", width)
		}
		lines, err := journal.ReadBundle(c.get(path).Body.Bytes())
		if err != nil || int64(len(lines)) != width {
			t.Fatalf("%s: %d lines, %v", path, len(lines), err)
		}
		for i, line := range lines {
			index := n*256 + int64(i)
			if i%16 > 0 && int64(i) != width-1 {
				continue
			}
			proof, err := tlog.ProveRecord(head.Size, index, reader) // checks every tile against the checkpoint
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, head.Size, head.Root, index, tree.LeafHash(line)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]int{
		"/tile/0/000": 200, "/tile/0/000.p/3": 200, "/tile/1/000.p/2": 200, "/tile/entries/001": 200,
		"/tile/0/003": 404, "/tile/0/002.p/255": 404, "/tile/1/000": 404, "/tile/1/000.p/3": 404, "/tile/entries/002": 404,
		"/tile/0/0": 404, "/tile/0/000.p/0": 404, "/tile/0/000.p/256": 404, "/tile/0/000.p/03": 404, "/tile/data/000": 404,
		"/tile/00/000": 404, "/tile/-1/000": 404, "/tile/6/000": 404, "/tile/0/x000/000": 404, "/tile/8/0/000": 404,
		"/tile/0/x999/x999/x999/x999/x999/x999/x999/999": 404, "/tile/": 404, "/": 404,
	} {
		if rec := c.get(path); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
	c.auditor = false
	if rec := c.get("/tile/entries/000"); rec.Code != http.StatusForbidden {
		t.Errorf("a stranger reads entries: %d", rec.Code)
	}
	c.handler = journal.TileHandler(s.Journal, nil)
	c.auditor = true
	if rec := c.get("/tile/entries/000"); rec.Code != http.StatusForbidden {
		t.Errorf("entries are given out though nobody may have them: %d", rec.Code)
	}
}

func FuzzReadBundle(f *testing.F) {
	f.Add([]byte{0, 1, 'x', 0, 0})
	f.Add([]byte{0, 2, 'x'})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := journal.ReadBundle(data)
		if err != nil {
			return
		}
		total := 0
		for _, line := range lines {
			total += 2 + len(line)
		}
		if total != len(data) {
			t.Fatalf("%d bytes of %d", total, len(data))
		}
	})
}
