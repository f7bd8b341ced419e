package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence/anchor"
	"confermo/evidence/anchor/testpki"
	"confermo/evidence/durable"
	"confermo/evidence/rules"
)

// authority is what a real installation has outside its house, run inside for demonstrations and tests: a certificate
// and time-stamping authority, a witness, and a region that signs rule packs. Each has its own keys and folder, and is
// asked over HTTP on loopback like the real ones.
type authority struct {
	pki     *testpki.PKI
	witness *anchor.WitnessServer
	rules   string // signer key of the region
	server  *http.Server
	base    string
	dir     string
}

// openAuthority opens the folder and serves /tsa and /witness on a loopback port until close.
func openAuthority(dir, logKey string) (*authority, error) {
	pki, err := testpki.Open(filepath.Join(dir, "pki"), time.Now())
	if err != nil {
		return nil, err
	}
	witness, err := anchor.NewWitnessServer(filepath.Join(dir, "witness"), "testimone.example", logKey)
	if err != nil {
		return nil, err
	}
	region, err := secretFile(filepath.Join(dir, "region", "rules.key"), noteKey("regione.example"))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for test authorities: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/tsa", pki.TSA())
	mux.Handle("/witness/", http.StripPrefix("/witness", witness))
	a := &authority{
		pki: pki, witness: witness, rules: region, dir: dir, base: "http://" + l.Addr().String(),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second},
	}
	go func() { _ = a.server.Serve(l) }() // ended by close
	return a, nil
}

func (a *authority) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return a.server.Shutdown(ctx)
}

// pack gives the region's signed test pack and the key to check it with. It is signed once: its digest is what
// interviews name.
func (a *authority) pack() (signed []byte, vkey string, err error) {
	if vkey, err = verifierOf(a.rules); err != nil {
		return nil, "", err
	}
	path := filepath.Join(a.dir, "region", "rulepack.json")
	signed, err = os.ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return signed, vkey, err
	}
	signer, err := note.NewSigner(a.rules)
	if err != nil {
		return nil, "", fmt.Errorf("read key of the region: %w", err)
	}
	if signed, err = rules.Sign(rules.TestPack(), signer); err != nil {
		return nil, "", err
	}
	return signed, vkey, durable.WriteFile(path, signed)
}
