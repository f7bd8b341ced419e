package seal_test

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"confermo/evidence/seal"
)

// openssl runs the program on files of dir; it is the foreign opinion here.
func openssl(t testing.TB, dir string, args ...string) bool {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is not installed: it is in the Debian package openssl")
	}
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("openssl %v: %s", args, out)
	return err == nil
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSSLAcceptsSignaturesAndTokens(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	put(t, dir, "ca.pem", w.pki.SealCAPEM())
	put(t, dir, "tsa.pem", w.pki.TSACAPEM())
	put(t, dir, "content", content)
	for _, s := range []seal.Signer{w.pki.Seal(), w.operator(t)} {
		put(t, dir, "out.p7s", w.sign(t, s, seal.CAdES, true))
		if !openssl(t, dir, "cms", "-verify", "-binary", "-inform", "DER", "-in", "out.p7s", "-content", "content",
			"-CAfile", "ca.pem", "-purpose", "any", "-cades", "-out", os.DevNull) {
			t.Error("openssl cms refuses the signature")
		}
	}
	put(t, dir, "out.tst", w.token(t, sha256.Sum256(content)))
	if !openssl(t, dir, "ts", "-verify", "-in", "out.tst", "-token_in", "-data", "content", "-CAfile", "tsa.pem") {
		t.Error("openssl ts refuses the token")
	}
}

func TestRequestsAndResponsesReadBack(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	put(t, dir, "content", content)
	if !openssl(t, dir, "ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "q.tsq") {
		t.Fatal("openssl makes no request")
	}
	query, err := os.ReadFile(filepath.Join(dir, "q.tsq"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.ParseRequest(query)
	if err != nil {
		t.Fatal(err)
	}
	if r.Imprint != sha256.Sum256(content) || !r.CertReq || r.Nonce == nil {
		t.Errorf("openssl's request reads as %+v", r)
	}
	token, err := w.pki.Stamp(r)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "r.tsr", seal.GrantedResponse(token))
	put(t, dir, "tsa.pem", w.pki.TSACAPEM())
	if !openssl(t, dir, "ts", "-verify", "-in", "r.tsr", "-queryfile", "q.tsq", "-CAfile", "tsa.pem") {
		t.Error("openssl ts refuses our answer to its request")
	}
	_, err = seal.ParseResponse(seal.RejectedResponse("non ora"))
	if err == nil || err.Error() != `time-stamping authority refused: status 2 "non ora"` {
		t.Errorf("refusal reads as %v", err)
	}
}
