package evidence

import (
	"strings"
	"testing"
	"time"
)

// story builds the entries of a call second by second, so that each case reads as what happened.
type story struct {
	start   time.Time
	entries []Entry
}

func tell(start string) *story {
	t, err := time.Parse(time.RFC3339, start)
	if err != nil {
		panic(err)
	}
	return &story{start: t.UTC()}
}

func (s *story) at(secs int) string {
	return s.start.Add(time.Duration(secs) * time.Second).Format(TimeFormat)
}

func (s *story) add(secs int, f Fact) *story {
	head := Head{V: 1, At: s.at(secs), Interview: "I", N: len(s.entries) + 1, Kind: f.Kind()}
	s.entries = append(s.entries, Entry{Head: head, Fact: f})
	return s
}

// begin acknowledges the notice and admits both at second 0.
func (s *story) begin() *story {
	return s.add(0, &NoticeRead{}).add(0, &PartyAdmitted{Party: Operator}).add(0, &PartyAdmitted{Party: Person})
}

// sees tells what was seen of a party from second from on: one rune a second, 'v' audio and video, 'a' audio, 'c' only
// connected, 't' connected with text, '.' nothing.
func (s *story) sees(p Party, from int, what string) *story {
	mask := func(on string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(on, r) {
				return '1'
			}
			return '0'
		}, what)
	}
	return s.add(from+len(what), &MediaObserved{
		Party: p, From: s.at(from), Secs: len(what), Connected: mask("vact"), Audio: mask("va"), Video: mask("v"),
		Voice: mask(""), Text: mask("t"),
	})
}

func (s *story) both(from int, what string) *story {
	return s.sees(Operator, from, what).sees(Person, from, what)
}

func (s *story) close(secs int) *story {
	return s.add(secs, &Closed{At: s.at(secs), Reason: "operator"})
}

func run(r rune, n int) string { return strings.Repeat(string(r), n) }

func TestDurationFollowsTheRule(t *testing.T) {
	rule := Rule{Liveness: 10, Minimum: 5, Tolerance: 30, BridgeTotal: 60}
	noon := "2026-11-22T10:00:00Z"
	full := func(n int) *story { return tell(noon).begin().both(0, run('v', n)).close(n) }
	cases := []struct {
		name     string
		story    *story
		rule     Rule
		attested int
		gross    int
		gaps     string // causes, with + where counted
	}{
		{"whole call", full(100), rule, 100, 100, ""},
		{"mute is presence while video runs", tell(noon).begin().sees(Operator, 0, run('v', 60)).sees(Person, 0, run('v', 60)).close(60), rule, 60, 60, ""},
		{"camera off is presence while audio runs", tell(noon).begin().sees(Operator, 0, run('a', 60)).sees(Person, 0, run('v', 60)).close(60), rule, 60, 60, ""},
		{"muted and dark counts for liveness only", tell(noon).begin().sees(Operator, 0, run('v', 60)).sees(Person, 0, run('v', 20)+run('c', 40)).close(60), rule, 29, 29, ""},
		{"typing keeps a muted party present", tell(noon).begin().sees(Operator, 0, run('v', 60)).sees(Person, 0, strings.Repeat("tccccccccc", 6)).close(60), rule, 60, 60, ""},
		{"short gap is bridged", tell(noon).begin().sees(Operator, 0, run('v', 100)).sees(Person, 0, run('v', 40)+run('.', 20)+run('v', 40)).close(100), rule, 100, 100, "+person-network"},
		{"long gap counts against", tell(noon).begin().sees(Operator, 0, run('v', 200)).sees(Person, 0, run('v', 80)+run('.', 31)+run('v', 89)).close(200), rule, 169, 200, "person-network"},
		{"explicit leave is not bridged", tell(noon).begin().sees(Operator, 0, run('v', 100)).sees(Person, 0, run('v', 40)).add(40, &PartyLeft{Party: Person, At: tell(noon).at(40), Reason: "leave"}).sees(Person, 60, run('v', 40)).close(100), rule, 80, 100, "person-left"},
		{"agreed break is not bridged", tell(noon).begin().both(0, run('v', 40)+run('.', 10)+run('v', 50)).add(50, &BreakTaken{From: tell(noon).at(40), To: tell(noon).at(50)}).close(100), rule, 90, 100, "break"},
		{"outage of the service yields no minutes", tell(noon).begin().both(0, run('v', 40)).add(50, &ServiceGap{From: tell(noon).at(40), To: tell(noon).at(50)}).both(50, run('v', 50)).close(100), rule, 90, 100, "service"},
		{"bridges stay within their total", tell(noon).begin().sees(Operator, 0, run('v', 200)).sees(Person, 0, run('v', 40)+run('.', 25)+run('v', 40)+run('.', 25)+run('v', 40)+run('.', 25)+run('v', 5)).close(200), rule, 175, 200, "+person-network +person-network person-network"},
		{"default total is 5 % of S", tell(noon).begin().sees(Operator, 0, run('v', 210)).sees(Person, 0, run('v', 100)+run('.', 10)+run('v', 50)+run('.', 1)+run('v', 49)).close(210), Rule{Liveness: 10, Minimum: 5, Tolerance: 30}, 200, 210, "person-network +person-network"},
		{"short segment is dropped before bridging", tell(noon).begin().sees(Operator, 0, run('v', 100)).sees(Person, 0, run('v', 40)+run('.', 14)+run('v', 2)+run('.', 14)+run('v', 30)).close(100), rule, 100, 100, "+person-network"},
		{"one party late", tell(noon).begin().sees(Operator, 0, run('v', 100)).sees(Person, 40, run('v', 60)).close(100), rule, 60, 60, ""},
		{"before the notice nothing counts", tell(noon).add(0, &PartyAdmitted{Party: Operator}).add(0, &PartyAdmitted{Party: Person}).add(30, &NoticeRead{}).both(0, run('v', 100)).close(100), rule, 70, 70, ""},
		{"before both are admitted nothing counts", tell(noon).add(0, &NoticeRead{}).add(0, &PartyAdmitted{Party: Operator}).add(20, &PartyAdmitted{Party: Person}).both(0, run('v', 100)).close(100), rule, 80, 80, ""},
		{"after closing nothing counts", tell(noon).begin().both(0, run('v', 100)).close(60), rule, 60, 60, ""},
		{"told after closing nothing counts", tell(noon).begin().both(0, run('v', 20)).close(60).both(20, run('v', 40)), rule, 20, 20, ""},
		{"a break never counts", tell(noon).begin().both(0, run('v', 100)).add(60, &BreakTaken{From: tell(noon).at(40), To: tell(noon).at(60)}).close(100), rule, 80, 100, "break"},
		{"a guest never counts", tell(noon).begin().sees(Operator, 0, run('v', 60)).sees(Guest, 0, run('v', 60)).close(60), rule, 0, 0, ""},
		{"reconnect with two connections counts each second once", tell(noon).begin().sees(Operator, 0, run('v', 60)).sees(Person, 0, run('v', 35)).sees(Person, 30, run('v', 30)).close(60), rule, 60, 60, ""},
		{"never begun", tell(noon).both(0, run('v', 60)).close(60), rule, 0, 0, ""},
		{"midnight", tell("2026-11-22T22:59:30Z").begin().both(0, run('v', 60)).close(60), rule, 60, 60, ""},
		{"summer time begins", tell("2026-03-29T00:30:00Z").begin().both(0, run('v', 3600)).close(3600), rule, 3600, 3600, ""},
		{"summer time ends", tell("2026-10-25T00:30:00Z").begin().both(0, run('v', 3600)).close(3600), rule, 3600, 3600, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := Duration(c.story.entries, c.rule)
			var gaps []string
			for _, g := range a.Gaps {
				mark := ""
				if g.Counts {
					mark = "+"
				}
				gaps = append(gaps, mark+g.Cause)
			}
			if got := strings.Join(gaps, " "); a.Seconds != c.attested || a.Gross != c.gross || got != c.gaps {
				t.Errorf("attested %d of %d, gaps %q; want %d of %d, %q", a.Seconds, a.Gross, got, c.attested, c.gross, c.gaps)
			}
		})
	}
}

// The masks are counted on the monotonic clock; an entry whose wall clock jumped moves no second.
func TestDurationIgnoresAMovedClock(t *testing.T) {
	s := tell("2026-11-22T10:00:00Z").begin().both(0, run('v', 60)).close(60)
	want := Duration(s.entries, Rule{Liveness: 10}).Seconds
	for i := 3; i < 5; i++ {
		s.entries[i].Head.At = s.at(-7200)
	}
	if got := Duration(s.entries, Rule{Liveness: 10}).Seconds; got != want {
		t.Errorf("attested %d s with a moved clock, want %d", got, want)
	}
}

// Times of a broken or hostile record that lie far apart must not cost what lies between them.
func TestDurationOfTimesFarApartIsBounded(t *testing.T) {
	s := tell("2026-11-22T10:00:00Z").begin().both(0, run('v', 60))
	for _, p := range []Party{Operator, Person} {
		s.add(60, &MediaObserved{Party: p, From: "9999-01-01T00:00:00.000Z", Secs: 60, Connected: run('1', 60), Audio: run('1', 60)})
	}
	s.add(60, &Closed{At: "9999-12-31T00:00:00.000Z"})
	if a := Duration(s.entries, Rule{Liveness: 10}); a.Seconds != 60 || len(a.Masks[Person].Audio) != 60 {
		t.Errorf("attested %d s, %d s shown", a.Seconds, len(a.Masks[Person].Audio))
	}
}

// Whatever was seen, the rule never attests more than it may.
func FuzzDurationStaysWithinItsBounds(f *testing.F) {
	f.Add([]byte("vvvv..vv"), []byte("vvvvvvvv"), 3, 2, 5, 4)
	f.Add([]byte("vac.tvvv"), []byte("cccccccc"), 1, 0, 0, 0)
	f.Fuzz(func(t *testing.T, operator, person []byte, liveness, minimum, tolerance, bridge int) {
		if len(operator) > 3000 || len(person) > 3000 {
			return
		}
		rule := Rule{Liveness: liveness % 60, Minimum: minimum % 60, Tolerance: tolerance % 60, BridgeTotal: max(0, bridge%600)}
		s := tell("2026-11-22T10:00:00Z").begin().sees(Operator, 0, string(operator)).sees(Person, 0, string(person))
		a := Duration(s.close(max(len(operator), len(person))).entries, rule)
		counted := 0
		for _, segment := range a.Segments {
			counted += segment.Seconds()
		}
		if a.Seconds > a.Gross || a.Seconds != counted || a.Seconds > len(operator) || a.Bridged > max(rule.BridgeTotal, 300) {
			t.Errorf("attested %d, gross %d, in segments %d, bridged %d", a.Seconds, a.Gross, counted, a.Bridged)
		}
	})
}

func BenchmarkDurationOneHour(b *testing.B) {
	s := tell("2026-11-22T10:00:00Z").begin()
	for i := range 360 {
		s.both(10*i, run('v', 10))
	}
	s.close(3600)
	for b.Loop() {
		if Duration(s.entries, Rule{Liveness: 10}).Seconds != 3600 {
			b.Fatal("wrong duration")
		}
	}
}
