package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// MailedCode makes the code that binds an invitation to another device, to be mailed. Scope is the interview's id. The
// code before is void. Few are made an hour: whoever found a link can neither guess a code nor flood the mailbox.
func (a *Access) MailedCode(ctx context.Context, scope string) (string, error) {
	if !a.byDevice.allow(scope) {
		return "", ErrRate
	}
	return a.makeCode(ctx, scope)
}

// SpokenCode gives the valid code for an operator to read out, and makes one where there is none.
func (a *Access) SpokenCode(ctx context.Context, scope string) (string, error) {
	if code := a.ShownCode(ctx, scope); code != "" {
		return code, nil
	}
	if !a.byDesk.allow(scope) {
		return "", ErrRate
	}
	return a.makeCode(ctx, scope)
}

func (a *Access) makeCode(ctx context.Context, scope string) (string, error) {
	code := newCode()
	err := a.exec(ctx, `INSERT INTO device_codes (scope, code, expires, attempts) VALUES (?, ?, ?, 0)
		ON CONFLICT (scope) DO UPDATE SET code = excluded.code, expires = excluded.expires, attempts = 0`,
		scope, code, time.Now().Add(CodeLife).Unix())
	if err != nil {
		return "", fmt.Errorf("make device code: %w", err)
	}
	return code, nil
}

// ShownCode is the valid code of a scope, or "".
func (a *Access) ShownCode(ctx context.Context, scope string) (code string) {
	row := a.db.SQL().QueryRowContext(ctx, a.db.Q("SELECT code FROM device_codes WHERE scope = ? AND expires > ? AND attempts < ?"),
		scope, time.Now().Unix(), MaxAttempts)
	if row.Scan(&code) != nil {
		return ""
	}
	return code
}

// UseDeviceCode takes a code once. Left is how many attempts remain after a wrong one. Errors: ErrCode, ErrGone.
func (a *Access) UseDeviceCode(ctx context.Context, scope, code string) (left int, err error) {
	var verdict error
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		var want string
		var expires int64
		var attempts int
		row := tx.QueryRowContext(ctx, a.db.Locking("SELECT code, expires, attempts FROM device_codes WHERE scope = ?"), scope)
		if err := row.Scan(&want, &expires, &attempts); errors.Is(err, sql.ErrNoRows) {
			verdict = ErrGone
			return nil
		} else if err != nil {
			return err
		}
		query := "DELETE FROM device_codes WHERE scope = ?"
		switch {
		case time.Now().Unix() >= expires || attempts >= MaxAttempts:
			verdict = ErrGone
			return nil
		case subtle.ConstantTimeCompare([]byte(want), []byte(code)) != 1:
			left, verdict = MaxAttempts-attempts-1, ErrCode
			query = "UPDATE device_codes SET attempts = attempts + 1 WHERE scope = ?"
		}
		_, err := tx.ExecContext(ctx, a.db.Q(query), scope)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("use device code: %w", err)
	}
	return left, verdict
}
