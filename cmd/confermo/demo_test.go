package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"confermo/pdf/pades"
)

// programs builds both binaries as `make build` does.
func programs(t *testing.T) (confermo, verify string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"confermo", "confermo-verify"} {
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), "confermo/cmd/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return filepath.Join(dir, "confermo"), filepath.Join(dir, "confermo-verify")
}

// tool runs a foreign program and gives what it printed; a missing one names its Debian package.
func tool(t *testing.T, debian, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing: install the Debian package %s", name, debian)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

func must(t *testing.T, debian, name string, args ...string) string {
	t.Helper()
	out, err := tool(t, debian, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// The demo leaves what a stranger can verify with tools that share no code with us, and a second run repeats nothing.
func TestDemoLeavesWhatStrangersVerify(t *testing.T) {
	t.Parallel()
	confermo, verify := programs(t)
	data, out := t.TempDir(), t.TempDir()
	must(t, "", confermo, "demo", "-data", data, "-out", out, "-exit")
	for _, name := range []string{"bundle.asice", "timesheet.pdf", "summary.eml", "reply.eml", "receipt.json", "report.json", "trust/log.vkey"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("the demo left no %s", name)
		}
	}
	trust := filepath.Join(out, "trust")
	t.Run("confermo-verify", func(t *testing.T) { verifiesAtItsCeiling(t, verify, trust, filepath.Join(out, "bundle.asice")) })
	t.Run("openssl", func(t *testing.T) { opensslAgrees(t, out) })
	t.Run("pdf tools", func(t *testing.T) { pdfToolsAgree(t, out) })
	t.Run("no socket", func(t *testing.T) {
		log := filepath.Join(t.TempDir(), "strace")
		must(t, "strace", "strace", "-f", "-e", "trace=%network", "-o", log, verify, "-trust", trust, filepath.Join(out, "bundle.asice"))
		if b, err := os.ReadFile(log); err != nil || strings.Contains(string(b), "socket(") {
			t.Errorf("confermo-verify opened a socket: %s %v", b, err)
		}
	})
	t.Run("flipped bits", func(t *testing.T) { flippedBitsAreNamed(t, verify, trust, filepath.Join(out, "bundle.asice")) })
	t.Run("classify again", func(t *testing.T) {
		said := must(t, "", confermo, "reply", "-sent", filepath.Join(out, "summary.eml"), "-registered", demoPerson,
			"-keys", filepath.Join(trust, "dkim"), "-json", filepath.Join(out, "reply.eml"))
		if !strings.Contains(said, `"verdict":"confirmed"`) || !strings.Contains(said, `"level":2`) || !strings.Contains(said, `"held":false`) {
			t.Errorf("confermo reply says %s", said)
		}
	})
	t.Run("second run", func(t *testing.T) {
		before := mailsIn(t, data)
		again := t.TempDir()
		said := must(t, "", confermo, "demo", "-data", data, "-out", again, "-exit")
		if strings.Contains(said, "scheduled by the operator") || mailsIn(t, data)-before > 2 {
			t.Errorf("the second run repeated something (%d mails more):\n%s", mailsIn(t, data)-before, said)
		}
		verifiesAtItsCeiling(t, verify, trust, filepath.Join(again, "bundle.asice"))
	})
}

// mailsIn counts delivered mails; sign-in codes of a run are among them.
func mailsIn(t *testing.T, data string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "mail", "*", "*.eml"))
	check(t, err)
	n := 0
	for _, f := range files {
		if !strings.Contains(f, demoOperator) && !strings.Contains(f, demoAuditor) {
			n++
		}
	}
	return n
}

func verifiesAtItsCeiling(t *testing.T, verify, trust, bundle string) {
	t.Helper()
	said := must(t, "", verify, "-trust", trust, "-json", bundle)
	var report struct {
		Verdict  string
		Attested int `json:"attested_seconds"`
		Claims   []struct{ Claim, Verdict string }
	}
	check(t, json.Unmarshal([]byte(said), &report))
	if report.Verdict != "sound" || report.Attested < 20 || len(report.Claims) != 10 {
		t.Errorf("verdict %s, %d s attested, %d claims", report.Verdict, report.Attested, len(report.Claims))
	}
	for _, c := range report.Claims {
		want := "proved"
		if c.Claim == "identity" || c.Claim == "content" {
			want = "word"
		}
		if c.Verdict != want {
			t.Errorf("%s is %s, want %s", c.Claim, c.Verdict, want)
		}
	}
}

// opensslAgrees checks signature and stamp of the bundle with OpenSSL alone.
func opensslAgrees(t *testing.T, out string) {
	t.Helper()
	dir := t.TempDir()
	z, err := zip.OpenReader(filepath.Join(out, "bundle.asice"))
	check(t, err)
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "META-INF/") {
			continue
		}
		r, err := f.Open()
		check(t, err)
		b, err := io.ReadAll(r)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), b, 0o600))
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "openssl", "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", at("signature001.p7s"),
		"-content", at("ASiCManifest001.xml"), "-CAfile", filepath.Join(out, "trust", "seal-ca.pem"), "-purpose", "any", "-cades", "-out", "/dev/null")
	must(t, "openssl", "openssl", "ts", "-verify", "-in", at("timestamp001.tst"), "-token_in", "-data", at("ASiCManifest002.xml"),
		"-CAfile", filepath.Join(out, "trust", "tsa-ca.pem"))
}

// pdfToolsAgree checks the signed timesheet with poppler, MuPDF and qpdf. The first two exit 0 whatever they find.
func pdfToolsAgree(t *testing.T, out string) {
	t.Helper()
	pdf := filepath.Join(out, "timesheet.pdf")
	nss := "sql:" + t.TempDir()
	must(t, "libnss3-tools", "certutil", "-N", "-d", nss, "--empty-password")
	must(t, "libnss3-tools", "certutil", "-A", "-d", nss, "-n", "ca", "-t", "CT,C,C", "-i", filepath.Join(out, "trust", "seal-ca.pem"))
	said := must(t, "poppler-utils", "pdfsig", "-nssdir", nss, pdf)
	for _, sentence := range []string{"Signature is Valid", "Certificate is Trusted", "Total document signed"} {
		if !strings.Contains(said, sentence) || strings.Contains(said, "Not total document") {
			t.Errorf("pdfsig does not say %q:\n%s", sentence, said)
		}
	}
	if said := must(t, "mupdf-tools", "mutool", "sign", "-v", pdf); !strings.Contains(said, "unchanged since signing") {
		t.Errorf("mutool says %s", said)
	}
	must(t, "qpdf", "qpdf", "--check", pdf)
	b, err := os.ReadFile(pdf)
	check(t, err)
	if revisions, err := pades.Revisions(b); err != nil || len(revisions) < 2 {
		t.Errorf("revisions %v: %v", revisions, err)
	}
}

// flippedBitsAreNamed asks the program itself about a few flips; package audit's tests go through all of them.
func flippedBitsAreNamed(t *testing.T, verify, trust, bundle string) {
	t.Helper()
	good, err := os.ReadFile(bundle)
	check(t, err)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 12 {
		bad := bytes.Clone(good)
		at, bit := random.IntN(len(bad)), random.IntN(8)
		bad[at] ^= 1 << bit
		path := filepath.Join(t.TempDir(), "bad.asice")
		check(t, os.WriteFile(path, bad, 0o600))
		said, err := tool(t, "", verify, "-trust", trust, "-json", path)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(said, `"contradicted"`) {
			t.Errorf("bit %d of byte %d flipped: %v\n%s", bit, at, err, said)
		}
	}
}

func TestDemoNamesATakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	err = demoCommand(context.Background(), []string{"-data", t.TempDir(), "-listen", l.Addr().String(), "-exit"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("a taken port gives %v, want an error naming %s", err, port)
	}
}

// A demo killed anywhere is told to its end by the next run, and its record is whole: one interview, one summary.
func TestDemoKilledAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("CONFERMO_SOAK") != "" {
		rounds = 20
	}
	confermo, verify := programs(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		data, out := t.TempDir(), t.TempDir()
		first := exec.Command(confermo, "demo", "-data", data, "-exit")
		check(t, first.Start())
		after := time.Duration(500+random.IntN(36_000)) * time.Millisecond
		kill := time.AfterFunc(after, func() { _ = first.Process.Signal(syscall.SIGKILL) })
		_ = first.Wait()
		kill.Stop()
		said := must(t, "", confermo, "demo", "-data", data, "-out", out, "-exit")
		t.Logf("killed after %s; then:\n%s", after, said)
		verifiesAtItsCeiling(t, verify, filepath.Join(out, "trust"), filepath.Join(out, "bundle.asice"))
	}
}
