package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
)

// lastCheckpoint is the file of a data folder that remembers the last signed checkpoint that left the house.
const lastCheckpoint = "last.checkpoint"

// journalCommand runs `confermo journal check`: 0 nothing was found, 1 something was, or the record cannot be read. It
// writes nothing, and the service may be running. Where the database is not DIR/confermo.db, CONFERMO_DB names it: it may
// hold a password, which does not belong on a command line.
func journalCommand(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 || args[0] != "check" {
		fmt.Fprintln(errs, "want: confermo journal check [-data DIR]")
		return 2
	}
	set := flag.NewFlagSet("confermo journal check", flag.ContinueOnError)
	set.SetOutput(errs)
	data := set.String("data", "data", "folder of the installation")
	if err := set.Parse(args[1:]); err != nil {
		return 2
	}
	findings := 0
	size, err := checkJournal(ctx, *data, os.Getenv("CONFERMO_DB"), func(f journal.Finding) {
		findings++
		fmt.Fprintln(out, f)
	})
	switch {
	case err != nil:
		fmt.Fprintln(errs, "confermo:", err)
		return 1
	case findings > 0:
		fmt.Fprintf(out, "%d findings in %d entries\n", findings, size)
		return 1
	}
	fmt.Fprintf(out, "%d entries: lines, chains, tree, openings, files, numbers and clocks agree\n", size)
	return 0
}

func checkJournal(ctx context.Context, data, dsn string, report func(journal.Finding)) (size int64, err error) {
	keys := filepath.Join(data, "keys")
	logKey, err := os.ReadFile(filepath.Join(keys, "log.key"))
	if err != nil {
		return 0, fmt.Errorf("this is no data folder of the service: %w", err)
	}
	if dsn == "" {
		file := filepath.Join(data, "confermo.db")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("there is no database in the folder: %w", err)
		}
		dsn = "sqlite:" + file
	}
	db, err := store.Open(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	blobs, err := vault.Dir(filepath.Join(data, "vault"))
	if err != nil {
		return 0, err
	}
	keep, err := vault.Open(ctx, blobs, filepath.Join(keys, "vault.key"))
	if err != nil {
		return 0, err
	}
	return journal.Inspect(ctx, db, keep, journal.Config{
		LogKey: strings.TrimSpace(string(logKey)), Erased: vault.ErrErased, Left: filepath.Join(data, lastCheckpoint),
	}, report)
}
