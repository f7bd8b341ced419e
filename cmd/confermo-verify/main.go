// Confermo-verify checks an evidence bundle, or the receipt a person keeps, on a laptop without a network.
//
//	confermo-verify [-trust DIR] [-json] [-at RFC3339] [-lang it|de|fr|en] [-html FILE] [-receipt RECEIPT.json] BUNDLE.asice
//	confermo-verify [-trust DIR] [-json] [-lang it|de|fr|en] [-html FILE] RECEIPT.json
//
// It prints one line for each claim. With -html it also writes the report as one page that needs nothing else. With -receipt
// it also says whether the bundle's record is the one that the receipt saw. The exit code is 0 when every claim is at its ceiling, 1 when something is
// contradicted, 2 otherwise: what is not proved, a missing file, wrong flags. Whom to believe comes from the folder
// after -trust and never from the bundle; package audit's LoadTrust lists its files. Without -lang the language is that
// of the environment (LC_ALL, LC_MESSAGES, LANG), Italian by default; JSON is Italian.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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

// order is what the flags ask for.
type order struct {
	file, trust, receipt, html, lang string
	at                               time.Time
	json                             bool
}

func run(args []string, stdout, stderr io.Writer, env func(string) string) int {
	o, err := parse(args, stderr, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitSound
	case errors.Is(err, errUsage):
		return exitOther
	}
	var report audit.Report
	if err == nil {
		report, err = verify(o)
	}
	if err == nil && o.html != "" {
		err = writePage(o, report)
	}
	if err == nil {
		err = show(stdout, report, o.json, o.lang)
	}
	if err != nil {
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

// errUsage is said already.
var errUsage = errors.New("wrong use")

func parse(args []string, stderr io.Writer, env func(string) string) (order, error) {
	o := order{at: time.Now()}
	flags := flag.NewFlagSet("confermo-verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: confermo-verify [-trust DIR] [-json] [-at RFC3339] [-lang LANG] [-html FILE] [-receipt RECEIPT.json] BUNDLE.asice")
		fmt.Fprintln(stderr, "       confermo-verify [-trust DIR] [-json] [-lang LANG] [-html FILE] RECEIPT.json")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.trust, "trust", "", "folder of keys, certificates, DKIM records and policy.json to believe")
	flags.BoolVar(&o.json, "json", false, "print the report as JSON")
	flags.StringVar(&o.receipt, "receipt", "", "receipt that the bundle's record must agree with")
	flags.StringVar(&o.html, "html", "", "file to write the report to as a page")
	flags.StringVar(&o.lang, "lang", "", "language of the report: it, de, fr, en (default that of the environment)")
	when := flags.String("at", "", "time at which certificates must be valid (RFC 3339, default now)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, errUsage
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return o, errUsage
	}
	o.file = flags.Arg(0)
	switch {
	case o.lang == "":
		o.lang = language(env)
	case !slices.Contains(audit.Languages(), o.lang):
		return o, fmt.Errorf("read -lang: %q is none of %s", o.lang, strings.Join(audit.Languages(), ", "))
	}
	if *when != "" {
		at, err := time.Parse(time.RFC3339, *when)
		if err != nil {
			return o, fmt.Errorf("read -at: %w", err)
		}
		o.at = at
	}
	return o, nil
}

func verify(o order) (audit.Report, error) {
	var trust audit.Trust
	if o.trust != "" {
		if info, err := os.Stat(o.trust); err != nil || !info.IsDir() {
			return audit.Report{}, fmt.Errorf("load trust: %q is not a folder", o.trust)
		}
		var err error
		if trust, err = audit.LoadTrust(os.DirFS(o.trust)); err != nil {
			return audit.Report{}, err
		}
	}
	data, err := read(o.file, "bundle", audit.MaxBundle)
	if err != nil {
		return audit.Report{}, err
	}
	var report audit.Report
	switch {
	case o.receipt != "":
		receipt, err := read(o.receipt, "receipt", audit.MaxReceipt)
		if err != nil {
			return audit.Report{}, err
		}
		report = audit.VerifyWithReceipt(data, receipt, trust, o.at)
	case audit.LooksLikeReceipt(data):
		report = audit.VerifyReceipt(data, trust)
	default:
		report = audit.Verify(data, trust, o.at)
	}
	report.Bundle = o.file
	return report, nil
}

// read reads a file up to one byte more than is allowed, which the audit refuses.
func read(name, what string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return data, nil
}

func writePage(o order, r audit.Report) error {
	page, err := r.HTML(o.lang, o.at)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.html, page, 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
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
