// Package wasm makes a plugin of what Go's linker writes: it takes WASI out of the core module, and puts the component
// type in.
package wasm

import (
	"errors"
	"fmt"
)

// Section is a section of a core module.
type Section struct {
	ID      byte
	Content []byte
}

// Import is a function that a module imports.
type Import struct {
	Module, Name string
	// Type is the number of its type.
	Type int
}

// Module is a core module, cut into its sections.
type Module struct {
	Sections []Section
	Imports  []Import
	// Exports are the names of what it exports.
	Exports []string
}

// The numbers of the sections that are looked into.
const (
	customSection   = 0
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	globalSection   = 6
	exportSection   = 7
	startSection    = 8
	elementSection  = 9
	codeSection     = 10
	dataSection     = 11
)

const header = "\x00asm\x01\x00\x00\x00"

// Parse reads a core module.
func Parse(bytes []byte) (m *Module, err error) {
	defer caught(&err)
	if len(bytes) < len(header) || string(bytes[:len(header)]) != header {
		return nil, errors.New("this is no core module")
	}
	m = &Module{}
	r := &reader{bytes: bytes, at: len(header)}
	for r.at < len(bytes) {
		id := r.byte()
		s := Section{ID: id, Content: r.take(r.number())}
		m.Sections = append(m.Sections, s)
		switch id {
		case importSection:
			m.Imports = imports(s.Content)
		case exportSection:
			m.Exports = exports(s.Content)
		}
	}
	return m, nil
}

// Bytes writes the module.
func (m *Module) Bytes() []byte {
	out := []byte(header)
	for _, s := range m.Sections {
		out = append(out, s.ID)
		out = append(out, uleb(len(s.Content))...)
		out = append(out, s.Content...)
	}
	return out
}

// AddCustom adds a custom section.
func (m *Module) AddCustom(name string, content []byte) {
	m.Sections = append(m.Sections, Section{ID: customSection, Content: append(text(name), content...)})
}

// DropCustom removes all custom sections: names and debugging information, which nobody reads in a gateway.
func (m *Module) DropCustom() {
	kept := m.Sections[:0]
	for _, s := range m.Sections {
		if s.ID != customSection {
			kept = append(kept, s)
		}
	}
	m.Sections = kept
}

func (m *Module) section(id byte) *Section {
	for i := range m.Sections {
		if m.Sections[i].ID == id {
			return &m.Sections[i]
		}
	}
	panic(malformed(fmt.Sprintf("the module has no section %d", id)))
}

func imports(content []byte) []Import {
	r := &reader{bytes: content}
	all := make([]Import, r.number())
	for i := range all {
		all[i] = Import{Module: r.text(), Name: r.text()}
		if kind := r.byte(); kind != 0 {
			panic(malformed(fmt.Sprintf("%s of %s is imported, which is no function", all[i].Name, all[i].Module)))
		}
		all[i].Type = r.number()
	}
	return all
}

func exports(content []byte) []string {
	r := &reader{bytes: content}
	all := make([]string, r.number())
	for i := range all {
		all[i] = r.text()
		r.byte()
		r.number()
	}
	return all
}

type malformed string

func (m malformed) Error() string { return string(m) }

func caught(err *error) {
	switch problem := recover().(type) {
	case nil:
	case malformed:
		*err = problem
	default:
		panic(problem)
	}
}

// reader reads the binary format; what it cannot read is a panic with malformed.
type reader struct {
	bytes []byte
	at    int
}

func (r *reader) byte() byte {
	return r.take(1)[0]
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.bytes)-r.at {
		panic(malformed("the module ends too early"))
	}
	r.at += n
	return r.bytes[r.at-n : r.at : r.at]
}

// number reads an unsigned number of up to 32 bits.
func (r *reader) number() int {
	n, shift := 0, 0
	for {
		b := r.byte()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
		if shift += 7; shift > 35 {
			panic(malformed("a number is too long"))
		}
	}
}

// signed reads a signed number of up to 32 bits.
func (r *reader) signed() int {
	n, shift := 0, 0
	for {
		b := r.byte()
		n |= int(b&0x7f) << shift
		shift += 7
		if b < 0x80 {
			if b&0x40 != 0 {
				n -= 1 << shift
			}
			return n
		}
		if shift > 35 {
			panic(malformed("a number is too long"))
		}
	}
}

// skipNumber passes over a number of any kind.
func (r *reader) skipNumber() {
	for r.byte() >= 0x80 {
	}
}

func (r *reader) text() string {
	return string(r.take(r.number()))
}

func uleb(n int) []byte {
	var out []byte
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(out, byte(n))
}

func sleb(n int64) []byte {
	var out []byte
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func text(text string) []byte {
	return append(uleb(len(text)), text...)
}
