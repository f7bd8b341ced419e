package access_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/web/access"
)

const (
	mail     = "ilaria@ponte.example"
	password = "una parola segreta"
)

type house struct {
	*access.Access
	t   *testing.T
	j   *journal.Journal
	db  *store.DB
	ctx context.Context
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx, folder := context.Background(), t.TempDir()
	blobs, err := vault.Dir(filepath.Join(folder, "blobs"))
	ok(t, err)
	keep, err := vault.Open(ctx, blobs, filepath.Join(folder, "vault.key"))
	ok(t, err)
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "confermo.db"))
	ok(t, err)
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	ok(t, err)
	j, err := journal.Open(ctx, db, keep, journal.Config{Node: "n1", LogKey: key, Erased: vault.ErrErased})
	ok(t, err)
	t.Cleanup(func() { j.Close(); _ = db.Close() })
	a, err := access.Open(ctx, j, db)
	ok(t, err)
	_, err = a.Add(ctx, access.Opening{ID: "op", Role: access.RoleOperator, Agency: "ponte", Name: "Ilaria", Mail: mail, Password: password})
	ok(t, err)
	return &house{a, t, j, db, ctx}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	ok(h.t, h.db.Write(h.ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(h.ctx, query, args...)
		return err
	}))
}

func (h *house) wants(err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("error is %v, want %v", err, want)
	}
}

func TestC8_CodeLivesTenMinutesAndFiveAttempts(t *testing.T) {
	h := newHouse(t)
	begun, err := h.Begin(h.ctx, mail, password, "192.0.2.1")
	ok(t, err)
	h.exec("UPDATE sign_ins SET expires = ?", time.Now().Unix())
	_, _, err = h.Finish(h.ctx, begun.Token, begun.Code)
	h.wants(err, access.ErrGone)
	begun, err = h.Again(h.ctx, begun.Token)
	ok(t, err)
	for left := 4; left >= 0; left-- {
		_, got, err := h.Finish(h.ctx, begun.Token, "x"+begun.Code[1:])
		h.wants(err, access.ErrCode)
		if got != left {
			t.Errorf("%d attempts are left, want %d", got, left)
		}
	}
	_, _, err = h.Finish(h.ctx, begun.Token, begun.Code)
	h.wants(err, access.ErrGone)
	for range access.MaxCodes - 2 {
		begun, err = h.Again(h.ctx, begun.Token)
		ok(t, err)
	}
	_, err = h.Again(h.ctx, begun.Token)
	h.wants(err, access.ErrRate)
	token, _, err := h.Finish(h.ctx, begun.Token, begun.Code)
	ok(t, err)
	_, _, err = h.Finish(h.ctx, begun.Token, begun.Code)
	h.wants(err, access.ErrSession)
	s, err := h.Session(h.ctx, token)
	ok(t, err)
	if s.Account.ID != "op" || time.Since(s.SignedIn) > time.Minute {
		t.Errorf("the session is %+v", s)
	}
}

func TestSessionEndsWhenIdle(t *testing.T) {
	h := newHouse(t)
	begun, err := h.Begin(h.ctx, mail, password, "192.0.2.1")
	ok(t, err)
	token, _, err := h.Finish(h.ctx, begun.Token, begun.Code)
	ok(t, err)
	h.exec("UPDATE sessions SET used = ?", time.Now().Add(-time.Hour).Unix())
	_, err = h.Session(h.ctx, token)
	ok(t, err)
	var used int64
	ok(t, h.db.SQL().QueryRow("SELECT used FROM sessions").Scan(&used))
	if time.Now().Unix()-used > 60 {
		t.Error("using a session does not keep it")
	}
	h.exec("UPDATE sessions SET used = ?", time.Now().Add(-access.SessionIdle-time.Minute).Unix())
	_, err = h.Session(h.ctx, token)
	h.wants(err, access.ErrSession)
	for _, forged := range []string{"", "x", begun.Token} {
		_, err = h.Session(h.ctx, forged)
		h.wants(err, access.ErrSession)
	}
}

func TestPasswordGuessingIsSlowedAndRecorded(t *testing.T) {
	h := newHouse(t)
	limited := 0
	for range 8 {
		_, err := h.Begin(h.ctx, mail, "sbagliata, ma lunga", "192.0.2.1")
		if errors.Is(err, access.ErrRate) {
			limited++
			continue
		}
		h.wants(err, access.ErrPassword)
	}
	if limited != 3 {
		t.Errorf("%d of 8 guesses were refused for their rate", limited)
	}
	entries, err := h.j.Entries(h.ctx, "stream:access")
	ok(t, err)
	if f, is := entries[0].Fact.(*evidence.AccountSignedIn); !is || f.OK || f.Account != "op" || len(entries) != 5 {
		t.Errorf("%d attempts are in the record, the first %+v", len(entries), entries[0].Fact)
	}
}

func TestAccountsSurviveARestartAndNoPasswordStandsInClear(t *testing.T) {
	h := newHouse(t)
	again, err := access.Open(h.ctx, h.j, h.db)
	ok(t, err)
	begun, err := again.Begin(h.ctx, " ILARIA@ponte.example ", password, "192.0.2.1")
	ok(t, err)
	if begun.Account.Name != "Ilaria" || begun.Account.Agency != "ponte" {
		t.Errorf("the account is %+v", begun.Account)
	}
	entries, err := h.j.Entries(h.ctx, "stream:accounts")
	ok(t, err)
	f := entries[0].Fact.(*evidence.AccountOpened)
	if len(f.Password.Text) < 60 || f.Password.Text[:10] != "$argon2id$" {
		t.Errorf("the password is kept as %q", f.Password.Text)
	}
	// Another process opens an account: the first one finds it.
	_, err = again.Add(h.ctx, access.Opening{Role: access.RoleAuditor, Name: "Livia", Mail: "livia@regione.example", Password: password})
	ok(t, err)
	_, err = h.Begin(h.ctx, "livia@regione.example", password, "192.0.2.2")
	ok(t, err)
}

func TestDeviceCodeServesOnce(t *testing.T) {
	h := newHouse(t)
	code, err := h.SpokenCode(h.ctx, "01X")
	ok(t, err)
	same, err := h.SpokenCode(h.ctx, "01X")
	ok(t, err)
	if same != code || h.ShownCode(h.ctx, "01X") != code || h.ShownCode(h.ctx, "01Y") != "" {
		t.Error("the code shown is not the valid one")
	}
	_, err = h.UseDeviceCode(h.ctx, "01Y", code)
	h.wants(err, access.ErrGone)
	_, err = h.UseDeviceCode(h.ctx, "01X", code)
	ok(t, err)
	_, err = h.UseDeviceCode(h.ctx, "01X", code)
	h.wants(err, access.ErrGone)
	code, err = h.MailedCode(h.ctx, "01X")
	ok(t, err)
	h.exec("UPDATE device_codes SET expires = ?", time.Now().Unix())
	_, err = h.UseDeviceCode(h.ctx, "01X", code)
	h.wants(err, access.ErrGone)
}

func TestAPITokenBelongsToItsAgency(t *testing.T) {
	h := newHouse(t)
	token, err := h.AddToken(h.ctx, "ponte")
	ok(t, err)
	if agency, err := h.Token(h.ctx, token); err != nil || agency != "ponte" {
		t.Errorf("%q, %v", agency, err)
	}
	_, err = h.Token(h.ctx, "x"+token)
	h.wants(err, access.ErrSession)
	if _, found := h.OperatorByMail(h.ctx, "valle", mail); found {
		t.Error("an operator was found under another agency")
	}
}

// TestLeakedPasswordDoesNotBuyGuesses: the code is bounded over all sign-ins of an account, not only within one.
func TestLeakedPasswordDoesNotBuyGuesses(t *testing.T) {
	h := newHouse(t)
	tried := 0
	for from := range 10 {
		begun, err := h.Begin(h.ctx, mail, password, "192.0.2."+string(rune('0'+from)))
		ok(t, err)
		for range access.MaxAttempts {
			if _, _, err := h.Finish(h.ctx, begun.Token, "x"+begun.Code[1:]); errors.Is(err, access.ErrCode) {
				tried++
			}
		}
	}
	if tried > 20 {
		t.Errorf("%d codes could be tried in a row", tried)
	}
}

// TestStrangerDoesNotLockTheOwnerOut: wrong passwords from one place leave the others alone.
func TestStrangerDoesNotLockTheOwnerOut(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		_, _ = h.Begin(h.ctx, mail, "sbagliata, ma lunga", "198.51.100.1")
	}
	_, err := h.Begin(h.ctx, mail, password, "192.0.2.1")
	ok(t, err)
}

func TestSessionEndsHoweverMuchItIsUsed(t *testing.T) {
	h := newHouse(t)
	begun, err := h.Begin(h.ctx, mail, password, "192.0.2.1")
	ok(t, err)
	token, _, err := h.Finish(h.ctx, begun.Token, begun.Code)
	ok(t, err)
	h.exec("UPDATE sessions SET signed_in = ?", time.Now().Add(-access.SessionLife-time.Minute).Unix())
	_, err = h.Session(h.ctx, token)
	h.wants(err, access.ErrSession)
}
