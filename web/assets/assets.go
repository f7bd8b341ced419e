// Package assets holds the front end inside the program: style sheets, icons, fonts and scripts, each under one stable
// name and, in pages, under an address that carries the hash of its bytes.
//
// Three sources, the first that has the name wins: dist (what `node build.mjs` leaves: purged, subset, minified), plain
// (a small hand-written style sheet and icon set, committed) and js (the scripts themselves). So `go build` needs no
// Node and every page works without the built front end; Built tells which one is running.
//
//	<link rel="stylesheet" href="{{asset "confermo.css"}}">   →   /assets/confermo.css?v=3f9a01c2de
//	<use href="{{asset "sprites.svg"}}#it-camera">            →   /assets/sprites.svg?v=77b0e5d410#it-camera
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Prefix is where Handler expects to be mounted; addresses made by URL start with it.
const Prefix = "/assets/"

//go:embed all:dist plain js
var files embed.FS

// own is the set this program was built with. Embedded files can only be unreadable through a broken build.
var own = sync.OnceValue(func() *set {
	s, err := load(files)
	if err != nil {
		panic("internal error: embedded assets: " + err.Error())
	}
	return s
})

// Built reports whether the program carries the built front end; without it pages use the plain style sheet.
func Built() bool { return own().built }

// URL returns the address of an asset, with the first ten hexadecimal digits of the SHA-256 of its bytes, so that it can
// be cached for ever. An unknown name returns its plain address, which answers 404.
func URL(name string) string { return own().url(name) }

// Handler serves the assets under Prefix: GET and HEAD only, compressed when the browser accepts gzip, cached for a year
// when the address carries the right hash and revalidated by ETag otherwise.
func Handler() http.Handler { return own() }

// asset is one file, ready to be written to a connection.
type asset struct {
	kind   string // Content-Type
	hash   string // first ten hex digits of SHA-256
	body   []byte
	zipped []byte // nil when compressing does not pay
}

type set struct {
	built  bool
	byName map[string]*asset
}

// load reads the three folders of src. A style sheet's own references (fonts) get the same hashed addresses as pages
// use, so fonts are read before style sheets.
func load(src fs.FS) (*set, error) {
	s := &set{byName: make(map[string]*asset)}
	raw := make(map[string][]byte)
	for _, dir := range []string{"js", "plain", "dist"} { // the last one wins
		entries, err := fs.ReadDir(src, dir)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", dir, err)
		}
		for _, e := range entries {
			name := target(e.Name())
			if e.IsDir() || types[path.Ext(name)] == "" {
				continue
			}
			body, err := fs.ReadFile(src, dir+"/"+e.Name())
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			raw[name] = body
			s.built = s.built || dir == "dist" && name == "confermo.css"
		}
	}
	for pass := range 2 {
		for name, body := range raw {
			if css := path.Ext(name) == ".css"; css != (pass == 1) {
				continue
			}
			if pass == 1 {
				body = s.hashReferences(body)
			}
			a, err := newAsset(name, body)
			if err != nil {
				return nil, err
			}
			s.byName[name] = a
		}
	}
	// The plain folder has one style sheet and one sprite for all pages.
	for lean, common := range map[string]string{"lean.css": "confermo.css", "lean.svg": "sprites.svg"} {
		if s.byName[lean] == nil && s.byName[common] != nil {
			s.byName[lean] = s.byName[common]
		}
	}
	return s, nil
}

// target is the public name of an embedded file.
func target(file string) string {
	if file == "plain.css" {
		return "confermo.css"
	}
	return file
}

var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".txt":   "text/plain; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

var reference = regexp.MustCompile(`url\(["']?([a-z0-9]+\.(?:woff2|svg))["']?\)`)

func (s *set) hashReferences(css []byte) []byte {
	return reference.ReplaceAllFunc(css, func(m []byte) []byte {
		name := string(reference.FindSubmatch(m)[1])
		if s.byName[name] == nil {
			return m
		}
		return []byte("url(" + s.url(name) + ")")
	})
}

func newAsset(name string, body []byte) (*asset, error) {
	sum := sha256.Sum256(body)
	a := &asset{kind: types[path.Ext(name)], hash: hex.EncodeToString(sum[:])[:10], body: body}
	if path.Ext(name) == ".woff2" {
		return a, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if b.Len() < len(body) {
		a.zipped = b.Bytes()
	}
	return a, nil
}

func (s *set) url(name string) string {
	a := s.byName[name]
	if a == nil {
		return Prefix + name
	}
	return Prefix + name + "?v=" + a.hash
}

// ServeHTTP writes one asset, or 404.
func (s *set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.byName[strings.TrimPrefix(r.URL.Path, Prefix)]
	if a == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	if r.URL.Query().Get("v") == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	body, tag := a.body, `"`+a.hash+`"`
	if a.zipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body, tag = a.zipped, `"`+a.hash+`-gz"`
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		// An error here is a reader that went away; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as one coding needs: named, and not with weight 0.
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if name = strings.TrimSpace(name); name != "gzip" && name != "*" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return err != nil || q > 0
	}
	return false
}
