package journal

import (
	"context"
	"database/sql"
	"strings"
	"sync"
)

// statements keeps prepared statements from commit to commit.
type statements struct {
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

func (s *statements) get(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.byText[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.byText == nil {
		s.byText = map[string]*sql.Stmt{}
	}
	s.byText[text] = stmt
	return stmt, nil
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.byText {
		_ = stmt.Close()
	}
	s.byText = nil
}

// in is a prepared statement of a transaction.
func (j *Journal) in(ctx context.Context, tx *sql.Tx, text string) (*sql.Stmt, error) {
	stmt, err := j.prepared.get(ctx, j.db.SQL(), text)
	if err != nil {
		return nil, err
	}
	return tx.StmtContext(ctx, stmt), nil
}

// rowsAtOnce are the numbers of rows that one statement inserts: few, so that each stays prepared.
var rowsAtOnce = []int{64, 16, 4, 1}

// insert writes rows of as many values as the table's columns, "a, b, c", in few statements.
func (j *Journal) insert(ctx context.Context, tx *sql.Tx, table, columns string, values []any) error {
	width := strings.Count(columns, ",") + 1
	one := "(?" + strings.Repeat(", ?", width-1) + ")"
	for _, count := range rowsAtOnce {
		for len(values) >= count*width {
			text := j.db.Q("INSERT INTO " + table + " (" + columns + ") VALUES " + one + strings.Repeat(", "+one, count-1))
			stmt, err := j.in(ctx, tx, text)
			if err != nil {
				return err
			}
			if _, err := stmt.ExecContext(ctx, values[:count*width]...); err != nil {
				return err
			}
			values = values[count*width:]
		}
	}
	return nil
}
