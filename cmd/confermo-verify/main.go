// Confermo-verify checks an evidence bundle on a laptop without a network.
//
//	confermo-verify [-trust DIR] [-json] [-at RFC3339] BUNDLE.asice
//
// It prints one line for each claim. The exit code is 0 when every claim is at its ceiling, 1 when something is
// contradicted, 2 otherwise: what is not proved, a missing file, wrong flags. Whom to believe comes from the folder
// after -trust and never from the bundle; package audit's LoadTrust lists its files. Without -json the language is that
// of the environment (LC_ALL, LC_MESSAGES, LANG), Italian by default.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"confermo/evidence/audit"
)

// Exit codes.
const (
	exitSound        = 0
	exitContradicted = 1
	exitOther        = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

func run(args []string, stdout, stderr io.Writer, env func(string) string) int {
	flags := flag.NewFlagSet("confermo-verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: confermo-verify [-trust DIR] [-json] [-at RFC3339] BUNDLE.asice")
		flags.PrintDefaults()
	}
	dir := flags.String("trust", "", "folder of keys, certificates and DKIM records to believe")
	asJSON := flags.Bool("json", false, "print the report as JSON")
	when := flags.String("at", "", "time at which certificates must be valid (RFC 3339, default now)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitSound
		}
		return exitOther
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return exitOther
	}
	report, err := verify(flags.Arg(0), *dir, *when)
	if err != nil {
		fmt.Fprintln(stderr, "confermo-verify:", err)
		return exitOther
	}
	if err := show(stdout, report, *asJSON, language(env)); err != nil {
		fmt.Fprintln(stderr, "confermo-verify:", err)
		return exitOther
	}
	switch report.Verdict {
	case audit.Sound:
		return exitSound
	case string(audit.Contradicted):
		return exitContradicted
	}
	return exitOther
}

func verify(name, dir, when string) (audit.Report, error) {
	at := time.Now()
	if when != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, when); err != nil {
			return audit.Report{}, fmt.Errorf("read -at: %w", err)
		}
	}
	var trust audit.Trust
	if dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return audit.Report{}, fmt.Errorf("load trust: %q is not a folder", dir)
		}
		var err error
		if trust, err = audit.LoadTrust(os.DirFS(dir)); err != nil {
			return audit.Report{}, err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return audit.Report{}, fmt.Errorf("open bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, audit.MaxBundle+1))
	if err != nil {
		return audit.Report{}, fmt.Errorf("read bundle: %w", err)
	}
	report := audit.Verify(data, trust, at)
	report.Bundle = name
	return report, nil
}

func show(w io.Writer, r audit.Report, asJSON bool, lang string) error {
	if !asJSON {
		_, err := io.WriteString(w, r.Text(lang))
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func language(env func(string) string) string {
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(key); len(v) >= 2 {
			for _, lang := range audit.Languages() {
				if v[:2] == lang {
					return lang
				}
			}
			break
		}
	}
	return "it"
}
