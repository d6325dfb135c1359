package wasm

import (
	"fmt"
	"slices"
	"strings"
)

const wasi = "wasi_snapshot_preview1"

// The numbers of errors of WASI that are given.
const (
	errnoBadf  = 8
	errnoNosys = 52
)

// TakeOutWASI puts functions of the module in the place of those of WASI that Go's runtime imports. So a plugin has nothing
// but what the contract gives it, is a function of its input, and can be forked from a snapshot, which handles of WASI
// would prevent. In these functions
//
//   - there are no files, arguments or environment variables;
//   - time begins at 1970 and moves on by a microsecond with each look at it; who sleeps, moves it on and does not wait;
//   - there are no random numbers: the runtime seeds its own generators with the time, and crypto/rand ends the plugin;
//   - what is printed goes nowhere, but for the first fixed texts that the runtime has to say when it ends the program,
//     which go into the log;
//   - the end of the program is a trap.
func (m *Module) TakeOutWASI() (err error) {
	defer caught(&err)
	var kept, taken []int
	for at, imported := range m.Imports {
		if imported.Module == wasi {
			taken = append(taken, at)
		} else {
			kept = append(kept, at)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	types := functionTypes(m.section(typeSection).Content)
	with := stands{clock: m.addGlobal(), told: m.addGlobal(), log: -1, fixedEnd: m.dataEnd()}
	for number, at := range kept {
		if i := m.Imports[at]; strings.HasSuffix(strings.Split(i.Module, "@")[0], "/log") && i.Name == "write" {
			with.log = number
		}
	}
	var bodies [][]byte
	var functions []byte
	to := make([]int, len(m.Imports))
	for number, at := range kept {
		to[at] = number
	}
	for number, at := range taken {
		to[at] = len(kept) + number
		imported := m.Imports[at]
		bodies = append(bodies, standIn(imported.Name, types[imported.Type], with))
		functions = append(functions, uleb(imported.Type)...)
	}
	var imports []Import
	content := uleb(len(kept))
	for _, at := range kept {
		imported := m.Imports[at]
		imports = append(imports, imported)
		content = append(append(append(content, text(imported.Module)...), text(imported.Name)...), 0x00)
		content = append(content, uleb(imported.Type)...)
	}
	m.Imports = imports
	m.section(importSection).Content = content

	section := m.section(functionSection)
	r := &reader{bytes: section.Content}
	count := r.number()
	section.Content = append(append(uleb(count+len(bodies)), functions...), r.bytes[r.at:]...)

	section = m.section(codeSection)
	section.Content = renumber(section.Content, to, bodies)
	m.checkOthers(len(to))
	return nil
}

// dataEnd gives the place behind the last byte that the module's data fill: what lies before it stood in the program.
func (m *Module) dataEnd() int {
	last := 0
	for _, s := range m.Sections {
		if s.ID != dataSection {
			continue
		}
		r := &reader{bytes: s.Content}
		for range r.number() {
			if r.number() != 0 || r.byte() != i32Const {
				panic(malformed("a data segment has no constant place"))
			}
			at := r.signed()
			if r.byte() != end {
				panic(malformed("a data segment has no constant place"))
			}
			last = max(last, at+len(r.take(r.number())))
		}
	}
	return last
}

// checkOthers makes sure that the imports are named by calls alone, which are renumbered, and not by exports, tables or the
// start function.
func (m *Module) checkOthers(imports int) {
	for _, s := range m.Sections {
		r := &reader{bytes: s.Content}
		switch s.ID {
		case exportSection:
			for range r.number() {
				name := r.text()
				if kind := r.byte(); r.number() < imports && kind == 0 {
					panic(malformed(fmt.Sprintf("the import %s is exported", name)))
				}
			}
		case startSection:
			if r.number() < imports {
				panic(malformed("the start function is an import"))
			}
		case elementSection:
			for range r.number() {
				if flags := r.number(); flags != 0 {
					panic(malformed(fmt.Sprintf("an element segment has the flags %d", flags)))
				}
				if r.byte() != 0x41 {
					panic(malformed("the offset of an element segment is no constant"))
				}
				r.skipNumber()
				r.byte()
				for range r.number() {
					if r.number() < imports {
						panic(malformed("an import stands in a table"))
					}
				}
			}
		}
	}
}

// signature is the type of a function.
type signature struct {
	params, results []byte
}

func functionTypes(content []byte) []signature {
	r := &reader{bytes: content}
	all := make([]signature, r.number())
	for i := range all {
		if r.byte() != 0x60 {
			panic(malformed("a type is none of a function"))
		}
		all[i] = signature{params: r.take(r.number()), results: r.take(r.number())}
	}
	return all
}

// addGlobal adds a variable of 64 bits, and gives its number.
func (m *Module) addGlobal() int {
	section := m.section(globalSection)
	r := &reader{bytes: section.Content}
	count := r.number()
	content := append(uleb(count+1), r.bytes[r.at:]...)
	section.Content = append(content, i64, 0x01, 0x42, 0x00, end)
	return count
}

// The bytes of the instructions that are written here.
const (
	i32         = 0x7f
	i64         = 0x7e
	unreachable = 0x00
	block       = 0x02
	loop        = 0x03
	branch      = 0x0c
	branchIf    = 0x0d
	ifElse      = 0x04
	end         = 0x0b
	empty       = 0x40
	localGet    = 0x20
	localSet    = 0x21
	globalGet   = 0x23
	globalSet   = 0x24
	i32Load     = 0x28
	i64Load     = 0x29
	i32Load8U   = 0x2d
	i32Store    = 0x36
	i64Store    = 0x37
	i32Const    = 0x41
	i64Const    = 0x42
	i32Eqz      = 0x45
	i32Ne       = 0x47
	i32LtU      = 0x49
	i32GeU      = 0x4f
	i64GeU      = 0x5a
	i32Add      = 0x6a
	i32Sub      = 0x6b
	i64Add      = 0x7c
	returns     = 0x0f
)

var shapes = map[string]string{
	"clock_time_get":    "\x7f\x7e\x7f",
	"args_sizes_get":    "\x7f\x7f",
	"environ_sizes_get": "\x7f\x7f",
	"fd_write":          "\x7f\x7f\x7f\x7f",
	"poll_oneoff":       "\x7f\x7f\x7f\x7f",
}

// stands is what the functions that stand in need: the numbers of globals and of a function, or -1 where there is none, and
// the end of the fixed texts.
type stands struct {
	clock, told, log, fixedEnd int
}

// When the runtime ends the program, it says why in several pieces, and then where everything was.
const (
	toldMax       = 3
	toldBytesMin  = 8
	logLevelError = 3
)

// tell gives the code that writes the piece of standard error at hand into the log, if it is a fixed text. Local 0 is the
// file, and local 1 the place where place and length of the piece stand.
func (s stands) tell() []byte {
	if s.log < 0 {
		return nil
	}
	told := byte(s.told)
	return slices.Concat([]byte{block, empty},
		[]byte{localGet, 0}, number(2), []byte{i32Ne, branchIf, 0},
		[]byte{localGet, 1, i32Load, 0, 0}, number(int64(s.fixedEnd)), []byte{i32GeU, branchIf, 0},
		[]byte{localGet, 1, i32Load, 0, 4}, number(toldBytesMin), []byte{i32LtU, branchIf, 0},
		[]byte{globalGet, told, i64Const, toldMax, i64GeU, branchIf, 0},
		[]byte{globalGet, told, i64Const, 1, i64Add, globalSet, told},
		number(logLevelError), []byte{localGet, 1, i32Load, 0, 0, localGet, 1, i32Load, 0, 4, call}, uleb(s.log),
		[]byte{end})
}

func number(n int64) []byte {
	return append([]byte{i32Const}, sleb(n)...)
}

// standIn gives the body of the function that stands in for one of WASI.
func standIn(name string, of signature, with stands) []byte {
	if shape, known := shapes[name]; known && (string(of.params) != shape || string(of.results) != "\x7f") {
		panic(malformed(fmt.Sprintf("%s of WASI has another type than is known", name)))
	}
	now := byte(with.clock)
	if with.told >= 0x80 {
		panic(malformed("there are too many globals"))
	}
	noLocals := []byte{0x00}
	var code []byte
	switch name {
	case "clock_time_get":
		code = slices.Concat(noLocals,
			[]byte{globalGet, now, i64Const}, sleb(1_000), []byte{i64Add, globalSet, now},
			[]byte{localGet, 2, globalGet, now, i64Store, 0, 0},
			number(0))
	case "args_sizes_get", "environ_sizes_get":
		code = slices.Concat(noLocals,
			[]byte{localGet, 0}, number(0), []byte{i32Store, 0, 0},
			[]byte{localGet, 1}, number(0), []byte{i32Store, 0, 0},
			number(0))
	case "args_get", "environ_get", "sched_yield":
		code = slices.Concat(noLocals, number(0))
	case "fd_write":
		// Everything is written: local 4 sums the lengths of the pieces, of which local 2 counts those left.
		code = slices.Concat([]byte{1, 1, i32},
			[]byte{block, empty, loop, empty},
			[]byte{localGet, 2, i32Eqz, branchIf, 1},
			with.tell(),
			[]byte{localGet, 4, localGet, 1, i32Load, 0, 4, i32Add, localSet, 4},
			[]byte{localGet, 1}, number(8), []byte{i32Add, localSet, 1},
			[]byte{localGet, 2}, number(1), []byte{i32Sub, localSet, 2},
			[]byte{branch, 0, end, end},
			[]byte{localGet, 3, localGet, 4, i32Store, 0, 0},
			number(0))
	case "poll_oneoff":
		// Waiting for anything but a time, which would be the first, has no end. A time is reached at once: from now on,
		// as the runtime asks for no other.
		code = slices.Concat(noLocals,
			[]byte{localGet, 0, i32Load8U, 0, 8, ifElse, empty}, number(errnoNosys), []byte{returns, end},
			[]byte{globalGet, now, localGet, 0, i64Load, 0, 24, i64Add, globalSet, now},
			[]byte{localGet, 1, localGet, 0, i64Load, 0, 0, i64Store, 0, 0},
			[]byte{localGet, 1, i64Const, 0, i64Store, 0, 8},
			[]byte{localGet, 3}, number(1), []byte{i32Store, 0, 0},
			number(0))
	default:
		code = slices.Clone(noLocals)
		switch {
		case name == "random_get":
			code = append(code, number(errnoNosys)...)
		case string(of.results) == "\x7f":
			// The runtime looks for open files, and finds none.
			code = append(code, number(errnoBadf)...)
		default:
			code = append(code, unreachable)
		}
	}
	return append(code, end)
}
