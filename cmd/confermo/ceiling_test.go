package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The ceilings: the good repositories differ from the tired ones by the one file or function that was allowed to grow.
const (
	maxFile      = 500
	maxFunc      = 90
	maxInterface = 4
)

var marks = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

type source struct {
	path  string
	bytes []byte
	file  *ast.File
	set   *token.FileSet
}

func sources(t *testing.T, tests bool) []source {
	t.Helper()
	var all []source
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") != tests {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, b, parser.ParseComments)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		all = append(all, source{name, b, f, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesFunctionsAndInterfacesStaySmall(t *testing.T) {
	for _, tests := range []bool{false, true} {
		for _, s := range sources(t, tests) {
			if n := bytes.Count(s.bytes, []byte("\n")); n > maxFile {
				t.Errorf("%s has %d lines, at most %d", s.path, n, maxFile)
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if lines := s.line(n.End()) - s.line(n.Pos()) + 1; lines > maxFunc && !tests {
						t.Errorf("%s: %s has %d lines, at most %d", s.path, n.Name.Name, lines, maxFunc)
					}
				case *ast.InterfaceType:
					if len(n.Methods.List) > maxInterface {
						t.Errorf("%s: an interface of %d methods, at most %d", s.path, len(n.Methods.List), maxInterface)
					}
				}
				return true
			})
		}
	}
}

func (s source) line(p token.Pos) int { return s.set.Position(p).Line }

func TestPurePackagesReadNoClock(t *testing.T) {
	for _, s := range sources(t, false) {
		if !slices.Contains(pure, filepath.ToSlash(filepath.Dir(s.path))) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
					t.Errorf("%s:%d reads the clock", s.path, s.line(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestTestsDoNotSleepAndNoMarkIsLeft(t *testing.T) {
	for _, tests := range []bool{false, true} {
		for _, s := range sources(t, tests) {
			ast.Inspect(s.file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && tests && sel.Sel.Name == "Sleep" {
					t.Errorf("%s:%d sleeps", s.path, s.line(n.Pos()))
				}
				return true
			})
			for _, group := range s.file.Comments {
				if mark := marks.FindString(group.Text()); mark != "" {
					t.Errorf("%s:%d holds the mark %s", s.path, s.line(group.Pos()), mark)
				}
			}
		}
	}
}
