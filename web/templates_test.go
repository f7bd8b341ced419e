package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/web/text"
)

var (
	literalKey = regexp.MustCompile(`\b(?:t|th|n) "([a-z0-9.-]+)"`)
	builtKey   = regexp.MustCompile(`\(print "([a-z]+\.)"`)
	keyLike    = regexp.MustCompile(`^[a-z]+(\.[a-z0-9-]+)+$`)
)

// TestCatalogueMatchesPages finds keys that a page uses and the catalogue lacks, and keys that nothing uses.
func TestCatalogueMatchesPages(t *testing.T) {
	used := map[string]bool{}
	var prefixes []string
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		body, err := fs.ReadFile(templates, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literalKey.FindAllStringSubmatch(string(body), -1) {
			used[m[1]] = true
		}
		for _, m := range builtKey.FindAllStringSubmatch(string(body), -1) {
			prefixes = append(prefixes, m[1])
		}
		for _, m := range regexp.MustCompile(`"([a-z]+\.[a-z0-9-]+)"`).FindAllStringSubmatch(string(body), -1) {
			if text.Has(m[1]) {
				used[m[1]] = true
			}
		}
	}
	literals := goLiterals(t)
	sections := map[string]bool{}
	for _, k := range text.Keys() {
		section, _, _ := strings.Cut(k, ".")
		sections[section] = true
	}
	for _, lit := range literals {
		section, _, _ := strings.Cut(lit, ".")
		switch {
		case strings.HasSuffix(lit, ".") && sections[strings.TrimSuffix(lit, ".")]:
			prefixes = append(prefixes, lit)
		case keyLike.MatchString(lit) && sections[section] && !strings.HasSuffix(lit, ".html") && !strings.HasSuffix(lit, ".js"):
			used[lit] = true
		}
	}
	for k := range used {
		if !text.Has(k) && !text.Has(k+".one") {
			t.Errorf("the pages say %q, which the catalogue lacks", k)
		}
	}
	for _, k := range text.Keys() {
		base := strings.TrimSuffix(strings.TrimSuffix(k, ".one"), ".other")
		if !used[k] && !used[base] && !hasPrefix(k, prefixes) {
			t.Errorf("nothing says %q", k)
		}
	}
}

func hasPrefix(k string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(k, p) {
			return true
		}
	}
	return false
}

// goLiterals are the string literals of the package, without tests.
func goLiterals(t *testing.T) []string {
	t.Helper()
	var all []string
	set := token.NewFileSet()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					all = append(all, s)
				}
			}
			return true
		})
	}
	return all
}

// TestBuiltKeysExist covers the keys that are put together from the record's own words.
func TestBuiltKeysExist(t *testing.T) {
	var keys []string
	for _, s := range evidence.States() {
		v, ok := states[s]
		if !ok {
			t.Errorf("state %s has no badge", s)
		}
		keys = append(keys, v.Label, "turn."+v.Turn)
	}
	for _, c := range []string{
		evidence.CauseService, evidence.CauseBreak, evidence.CausePersonLeft, evidence.CauseOperatorLeft,
		evidence.CausePersonNetwork, evidence.CauseOperatorNetwork, evidence.CauseSilence,
	} {
		keys = append(keys, "cause."+c)
	}
	for _, c := range audit.Claims() {
		keys = append(keys, "claim."+c, "says."+c)
	}
	for _, v := range []audit.Verdict{audit.Proved, audit.Word, audit.Unproved, audit.Contradicted} {
		keys = append(keys, proofs[v].Label, "tally."+string(v)+".one")
	}
	for _, v := range []string{
		evidence.VerdictConfirmed, evidence.VerdictRefused, evidence.VerdictDisputed, evidence.VerdictAutomatic,
		evidence.VerdictBounced, evidence.VerdictUnmatched,
	} {
		keys = append(keys, "verdict."+v)
	}
	for _, b := range []string{"address", "references", "code"} {
		keys = append(keys, "bind."+b)
	}
	for _, c := range checkNames {
		keys = append(keys, "identity."+c)
	}
	for _, s := range sides {
		keys = append(keys, s.label, "docs."+s.document)
	}
	for _, k := range append(keys, "plan.first", "plan.continuation", "identity.match", "identity.mismatch", "event.match", "event.mismatch") {
		if !text.Has(k) {
			t.Errorf("the catalogue lacks %q", k)
		}
	}
}
