// What prints the types.

package main

import (
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

// special are types that are written by hand.
func (g *generator) special(def *wit.TypeDef) bool {
	return g.in.Name == "patterns" && def.Name == "match"
}

// isError says whether a variant is one of errors: a case, and a message with some.
func isError(def *wit.TypeDef) bool {
	return def.Kind == wit.Variant && strings.HasSuffix(def.Name, "-error")
}

func (g *generator) types() {
	for _, def := range g.in.Types {
		if def.Kind == wit.Use || g.special(def) {
			continue
		}
		name := g.name(def.Name)
		g.docs(def.Docs, name)
		if def.Kind == wit.Variant && !isError(def) {
			g.choices(def, name)
		}
		switch {
		case isError(def):
			g.p("type %s struct {\n// Case says what went wrong.\nCase %sCase\n// Message says more, with some cases.\nMessage string\n}\n", name, name)
			g.enum(def, name+"Case", name)
		case def.Kind == wit.Record:
			g.p("type %s struct {", name)
			for _, f := range def.Fields {
				g.docs(f.Docs, "")
				g.p("%s %s", field(f), g.typeOf(g.in, f.Type, f.Name))
			}
			g.p("}\n")
		case def.Kind == wit.Enum:
			g.enum(def, name, name)
			g.p("// String gives the name in the contract.\nfunc (v %s) String() string {", name)
			var names []string
			for _, f := range def.Fields {
				names = append(names, fmt.Sprintf("%q", f.Name))
			}
			g.p("names := [...]string{%s}\nif int(v) < len(names) {\nreturn names[v]\n}\nreturn \"unknown\"\n}\n", strings.Join(names, ", "))
		case def.Kind == wit.Variant:
			g.p("type %s interface{ is%s() }\n", name, name)
			for _, f := range def.Fields {
				g.docs(f.Docs, name+camel(f.Name))
				if f.Type == nil {
					g.p("type %s%s struct{}\n", name, camel(f.Name))
				} else {
					g.p("type %s%s struct {\nValue %s\n}\n", name, camel(f.Name), g.typeOf(g.in, f.Type, ""))
				}
				g.p("func (%s%s) is%s() {}\n", name, camel(f.Name), name)
			}
		}
	}
}

// choices prints what a variant may be.
func (g *generator) choices(def *wit.TypeDef, name string) {
	var all []string
	for _, f := range def.Fields {
		all = append(all, name+camel(f.Name))
	}
	last := len(all) - 1
	text := fmt.Sprintf("//\n// It is one of %s and %s", strings.Join(all[:last], ", "), all[last])
	if def.Fields[0].Type == nil {
		text += "; nil stands for the first"
	}
	g.p("%s.", text)
}

func (g *generator) enum(def *wit.TypeDef, name, prefix string) {
	if name != prefix {
		g.p("// %s is a case of %s.", name, prefix)
	}
	g.p("type %s uint8\n\n// The values of %s.\nconst (", name, name)
	for i, f := range def.Fields {
		g.docs(f.Docs, "")
		if i == 0 {
			g.p("%s%s %s = iota", prefix, camel(f.Name), name)
		} else {
			g.p("%s%s", prefix, camel(f.Name))
		}
	}
	g.p(")\n")
}

func (g *generator) docs(docs []string, name string) {
	if len(docs) == 0 && name != "" {
		g.p("// %s is that of the contract.", name)
	}
	for _, line := range docs {
		g.p("// %s", line)
	}
}

// name gives the name of a type: without that of its interface, which the package has.
func (g *generator) name(name string) string {
	return camel(strings.TrimPrefix(name, g.in.Name+"-"))
}

// typeOf gives the Go type. Numbers are int where they fit, times are durations.
func (g *generator) typeOf(in *wit.Interface, t *wit.Type, name string) string {
	switch t.Kind {
	case wit.Primitive:
		if isMilliseconds(t, name) {
			return "time.Duration"
		}
		return map[string]string{"bool": "bool", "u8": "byte", "u16": "int", "u32": "int", "u64": "uint64",
			"s64": "int64", "f32": "float32", "f64": "float64", "string": "string"}[t.Name]
	case wit.Named:
		from, def := g.wit.Resolve(in, t.Name)
		if from == g.in {
			return g.name(def.Name)
		}
		if from.Name != "types" {
			log.Fatalf("%s uses %s of %s", in.Name, def.Name, from.Name)
		}
		return "sluicegate." + camel(def.Name)
	case wit.List:
		return "[]" + g.typeOf(in, t.Elems[0], "")
	case wit.Option:
		return "*" + g.typeOf(in, t.Elems[0], name)
	case wit.Tuple:
		if g.in.Name == "types" {
			return tupleName(t)
		}
		return "sluicegate." + tupleName(t)
	}
	log.Fatalf("no Go type for kind %d", t.Kind)
	return ""
}

// tupleName gives the type that stands for a tuple; these are written by hand.
func tupleName(t *wit.Type) string {
	switch {
	case t.Elems[0].Name == "string" && t.Elems[1].Name == "string":
		return "Attribute"
	case t.Elems[0].Name == "u32" && t.Elems[1].Name == "edit":
		return "SegmentEdit"
	}
	log.Fatal("there is a new tuple")
	return ""
}

func isMilliseconds(t *wit.Type, name string) bool {
	return (t.Name == "u32" || t.Name == "u64") && slices.Contains(strings.Split(name, "-"), "ms")
}

func field(f wit.Field) string {
	name := f.Name
	t := f.Type
	if t.Kind == wit.Option {
		t = t.Elems[0]
	}
	if isMilliseconds(t, name) {
		name = strings.Replace(name, "-ms", "", 1)
	}
	return camel(name)
}

var initialisms = map[string]string{"id": "ID", "ttl": "TTL", "kv": "KV", "http": "HTTP"}

func camel(name string) string {
	var out strings.Builder
	for _, word := range strings.Split(name, "-") {
		if upper, ok := initialisms[word]; ok {
			out.WriteString(upper)
		} else {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return out.String()
}

func camelLower(name string) string {
	name = camel(name)
	return strings.ToLower(name[:1]) + name[1:]
}
