package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// trustFiles are what an auditor of this installation must be given by hand, by name in the folder for -trust.
type trustFiles map[string][]byte

// dkimFiles adds key records as somebody else collected them, by "selector._domainkey.domain".
func (t trustFiles) dkim(records map[string][]string) {
	for name, values := range records {
		t["dkim/"+name+".txt"] = []byte(strings.Join(values, "\n") + "\n")
	}
}

// write lays the files under dir.
func (t trustFiles) write(dir string) error {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write trust: %w", err)
		}
		if err := os.WriteFile(path, t[name], 0o644); err != nil {
			return fmt.Errorf("write trust: %w", err)
		}
	}
	return nil
}
