package mailbox

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"confermo/mailbox/auth"
	"confermo/mailbox/reply"
)

// heldBelow is the level that a reply needs by default to count without the operator.
const heldBelow = 2

// Judged is what `confermo reply -json` prints of one file.
type Judged struct {
	File    string   `json:"file"`
	Verdict string   `json:"verdict"`
	Text    string   `json:"text"`
	Level   int      `json:"level"`
	Held    bool     `json:"held"`
	Binding []string `json:"binding"`
	Reasons []string `json:"reasons"`
}

// ReplyCommand is `confermo reply`: it classifies replies from files. It returns the exit code: 0, 1 when a file cannot
// be read, 2 when it was called wrongly.
func ReplyCommand(args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("confermo reply", flag.ContinueOnError)
	set.SetOutput(stderr)
	sentFile := set.String("sent", "", "the mail we sent (`SENT.eml`)")
	registered := set.String("registered", "", "address the person registered")
	languages := set.String("lang", "it,de,fr,en", "languages whose grammars count")
	keyDir := set.String("keys", "", "folder of DKIM key records, selector._domainkey.domain.txt")
	asJSON := set.Bool("json", false, "print one JSON object per file and line")
	set.Usage = func() {
		fmt.Fprintln(stderr, "usage: confermo reply -sent SENT.eml -registered ADDR [-lang it,de,fr,en] [-keys DIR] [-json] REPLY.eml…")
		set.PrintDefaults()
	}
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *sentFile == "" || *registered == "" || set.NArg() == 0 {
		set.Usage()
		return 2
	}
	raw, err := os.ReadFile(*sentFile)
	if err != nil {
		fmt.Fprintln(stderr, "confermo reply:", err)
		return 1
	}
	sent, err := reply.ParseSent(raw)
	if err != nil {
		fmt.Fprintln(stderr, "confermo reply:", err)
		return 1
	}
	o := reply.Options{Registered: *registered, Languages: strings.Split(*languages, ",")}
	code := 0
	for _, file := range set.Args() {
		j, err := judgeFile(file, sent, o, *keyDir)
		if err != nil {
			fmt.Fprintln(stderr, "confermo reply:", err)
			code = 1
			continue
		}
		print(stdout, j, *asJSON)
	}
	return code
}

func judgeFile(file string, sent reply.Sent, o reply.Options, keyDir string) (Judged, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Judged{}, err
	}
	keys, err := readKeys(keyDir, auth.Selectors(raw))
	if err != nil {
		return Judged{}, err
	}
	v := reply.Classify(raw, []reply.Sent{sent}, o)
	level := auth.Grade(raw, auth.Input{Keys: keys, Registered: o.Registered, BindingHit: v.Sent >= 0})
	return Judged{
		File: file, Verdict: v.Verdict, Text: v.Text, Level: level.Level, Held: level.Level < heldBelow,
		Binding: append([]string{}, v.Binding...), Reasons: reasons(v.Reasons, level.Reasons),
	}, nil
}

// readKeys reads the key records of the names that are in the folder: one record a line, as collected. An absent file
// means that the record is not at hand.
func readKeys(dir string, names []string) (map[string][]string, error) {
	keys := map[string][]string{}
	if dir == "" {
		return keys, nil
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read key record: %w", err)
		}
		keys[name] = nil
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				keys[name] = append(keys[name], line)
			}
		}
	}
	return keys, nil
}

func print(w io.Writer, j Judged, asJSON bool) {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		_ = e.Encode(j) // a struct of strings encodes; a broken pipe ends the program anyway
		return
	}
	fmt.Fprintf(w, "%s: %s", j.File, j.Verdict)
	if len(j.Binding) > 0 {
		fmt.Fprintf(w, " (%s)", strings.Join(j.Binding, ", "))
	}
	fmt.Fprintf(w, ", level %d", j.Level)
	if j.Held {
		fmt.Fprint(w, ", held")
	}
	fmt.Fprintln(w)
	for _, r := range j.Reasons {
		fmt.Fprintln(w, "  "+r)
	}
}

func sorted(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
