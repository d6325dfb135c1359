// Package wit reads the contract: as much of WIT as the contract uses. The bindings are generated from what it reads,
// and the component type of a plugin is encoded from it.
package wit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Package is a WIT package.
type Package struct {
	// Name is `namespace:name`.
	Name string
	// Version is a semantic version.
	Version    string
	Interfaces []*Interface
}

// Interface is an interface of the package.
type Interface struct {
	Name  string
	Docs  []string
	Types []*TypeDef
	Funcs []*Func
}

// Kind says what a type is.
type Kind int

// The kinds of types. Named stands for a type of the interface, by its name.
const (
	Primitive Kind = iota
	Named
	List
	Option
	Result
	Tuple
	Record
	Variant
	Enum
	// Use is a type of another interface.
	Use
)

// Type is a type where it is used.
type Type struct {
	Kind Kind
	// Name is that of a Primitive or a Named type.
	Name string
	// Elems are the element of a List or an Option, the members of a Tuple, and for a Result what it is if all went
	// well and if not; either may be nil.
	Elems []*Type
}

// TypeDef is a type with a name.
type TypeDef struct {
	Name string
	Docs []string
	Kind Kind
	// From is the interface of a type with Kind Use.
	From string
	// Fields are those of a Record, or the cases of a Variant or an Enum.
	Fields []Field
}

// Field is a field of a record, a parameter, or a case; the type of a case may be nil.
type Field struct {
	Name string
	Docs []string
	Type *Type
}

// Func is a function of an interface.
type Func struct {
	Name   string
	Docs   []string
	Params []Field
	Result *Type
}

// ID is the name by which modules import and export an interface.
func (p *Package) ID(name string) string {
	return p.Name + "/" + name + "@" + p.Version
}

// Interface finds an interface by its name, or gives nil.
func (p *Package) Interface(name string) *Interface {
	at := slices.IndexFunc(p.Interfaces, func(i *Interface) bool { return i.Name == name })
	if at < 0 {
		return nil
	}
	return p.Interfaces[at]
}

// Type finds a type of the interface by its name, or gives nil.
func (i *Interface) Type(name string) *TypeDef {
	at := slices.IndexFunc(i.Types, func(t *TypeDef) bool { return t.Name == name })
	if at < 0 {
		return nil
	}
	return i.Types[at]
}

// Resolve gives the interface and the definition behind a name in an interface, through all uses.
func (p *Package) Resolve(in *Interface, name string) (*Interface, *TypeDef) {
	def := in.Type(name)
	for def != nil && def.Kind == Use {
		in = p.Interface(def.From)
		def = in.Type(name)
	}
	return in, def
}

// Load reads all files of a directory.
func Load(dir string) (*Package, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.wit"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no contract in %s", dir)
	}
	slices.Sort(files)
	pkg := &Package{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := pkg.Read(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return pkg, pkg.check()
}

// check finds names that stand for nothing.
func (p *Package) check() error {
	for _, in := range p.Interfaces {
		for _, def := range in.Types {
			if def.Kind != Use {
				continue
			}
			if from := p.Interface(def.From); from == nil || from.Type(def.Name) == nil {
				return fmt.Errorf("%s uses %s of %s, which there is not", in.Name, def.Name, def.From)
			}
		}
	}
	return nil
}

// Read adds what stands in a file. Worlds are skipped: a plugin's world is made of what it imports and exports.
func (p *Package) Read(text string) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			wrong, ok := problem.(syntaxError)
			if !ok {
				panic(problem)
			}
			err = wrong
		}
	}()
	r := &reader{tokens: tokens(text)}
	for r.peek() != "" {
		docs := r.docs()
		switch word := r.next(); word {
		case "package":
			namespace := r.next()
			r.expect(":")
			p.Name = namespace + ":" + r.next()
			r.expect("@")
			p.Version = r.next()
			r.expect(";")
		case "interface":
			in := r.iface()
			in.Docs = docs
			p.Interfaces = append(p.Interfaces, in)
		case "world":
			for r.next() != "}" {
			}
		default:
			r.fail("cannot read %q", word)
		}
	}
	return nil
}

type syntaxError string

func (e syntaxError) Error() string { return string(e) }

type reader struct {
	tokens []string
	at     int
}

func (r *reader) fail(format string, args ...any) {
	panic(syntaxError(fmt.Sprintf(format, args...)))
}

// peek gives the next token that is no documentation; nothing at the end.
func (r *reader) peek() string {
	for at := r.at; at < len(r.tokens); at++ {
		if !strings.HasPrefix(r.tokens[at], "///") {
			return r.tokens[at]
		}
	}
	return ""
}

func (r *reader) next() string {
	for r.at < len(r.tokens) && strings.HasPrefix(r.tokens[r.at], "///") {
		r.at++
	}
	if r.at >= len(r.tokens) {
		r.fail("the file ends too early")
	}
	r.at++
	return r.tokens[r.at-1]
}

func (r *reader) expect(token string) {
	if got := r.next(); got != token {
		r.fail("%q instead of %q", got, token)
	}
}

func (r *reader) take(token string) bool {
	if r.peek() != token {
		return false
	}
	r.next()
	return true
}

func (r *reader) docs() []string {
	var docs []string
	for r.at < len(r.tokens) && strings.HasPrefix(r.tokens[r.at], "///") {
		docs = append(docs, strings.TrimPrefix(strings.TrimPrefix(r.tokens[r.at], "///"), " "))
		r.at++
	}
	return docs
}

func (r *reader) iface() *Interface {
	in := &Interface{Name: r.next()}
	r.expect("{")
	for {
		docs := r.docs()
		word := r.next()
		switch word {
		case "}":
			return in
		case "use":
			from := r.next()
			r.expect(".")
			r.expect("{")
			for !r.take("}") {
				in.Types = append(in.Types, &TypeDef{Name: r.next(), Kind: Use, From: from})
				r.take(",")
			}
			r.expect(";")
		case "record", "variant", "enum":
			kind := map[string]Kind{"record": Record, "variant": Variant, "enum": Enum}[word]
			in.Types = append(in.Types, &TypeDef{Name: r.next(), Docs: docs, Kind: kind, Fields: r.fields(kind)})
		default:
			r.expect(":")
			r.expect("func")
			f := &Func{Name: word, Docs: docs}
			r.expect("(")
			for !r.take(")") {
				name := r.next()
				r.expect(":")
				f.Params = append(f.Params, Field{Name: name, Type: r.typ()})
				r.take(",")
			}
			if r.take("->") {
				f.Result = r.typ()
			}
			r.expect(";")
			in.Funcs = append(in.Funcs, f)
		}
	}
}

func (r *reader) fields(kind Kind) []Field {
	var fields []Field
	r.expect("{")
	for {
		docs := r.docs()
		if r.take("}") {
			return fields
		}
		field := Field{Name: r.next(), Docs: docs}
		switch {
		case kind == Record:
			r.expect(":")
			field.Type = r.typ()
		case kind == Variant && r.take("("):
			field.Type = r.typ()
			r.expect(")")
		}
		fields = append(fields, field)
		r.take(",")
	}
}

func (r *reader) typ() *Type {
	name := r.next()
	kinds := map[string]Kind{"list": List, "option": Option, "result": Result, "tuple": Tuple}
	kind, ok := kinds[name]
	if !ok {
		if _, ok := primitives[name]; ok {
			return &Type{Kind: Primitive, Name: name}
		}
		return &Type{Kind: Named, Name: name}
	}
	t := &Type{Kind: kind}
	if r.take("<") {
		for !r.take(">") {
			if r.take("_") {
				t.Elems = append(t.Elems, nil)
			} else {
				t.Elems = append(t.Elems, r.typ())
			}
			r.take(",")
		}
	}
	for kind == Result && len(t.Elems) < 2 {
		t.Elems = append(t.Elems, nil)
	}
	return t
}

// tokens cuts a text into names, signs and lines of documentation.
func tokens(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "///") {
			out = append(out, line)
			continue
		}
		if at := strings.Index(line, "//"); at >= 0 {
			line = line[:at]
		}
		afterAt := false
		for line != "" {
			size := 1
			switch {
			case strings.HasPrefix(line, "->"):
				size = 2
			case inName(line[0], afterAt):
				for size < len(line) && inName(line[size], afterAt) {
					size++
				}
			}
			token := line[:size]
			afterAt = token == "@"
			if strings.TrimSpace(token) != "" {
				out = append(out, token)
			}
			line = line[size:]
		}
	}
	return out
}

func inName(b byte, version bool) bool {
	return b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' ||
		version && (b == '.' || b == '+')
}
