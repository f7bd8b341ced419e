package layout

import (
	"os"
	"testing"
)

func TestLook(t *testing.T) {
	b, err := Timesheet(example(t, nil).timesheet(), testNames)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/look/ts.pdf", b, 0o644)
}
