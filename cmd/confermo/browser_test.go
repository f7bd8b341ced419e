package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

type action = chromedp.Action[chromedp.Void]

// browser is a Chromium with a profile of its own, a camera that shows a test picture and a microphone that beeps.
type browser struct {
	t     *testing.T
	ctx   context.Context
	who   string
	shots string
	count int
}

// shotsDir is where the screenshots of every page land.
func shotsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONFERMO_SHOTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin", "shots")
	}
	check(t, os.MkdirAll(dir, 0o755))
	return dir
}

func openBrowser(t *testing.T, who string, width, height int64, phone bool) *browser {
	t.Helper()
	if _, err := os.Stat("/usr/bin/chromium"); err != nil {
		t.Fatal("Chromium is missing: install the Debian package chromium")
	}
	profile, err := os.MkdirTemp("", "profile")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(profile), chromedp.NoSandbox,
		chromedp.Flag("headless", "new"), chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns,MediaRouter"), chromedp.Flag("lang", "it-IT"), chromedp.Flag("accept-lang", "it-IT,it"),
	)
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); stop() })
	b := &browser{t: t, ctx: ctx, who: who, shots: shotsDir(t)}
	scale := 1.0
	if phone {
		scale = 2
	}
	b.do("start", chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
	return b
}

// do runs actions within half a minute; on failure it leaves a picture of what was there.
func (b *browser) do(what string, actions ...action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	// The first Run must not be given a context that ends: it would end the browser.
	if b.count == 0 {
		b.count = 1
		if err := chromedp.Do(b.ctx, actions...); err != nil {
			b.t.Fatalf("%s: %s: %v", b.who, what, err)
		}
		return
	}
	if err := chromedp.Do(ctx, actions...); err != nil {
		last, done := context.WithTimeout(b.ctx, 5*time.Second)
		defer done()
		at, _ := chromedp.Run(last, chromedp.Location())
		text, _ := chromedp.Run(last, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
		b.shot("failed")
		b.t.Fatalf("%s: %s at %s: %v\n%s", b.who, what, at, err, text)
	}
}

func (b *browser) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

// click taps the first visible element that the selector finds, at its middle, as a finger would.
func (b *browser) click(selector string) {
	b.t.Helper()
	find := fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll(%q)].find(e => e.checkVisibility() && e.getClientRects().length > 0);
		if (!e) return null;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector)
	b.do("click "+selector, holds(`(`+find+`) !== null`), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		at, err := chromedp.Evaluate[[]float64](find)(ctx, target)
		if err != nil {
			return err
		}
		_, err = chromedp.MouseClickXY(at[0], at[1])(ctx, target)
		return err
	}))
}

// submit taps the first button of the form with the action and waits for the next page.
func (b *browser) submit(action string) {
	b.t.Helper()
	b.leave("submit "+action, func() { b.click(fmt.Sprintf(`form[action$=%q] button[type=submit]`, action)) })
}

// leave does something that brings another page, and waits for it.
func (b *browser) leave(what string, act func()) {
	b.t.Helper()
	b.do("mark page", chromedp.Evaluate[chromedp.Void](`window.cfOld = true`))
	act()
	b.do(what, holds(`!window.cfOld && document.readyState === "complete"`))
}

func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.do("fill "+selector, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = ""`, selector)), chromedp.SendKeys(selector, value))
}

// wait polls a JavaScript expression.
func (b *browser) wait(what, expression string) {
	b.t.Helper()
	b.do(what, holds(expression))
}

func (b *browser) eval(expression string) {
	b.t.Helper()
	b.do("evaluate", chromedp.Evaluate[chromedp.Void](expression))
}

// text is what a person reads in the page.
func (b *browser) text() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
	check(b.t, err)
	return text
}

// holds polls an expression through page changes, until the action's time is up.
func holds(expression string) action {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			ok, err := chromedp.Evaluate[bool](expression)(ctx, target)
			if err == nil && ok {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", expression, errors.Join(err, ctx.Err()))
			}
		}
	})
}

// shot keeps a picture of the whole page, and checks that nothing sticks out sideways.
func (b *browser) shot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`))
	var png []byte
	if err == nil {
		png, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
	}
	if err != nil {
		b.t.Logf("%s: picture of %s: %v", b.who, name, err)
		return
	}
	if wide {
		b.t.Errorf("%s: page %s scrolls sideways", b.who, name)
	}
	check(b.t, os.WriteFile(filepath.Join(b.shots, name+".png"), png, 0o644))
}

// upload chooses a file as the camera or the file dialog would.
func (b *browser) upload(selector, path string) {
	b.t.Helper()
	b.do("choose "+path, chromedp.SetUploadFiles(chromedp.CSS(selector), []string{path}))
}
