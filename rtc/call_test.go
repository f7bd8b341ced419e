package rtc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/rtc"
	"confermo/rtc/peer"
	"confermo/rtc/presence"
)

func TestT14_CallOverLoopbackIsRecordedAsSeen(t *testing.T) {
	h := newHouse(t)
	began := time.Now()
	operator, person := h.call()
	h.must(person.Mute(true))
	if m := h.await(operator, "peer-muted"); m.Party != "person" || m.What != "audio" || m.On == nil || *m.On {
		t.Errorf("operator was told %+v", m)
	}
	h.must(person.Type("mi sen", false))
	if m := h.await(operator, "text"); m.Text != "mi sen" || m.Done || m.Party != "person" {
		t.Errorf("operator read %+v", m)
	}
	live := h.rooms.Live(h.interview)
	if s := live.Seats[evidence.Person]; !s.Connected || !s.Admitted || s.Audio || !s.Video || s.Network != "good" {
		t.Errorf("live seat of the person: %+v", s)
	}
	h.until("eight seconds that count", func(iv *evidence.Interview, all []evidence.Entry) bool {
		return evidence.Duration(all, iv.Scheduled.Programme.Terms.Rule).Seconds >= 8
	})
	h.must(h.rooms.Finish(t.Context(), h.interview, "operator"))
	if m := h.await(person, "closed"); m.Reason != "operator" {
		t.Errorf("the person was told %+v", m)
	}
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if iv.Closed == nil || iv.Closed.Reason != "operator" || iv.Parties[evidence.Person].Connected() {
		t.Fatalf("closed %+v, parties %+v", iv.Closed, iv.Parties)
	}
	all := iv.Entries()
	if last := all[len(all)-1]; last.Head.Kind != "interview-closed" {
		t.Errorf("the last fact is %s", last.Head.Kind)
	}
	a := evidence.Duration(all, iv.Scheduled.Programme.Terms.Rule)
	if took := int(time.Since(began).Seconds()); a.Seconds < 8 || a.Seconds > took || len(a.Gaps) > 0 {
		t.Errorf("attested %d s of %d, gaps %v; %s", a.Seconds, took, a.Gaps, kinds(all))
	}
	voice, text := "", ""
	for _, f := range facts[*evidence.MediaObserved](all) {
		if f.Party == evidence.Operator {
			voice += f.Voice
		} else {
			text += f.Text
		}
		if f.Quality.Width != 320 || f.Quality.Height != 240 || f.Packets == 0 {
			t.Errorf("measured %+v", f)
		}
	}
	if !strings.Contains(voice, "1") || !strings.Contains(text, "1") || strings.Contains(text, "11") {
		t.Errorf("voice %s, text %s", voice, text)
	}
	if s := operator.Stats(); s.KeyFramesIn == 0 || s.LostIn > 0 {
		t.Errorf("operator received %+v", s)
	}
	_, err = peer.Dial(within(t), peer.Options{URL: h.url(), Ticket: h.rooms.Ticket(h.interview, evidence.Person, "", time.Hour), Loopback: true})
	wantRefused(t, err, "closed")
	h.must(h.Check(t.Context()))
}

func TestNoMediaPassesBeforeAdmission(t *testing.T) {
	h := newHouse(t)
	if err := h.rooms.Admit(t.Context(), h.interview, evidence.Person); !errors.Is(err, rtc.ErrNotWaiting) {
		t.Errorf("an empty seat was admitted: %v", err)
	}
	operator, person := h.dial(evidence.Operator), h.dial(evidence.Person)
	h.until("both joined", func(iv *evidence.Interview, _ []evidence.Entry) bool {
		return iv.Parties[evidence.Operator].Admitted && iv.Parties[evidence.Person].Joined
	})
	for _, p := range []*peer.Peer{operator, person} {
		h.must(p.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoOut > 30 }))
		if s := p.Stats(); s.AudioIn+s.VideoIn > 0 {
			t.Errorf("media came before admission: %+v", s)
		}
	}
	h.must(person.Type("prima", true))
	wantRefused(t, second(person.Await(within(t), "text")), "waiting")
	h.must(h.rooms.Admit(t.Context(), h.interview, evidence.Person))
	h.must(h.rooms.Admit(t.Context(), h.interview, evidence.Person))
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.KeyFramesIn > 0 && s.AudioIn > 0 }))
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if n := len(facts[*evidence.PartyAdmitted](iv.Entries())); n != 2 {
		t.Errorf("%d admissions on record: %s", n, kinds(iv.Entries()))
	}
}

func TestDroppedSocketKeepsSeatAndMedia(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	h.must(person.Drop())
	_ = person.Lost(within(t))
	had := operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+20 }))
	h.must(person.Resume(within(t)))
	h.must(person.Type("di nuovo", true))
	if m := h.await(operator, "text"); m.Text != "di nuovo" {
		t.Errorf("operator read %+v", m)
	}
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if n := len(facts[*evidence.PartyJoined](iv.Entries())); n != 2 || len(facts[*evidence.PartyLeft](iv.Entries())) > 0 {
		t.Errorf("the record shows more than two connections: %s", kinds(iv.Entries()))
	}
}

func TestRestartKeepsTheConnection(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	for range 2 {
		h.must(person.Restart(within(t)))
		out, in := operator.Stats().VideoIn, person.Stats().VideoIn
		h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > out+20 }))
		h.must(person.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > in+20 }))
	}
	h.must(h.rooms.Finish(t.Context(), h.interview, "operator"))
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if n := len(facts[*evidence.PartyJoined](iv.Entries())); n != 2 {
		t.Errorf("the record shows more than two connections: %s", kinds(iv.Entries()))
	}
}

func TestSecondDeviceTakesTheSeat(t *testing.T) {
	h := newHouse(t)
	operator, first := h.call()
	second := h.dial(evidence.Person)
	_, err := first.Await(within(t), "never")
	wantRefused(t, err, "replaced")
	had := operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+20 }))
	h.must(second.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > 5 && s.KeyFramesIn > 0 }))
	h.until("the take-over", func(_ *evidence.Interview, all []evidence.Entry) bool {
		left, joined := facts[*evidence.PartyLeft](all), facts[*evidence.PartyJoined](all)
		return len(left) == 1 && left[0].Reason == "replaced" && len(joined) == 3 && joined[2].Reconnect &&
			joined[2].Connection != left[0].Connection
	})
	if s := operator.Stats(); s.LostIn > 0 {
		t.Errorf("the new source broke the operator's stream: %+v", s)
	}
}

func TestSilentPartyIsFoundGoneAndDatedBack(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	began, had := time.Now(), operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+30 })) // seen after began
	h.must(person.Close())
	m := h.await(operator, "peer-left")
	told := time.Now()
	if m.Party != "person" || m.Reason != "lost" {
		t.Errorf("operator was told %+v", m)
	}
	var left *evidence.PartyLeft
	h.until("the loss", func(_ *evidence.Interview, all []evidence.Entry) bool {
		if l := facts[*evidence.PartyLeft](all); len(l) == 1 {
			left = l[0]
		}
		return left != nil
	})
	at, err := time.Parse(evidence.TimeFormat, left.At)
	h.must(err)
	// However slow the machine: the date lies after the last seconds of media, and by the hold before the telling.
	if at.Before(began) || told.Sub(at) < presence.Hold {
		t.Errorf("the loss is dated %s, media came after %s, it was told at %s", left.At, began, told)
	}
	back := h.dial(evidence.Person)
	if m := h.await(operator, "peer-joined"); m.Party != "person" {
		t.Errorf("operator was told %+v", m)
	}
	h.must(back.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > 5 }))
	h.must(back.Leave())
	if m := h.await(operator, "peer-left"); m.Reason != "leave" {
		t.Errorf("operator was told %+v", m)
	}
}

func second[T any](_ T, err error) error { return err }

func wantRefused(t *testing.T, err error, code string) {
	t.Helper()
	var r *peer.Refused
	if !errors.As(err, &r) || r.Code != code {
		t.Errorf("got %v, want the refusal %q", err, code)
	}
}
