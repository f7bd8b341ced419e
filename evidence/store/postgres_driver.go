package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresDriver makes connections of pgx serve database/sql, whose pool is the only one.
type postgresDriver struct{}

func (postgresDriver) Open(dsn string) (driver.Conn, error) {
	c, err := connectPostgres(context.Background(), dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

type postgresConn struct{ conn *pgx.Conn }

func (c *postgresConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.conn.Close(ctx)
}

func (c *postgresConn) Ping(ctx context.Context) error { return c.retry(c.conn.Ping(ctx)) }

// IsValid keeps broken connections out of the pool.
func (c *postgresConn) IsValid() bool { return !c.conn.IsClosed() }

// ResetSession refuses to reuse a connection that is broken or was left inside a transaction.
func (c *postgresConn) ResetSession(context.Context) error {
	if c.conn.IsClosed() || c.conn.PgConn().TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	return nil
}

// retry lets database/sql take another connection where nothing can have reached the server.
func (c *postgresConn) retry(err error) error {
	if err != nil && c.conn.IsClosed() && pgconn.SafeToRetry(err) {
		return errors.Join(driver.ErrBadConn, err)
	}
	return err
}

func (c *postgresConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *postgresConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	options := pgx.TxOptions{}
	switch sql.IsolationLevel(o.Isolation) {
	case sql.LevelDefault:
	case sql.LevelRepeatableRead:
		options.IsoLevel = pgx.RepeatableRead
	default:
		return nil, fmt.Errorf("begin: isolation level %v is not used here", sql.IsolationLevel(o.Isolation))
	}
	if o.ReadOnly {
		options.AccessMode = pgx.ReadOnly
	}
	tx, err := c.conn.BeginTx(ctx, options)
	if err != nil && c.conn.IsClosed() {
		return nil, errors.Join(driver.ErrBadConn, err) // a transaction that was only begun may be begun again
	}
	return postgresTx{tx}, err
}

type postgresTx struct{ tx pgx.Tx }

func (t postgresTx) Commit() error   { return t.tx.Commit(context.Background()) }
func (t postgresTx) Rollback() error { return t.tx.Rollback(context.Background()) }

func (c *postgresConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext is cheap: pgx prepares and remembers statements by their text.
func (c *postgresConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return postgresStmt{c, query}, nil
}

// ExecContext without arguments runs a script of several statements as well.
func (c *postgresConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		results, err := c.conn.PgConn().Exec(ctx, query).ReadAll()
		if err != nil {
			return nil, c.retry(err)
		}
		last := pgconn.CommandTag{}
		if len(results) > 0 {
			last = results[len(results)-1].CommandTag
		}
		return driver.RowsAffected(last.RowsAffected()), nil
	}
	tag, err := c.conn.Exec(ctx, query, values(args)...)
	if err != nil {
		return nil, c.retry(err)
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

func (c *postgresConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.Query(ctx, query, values(args)...)
	if err != nil {
		return nil, c.retry(err)
	}
	// pgx tells a refused query only with its first row.
	r := &postgresRows{rows: rows, more: rows.Next()}
	if err := rows.Err(); err != nil {
		rows.Close()
		return nil, c.retry(err)
	}
	return r, nil
}

func values(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}

type postgresStmt struct {
	c     *postgresConn
	query string
}

func (s postgresStmt) Close() error  { return nil }
func (s postgresStmt) NumInput() int { return -1 }

func (s postgresStmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }
func (s postgresStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

func (s postgresStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s postgresStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

type postgresRows struct {
	rows pgx.Rows
	more bool // a row was reached and not given out
}

func (r *postgresRows) Columns() []string {
	var names []string
	for _, f := range r.rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names
}

func (r *postgresRows) Close() error {
	r.rows.Close()
	return nil
}

func (r *postgresRows) Next(out []driver.Value) error {
	if !r.more && !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	r.more = false
	row, err := r.rows.Values()
	if err != nil {
		return err
	}
	for i, v := range row {
		switch v := v.(type) {
		case int16:
			out[i] = int64(v)
		case int32:
			out[i] = int64(v)
		case nil, int64, string, []byte, bool, float64, time.Time:
			out[i] = v
		default:
			return fmt.Errorf("column %d has the type %T, which is not used here", i+1, v)
		}
	}
	return nil
}
