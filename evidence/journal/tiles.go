package journal

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// checkpointEvery is how often a fresh checkpoint is signed for readers at most.
	checkpointEvery = time.Second
)

// TileHandler serves the log read-only in the layout of C2SP tlog-tiles, relative to where it is mounted:
//
//	/checkpoint                  the newest signed tree head
//	/tile/LEVEL/INDEX[.p/WIDTH]  hash tiles, public
//	/tile/entries/INDEX[.p/WIDTH] bundles of lines, each after its length in two bytes, big-endian
//
// Entry bundles show who was interviewed when, though no names: they are given only to requests that auditor accepts,
// and to nobody where auditor is nil.
func TileHandler(j *Journal, auditor func(*http.Request) bool) http.Handler {
	h := &tiles{j: j, auditor: auditor}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", h.checkpoint)
	mux.HandleFunc("GET /tile/{level}/{index...}", h.tile)
	return mux
}

type tiles struct {
	j       *Journal
	auditor func(*http.Request) bool

	mu     sync.Mutex
	msg    []byte
	size   int64
	signed time.Time
}

func (h *tiles) checkpoint(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.msg == nil || time.Since(h.signed) >= checkpointEvery && h.size != h.j.Size() {
		msg, c, err := h.j.Checkpoint(r.Context())
		if err != nil {
			http.Error(w, "the checkpoint cannot be signed", http.StatusInternalServerError)
			return
		}
		h.msg, h.size, h.signed = msg, c.Size, time.Now()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(h.msg)
}

func (h *tiles) tile(w http.ResponseWriter, r *http.Request) {
	path := "tile/" + r.PathValue("level") + "/" + r.PathValue("index")
	entries := r.PathValue("level") == "entries"
	t, err := parseTile(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if entries && (h.auditor == nil || !h.auditor(r)) {
		http.Error(w, "entries are given to auditors only", http.StatusForbidden)
		return
	}
	// What stands at the level now; a partial tile narrower than that may still be asked for.
	if have := h.j.Size() >> (t.L * tileHeight); t.N*tileWidth+int64(t.W) > have {
		http.NotFound(w, r)
		return
	}
	var data []byte
	if entries {
		data, err = h.bundle(r, t)
	} else {
		data, err = tlog.ReadTileData(t, h.j.hashes(r.Context(), h.j.db.SQL()))
	}
	if err != nil {
		http.Error(w, "the tile cannot be read", http.StatusInternalServerError)
		return
	}
	cache := "public, max-age=31536000, immutable"
	if entries {
		cache = "private, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(data)
}

func (h *tiles) bundle(r *http.Request, t tlog.Tile) ([]byte, error) {
	lines, err := h.j.Lines(r.Context(), t.N*tileWidth, t.N*tileWidth+int64(t.W))
	if err != nil {
		return nil, err
	}
	if len(lines) != t.W {
		return nil, fmt.Errorf("read entry tile %d: %d lines of %d", t.N, len(lines), t.W)
	}
	var data []byte
	for _, line := range lines {
		data = binary.BigEndian.AppendUint16(data, uint16(len(line))) // at most evidence.MaxLine
		data = append(data, line...)
	}
	return data, nil
}

// parseTile reads a path strictly: tile/LEVEL/INDEX or tile/entries/INDEX, INDEX in groups of three digits of which all
// but the last begin with x, .p/WIDTH behind it for a tile that is not full.
func parseTile(path string) (tlog.Tile, error) {
	level, index, _ := strings.Cut(strings.TrimPrefix(path, "tile/"), "/")
	if level == "entries" {
		level = "0"
	}
	// tlog reads its own layout, which has the height in front.
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s/%s", tileHeight, level, index))
	if err != nil {
		return t, err
	}
	if t.L < 0 || t.L > 5 || t.N < 0 || t.N > 1<<(62-tileHeight*(t.L+1)) {
		return t, fmt.Errorf("read tile path %q: outside any tree", path)
	}
	return t, nil
}

// ReadBundle splits an entry tile into its lines.
func ReadBundle(data []byte) ([][]byte, error) {
	var lines [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, fmt.Errorf("read entry tile: cut off")
		}
		n := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+n {
			return nil, fmt.Errorf("read entry tile: cut off")
		}
		lines = append(lines, data[2:2+n])
		data = data[2+n:]
	}
	return lines, nil
}
