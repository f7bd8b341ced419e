package audit_test

import (
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
)

// restart ends the service's process and begins another.
func restart(s *audittest.Story, at time.Time) {
	s.Log.Boot, s.Log.Start = "01HBOOT0000000000000000001", at
	s.Add("stream:node", "journal", at, &evidence.NodeStarted{Node: "n1", Boot: s.Log.Boot, Version: "1", Name: "Agenzia Ponte Chiaro", Test: true})
}

var both = []evidence.Party{evidence.Operator, evidence.Person}

func stamp(t time.Time) string { return t.Format(evidence.TimeFormat) }

func rejoin(s *audittest.Story, at time.Time) {
	for _, p := range both {
		s.Add(audittest.ID, "rtc", at, &evidence.PartyJoined{Party: p, Connection: string(p) + "-1", Network: "udp", Reconnect: true})
	}
}

// What happens to honest people must not cost them a claim.
func TestHonestHistoriesAreSound(t *testing.T) {
	clock := audittest.Clock
	for _, tt := range []struct {
		name    string
		script  audittest.Script
		seconds int
	}{
		{"65 minutes", audittest.Script{Length: 65 * time.Minute}, 65 * 60},
		{"two hours with a stamp a minute", audittest.Script{Length: 2 * time.Hour, During: func(s *audittest.Story, at time.Time) bool {
			if at.Second() == 10 {
				s.Anchor(at)
			}
			return true
		}}, 7200},
		{"over midnight", audittest.Script{Length: 65 * time.Minute, Offset: 12*time.Hour + 30*time.Minute}, 65 * 60},
		{"cut by a crash of the service", audittest.Script{Length: 10 * time.Minute, During: func(s *audittest.Story, at time.Time) bool {
			switch at {
			case clock(10, 20, 10):
				return false
			case clock(10, 20, 20):
				restart(s, at.Add(2*time.Second))
				for _, p := range both {
					s.Add(audittest.ID, "rtc", at.Add(2*time.Second), &evidence.PartyLeft{Party: p, Connection: string(p) + "-1", At: stamp(clock(10, 20, 10)), Reason: "lost"})
				}
				s.Add(audittest.ID, "rtc", at.Add(2*time.Second), &evidence.ServiceGap{From: stamp(clock(10, 20, 10)), To: stamp(at.Add(2 * time.Second))})
				return false
			case clock(10, 20, 30):
				rejoin(s, at)
			}
			return true
		}}, 580},
		{"the person reconnects", audittest.Script{Length: 10 * time.Minute, During: func(s *audittest.Story, at time.Time) bool {
			switch at {
			case clock(10, 20, 10):
				return false
			case clock(10, 20, 20):
				for _, p := range both {
					s.Add(audittest.ID, "rtc", at, &evidence.PartyLeft{Party: p, Connection: string(p) + "-1", At: stamp(clock(10, 20, 10)), Reason: "lost"})
				}
				rejoin(s, at)
			}
			return true
		}}, 600},
		{"witness and authority away for 90 seconds of the call", audittest.Script{Length: 6 * time.Minute, During: func(s *audittest.Story, at time.Time) bool {
			if at.Before(clock(10, 18, 0)) || !at.Before(clock(10, 19, 30)) {
				s.Anchor(at)
			}
			return true
		}}, 360},
		{"scheduled under another process", audittest.Script{At: func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
			if f.Kind() == "interview-scheduled" {
				l.Boot = "01HBOOT0000000000000000009"
				l.Append("stream:node", "journal", at, &evidence.NodeStarted{Node: "n1", Boot: l.Boot, Name: "Agenzia Ponte Chiaro", Test: true})
			}
			if f.Kind() == "identity-checked" {
				l.Boot = "01HBOOT0000000000000000000"
			}
			return at
		}}, 120},
		{"late reply", audittest.Script{Late: true}, 120},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, audittest.Tell(tt.script))
			if r.Verdict != audit.Sound || r.AttestedSeconds != tt.seconds {
				t.Errorf("the whole is %s, %d s attested, want %d\n%s", r.Verdict, r.AttestedSeconds, tt.seconds, r.Text("en"))
			}
		})
	}
}

// The operator's decision on a reply that waited is the moment that confirms: it is stamped, days after the reply.
func TestDecisionOnAReplyThatWaitedIsTheMomentInTime(t *testing.T) {
	s := audittest.Tell(audittest.Script{Reply: "Va bene", Stamp: func(_ int64, at time.Time) (time.Time, bool) {
		return at, at.Before(audittest.Clock(10, 30, 0)) || at.After(audittest.Clock(10, 33, 0))
	}, At: func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
		switch f.Kind() {
		case "reply-decided":
			return audittest.Clock(10, 35, 0)
		}
		return at
	}, Fact: func(f evidence.Fact) evidence.Fact {
		if _, ok := f.(*evidence.Sealed); ok {
			return &evidence.ReplyDecided{ID: "r1", Verdict: evidence.VerdictConfirmed, Reason: evidence.V("per telefono")}
		}
		return f
	}, Decided: true})
	r := verify(t, s)
	wants(t, r, audit.Time, audit.Proved, "time-bounded")
	wants(t, r, audit.Confirmation, audit.Word, "confirm-decided")
}
