package journal_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A traced run of a process is replayed onto this model of a disk, which knows of every file what was synced and what
// was only written, and of every folder which names were synced. It is stricter than file systems are: a name counts
// only when its folder was synced after it was made.
type disk struct {
	live, kept map[string]map[string]*inode // by folder: the names in it
	said       []string                     // what the process printed
}

// inode is a file, or a folder where dir is set. Its synced bytes are base; ops were written since, in order.
type inode struct {
	dir  bool
	base []byte
	ops  []op
	size int64 // with ops
}

// op writes data at off, or cuts the file to off where data is nil.
type op struct {
	off  int64
	data []byte
}

func (o op) apply(b []byte) []byte {
	end := o.off + int64(len(o.data))
	if grow := end - int64(len(b)); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	if o.data == nil {
		return b[:o.off]
	}
	copy(b[o.off:], o.data)
	return b
}

func newDisk(root string) *disk {
	empty := func() map[string]map[string]*inode { return map[string]map[string]*inode{root: {}} }
	return &disk{live: empty(), kept: empty()}
}

func (d *disk) find(name string) *inode { return d.live[path.Dir(name)][path.Base(name)] }

func (d *disk) link(name string, n *inode) {
	if names := d.live[path.Dir(name)]; names != nil {
		names[path.Base(name)] = n
	}
}

// step is one system call of the trace: begin and end are the lines on which it started and returned.
type step struct {
	call       string
	begin, end int
	args       []string // strings and names of descriptors, in order
	numbers    []int64  // the others that are numbers
	flags      string
	failed     bool
}

var (
	stepLine   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	againLine  = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
	resultPart = regexp.MustCompile(`\) += `)
)

// readTrace reads what strace -f -y -xx wrote, in the order in which the calls returned.
func readTrace(r io.Reader) ([]step, error) {
	var steps []step
	open := map[string]string{}
	begun := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		text, begin := lines.Text(), n
		if head, cut := strings.CutSuffix(text, " <unfinished ...>"); cut {
			pid, _, _ := strings.Cut(head, " ")
			open[pid], begun[pid] = head, n
			if m := stepLine.FindStringSubmatch(head); m == nil || m[2] != "write" || !strings.HasPrefix(m[3], "1<") {
				continue // what is printed counts when it starts
			}
			text = head
		} else if m := againLine.FindStringSubmatch(text); m != nil {
			text, begin = open[m[1]]+m[2], begun[m[1]]
			if m := stepLine.FindStringSubmatch(text); m != nil && m[2] == "write" && strings.HasPrefix(m[3], "1<") {
				continue
			}
		}
		m := stepLine.FindStringSubmatch(text)
		if m == nil {
			continue // a signal or an exit
		}
		call, result := m[3], ""
		if at := resultPart.FindStringIndex(m[3]); at != nil {
			call, result = m[3][:at[0]], m[3][at[1]:]
		}
		s := step{call: m[2], begin: begin, end: n, failed: strings.HasPrefix(result, "-1 ")}
		s.arguments(call)
		steps = append(steps, s)
	}
	return steps, lines.Err()
}

// arguments takes a call apart by hand: the bytes written make it long.
func (s *step) arguments(call string) {
	for call != "" {
		var word string
		switch i := strings.IndexAny(call, `"<, `); {
		case i < 0:
			word, call = call, ""
		case call[i] == '"':
			text, rest, _ := strings.Cut(call[i+1:], `"`)
			s.args, call = append(s.args, unhex(text)), rest
			continue
		case call[i] == '<':
			name, rest, _ := strings.Cut(call[i+1:], ">")
			if !strings.HasPrefix(call, "AT_FDCWD") {
				s.args = append(s.args, unhex(name))
			}
			call = rest
			continue
		default:
			word, call = call[:i], call[i+1:]
		}
		if strings.HasPrefix(word, "O_") {
			s.flags = word
		} else if x, err := strconv.ParseInt(word, 10, 64); err == nil {
			s.numbers = append(s.numbers, x)
		}
	}
}

func unhex(s string) string {
	b, _ := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	return string(b)
}

// flush is a sync that was begun: what was written and named then is on disk when it returns.
type flush struct {
	file  *inode
	ops   int
	names map[string]*inode
	dir   string
}

// replay runs the calls up to the one that returned on line until. Syncs keep what stood when they began.
func (d *disk) replay(steps []step, until int) {
	begins := map[int][]*step{}
	for i := range steps {
		if strings.HasSuffix(steps[i].call, "sync") {
			begins[steps[i].begin] = append(begins[steps[i].begin], &steps[i])
		}
	}
	running := map[*step]flush{}
	next := 0
	for line := 1; line <= until && next < len(steps); line++ {
		for _, s := range begins[line] {
			running[s] = d.begin(s)
		}
		for next < len(steps) && steps[next].end == line {
			if s := &steps[next]; !s.failed {
				d.do(s, running[s])
			}
			next++
		}
	}
}

func (d *disk) begin(s *step) flush {
	name := s.args[0]
	if names := d.live[name]; names != nil {
		copied := map[string]*inode{}
		for n, i := range names {
			copied[n] = i
		}
		return flush{dir: name, names: copied}
	}
	if n := d.find(name); n != nil {
		return flush{file: n, ops: len(n.ops)}
	}
	return flush{}
}

func (d *disk) do(s *step, begun flush) {
	switch s.call {
	case "open", "openat":
		if strings.Contains(s.flags, "O_CREAT") && d.find(s.args[0]) == nil {
			d.link(s.args[0], &inode{})
		}
	case "mkdir", "mkdirat":
		if d.live[path.Dir(s.args[0])] != nil {
			d.link(s.args[0], &inode{dir: true})
			d.live[s.args[0]] = map[string]*inode{}
			d.kept[s.args[0]] = map[string]*inode{}
		}
	case "rename", "renameat", "renameat2":
		if n := d.find(s.args[0]); n != nil {
			delete(d.live[path.Dir(s.args[0])], path.Base(s.args[0]))
			d.link(s.args[1], n)
		}
	case "unlink", "unlinkat":
		delete(d.live[path.Dir(s.args[0])], path.Base(s.args[0]))
	case "write", "pwrite64":
		if strings.HasPrefix(s.args[0], "pipe:") {
			d.said = append(d.said, s.args[1])
		} else if n := d.find(s.args[0]); n != nil {
			o := op{n.size, []byte(s.args[1])}
			if s.call == "pwrite64" {
				o.off = s.numbers[len(s.numbers)-1]
			}
			n.ops, n.size = append(n.ops, o), max(n.size, o.off+int64(len(o.data)))
		}
	case "ftruncate":
		if n := d.find(s.args[0]); n != nil {
			to := s.numbers[len(s.numbers)-1]
			n.ops, n.size = append(n.ops, op{off: to}), to
		}
	case "fsync", "fdatasync":
		if begun.names != nil {
			d.kept[begun.dir] = begun.names
		}
		if n := begun.file; n != nil {
			for _, o := range n.ops[:min(begun.ops, len(n.ops))] {
				n.base = o.apply(n.base)
			}
			n.ops = n.ops[min(begun.ops, len(n.ops)):]
		}
	}
}

// restore writes what is left after the power went: what was synced, and where random is given, of what was written
// since whatever it picks.
func (d *disk) restore(from, to string, random *rand.Rand) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for name, n := range d.kept[from] {
		if n.dir {
			if err := d.restore(path.Join(from, name), filepath.Join(to, name), random); err != nil {
				return err
			}
			continue
		}
		data := bytes.Clone(n.base)
		for _, o := range n.ops {
			if random != nil && random.IntN(2) == 0 {
				data = o.apply(data)
			}
		}
		if strings.HasSuffix(name, "-shm") {
			continue // shared memory does not outlive the machine
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
