// How values lie in memory, and which numbers stand for them in a call.

package main

import (
	"log"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

// layout gives the size and the alignment of a type in memory.
func (g *generator) layout(in *wit.Interface, t *wit.Type) (size, align int) {
	switch t.Kind {
	case wit.Primitive:
		size := map[string]int{"bool": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "s64": 8, "f32": 4, "f64": 8, "string": 8}[t.Name]
		if size == 0 {
			log.Fatalf("no layout for %s", t.Name)
		}
		if t.Name == "string" {
			return 8, 4
		}
		return size, size
	case wit.List:
		return 8, 4
	case wit.Option:
		return g.cases(in, []*wit.Type{nil, t.Elems[0]})
	case wit.Result:
		return g.cases(in, t.Elems)
	case wit.Tuple:
		return g.record(in, t.Elems)
	}
	from, def := g.wit.Resolve(in, t.Name)
	var types []*wit.Type
	for _, f := range def.Fields {
		types = append(types, f.Type)
	}
	switch def.Kind {
	case wit.Record:
		return g.record(from, types)
	case wit.Variant:
		return g.cases(from, types)
	}
	return 1, 1
}

func (g *generator) record(in *wit.Interface, types []*wit.Type) (size, align int) {
	align = 1
	for _, t := range types {
		s, a := g.layout(in, t)
		size = up(size, a) + s
		align = max(align, a)
	}
	return up(size, align), align
}

func (g *generator) cases(in *wit.Interface, types []*wit.Type) (size, align int) {
	align = 1
	for _, t := range types {
		if t != nil {
			s, a := g.layout(in, t)
			size, align = max(size, s), max(align, a)
		}
	}
	return up(align+size, align), align
}

func up(n, align int) int {
	return (n + align - 1) / align * align
}

func (g *generator) offsets(in *wit.Interface, types []*wit.Type) []int {
	var offsets []int
	at := 0
	for _, t := range types {
		size, align := g.layout(in, t)
		at = up(at, align)
		offsets = append(offsets, at)
		at += size
	}
	return offsets
}

// flat gives the types of the numbers that a type becomes as a parameter.
func (g *generator) flat(in *wit.Interface, t *wit.Type) []string {
	switch t.Kind {
	case wit.Primitive:
		switch t.Name {
		case "string":
			return []string{"uint32", "uint32"}
		case "u64", "s64":
			return []string{"uint64"}
		case "f32":
			return []string{"float32"}
		case "f64":
			return []string{"float64"}
		}
		return []string{"uint32"}
	case wit.List:
		return []string{"uint32", "uint32"}
	case wit.Option:
		return append([]string{"uint32"}, g.flat(in, t.Elems[0])...)
	case wit.Named:
		from, def := g.wit.Resolve(in, t.Name)
		switch def.Kind {
		case wit.Enum:
			return []string{"uint32"}
		case wit.Record:
			var all []string
			for _, f := range def.Fields {
				all = append(all, g.flat(from, f.Type)...)
			}
			return all
		}
	}
	log.Fatalf("%s has a parameter that cannot be flattened", in.Name)
	return nil
}

// flatMax is the number of parameters above which they stand in memory.
const flatMax = 16
