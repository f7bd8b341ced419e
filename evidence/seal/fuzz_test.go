package seal_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"confermo/evidence/seal"
)

func FuzzCMS(f *testing.F) {
	w := newWorld(f)
	good := w.sign(f, w.operator(f), seal.CAdES, true)
	f.Add(good)
	f.Add(w.sign(f, w.pki.Seal(), seal.PAdES, false))
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	o := w.options(seal.CAdES)
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, err := seal.VerifyCMS(der, content, o); err == nil && !bytes.Equal(der, good) {
			t.Error("other bytes verify")
		}
		if value, err := seal.SignatureValue(der); err == nil && len(value) > len(der) {
			t.Error("signature value longer than its container")
		}
		if _, err := seal.AddTimestamp(der, der); err == nil && len(der) == 0 {
			t.Error("nothing was stamped")
		}
	})
}

func FuzzToken(f *testing.F) {
	w := newWorld(f)
	imprint := sha256.Sum256(content)
	good := w.token(f, imprint)
	f.Add(good)
	f.Add(seal.GrantedResponse(good))
	f.Add(seal.RejectedResponse("no"))
	f.Add(seal.NewRequest(imprint, nil, true))
	f.Fuzz(func(t *testing.T, der []byte) {
		token := der
		if inner, err := seal.ParseResponse(der); err == nil {
			token = inner
		}
		if _, err := seal.VerifyToken(token, imprint[:], w.tsa, time.Time{}); err == nil && !bytes.Equal(token, good) {
			t.Error("other bytes verify")
		}
		if clean, err := seal.CleanToken(token, w.tsa); err == nil {
			if again, err := seal.CleanToken(clean, w.tsa); err != nil || !bytes.Equal(again, clean) {
				t.Error("a clean token is not clean")
			}
		}
		if r, err := seal.ParseRequest(der); err == nil {
			if back, err := seal.ParseRequest(r.DER()); err != nil || back.Imprint != r.Imprint {
				t.Error("a request does not read back")
			}
		}
	})
}
