package bundle

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"confermo/evidence/seal"
)

// Write seals c as a bundle: the CAdES signature by s, claimed at the time at, with a signature time stamp, and the token over
// everything. stamp asks a time-stamping authority for a token over a SHA-256 digest; without one (nil) the signature is
// B-B and the second manifest and its token are left out. Everything but the signatures follows from c alone.
func Write(w io.Writer, c Content, s seal.Signer, at time.Time, stamp func([32]byte) ([]byte, error)) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	files, err := c.members()
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	meta, err := sealFiles(files, s, at, stamp)
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	out := encodeZip(append(meta, files...))
	// Nothing leaves that the reader would refuse: limits, names and the forms of the record are its checks.
	if _, err := read(out); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// sealFiles makes mimetype and META-INF.
func sealFiles(files []member, s seal.Signer, at time.Time, stamp func([32]byte) ([]byte, error)) ([]member, error) {
	first := member{nameManifest, manifestOf(nameSignature, typeSignature, files).encode()}
	cms, err := s.Sign(seal.SignOptions{Profile: seal.CAdES, SigningTime: at}, first.data)
	if err != nil {
		return nil, err
	}
	mime := member{nameMimetype, []byte(mimetype)}
	if stamp == nil {
		return []member{mime, first, {nameSignature, cms}}, nil
	}
	value, err := seal.SignatureValue(cms)
	if err != nil {
		return nil, err
	}
	token, err := stamp(sha256.Sum256(value))
	if err != nil {
		return nil, fmt.Errorf("stamp the signature: %w", err)
	}
	if cms, err = seal.AddTimestamp(cms, token); err != nil {
		return nil, err
	}
	sig := member{nameSignature, cms}
	second := member{nameManifest2, manifestOf(nameToken, typeToken, covered(first, sig, files)).encode()}
	token, err = stamp(sha256.Sum256(second.data))
	if err != nil {
		return nil, fmt.Errorf("stamp the bundle: %w", err)
	}
	return []member{mime, first, second, sig, {nameToken, token}}, nil
}

// covered are the members of the second manifest.
func covered(first, sig member, files []member) []member {
	return append([]member{first, sig}, files...)
}

func manifestOf(uri, kind string, files []member) manifest {
	m := manifest{uri: uri, kind: kind}
	for _, f := range files {
		m.refs = append(m.refs, refer(f))
	}
	return m
}
