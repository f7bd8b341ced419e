package layout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"confermo/evidence/audit/audittest"
	"confermo/pdf/layout"
)

// The commands that README.txt gives work as they stand, on a whole bundle, and fail when a byte changes.
func TestReadmeCommandsVerifyABundle(t *testing.T) {
	for _, tool := range []string{"openssl", "unzip", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	story := audittest.Tell(audittest.Script{})
	content := story.Content()
	_, commands, ok := strings.Cut(string(layout.Readme(story.Interview())), "\nCommands\n")
	if !ok || len(content.Anchors) == 0 {
		t.Fatal("no commands, or no anchor to check")
	}
	note := content.Anchors[0]
	commands = strings.ReplaceAll(commands, "SIZE", strconv.FormatInt(note.Size, 10))
	run := func(tamper string) (string, error) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "bundle.asice"), story.Seal(content))
		for name, file := range story.Trust() {
			write(t, filepath.Join(dir, "TRUST", name), file.Data)
		}
		script := strings.Replace(commands, "# The seal", tamper+"\n  # The seal", 1)
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	prev := string(content.Entries[1].Line)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if hash := lines[len(lines)-1]; !strings.Contains(prev, `"prev":"`+hash+`"`) {
		t.Errorf("line 2 does not name %q:\n%s", hash, prev)
	}
	for _, name := range []string{"META-INF/ASiCManifest001.xml", "META-INF/ASiCManifest002.xml", "record/anchors/" + strconv.FormatInt(note.Size, 10) + ".note"} {
		if out, err := run("printf ' ' | cat - " + name + " > x && mv x " + name); err == nil {
			t.Errorf("a byte more in %s passes:\n%s", name, out)
		}
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
