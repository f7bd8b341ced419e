package audit_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"confermo/evidence/audit/audittest"
)

// Other programs must come to the same conclusion: openssl about the container's signature and token (TRUST.md section 5).
func TestOpensslAcceptsContainerAndRefusesAltered(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is missing: install the package openssl")
	}
	s, dir := audittest.Tell(audittest.Script{}), t.TempDir()
	data := s.Seal(s.Content())
	lay := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parts := map[string]string{}
	for _, e := range entries(data) {
		if name, ok := strings.CutPrefix(e.name, "META-INF/"); ok {
			parts[name] = lay(name, data[e.start:e.end])
			parts["altered "+name] = lay("altered-"+name, bytes.Replace(data[e.start:e.end], []byte("README.txt"), []byte("README.tyt"), 1))
		}
	}
	ca, tsa := lay("ca.pem", s.Trust()["seal-ca.pem"].Data), lay("tsa.pem", s.Trust()["tsa-ca.pem"].Data)
	cms := func(content string) error {
		return run(t, openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", parts["signature001.p7s"], "-content", content,
			"-CAfile", ca, "-purpose", "any", "-cades", "-attime", attime, "-out", os.DevNull)
	}
	ts := func(content string) error {
		return run(t, openssl, "ts", "-verify", "-in", parts["timestamp001.tst"], "-token_in", "-data", content, "-CAfile", tsa, "-attime", attime)
	}
	if err := cms(parts["ASiCManifest001.xml"]); err != nil {
		t.Errorf("cms refuses the good one: %v", err)
	}
	if err := ts(parts["ASiCManifest002.xml"]); err != nil {
		t.Errorf("ts refuses the good one: %v", err)
	}
	if cms(parts["altered ASiCManifest001.xml"]) == nil || ts(parts["altered ASiCManifest002.xml"]) == nil {
		t.Error("openssl accepts an altered manifest")
	}
}

// attime is the story's evening.
const attime = "1584396000"

func run(t *testing.T, name string, args ...string) error {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Logf("%s: %s", strings.Join(args[:2], " "), out)
	}
	return err
}

// unzip and Debian's file must know the archive for what it is.
func TestOrdinaryToolsReadTheArchive(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	path := filepath.Join(t.TempDir(), "bundle.asice")
	if err := os.WriteFile(path, s.Seal(s.Content()), 0o600); err != nil {
		t.Fatal(err)
	}
	for tool, args := range map[string][]string{"unzip": {"-tqq", path}, "zipinfo": {"-1", path}} {
		if bin, err := exec.LookPath(tool); err == nil {
			if err := run(t, bin, args...); err != nil {
				t.Errorf("%s: %v", tool, err)
			}
		}
	}
}
