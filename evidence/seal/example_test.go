package seal_test

import (
	"fmt"
	"os"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
)

// A manifest is sealed and checked the way a bundle does it.
func Example() {
	dir, err := os.MkdirTemp("", "seal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	now := time.Now()
	pki, err := testpki.Open(dir, now)
	if err != nil {
		panic(err)
	}
	manifest := []byte("<ASiCManifest/>")
	cms, err := pki.Seal().Sign(seal.SignOptions{Profile: seal.CAdES, SigningTime: now}, manifest)
	if err != nil {
		panic(err)
	}
	roots, _ := pki.Roots()
	o := seal.Options{Profile: seal.CAdES, Roots: roots, At: now}
	report, err := seal.VerifyCMS(cms, manifest, o)
	fmt.Println(report.Level(), report.Signer.Subject.CommonName, err)
	_, err = seal.VerifyCMS(cms, []byte("<ASiCManifest />"), o)
	fmt.Println(err)
	// Output:
	// B-B Confermo – certificato di prova <nil>
	// rule digest: message-digest is not that of the content
}
