package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/device"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/web/assets"
)

// shot is one page as somebody sees it.
type shot struct {
	name, path string
	who        *browser
	agent      string
}

// TestPagesInABrowser opens every page in Chromium at 320, 360 and 1280 pixels, with the built front end and with the plain
// one: nothing is wider than the window, no script or style is blocked, nothing fails on the console, axe finds nothing, and
// the first Tab lands on the visible skip link. Pictures go to the folder CONFERMO_SHOTS, where it is set.
func TestPagesInABrowser(t *testing.T) {
	folder := os.Getenv("CONFERMO_SHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	fatal(t, os.MkdirAll(folder, 0o755))
	s, shots := gallery(t)
	if !assets.Built() {
		t.Log("the front end is not built: the pages are looked at in the plain style only")
	}
	rules := axe(t)
	ctx := chromium(t)
	sizes := []struct{ w, h int64 }{{360, 740}, {1280, 900}}
	for _, look := range []string{"", "-plain"} {
		if look == "" && !assets.Built() {
			continue
		}
		s.plain.Store(look != "")
		t.Run("look"+look, func(t *testing.T) { // ends when all its pages have been looked at
			for _, size := range sizes {
				for _, one := range shots {
					if size.w > 400 && one.name[2] == '-' { // another language changes lengths: the phone is where that shows
						continue
					}
					name := fmt.Sprintf("%s-%d%s", one.name, size.w, look)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						s.shoot(t, ctx, one, size.w, size.h, filepath.Join(folder, name+".png"), rules)
					})
				}
			}
		})
	}
}

// chromium starts one browser with a fake camera and microphone for the whole test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	profile, err := os.MkdirTemp("", "confermo-web")
	fatal(t, err)
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox,
		chromedp.UserDataDir(profile), chromedp.Flag("headless", "new"), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		cancel()
		stop()
		_ = os.RemoveAll(profile)
	})
	fatal(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	return ctx
}

// tab opens a profile of its own with the visitor's cookies for a page.
func (s *site) tab(t *testing.T, parent context.Context, who *browser, page string, w, h int64) context.Context {
	t.Helper()
	tab, done := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(done)
	ctx, cancel := context.WithTimeout(tab, 60*time.Second)
	t.Cleanup(cancel)
	steps := []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(w, h, chromedp.EmulateScale(2)), chromedp.Navigate(s.url + "/healthz")}
	for _, c := range who.cookies(page) {
		steps = append(steps, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.cookie = %q", c.Name+"="+c.Value+"; path=/")))
	}
	fatal(t, chromedp.Do(ctx, steps...))
	return ctx
}

// shoot looks at one page.
func (s *site) shoot(t *testing.T, parent context.Context, one shot, w, h int64, file, rules string) {
	path, post := strings.CutPrefix(one.path, "POST ")
	ctx := s.tab(t, parent, one.who, s.url+path, w, h)
	var mu sync.Mutex
	var complaints []string
	fatal(t, chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError {
			mu.Lock()
			complaints = append(complaints, e.Entry.Text)
			mu.Unlock()
		}
	}))
	var steps []chromedp.Action[chromedp.Void]
	if one.agent != "" {
		steps = append(steps, chromedp.Emulate(device.Info{Name: "test", UserAgent: one.agent, Width: w, Height: h, Scale: 2}))
	}
	if post {
		steps = append(steps, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			`{ const f = document.createElement("form"); f.method = "post"; f.action = %q; document.body.append(f); f.submit() }`, path)))
	} else {
		steps = append(steps, chromedp.Navigate(s.url+path))
	}
	fatal(t, chromedp.Do(ctx, append(steps, chromedp.WaitReady("h1"))...))
	fits(t, ctx, w)
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	fatal(t, err)
	fatal(t, os.WriteFile(file, picture, 0o644))
	if w < 400 || !s.plain.Load() { // the plain style has one layout for both
		accessible(t, ctx, rules)
		startsWithSkipLink(t, ctx)
	}
	if w < 400 { // the reflow that WCAG 1.4.10 asks for
		fatal(t, chromedp.Do(ctx, chromedp.EmulateViewport(320, 640)))
		fits(t, ctx, 320)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		if !strings.Contains(c, "status of 40") { // pages of errors are meant to
			t.Errorf("the console says: %s", c)
		}
	}
}

// fits tells that nothing is wider than the window.
func fits(t *testing.T, ctx context.Context, w int64) {
	t.Helper()
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.fonts.ready.then(() => document.documentElement.scrollWidth)`, chromedp.EvalAwaitPromise))
	fatal(t, err)
	if wide > w {
		t.Errorf("the page is %d pixels wide in a window of %d", wide, w)
	}
}

func (b *browser) cookies(page string) []*http.Cookie {
	u, err := url.Parse(page)
	fatal(b.s.t, err)
	return b.client.Jar.(*cookiejar.Jar).Cookies(u)
}

// gallery brings interviews into every state that a page shows.
func gallery(t *testing.T) (*site, []shot) {
	s := newSite(t, func(c *Config) {
		c.Issue = func(context.Context, string) ([]byte, error) { return []byte("not a container"), nil }
		c.Demo = &Demo{
			Operator: Door{"ilaria@pontechiaro.example", password}, Auditor: Door{"livia@regione.example", password},
			PersonLink: func(context.Context) string { return "/i/x" },
			Story: func(string) []Step {
				return []Step{{time.Now(), "Colloquio di 42 secondi, audio e video veri tra due programmi"}, {time.Now(), "Foglio ore firmato e marcato con l’autorità di prova"}}
			},
			Boxes: func() []string { return []string{"nadia@posta.example", "ilaria@pontechiaro.example"} },
			Reply: func(context.Context, string, string, string) error { return nil },
			Messages: func(context.Context, string) ([]Message, error) {
				return []Message{{"7", time.Now(), []byte("From: info@pontechiaro.example\r\nReply-To: colloqui+k7d2m9x4qf8z@pontechiaro.example\r\nSubject: Riepilogo del colloquio del 24/11/2026 [7K3M-Q9TD]\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGentile Nadia Ferrantini,\r\n\r\nsi è svolto un colloquio in modalità on-line.\r\n\r\nSe i dati sono giusti, risponda a questa mail con la parola: confermo\r\n")}}, nil
			},
		}
	})
	op := s.operator()
	invited := s.schedule(op)
	prepared := s.schedule(op)
	p := s.prepared(prepared)
	p.upload(s.link(prepared)+"/documents", file{"identity-card.front", "c.jpg", "image/jpeg", photo(t)}, file{"tax-card.front", "t.jpg", "image/jpeg", photo(t)})
	early, read := s.browser(), s.browser()
	readID := s.schedule(op)
	early.post(s.link(readID)+"/open", nil)
	chooser := s.schedule(op)
	read.post(s.link(chooser)+"/open", nil)
	read.post(s.link(chooser)+"/notice", url.Values{"version": {"1.0"}, "language": {"it"}})
	waiting := s.schedule(op)
	s.acknowledged(waiting, time.Minute)
	s.append(journal.Draft{Interview: waiting, By: "rtc", Fact: &evidence.PartyJoined{Party: evidence.Person, Connection: "x"}})
	tosign := s.schedule(op)
	s.acknowledged(tosign, 30*time.Minute)
	s.held(tosign, 1100)
	mine := s.schedule(op)
	owner := s.visitor(mine, 10*time.Minute)
	s.held(mine, 400)
	op.post("/interviews/"+mine+"/sign", url.Values{"topic": {"job-search"}, "place": {"via dei Tigli 4, Borgolieto"}})
	s.signed(mine)
	s.mailed(mine)
	absent := s.copyOf(invited, time.Now().Add(-time.Hour))
	confirmed := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 2, false) })
	pending := s.confirmedUpTo(op, func(string) {})
	s.schedule(s.signIn("oreste@valgrande.example"))
	auditor := s.signIn("livia@regione.example")
	stranger := s.browser()
	half := s.browser()
	half.post("/sign-in", url.Values{"mail": {"ilaria@pontechiaro.example"}, "password": {password}})
	auditor.post("/audit/"+confirmed+"/check", nil)
	day := "/today?day=" + time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	return s, []shot{
		{"p-01-invito", s.link(invited), stranger, ""},
		{"p-01b-invito-app", s.link(invited), stranger, "Mozilla/5.0 (Linux; Android 14; wv) [FBAN/FB4A;FBAV/450]"},
		{"p-02-informativa", s.link(readID) + "/notice", early, ""},
		{"p-03-consensi", s.link(chooser) + "/choices", read, ""},
		{"p-04-documenti", s.link(prepared) + "/documents", p, ""},
		{"p-04-documenti-vuoto", s.link(chooser) + "/documents", read, ""},
		{"p-05-prova", s.link(prepared) + "/check", p, ""},
		{"p-06-attesa", s.link(prepared) + "/call", p, ""},
		{"p-08-registrato", s.link(mine) + "/record", owner, ""},
		{"p-09-risposta", s.link(mine) + "/reply", owner, ""},
		{"p-codice", s.link(prepared) + "/device", stranger, ""},
		{"o-01-accesso", "/sign-in", stranger, ""},
		{"o-01b-codice", "/sign-in/code", half, ""},
		{"o-02-giornata", day, op, ""},
		{"o-03-programma", "/interviews/new", op, ""},
		{"o-04-fascicolo", "/interviews/" + prepared, op, ""},
		{"o-05-documenti", "/interviews/" + prepared + "/documents", op, ""},
		{"o-06-chiamata", "/interviews/" + prepared + "/call", op, ""},
		{"o-06b-concludi-presto", "POST /interviews/" + absent + "/finish", op, ""},
		{"o-07-chiudi", "/interviews/" + tosign + "/sign", op, ""},
		{"o-08-conferma", "/interviews/" + confirmed + "/thread", op, ""},
		{"o-08b-attesa", "/interviews/" + pending + "/thread", op, ""},
		{"a-01-ricerca", "/audit?q=ferrantini", auditor, ""},
		{"a-02-rapporto", "/audit/" + confirmed, auditor, ""},
		{"a-02b-rapporto-vuoto", "/audit/" + pending, auditor, ""},
		{"accessibilita", "/accessibility", stranger, ""},
		{"d-01-inizio", "/", stranger, ""},
		{"d-02-posta", "/demo/mail", stranger, ""},
		{"errore", "/i/x.y", stranger, ""},
		{"de-p-01-invito", s.link(invited) + "?lang=de", stranger, ""},
		{"de-p-04-documenti", s.link(prepared) + "/documents?lang=de", p, ""},
		{"de-p-06-attesa", s.link(prepared) + "/call?lang=de", p, ""},
		{"de-p-08-registrato", s.link(mine) + "/record?lang=de", owner, ""},
		{"de-o-02-giornata", day + "&lang=de", op, ""},
		{"de-o-07-chiudi", "/interviews/" + tosign + "/sign?lang=de", op, ""},
		{"fr-p-02-informativa", s.link(readID) + "/notice?lang=fr", early, ""},
		{"fr-p-05-prova", s.link(prepared) + "/check?lang=fr", p, ""},
		{"fr-p-09-risposta", s.link(mine) + "/reply?lang=fr", owner, ""},
		{"fr-o-04-fascicolo", "/interviews/" + prepared + "?lang=fr", op, ""},
		{"fr-a-02-rapporto", "/audit/" + confirmed + "?lang=fr", auditor, ""},
	}
}
