// What prints the functions that read and write values in memory.

package main

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

// codecs prints what reads and writes each type.
func (g *generator) codecs() {
	for _, def := range g.in.Types {
		if def.Kind == wit.Use || g.special(def) {
			continue
		}
		name, load, store := g.typeName(def), g.codec("load", def), g.codec("store", def)
		var types []*wit.Type
		for _, f := range def.Fields {
			types = append(types, f.Type)
		}
		switch {
		case def.Kind == wit.Enum:
			g.p("func %s(at uint32) %s { return %s(abi.LoadByte(at)) }\n", load, name, name)
			g.p("func %s(at uint32, v %s) { abi.StoreByte(at, byte(v)) }\n", store, name)
		case def.Kind == wit.Record:
			offsets := g.offsets(g.in, types)
			g.p("func %s(at uint32) %s {\nreturn %s{", load, name, name)
			for i, f := range def.Fields {
				g.p("%s: %s,", field(f), g.load(g.in, f.Type, f.Name, plus(offsets[i])))
			}
			g.p("}\n}\n\nfunc %s(at uint32, v %s) {", store, name)
			for i, f := range def.Fields {
				g.p("%s", g.store(g.in, f.Type, f.Name, plus(offsets[i]), "v."+field(f)))
			}
			g.p("}\n")
		case isError(def):
			_, align := g.cases(g.in, types)
			var with []string
			for _, f := range def.Fields {
				if f.Type != nil {
					with = append(with, g.qualified(def)+camel(f.Name))
				}
			}
			g.p("func %s(at uint32) %s {\nv := %s{Case: %sCase(abi.LoadByte(at))}", load, name, name, name)
			g.p("switch v.Case {\ncase %s:\nv.Message = abi.LoadString(at + %d)\n}\nreturn v\n}\n", strings.Join(with, ", "), align)
			g.p("func %s(at uint32, v %s) {\nabi.StoreByte(at, byte(v.Case))", store, name)
			g.p("switch v.Case {\ncase %s:\nabi.StoreString(at + %d, v.Message)\n}\n}\n", strings.Join(with, ", "), align)
		case def.Kind == wit.Variant:
			_, align := g.cases(g.in, types)
			g.p("func %s(at uint32) %s {\nswitch abi.LoadByte(at) {", load, name)
			for i, f := range def.Fields {
				g.p("case %d:", i)
				if f.Type == nil {
					g.p("return %s%s{}", name, camel(f.Name))
				} else {
					g.p("return %s%s{Value: %s}", name, camel(f.Name), g.load(g.in, f.Type, "", plus(align)))
				}
			}
			g.p("}\nreturn nil\n}\n\nfunc %s(at uint32, v %s) {\nswitch v := v.(type) {", store, name)
			for i, f := range def.Fields {
				switch {
				case f.Type != nil:
					g.p("case %s%s:\nabi.StoreByte(at, %d)\n%s", name, camel(f.Name), i, g.store(g.in, f.Type, "", plus(align), "v.Value"))
				case i == 0:
					g.p("case nil, %s%s:\nabi.StoreByte(at, 0)", name, camel(f.Name))
				default:
					g.p("case %s%s:\nabi.StoreByte(at, %d)", name, camel(f.Name), i)
				}
			}
			g.p("}\n}\n")
		}
	}
	if g.in.Name == "types" {
		for _, tuple := range []*wit.Type{
			{Kind: wit.Tuple, Elems: []*wit.Type{{Name: "string"}, {Name: "string"}}},
			{Kind: wit.Tuple, Elems: []*wit.Type{{Name: "u32"}, {Kind: wit.Named, Name: "edit"}}},
		} {
			name, fields := tupleName(tuple), []string{"Name", "Value"}
			if name == "SegmentEdit" {
				fields = []string{"Segment", "Edit"}
			}
			offsets := g.offsets(g.in, tuple.Elems)
			g.p("func Load%s(at uint32) sluicegate.%s {\nreturn sluicegate.%s{", name, name, name)
			for i, elem := range tuple.Elems {
				g.p("%s: %s,", fields[i], g.load(g.in, elem, "", plus(offsets[i])))
			}
			g.p("}\n}\n\nfunc Store%s(at uint32, v sluicegate.%s) {", name, name)
			for i, elem := range tuple.Elems {
				g.p("%s", g.store(g.in, elem, "", plus(offsets[i]), "v."+fields[i]))
			}
			g.p("}\n")
		}
	}
}

func (g *generator) qualified(def *wit.TypeDef) string {
	if g.in.Name == "types" {
		return "sluicegate." + camel(def.Name)
	}
	return g.name(def.Name)
}

func (g *generator) typeName(def *wit.TypeDef) string { return g.qualified(def) }

// codec gives the name of the function that reads or writes a type of this interface.
func (g *generator) codec(verb string, def *wit.TypeDef) string {
	if g.in.Name == "types" {
		return camel(verb) + camel(def.Name)
	}
	return verb + g.name(def.Name)
}

func plus(offset int) string {
	if offset == 0 {
		return "at"
	}
	return fmt.Sprintf("at + %d", offset)
}

var primitiveNames = map[string]string{"bool": "Bool", "u8": "Byte", "u16": "U16", "u32": "U32", "u64": "U64", "s64": "S64",
	"f32": "F32", "f64": "F64", "string": "String"}

// codecOf gives the function that reads or writes a type without inner parts, or nothing.
func (g *generator) codecOf(verb string, in *wit.Interface, t *wit.Type, name string) string {
	switch t.Kind {
	case wit.Primitive:
		if isMilliseconds(t, name) {
			return "abi." + camel(verb) + "Ms" + t.Name[1:]
		}
		return "abi." + camel(verb) + primitiveNames[t.Name]
	case wit.Named:
		from, def := g.wit.Resolve(in, t.Name)
		if from.Name != "types" {
			return verb + g.name(def.Name)
		}
		if g.in.Name == "types" {
			return camel(verb) + camel(def.Name)
		}
		return "codec." + camel(verb) + camel(def.Name)
	case wit.Tuple:
		if g.in.Name == "types" {
			return camel(verb) + tupleName(t)
		}
		return "codec." + camel(verb) + tupleName(t)
	case wit.List:
		if t.Elems[0].Name == "u8" {
			return "abi." + camel(verb) + "Bytes"
		}
	}
	return ""
}

// goType is typeOf for codecs, which for the shared types are in another package than these.
func (g *generator) goType(in *wit.Interface, t *wit.Type, name string) string {
	text := g.typeOf(in, t, name)
	if g.in.Name != "types" {
		return text
	}
	bare := strings.TrimLeft(text, "[]*")
	if bare[0] >= 'A' && bare[0] <= 'Z' {
		return strings.TrimSuffix(text, bare) + "sluicegate." + bare
	}
	return text
}

func (g *generator) loader(in *wit.Interface, t *wit.Type, name string) string {
	if f := g.codecOf("load", in, t, name); f != "" {
		return f
	}
	return fmt.Sprintf("func(at uint32) %s { return %s }", g.goType(in, t, name), g.load(in, t, name, "at"))
}

func (g *generator) storer(in *wit.Interface, t *wit.Type, name string) string {
	if f := g.codecOf("store", in, t, name); f != "" {
		return f
	}
	return fmt.Sprintf("func(at uint32, v %s) { %s }", g.goType(in, t, name), g.store(in, t, name, "at", "v"))
}

func (g *generator) load(in *wit.Interface, t *wit.Type, name, at string) string {
	if f := g.codecOf("load", in, t, name); f != "" {
		return fmt.Sprintf("%s(%s)", f, at)
	}
	size, align := g.layout(in, t.Elems[0])
	if t.Kind == wit.List {
		return fmt.Sprintf("abi.LoadList(%s, %d, %s)", at, size, g.loader(in, t.Elems[0], name))
	}
	return fmt.Sprintf("abi.LoadOption(%s, %d, %s)", at, align, g.loader(in, t.Elems[0], name))
}

func (g *generator) store(in *wit.Interface, t *wit.Type, name, at, value string) string {
	if f := g.codecOf("store", in, t, name); f != "" {
		return fmt.Sprintf("%s(%s, %s)", f, at, value)
	}
	size, align := g.layout(in, t.Elems[0])
	if t.Kind == wit.List {
		return fmt.Sprintf("abi.StoreList(%s, %s, %d, %d, %s)", at, value, size, align, g.storer(in, t.Elems[0], name))
	}
	return fmt.Sprintf("abi.StoreOption(%s, %s, %d, %s)", at, value, align, g.storer(in, t.Elems[0], name))
}
