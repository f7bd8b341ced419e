package mailbox

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestT21_ReplyCommandJudgesFiles(t *testing.T) {
	t.Chdir("testdata/reply")
	files, err := filepath.Glob("[0-9]*.eml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var out, errs bytes.Buffer
	args := append([]string{"-sent", "sent.eml", "-registered", "maria.rossi@posta.example", "-keys", "keys", "-json"}, files...)
	if code := ReplyCommand(args, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("code %d: %s", code, &errs)
	}
	out.WriteString("\n")
	if code := ReplyCommand([]string{"-sent", "sent.eml", "-registered", "maria.rossi@posta.example", "-lang", "it", files[0]}, &out, &errs); code != 0 {
		t.Fatalf("code %d: %s", code, &errs)
	}
	if *update {
		if err := os.WriteFile("golden.txt", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func TestReplyCommandSaysWhatIsWrong(t *testing.T) {
	t.Chdir("testdata/reply")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", 2, "usage"},
		{"-sent sent.eml x.eml", 2, "usage"},
		{"-nonsense", 2, "nonsense"},
		{"-h", 0, "usage"},
		{"-sent absent.eml -registered a@b x.eml", 1, "absent.eml"},
		{"-sent sent.eml -registered a@b absent.eml", 1, "absent.eml"},
		{"-sent golden.txt -registered a@b x.eml", 1, "read sent mail"},
	} {
		var out, errs bytes.Buffer
		if code := ReplyCommand(strings.Fields(c.args), &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%q: code %d, %s", c.args, code, &errs)
		}
	}
}
