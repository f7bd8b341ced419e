package rtc_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"confermo/evidence"
	"confermo/rtc"
	"confermo/rtc/peer"
)

// page has one of each hook that a person's page uses.
const page = `<!doctype html><html lang="it"><meta charset="utf-8"><title>prova</title>
<script src="/call.js" defer></script>
<body data-call data-role="person" data-url="/rtc" data-ticket="%s" data-after="/dopo" data-other="Ilaria" data-zone="Europe/Rome"
 data-class-page="page" data-class-call="call">
<p id="wait" data-when="waiting" hidden>attesa</p>
<div data-when="ready"><button id="join" data-do="join">Entra</button></div>
<div data-banner="reconnecting" hidden><span data-countdown></span><b id="retry" data-countdown-text></b></div>
<div data-banner="devices" hidden><button id="devices" data-do="devices">Riprova</button></div>
<p data-banner="error" hidden data-error></p>
<p id="net" data-net></p><p id="clock" data-clock></p><p data-clock-from></p>
<div data-stage><video id="remote" data-remote playsinline autoplay></video><p data-voice hidden data-voice-text></p>
<p id="frozen" data-frozen hidden></p><div data-self><video id="local" data-local playsinline autoplay muted></video></div></div>
<svg id="level" data-level><rect/><rect/><rect/><rect/></svg>
<button id="mic" data-do="mic" data-word-on="acceso" data-word-off="spento">Microfono <small></small></button>
<button id="video" data-do="video" data-word-on="acceso" data-word-off="spento">Video <small></small></button>
<button id="text" data-do="text" data-word-on="aperto" data-word-off="chiuso">Scrivi <small></small></button>
<button id="leave" data-do="leave">Esci</button>
<section data-rtt hidden><ol id="rtt" data-rtt-list></ol><form><input id="rt" data-rtt-input></form></section>
<p id="live" data-live></p>
<div hidden data-words data-you="Lei" data-typing="{name} sta scrivendo" data-net-good="Rete buona" data-retry="Riprovo tra {n}"
 data-say-in-call="in colloquio" data-say-joined="{name} entrata" data-level="{n} su {of}" data-frozen="ferma dalle {time}" data-error-internal="errore {name}"></div>
</body></html>`

// lines is a listener whose connections a test can cut.
type lines struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func (l *lines) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.open = append(l.open, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// browser starts Chromium with a fake camera and microphone; the test ends it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	// A folder of its own: Chromium may still write to it while the test ends.
	profile, err := os.MkdirTemp("", "confermo-chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.Flag("headless", "new"),
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// is polls until an expression of the page is true.
func is(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			ok, err := chromedp.Evaluate[bool](expression)(ctx, target)
			if ok && err == nil {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("%s: %w, %w", expression, ctx.Err(), err)
			}
		}
	})
}

type action = chromedp.Action[chromedp.Void]

// visit is a browser on the person's page of a house.
type visit struct {
	*house
	ctx     context.Context
	current atomic.Pointer[rtc.Rooms]
	wires   *lines
	site    *httptest.Server
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	ctx := browser(t)
	h := newHouse(t)
	mux := http.NewServeMux()
	v := &visit{house: h, ctx: ctx, site: httptest.NewUnstartedServer(mux)}
	v.current.Store(h.rooms)
	mux.HandleFunc("/rtc", func(w http.ResponseWriter, r *http.Request) { v.current.Load().ServeHTTP(w, r) })
	mux.HandleFunc("/call.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../web/assets/js/call.js") })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src data:")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, page, v.current.Load().Ticket(h.interview, evidence.Person, "Nadia", time.Hour))
	})
	v.wires = &lines{Listener: v.site.Listener}
	v.site.Listener = v.wires
	v.site.Start()
	t.Cleanup(v.site.Close)
	return v
}

func (v *visit) do(what string, actions ...action) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		at, _ := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.body.outerHTML`))
		v.t.Fatalf("%s: %v\n%s", what, err, at)
	}
}

// press clicks an element wherever it is: a click at a place misses when a picture that comes meanwhile moves the page.
func press(selector string) action {
	return chromedp.Evaluate[chromedp.Void](`document.querySelector("` + selector + `").click()`)
}

func state(s string) action { return is(`document.body.dataset.state === "` + s + `"`) }

func TestBrowserCallsThroughTheRoom(t *testing.T) {
	v := newVisit(t)
	operator := v.dial(evidence.Operator)
	v.do("open page", chromedp.Navigate(v.site.URL), state("ready"))
	v.do("wait to be let in", chromedp.Click("#join"), state("waiting"), is(`!document.querySelector("#wait").hidden`))
	v.await(operator, "peer-joined")
	v.must(v.rooms.Admit(t.Context(), v.interview, evidence.Person))
	v.do("see the operator", state("call"), is(`document.body.className === "call"`),
		is(`(v => v.videoWidth === 320 && v.getVideoPlaybackQuality().totalVideoFrames > 10)(document.querySelector("#remote"))`),
		is(`document.querySelector("#live").textContent !== ""`), is(`document.querySelector("#clock").textContent.startsWith("00:00:")`),
		is(`document.querySelectorAll("#level .on").length > 0`))
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > 20 && s.AudioIn > 20 && s.KeyFramesIn > 0 }))

	v.do("mute", press("#mic"), is(`document.querySelector("#mic").innerText === "Microfono spento"`))
	if m := v.await(operator, "peer-muted"); m.What != "audio" || *m.On {
		t.Errorf("operator was told %+v", m)
	}
	v.do("write", press("#text"), chromedp.SendKeys("#rt", "buongiorno\r"), is(`document.querySelector("#rtt").innerText.includes("buongiorno")`))
	for m := v.await(operator, "text"); !m.Done; m = v.await(operator, "text") {
		continue
	}
	v.must(operator.Type("mi sen", false))
	v.do("read", is(`document.querySelector("#rtt .is-typing").innerText.includes("mi sen")`))

	v.wires.cut() // the socket; the media goes on
	had := operator.Stats().VideoIn
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+20 }))
	v.do("come back", press("#mic"), is(`document.querySelector("#mic").innerText === "Microfono acceso"`))
	heard := operator.Stats().AudioIn
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.AudioIn > heard+20 }))
	v.must(operator.Type("ci sono", true))
	v.do("read after the cut", is(`document.querySelector("#rtt").innerText.includes("ci sono")`))
	iv, err := v.Interview(t.Context(), v.interview)
	v.must(err)
	if n := len(facts[*evidence.PartyJoined](iv.Entries())); n != 2 {
		t.Errorf("the cut socket made a new connection: %s", kinds(iv.Entries()))
	}
	v.must(operator.Close())
	v.do("see the operator lost", is(`document.querySelector("#frozen").textContent.startsWith("ferma dalle ") && document.querySelector("[data-words]").hidden`),
		is(`document.querySelector("[data-stage]").classList.contains("is-frozen")`))
	v.dial(evidence.Operator)
	v.do("see the operator again", is(`document.querySelector("#frozen").hidden`))
	v.must(v.rooms.Finish(t.Context(), v.interview, "operator"))
	v.do("go on after the end", is(`location.pathname === "/dopo"`))
	iv, err = v.Interview(t.Context(), v.interview)
	v.must(err)
	for _, f := range facts[*evidence.PartyLeft](iv.Entries()) {
		if f.Party == evidence.Person && f.Reason != "closed" {
			t.Errorf("left %+v", f)
		}
	}
}

func TestBrowserWithoutDevicesJoinsAndSendsLater(t *testing.T) {
	v := newVisit(t)
	v.do("open page", chromedp.Navigate(v.site.URL), state("ready"), chromedp.Evaluate[chromedp.Void](
		`navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("none", "NotFoundError"))`))
	v.do("wait to be let in", chromedp.Click("#join"), state("waiting"), is(`!document.querySelector("#devices").parentNode.hidden`))
	// Nothing is heard of it but connectivity checks: it is there all the same.
	v.until("a chunk of the silent person", func(_ *evidence.Interview, all []evidence.Entry) bool {
		return len(facts[*evidence.MediaObserved](all)) > 0
	})
	operator := v.dial(evidence.Operator)
	iv, err := v.Interview(t.Context(), v.interview)
	v.must(err)
	if seen := facts[*evidence.MediaObserved](iv.Entries())[0]; strings.Contains(seen.Connected, "0") || strings.Contains(seen.Audio+seen.Video, "1") ||
		len(facts[*evidence.PartyLeft](iv.Entries())) > 0 {
		t.Errorf("seen %+v: %s", seen, kinds(iv.Entries()))
	}
	v.must(v.rooms.Admit(t.Context(), v.interview, evidence.Person))
	v.do("see the operator", state("call"), is(`document.querySelector("#remote").videoWidth === 320`))
	v.do("find the devices", chromedp.Evaluate[chromedp.Void](`delete navigator.mediaDevices.getUserMedia`), press("#devices"))
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > 5 && s.AudioIn > 5 }))
	v.do("switch the camera off, and find the microphone again: the camera stays off", press("#video"),
		is(`document.querySelector("#video").innerText === "Video spento"`),
		chromedp.Evaluate[chromedp.Void](`before = document.querySelector("#local").srcObject.getAudioTracks()[0].id, document.querySelector("#devices").click()`),
		is(`(s => s.getAudioTracks().length === 1 && s.getAudioTracks()[0].id !== before && s.getVideoTracks().length === 0)(document.querySelector("#local").srcObject)`),
		is(`document.querySelector("#video").innerText === "Video spento"`),
		press("#video"), is(`document.querySelector("#video").innerText === "Video acceso"`))
	v.do("leave", press("#leave"), state("left"))
	v.await(operator, "peer-left")
	v.do("come back", chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-do=join]").click()`), state("call"))
	had := operator.Stats().VideoIn
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+5 }))

	v.close() // the service restarts under the call
	v.open()
	v.current.Store(v.rooms)
	operator = v.dial(evidence.Operator)
	v.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > 5 }))
	v.do("be back by itself", state("call"), is(`document.querySelector("[data-banner=reconnecting]").hidden`),
		is(`document.querySelector("#remote").videoWidth === 320`))
}
