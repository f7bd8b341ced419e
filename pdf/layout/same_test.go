package layout

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const childVariable = "CONFERMO_LAYOUT_CHILD"

// The same values give the same bytes: in one process 60 times, and in another process.
func TestSameValuesGiveSameBytes(t *testing.T) {
	ts := example(t, nil).timesheet()
	first, err := Timesheet(ts, testNames)
	if err != nil {
		t.Fatal(err)
	}
	if out := os.Getenv(childVariable); out != "" {
		if err := os.WriteFile(out, first, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i := range 60 {
		again, err := Timesheet(ts, testNames)
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("render %d differs: %v", i, err)
		}
	}
	out := t.TempDir() + "/child.pdf"
	cmd := exec.Command(os.Args[0], "-test.run=^TestSameValuesGiveSameBytes$")
	cmd.Env = append(os.Environ(), childVariable+"="+out, "TZ=Asia/Tokyo", "LANG=tr_TR.UTF-8")
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("child: %v\n%s", err, log)
	}
	child, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(first, child) {
		t.Fatalf("a child process draws other bytes: %v", err)
	}
}

func TestSameTellsWhatDiffers(t *testing.T) {
	s := example(t, nil)
	ts := s.timesheet()
	a, err := Timesheet(ts, testNames)
	if err != nil {
		t.Fatal(err)
	}
	if err := Same(a, bytes.Clone(a)); err != nil {
		t.Errorf("equal PDFs: %v", err)
	}
	longer := ts
	longer.Attested.Seconds++
	b, err := Timesheet(longer, testNames)
	if err != nil {
		t.Fatal(err)
	}
	if err := Same(a, b); err == nil || !strings.Contains(err.Error(), "stream of object 4") {
		t.Errorf("one second more: %v", err)
	}
	for name, edit := range map[string]func([]byte) []byte{
		"bytes after the end": func(b []byte) []byte { return append(b, "% more\n"...) },
		"an object in a gap": func(b []byte) []byte {
			return bytes.Replace(b, []byte("xref\n0"), []byte("99 0 obj\n<<>>\nendobj\nxref\n0"), 1)
		},
		"an object twice": func(b []byte) []byte {
			return bytes.Replace(b, []byte("xref\n0"), []byte("3 0 obj\n<<>>\nendobj\nxref\n0"), 1)
		},
		"a longer page": func(b []byte) []byte { return bytes.Replace(b, []byte("841.89"), []byte("941.89"), 1) },
		"another start": func(b []byte) []byte { return b[1:] },
		"a place that is off": func(b []byte) []byte {
			return bytes.Replace(b, []byte("0000000009 00000 n"), []byte("0000000010 00000 n"), 1)
		},
		"a wrong start of xref": func(b []byte) []byte { return bytes.Replace(b, []byte("startxref\n"), []byte("startxref\n1"), 1) },
		"half the file":         func(b []byte) []byte { return b[:len(b)/2] },
	} {
		if err := Same(a, edit(bytes.Clone(a))); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// The reader takes any bytes without a panic, and what it takes accounts for every byte.
func FuzzSame(f *testing.F) {
	body := "%PDF-1.3\n1 0 obj\n<</Length 4>>\nstream\nabcd\nendstream\nendobj\n"
	whole := body + string(xref(map[int]int{1: 9})) + "trailer\n<<\n/Size 2\n/Root 1 0 R\n>>\nstartxref\n" +
		strconv.Itoa(len(body)) + "\n%%EOF\n"
	if err := Same([]byte(whole), []byte(whole)); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(whole))
	f.Add([]byte(body))
	f.Add([]byte(strings.Replace(whole, "/Length 4", "/Filter /FlateDecode /Length 4", 1)))
	f.Add([]byte("%PDF-1.3\n1 0 obj\n<<>>\nendobj\n2 0 obj\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Same([]byte(whole), b) == nil && string(b) != whole {
			t.Errorf("another file without compression is the same: %q", b)
		}
	})
}
