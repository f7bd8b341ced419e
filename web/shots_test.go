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
)

// shot is one page as somebody sees it.
type shot struct {
	name, path string
	who        *browser
	agent      string
}

// TestPagesInABrowser opens every page in Chromium at 360 and 1280 pixels: nothing is wider than the window, no script or
// style is blocked, and nothing fails on the console. Pictures go to the folder CONFERMO_SHOTS, where it is set.
func TestPagesInABrowser(t *testing.T) {
	folder := os.Getenv("CONFERMO_SHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	fatal(t, os.MkdirAll(folder, 0o755))
	s, shots := gallery(t)
	ctx := chromium(t)
	for _, size := range []struct{ w, h int64 }{{360, 740}, {1280, 900}} {
		for _, one := range shots {
			name := fmt.Sprintf("%s-%d", one.name, size.w)
			t.Run(name, func(t *testing.T) { s.shoot(t, ctx, one, size.w, size.h, filepath.Join(folder, name+".png")) })
		}
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

// shoot opens the page in a profile of its own with the visitor's cookies.
func (s *site) shoot(t *testing.T, parent context.Context, one shot, w, h int64, file string) {
	tab, done := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	defer done()
	ctx, cancel := context.WithTimeout(tab, 60*time.Second)
	defer cancel()
	var mu sync.Mutex
	var complaints []string
	fatal(t, chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError {
			mu.Lock()
			complaints = append(complaints, e.Entry.Text)
			mu.Unlock()
		}
	}))
	screen := device.Info{Name: "test", UserAgent: one.agent, Width: w, Height: h, Scale: 2}
	steps := []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(w, h, chromedp.EmulateScale(2))}
	if one.agent != "" {
		steps = append(steps, chromedp.Emulate(screen))
	}
	steps = append(steps, chromedp.Navigate(s.url+"/healthz"))
	for _, c := range one.who.cookies(s.url + one.path) {
		steps = append(steps, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.cookie = %q", c.Name+"="+c.Value+"; path=/")))
	}
	fatal(t, chromedp.Do(ctx, append(steps, chromedp.Navigate(s.url+one.path), chromedp.WaitReady("h1"))...))
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.fonts.ready.then(() => document.documentElement.scrollWidth)`, chromedp.EvalAwaitPromise))
	fatal(t, err)
	if wide > w {
		t.Errorf("the page is %d pixels wide in a window of %d", wide, w)
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	fatal(t, err)
	fatal(t, os.WriteFile(file, picture, 0o644))
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		if !strings.Contains(c, "status of 40") { // pages of errors are meant to
			t.Errorf("the console says: %s", c)
		}
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
	owner := s.prepared(mine)
	s.held(mine, 45)
	confirmed := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 2, false) })
	pending := s.confirmedUpTo(op, func(string) {})
	s.schedule(s.signIn("oreste@valgrande.example"))
	auditor := s.signIn("livia@regione.example")
	stranger := s.browser()
	half := s.browser()
	half.post("/sign-in", url.Values{"mail": {"ilaria@pontechiaro.example"}, "password": {password}})
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
		{"o-07-chiudi", "/interviews/" + tosign + "/sign", op, ""},
		{"o-08-conferma", "/interviews/" + confirmed + "/thread", op, ""},
		{"o-08b-attesa", "/interviews/" + pending + "/thread", op, ""},
		{"a-01-ricerca", "/audit?q=ferrantini", auditor, ""},
		{"a-02-rapporto", "/audit/" + confirmed, auditor, ""},
		{"d-01-inizio", "/", stranger, ""},
		{"d-02-posta", "/demo/mail", stranger, ""},
		{"errore", "/i/x.y", stranger, ""},
	}
}
