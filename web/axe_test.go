package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// axe is the source of axe-core, which `make assets` installs with the front end. Without Node it is "": then only the few
// rules below are checked, and the log says so.
func axe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("assets/node_modules/axe-core/axe.min.js")
	switch {
	case err == nil:
		return string(source)
	case !errors.Is(err, fs.ErrNotExist):
		t.Fatal(err)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Log("Node is not installed, so axe-core is not here: names, labels, headings, languages and targets are checked by hand-written rules only")
		return ""
	}
	t.Fatal("axe-core is not installed: run make assets")
	return ""
}

// tags of axe: EN 301 549 asks for WCAG 2.1 A and AA; 2.2 and the best practices are ours.
const runAxe = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
	r.violations.map(v => v.id + " (" + v.help + "): " + v.nodes.map(n => n.target.join(" ") + " " + (n.failureSummary || "").replace(/\s+/g, " ")).join("; ")))`

// ownRules stand in where there is no Node: each gives the elements that break it.
const ownRules = `(() => { const bad = [], seen = e => e.offsetParent !== null, all = q => [...document.querySelectorAll(q)].filter(seen);
	const named = e => (e.getAttribute("aria-label") || e.textContent.trim() || e.title || e.labels?.length);
	for (const e of all("a, button, input:not([type=hidden]), select, textarea")) if (!named(e)) bad.push("no name: " + e.outerHTML.slice(0, 120));
	for (const e of all("img")) if (!e.hasAttribute("alt")) bad.push("no alt: " + e.outerHTML.slice(0, 120));
	if (!document.documentElement.lang) bad.push("no language");
	if (all("h1").length !== 1) bad.push(all("h1").length + " first headings");
	if (all("main").length !== 1) bad.push(all("main").length + " main parts");
	const ids = [...document.querySelectorAll("[id]")].map(e => e.id); for (const i of new Set(ids)) if (ids.filter(j => i === j).length > 1) bad.push("id twice: " + i);
	return bad })()`

// accessible runs axe over the page, or our own rules.
func accessible(t *testing.T, ctx context.Context, source string) {
	t.Helper()
	var broken []string
	var err error
	if source == "" {
		broken, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](ownRules))
	} else {
		fatal(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](source+";undefined")))
		broken, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	}
	fatal(t, err)
	for _, b := range broken {
		t.Errorf("accessibility: %s", b)
	}
}

const focused = `(() => { const e = document.activeElement, r = e.getBoundingClientRect();
	return [e.dataset.do || e.getAttribute("href") || e.name || e.closest("form")?.action || e.tagName, r.width > 20 && r.height > 10 ? "seen" : "hidden", e.autofocus ? "auto" : ""].join(" ") })()`

// startsWithSkipLink presses Tab from the top: the skip link is first, and it is seen.
func startsWithSkipLink(t *testing.T, ctx context.Context) {
	t.Helper()
	fatal(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); window.scrollTo(0, 0); document.body.tabIndex = -1; document.body.focus(); undefined`),
		chromedp.KeyEvent(kb.Tab)))
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
	fatal(t, err)
	if !strings.HasPrefix(got, "#contenuto seen") {
		t.Errorf("the first Tab lands on %q, not on the visible skip link", got)
	}
}

// TestCallIsReachedByKeyboard goes through both call pages with Tab alone: before and during the call every control is
// reached, in the order it is seen.
func TestCallIsReachedByKeyboard(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	p := s.prepared(id)
	p.post(s.link(id)+"/check", url.Values{"skip": {"1"}})
	chrome := chromium(t)
	for _, c := range []struct {
		name, path, shown string
		who               *browser
		want              []string
	}{
		{"person before", s.link(id) + "/call", "", p, []string{"join"}},
		{"person in call", s.link(id) + "/call", "call", p, []string{"mic", "video", "text", "leave"}},
		{"operator before", "/interviews/" + id + "/call", "", op, []string{"join", "mic", "video", "text", "/finish"}},
		{"operator in call", "/interviews/" + id + "/call", "call", op, []string{"mic", "video", "text", "/finish"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := s.tab(t, chrome, c.who, s.url+c.path, 360, 740)
			fatal(t, chromedp.Do(ctx, chromedp.Navigate(s.url+c.path), chromedp.WaitReady("h1")))
			if c.shown != "" { // what the script does when the call begins
				fatal(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
					`for (const e of document.querySelectorAll("[data-when]")) e.hidden = !e.dataset.when.split(" ").includes(%q)`, c.shown))))
			}
			var order []string
			for range 60 {
				fatal(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
				at, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
				fatal(t, err)
				order = append(order, at)
			}
			next := 0
			for _, at := range order {
				if next < len(c.want) && strings.Contains(at, c.want[next]) {
					next++
				}
			}
			if next < len(c.want) {
				t.Errorf("Tab does not reach %q: %v", c.want[next], order)
			}
		})
	}
}
