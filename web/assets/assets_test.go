package assets

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// names are the addresses templates may use whichever way the program was built.
var names = []string{"confermo.css", "lean.css", "sprites.svg", "lean.svg", "check.js", "upload.js", "live.js"}

// unbuilt is what `go build` embeds when Node never ran.
func unbuilt(t *testing.T) *set {
	t.Helper()
	src := fstest.MapFS{"dist/.keep": {}}
	for _, dir := range []string{"plain", "js"} {
		entries, err := fs.ReadDir(files, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			body, err := fs.ReadFile(files, dir+"/"+e.Name())
			if err != nil {
				t.Fatal(err)
			}
			src[dir+"/"+e.Name()] = &fstest.MapFile{Data: body}
		}
	}
	return mustLoad(t, src)
}

func built(t *testing.T) *set {
	t.Helper()
	return mustLoad(t, fstest.MapFS{
		"dist/confermo.css": {Data: []byte(`@font-face{src:url(tw400.woff2) format("woff2")}body{color:#17324d}`)},
		"dist/lean.css":     {Data: []byte("body{color:#17324d}")},
		"dist/sprites.svg":  {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"></svg>`)},
		"dist/lean.svg":     {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"dist/tw400.woff2":  {Data: []byte("wOF2")},
		"dist/check.js":     {Data: []byte("min()")},
		"plain/plain.css":   {Data: []byte("body{margin:0}")},
		"plain/sprites.svg": {Data: []byte("<svg/>")},
		"js/check.js":       {Data: []byte("whole()")},
		"js/live.js":        {Data: []byte("whole()")},
		"js/upload.js":      {Data: []byte("whole()")},
	})
}

func mustLoad(t *testing.T, src fs.FS) *set {
	t.Helper()
	s, err := load(src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *set, url string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryNameIsServedBuiltAndUnbuilt(t *testing.T) {
	for what, s := range map[string]*set{"built": built(t), "unbuilt": unbuilt(t), "this program": own()} {
		for _, name := range names {
			url := s.url(name)
			if !strings.HasPrefix(url, "/assets/"+name+"?v=") {
				t.Errorf("%s: URL(%q) = %q, want a hashed address", what, name, url)
			}
			res := get(t, s, url)
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: GET %s: %s", what, url, res.Status)
			}
			if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("%s: GET %s: Cache-Control %q", what, url, got)
			}
			want := types[name[strings.LastIndex(name, "."):]]
			if got := res.Header.Get("Content-Type"); got != want {
				t.Errorf("%s: GET %s: Content-Type %q, want %q", what, url, got, want)
			}
			if body(t, res.Body) == "" {
				t.Errorf("%s: GET %s: nothing", what, url)
			}
		}
	}
	if unbuilt(t).built || !built(t).built {
		t.Error("built front end not told from the plain one")
	}
}

func TestBuiltFilesWinOverPlainOnes(t *testing.T) {
	if got := body(t, get(t, built(t), "/assets/check.js").Body); got != "min()" {
		t.Errorf("check.js = %q, want the built one", got)
	}
	if got := body(t, get(t, built(t), "/assets/live.js").Body); got != "whole()" {
		t.Errorf("live.js = %q, want the source where the build lacks it", got)
	}
}

func TestAddressCarriesTheHashOfTheBytes(t *testing.T) {
	s := built(t)
	sum := sha256.Sum256([]byte("wOF2"))
	want := "/assets/tw400.woff2?v=" + hex.EncodeToString(sum[:])[:10]
	if got := s.url("tw400.woff2"); got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
	if css := body(t, get(t, s, s.url("confermo.css")).Body); !strings.Contains(css, "url("+want+")") {
		t.Errorf("style sheet does not use the font's hashed address: %s", css)
	}
}

func TestStaleAddressIsRevalidated(t *testing.T) {
	s := built(t)
	res := get(t, s, "/assets/confermo.css?v=0000000000")
	if got := res.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("Cache-Control = %q for a stale address", got)
	}
	again := get(t, s, "/assets/confermo.css", "If-None-Match", res.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("same ETag answers %s", again.Status)
	}
}

func TestCompressedOnlyForWhoAccepts(t *testing.T) {
	s := unbuilt(t)
	whole := body(t, get(t, s, "/assets/confermo.css").Body)
	for accept, want := range map[string]bool{
		"gzip, deflate, br": true, "br, *": true, "gzip;q=0.5": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.0, br": false,
	} {
		res := get(t, s, "/assets/confermo.css", "Accept-Encoding", accept)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", accept, got, want)
			continue
		}
		if !want {
			continue
		}
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body(t, z) != whole {
			t.Errorf("Accept-Encoding %q: other bytes than uncompressed", accept)
		}
	}
}

func TestUnknownNameIs404(t *testing.T) {
	for _, s := range []*set{built(t), unbuilt(t)} {
		for _, path := range []string{"/assets/", "/assets/none.css", "/assets/.keep", "/assets/../assets.go", "/assets/plain/plain.css"} {
			if res := get(t, s, path); res.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s: %s", path, res.Status)
			}
		}
	}
	w := httptest.NewRecorder()
	own().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/assets/confermo.css", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// Pages are served under a policy without inline scripts and styles, so nothing here may write any.
func TestScriptsWriteNoMarkupOrInlineStyle(t *testing.T) {
	entries, err := fs.ReadDir(files, "js")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		src, err := fs.ReadFile(files, "js/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "cssText", "setAttribute('style", `setAttribute("style`, "http://", "https://"} {
			if strings.Contains(string(src), bad) && e.Name() != "call.js" {
				t.Errorf("%s uses %s", e.Name(), bad)
			}
		}
	}
}

func TestPlainStyleSheetIsSmall(t *testing.T) {
	css, err := fs.ReadFile(files, "plain/plain.css")
	if err != nil {
		t.Fatal(err)
	}
	if len(css) > 15<<10 { // 4 kB sent
		t.Errorf("plain.css has %d bytes, want at most 15 kB", len(css))
	}
}
