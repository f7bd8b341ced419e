package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// DeviceCode gives the code that binds an invitation to another device, and makes one where none is valid or renew is
// set. Scope is the interview's id.
func (a *Access) DeviceCode(ctx context.Context, scope string, renew bool) (string, error) {
	if !renew {
		if code := a.ShownCode(ctx, scope); code != "" {
			return code, nil
		}
	}
	if !a.byMail.allow("device:" + scope) {
		return "", ErrRate
	}
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
