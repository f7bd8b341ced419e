package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The import policy of the house. Do not loosen it to fix a build: a package that needs more is in the wrong place.
// Each line is a package (of confermo) and what of ours it may import; "x/*" is x and all below it.
const policy = `
evidence:
evidence/wording: evidence
evidence/tree: evidence
evidence/rules: evidence evidence/tree
evidence/store:
evidence/durable:
evidence/store/postgrestest:
evidence/journal: evidence evidence/durable evidence/tree evidence/store
evidence/vault: evidence evidence/durable
evidence/seal:
evidence/anchor: evidence evidence/durable evidence/tree evidence/seal evidence/journal
evidence/anchor/testpki: evidence/durable evidence/seal
evidence/bundle: evidence evidence/tree evidence/seal evidence/wording
evidence/audit: evidence evidence/tree evidence/rules evidence/seal evidence/bundle evidence/wording pdf/layout pdf/pades mailbox/reply mailbox/auth
evidence/audit/audittest: *
rtc/presence: evidence
rtc/sfu: rtc/presence
rtc/peer:
rtc: evidence evidence/journal evidence/vault rtc/presence rtc/sfu
mailbox/reply: evidence evidence/wording
mailbox/auth: evidence evidence/seal
mailbox/smtp:
mailbox/imap:
mailbox/local: evidence/durable
mailbox: evidence evidence/journal evidence/vault evidence/wording mailbox/reply mailbox/auth mailbox/smtp mailbox/imap
pdf/layout: evidence evidence/wording
pdf/pades: evidence/seal
pdf: evidence evidence/journal evidence/vault evidence/seal evidence/anchor pdf/layout pdf/pades
web/access: evidence evidence/journal evidence/store
web/text:
web/assets:
web: evidence/* rtc web/*
cmd/confermo: *
cmd/confermo-verify: evidence/audit
`

// pure packages read no clock; offline ones reach no network, process or database.
var (
	pure = strings.Fields(`evidence evidence/wording evidence/tree evidence/rules evidence/seal evidence/bundle evidence/audit
		rtc/presence mailbox/reply mailbox/auth pdf/layout pdf/pades`)
	offline     = strings.Fields("evidence evidence/audit evidence/bundle mailbox/reply mailbox/auth pdf/layout pdf/pades rtc/presence cmd/confermo-verify")
	unreachable = []string{"net/http", "os/exec", "database/sql"}
	pionHomes   = []string{"rtc/sfu", "rtc/peer", "rtc/turn"}
)

type listed struct {
	ImportPath, Dir           string
	GoFiles                   []string
	Imports, Deps             []string
	TestImports, XTestImports []string
}

func packages(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "confermo/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, "confermo/")] = p
	}
}

func TestImportsFollowTheTable(t *testing.T) {
	allowed := map[string][]string{}
	for line := range strings.Lines(policy) {
		if name, list, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			allowed[name] = strings.Fields(list)
		}
	}
	for name, p := range packages(t) {
		list, known := allowed[name]
		if !known {
			t.Errorf("%s is not in the table", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "confermo/")
			if isOurs && !permits(list, ours) {
				t.Errorf("%s may not import %s", name, ours)
			}
			if strings.HasPrefix(imported, "github.com/pion/") && !slices.Contains(pionHomes, name) {
				t.Errorf("%s imports %s: pion stays in %v", name, imported, pionHomes)
			}
		}
	}
}

func permits(list []string, name string) bool {
	for _, rule := range list {
		folder, below := strings.CutSuffix(rule, "/*")
		if rule == "*" || rule == name || below && (name == folder || strings.HasPrefix(name, folder+"/")) {
			return true
		}
	}
	return false
}

func TestOfflinePackagesReachNoNetwork(t *testing.T) {
	all := packages(t)
	for _, name := range offline {
		for _, far := range unreachable {
			if slices.Contains(all[name].Deps, far) {
				t.Errorf("%s reaches %s", name, far)
			}
		}
	}
}
