package audit

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// Trust is whom the auditor believes. It never comes from a bundle. What is absent makes claims unproved.
type Trust struct {
	Log       []note.Verifier     // of the log, C2SP signed-note keys
	Witnesses []note.Verifier     // of its witnesses, cosignature/v1
	Rules     []note.Verifier     // of the managing authorities that sign rule packs
	SealRoots *x509.CertPool      // roots of seals and operators' certificates; nil trusts nobody
	TSARoots  *x509.CertPool      // roots of time-stamping authorities; nil trusts nobody
	DKIM      map[string][]string // key records by "selector._domainkey.domain", collected by the auditor or a third party
	Policy    Policy              // what the auditor demands beyond that

	Early time.Duration // how much a time stamp may lie before what it covers; 0 = 2 s
	Late  time.Duration // how much after; 0 = 120 s
}

// maxTrustFile bounds one file of a trust folder.
const maxTrustFile = 1 << 20

// LoadTrust reads a trust folder: log.vkey, witness-*.vkey, rules-*.vkey (one key a line), seal-ca.pem, tsa-ca.pem, policy.json (see Policy), and
// dkim/selector._domainkey.domain.txt with the records of that name, one a line. Every file may be absent. A file that is
// there and does not parse is an error, and so is one of another name, which is likely a slip.
func LoadTrust(fsys fs.FS) (Trust, error) {
	t := Trust{DKIM: map[string][]string{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxTrustFile {
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, info.Size(), maxTrustFile)
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if err := t.add(name, data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return Trust{}, fmt.Errorf("load trust: %w", err)
	}
	names := map[string]bool{}
	for _, w := range t.Witnesses {
		names[w.Name()] = true
	}
	if k := t.Policy.Witnesses; k > len(names) {
		return Trust{}, fmt.Errorf("load trust: policy.json asks for %d witnesses and the folder names %d", k, len(names))
	}
	return t, nil
}

func (t *Trust) add(name string, data []byte) error {
	like := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
	switch {
	case name == "log.vkey":
		return keys(&t.Log, data, note.NewVerifier)
	case like("witness-*.vkey"):
		return keys(&t.Witnesses, data, fnote.NewVerifierForCosignatureV1)
	case like("rules-*.vkey"):
		return keys(&t.Rules, data, note.NewVerifier)
	case name == "seal-ca.pem":
		return certificates(&t.SealRoots, data)
	case name == "tsa-ca.pem":
		return certificates(&t.TSARoots, data)
	case like("dkim/*._domainkey.*.txt"):
		record := strings.ToLower(strings.TrimSuffix(path.Base(name), ".txt"))
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" {
				t.DKIM[record] = append(t.DKIM[record], line)
			}
		}
		return nil
	case name == "policy.json":
		p, err := parsePolicy(data)
		t.Policy = p
		return err
	case like("README*") || like(".*"):
		return nil
	}
	return errors.New("a trust folder has no file of this name")
}

func keys(list *[]note.Verifier, data []byte, parse func(string) (note.Verifier, error)) error {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		v, err := parse(line)
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if !known(*list, v.Name(), v.KeyHash()) {
			*list = append(*list, v)
		}
	}
	if len(*list) == 0 {
		return errors.New("read key: the file is empty")
	}
	return nil
}

func known(list []note.Verifier, name string, hash uint32) bool {
	for _, v := range list {
		if v.Name() == name && v.KeyHash() == hash {
			return true
		}
	}
	return false
}

func certificates(pool **x509.CertPool, data []byte) error {
	*pool = x509.NewCertPool()
	if !(*pool).AppendCertsFromPEM(data) {
		return errors.New("the file holds no certificate")
	}
	return nil
}

func (t Trust) early() time.Duration {
	if t.Early > 0 {
		return t.Early
	}
	return 2 * time.Second
}

func (t Trust) late() time.Duration {
	if t.Late > 0 {
		return t.Late
	}
	return 2 * time.Minute
}
