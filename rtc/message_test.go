package rtc

import (
	"encoding/json"
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"join","ticket":"a.b","offer":"v=0\r\n"}`, `{"type":"mute","what":"audio","on":false}`,
		`{"type":"text","text":"mi sen","done":false}`, `{"type":"leave"}`, `{"type":1}`, `[`, ``, "\xff", `{"type":"ping"} x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			var r *refusal
			if !errors.As(err, &r) || r.code != "message" || m != (request{}) {
				t.Fatalf("refused with %v and %+v", err, m)
			}
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := parse(again); err == nil && n != m {
			t.Fatalf("%+v became %+v", m, n)
		}
	})
}

func TestUnknownErrorsAreInternal(t *testing.T) {
	e, final := errorEvent(errors.New("the password is secret"))
	if e.Code != "internal" || !final || e.Text != "" {
		t.Errorf("told %+v", e)
	}
}
