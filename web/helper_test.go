package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/rtc"
	"confermo/web/access"
	"confermo/web/assets"
)

// site is a whole installation in a temporary folder, with a real journal, vault and rooms.
type site struct {
	t       testing.TB
	url     string
	cfg     Config
	j       *journal.Journal
	db      *store.DB
	access  *access.Access
	rooms   *rtc.Rooms
	mu      sync.Mutex
	codes   map[string]string // last code by address
	started time.Time
	plain   atomic.Bool // style and icons come from the plain folder, as without the built front end
}

var linkKey = []byte("a key of tests, 32 bytes or more")

func newSite(t testing.TB, change ...func(*Config)) *site {
	t.Helper()
	ctx := context.Background()
	folder := t.TempDir()
	blobs, err := vault.Dir(filepath.Join(folder, "blobs"))
	fatal(t, err)
	keep, err := vault.Open(ctx, blobs, filepath.Join(folder, "vault.key"))
	fatal(t, err)
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "confermo.db"))
	fatal(t, err)
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	fatal(t, err)
	j, err := journal.Open(ctx, db, keep, journal.Config{Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: key, Erased: vault.ErrErased})
	fatal(t, err)
	rooms, err := rtc.Open(ctx, rtc.Config{Journal: j, UDP: "127.0.0.1:0", Loopback: true})
	fatal(t, err)
	acc, err := access.Open(ctx, j, db)
	fatal(t, err)
	s := &site{t: t, j: j, db: db, access: acc, rooms: rooms, codes: map[string]string{}, started: time.Now()}
	s.seed()
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	s.cfg = Config{
		Journal: j, Rooms: rooms, Access: acc, BaseURL: s.url, LinkKey: linkKey, Test: true, SendCode: s.keepCode,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&s.cfg)
	}
	h, err := New(s.cfg)
	fatal(t, err)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.plain.Load() && s.plainAsset(w, r) {
			return
		}
		h.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		_ = rooms.Close()
		j.Close()
		_ = db.Close()
	})
	return s
}

// plainAsset answers as a program without the built front end would.
func (s *site) plainAsset(w http.ResponseWriter, r *http.Request) bool {
	name := strings.TrimPrefix(r.URL.Path, assets.Prefix)
	switch name {
	case "confermo.css", "lean.css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		http.ServeFile(w, r, "assets/plain/plain.css")
	case "sprites.svg", "lean.svg":
		http.ServeFile(w, r, "assets/plain/sprites.svg")
	default:
		return false
	}
	return true
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) keepCode(_ context.Context, to, code, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[to] = code
	return nil
}

func (s *site) code(to string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes[to]
}

// seed registers two agencies, the test programme and one account of each kind.
func (s *site) seed() {
	s.t.Helper()
	ctx := context.Background()
	skey, _, err := note.GenerateKey(rand.Reader, "regione.example")
	fatal(s.t, err)
	signer, err := note.NewSigner(skey)
	fatal(s.t, err)
	pack := rules.TestPack()
	signed, err := rules.Sign(pack, signer)
	fatal(s.t, err)
	drafts := []journal.Draft{{Stream: "rules", By: "test", Fact: &evidence.RulePackAdopted{
		ID: pack.ID, Version: pack.Version, Digest: rules.Digest(signed), File: evidence.F("record/rulepack.json", "text/plain", signed),
	}}}
	for _, a := range []evidence.Agency{
		{ID: "ponte", Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "via dei Tigli 4, Borgolieto", Phone: "399 000 0100", Mail: "info@pontechiaro.example"},
		{ID: "valle", Name: "Lavoro Valgrande", Office: "Pievelunga", Address: "piazza del Pozzo 1, Pievelunga", Phone: "399 000 0200", Mail: "info@valgrande.example"},
	} {
		drafts = append(drafts, journal.Draft{Stream: "agencies", By: "test", Fact: &evidence.AgencySeeded{
			Agency: a, Sites: []string{a.Address, "via del Colle 9, Montalto"}, Zone: "Europe/Rome", Act: "decreto 1/2020",
		}})
	}
	_, err = s.j.Append(ctx, drafts...)
	fatal(s.t, err)
	for _, o := range []access.Opening{
		{ID: "op-ponte", Role: access.RoleOperator, Agency: "ponte", Name: "Ilaria Montebruni", Mail: "ilaria@pontechiaro.example", Password: password},
		{ID: "op-valle", Role: access.RoleOperator, Agency: "valle", Name: "Oreste Valdambri", Mail: "oreste@valgrande.example", Password: password},
		{ID: "auditor", Role: access.RoleAuditor, Name: "Livia Sassorosso", Mail: "livia@regione.example", Password: password},
	} {
		_, err := s.access.Add(ctx, o)
		fatal(s.t, err)
	}
}

const password = "una parola segreta"

// browser is one visitor with a cookie jar; it does not follow redirects to elsewhere.
type browser struct {
	s      *site
	client *http.Client
	lang   string
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	fatal(s.t, err)
	return &browser{s: s, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// answer is a page as the browser ends up on it.
type answer struct {
	status int
	body   string
	path   string
	header http.Header
}

func (b *browser) do(r *http.Request) answer {
	b.s.t.Helper()
	if b.lang != "" {
		r.Header.Set("Accept-Language", b.lang)
	}
	res, err := b.client.Do(r)
	fatal(b.s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fatal(b.s.t, err)
	return answer{res.StatusCode, string(body), res.Request.URL.RequestURI(), res.Header}
}

func (b *browser) get(path string) answer {
	b.s.t.Helper()
	r, err := http.NewRequest("GET", b.s.url+path, nil)
	fatal(b.s.t, err)
	return b.do(r)
}

func (b *browser) post(path string, form url.Values) answer {
	b.s.t.Helper()
	r, err := http.NewRequest("POST", b.s.url+path, strings.NewReader(form.Encode()))
	fatal(b.s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// file is one part of an upload.
type file struct {
	field, name, kind string
	data              []byte
}

func (b *browser) upload(path string, files ...file) answer {
	b.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="`+f.field+`"; filename="`+f.name+`"`)
		h.Set("Content-Type", f.kind)
		part, err := w.CreatePart(h)
		fatal(b.s.t, err)
		_, err = part.Write(f.data)
		fatal(b.s.t, err)
	}
	fatal(b.s.t, w.Close())
	r, err := http.NewRequest("POST", b.s.url+path, &body)
	fatal(b.s.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

// signIn goes through both steps.
func (s *site) signIn(mail string) *browser {
	s.t.Helper()
	b := s.browser()
	if a := b.post("/sign-in", url.Values{"mail": {mail}, "password": {password}}); a.path != "/sign-in/code" {
		s.t.Fatalf("password leads to %s: %d", a.path, a.status)
	}
	if a := b.post("/sign-in/code", url.Values{"code": {s.code(mail)}}); a.status != 200 || strings.HasPrefix(a.path, "/sign-in") {
		s.t.Fatalf("code leads to %s: %d", a.path, a.status)
	}
	return b
}

func (s *site) operator() *browser { return s.signIn("ilaria@pontechiaro.example") }

// form is a correct form of a new interview, tomorrow at 11:15.
func (s *site) form() url.Values {
	return url.Values{
		"name": {"Nadia"}, "surname": {"Ferrantini"}, "taxcode": {"RSSMRA80A01H501U"}, "phone": {"399 000 0142"},
		"mail": {"nadia@posta.example"}, "language": {"it"}, "programme": {rules.TestPack().ID}, "activity": {"A06"},
		"path": {"first"}, "date": {time.Now().AddDate(0, 0, 1).Format("02/01/2006")}, "hour": {"11:15"}, "minutes": {"60"},
	}
}

var dossierPath = regexp.MustCompile(`^/interviews/([0-9A-Z]+)`)

// schedule opens an interview through the page and gives its id.
func (s *site) schedule(op *browser) string {
	s.t.Helper()
	a := op.post("/interviews/new", s.form())
	m := dossierPath.FindStringSubmatch(a.path)
	if a.status != 200 || m == nil {
		s.t.Fatalf("scheduling leads to %s: %d\n%s", a.path, a.status, a.body)
	}
	return m[1]
}

func (s *site) link(id string) string { return strings.TrimPrefix(Link(linkKey, s.url, id), s.url) }

func (s *site) interview(id string) *evidence.Interview {
	s.t.Helper()
	iv, err := s.j.Interview(context.Background(), id)
	fatal(s.t, err)
	return iv
}

func (s *site) append(drafts ...journal.Draft) {
	s.t.Helper()
	_, err := s.j.Append(context.Background(), drafts...)
	fatal(s.t, err)
}

// facts counts the entries of a kind in a scope.
func (s *site) facts(scope string, kind evidence.Kind) (n int) {
	s.t.Helper()
	entries, err := s.j.Entries(context.Background(), scope)
	fatal(s.t, err)
	for _, e := range entries {
		if e.Head.Kind == kind {
			n++
		}
	}
	return n
}

// photo is a real JPEG.
func photo(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for y := range 400 {
		for x := range 640 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	var b bytes.Buffer
	fatal(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func (a answer) wants(t testing.TB, status int, words ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d", a.path, a.status, status)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			t.Errorf("%s: %q is not on the page\n%s", a.path, w, shorten(a.body))
		}
	}
}

func shorten(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return cut(body, 3000)
}

func testLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
