// What prints the functions by which host and plugin call each other.

package main

import (
	"fmt"
	"log"
	"strings"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

// exports prints the functions that the host calls. Each calls one that is written by hand, with the same name.
func (g *generator) exports() {
	for _, f := range g.in.Funcs {
		var flat []string
		var types []*wit.Type
		for _, p := range f.Params {
			flat = append(flat, g.flat(g.in, p.Type)...)
			types = append(types, p.Type)
		}
		name := camel(f.Name)
		id := g.wit.ID(g.in.Name) + "#" + f.Name
		var params, args []string
		if len(flat) > flatMax {
			params = append(params, "at uint32")
			offsets := g.offsets(g.in, types)
			for i, p := range f.Params {
				args = append(args, g.load(g.in, p.Type, p.Name, plus(offsets[i])))
			}
		} else {
			for _, p := range f.Params {
				local := camelLower(p.Name)
				params = append(params, local+"At, "+local+"Count uint32")
				switch {
				case p.Type.Kind == wit.List:
					size, _ := g.layout(g.in, p.Type.Elems[0])
					args = append(args, fmt.Sprintf("abi.List(%sAt, %sCount, %d, %s)", local, local, size, g.loader(g.in, p.Type.Elems[0], "")))
				case p.Type.Name == "string":
					args = append(args, fmt.Sprintf("abi.String(%sAt, %sCount)", local, local))
				default:
					log.Fatalf("%s has a parameter that is neither a list nor a text", id)
				}
			}
		}
		size, align := g.layout(g.in, f.Result)
		handler := camelLower(f.Name)
		guard := "defer lifecycle.Guard()"
		if g.target.pkg == "lifecycle" {
			guard = "defer Guard()"
		}
		g.p("//go:wasmexport %s\nfunc export%s(%s) uint32 {\n%s", id, name, strings.Join(params, ", "), guard)
		if f.Result.Kind != wit.Result {
			g.p("v := %s(%s)\nat := abi.Alloc(%d, %d)\n%s\nreturn at\n}\n", handler, strings.Join(args, ", "), size, align,
				g.store(g.in, f.Result, "", "at", "v"))
		} else {
			ok := f.Result.Elems[0]
			value := "v, err"
			if ok == nil {
				value = "err"
			}
			g.p("%s := %s(%s)\nto := abi.Alloc(%d, %d)\nif err != nil {\nabi.StoreByte(to, 1)", value, handler, strings.Join(args, ", "), size, align)
			if f.Result.Elems[1].Name == "string" {
				g.p("abi.StoreString(to + %d, err.Error())", align)
			} else {
				g.p("codec.StorePluginError(to + %d, sluicegate.AsPluginError(err))", align)
			}
			g.p("return to\n}")
			if ok != nil {
				g.p("%s", g.store(g.in, ok, "", fmt.Sprintf("to + %d", align), "v"))
			}
			g.p("return to\n}\n")
		}
		g.p("//go:wasmexport cabi_post_%s\nfunc release%s(uint32) {\nabi.Reset()\n}\n", id, name)
	}
}

// imports prints the functions of the host, for which natively there are stand-ins.
func (g *generator) imports() {
	for _, f := range g.in.Funcs {
		var flat, params, args []string
		var body strings.Builder
		for _, p := range f.Params {
			local := camelLower(p.Name)
			params = append(params, local+" "+g.typeOf(g.in, p.Type, p.Name))
			args = append(args, g.lower(&body, g.in, p.Type, p.Name, local)...)
			flat = append(flat, g.flat(g.in, p.Type)...)
		}
		name := camel(f.Name)
		returns, raw := "", ""
		inMemory := f.Result != nil && (f.Result.Kind != wit.Primitive || f.Result.Name == "string")
		if inMemory {
			flat = append(flat, "uint32")
			args = append(args, "to")
		} else if f.Result != nil {
			raw = g.flat(g.in, f.Result)[0]
			returns = raw
		}
		var rawParams []string
		for i, t := range flat {
			rawParams = append(rawParams, fmt.Sprintf("p%d %s", i, t))
		}
		g.p("//go:wasmimport %s %s\nfunc import%s(%s) %s\n", g.wit.ID(g.in.Name), f.Name, name, strings.Join(rawParams, ", "), raw)
		call := fmt.Sprintf("import%s(%s)", name, strings.Join(args, ", "))
		switch {
		case f.Result == nil:
			g.p("func host%s(%s) {\n%s%s\n}\n", name, strings.Join(params, ", "), body.String(), call)
		case !inMemory:
			g.p("func host%s(%s) %s {\n%sreturn %s\n}\n", name, strings.Join(params, ", "), returns, body.String(), call)
		case f.Result.Kind == wit.Result:
			size, align := g.layout(g.in, f.Result)
			body.WriteString(fmt.Sprintf("to := abi.Alloc(%d, %d)\n%s\n", size, align, call))
			at := fmt.Sprintf("to + %d", align)
			bad := g.load(g.in, f.Result.Elems[1], "", at)
			if f.Result.Elems[1].Name == "string" {
				bad = "hostError(" + bad + ")"
			} else {
				bad = "func() error { v := " + bad + "; return &v }()"
			}
			if ok := f.Result.Elems[0]; ok == nil {
				g.p("func host%s(%s) error {\n%sif abi.LoadByte(to) != 0 {\nreturn %s\n}\nreturn nil\n}\n", name,
					strings.Join(params, ", "), body.String(), bad)
			} else {
				g.p("func host%s(%s) (v %s, err error) {\n%sif abi.LoadByte(to) != 0 {\nreturn v, %s\n}\nreturn %s, nil\n}\n", name,
					strings.Join(params, ", "), g.typeOf(g.in, ok, ""), body.String(), bad, g.load(g.in, ok, "", at))
			}
		default:
			size, align := g.layout(g.in, f.Result)
			g.p("func host%s(%s) %s {\n%sto := abi.Alloc(%d, %d)\n%s\nreturn %s\n}\n", name, strings.Join(params, ", "),
				g.typeOf(g.in, f.Result, ""), body.String(), size, align, call, g.load(g.in, f.Result, "", "to"))
		}
	}
	if strings.Contains(g.out.String(), "hostError(") {
		g.p("// hostError is what the host says of a failure.\ntype hostError string\n\nfunc (e hostError) Error() string { return string(e) }\n")
	}
}

// lower prints what makes a parameter ready, and gives the numbers that stand for it.
func (g *generator) lower(body *strings.Builder, in *wit.Interface, t *wit.Type, name, value string) []string {
	local := strings.ReplaceAll(value, ".", "")
	switch t.Kind {
	case wit.Primitive:
		switch {
		case t.Name == "string":
			fmt.Fprintf(body, "%sAt, %sSize := abi.PinString(%s)\n", local, local, value)
			return []string{local + "At", local + "Size"}
		case t.Name == "u32":
			return []string{"abi.U32(" + value + ")"}
		}
		return []string{g.flat(in, t)[0] + "(" + value + ")"}
	case wit.List:
		if t.Elems[0].Name == "u8" {
			fmt.Fprintf(body, "%sAt, %sSize := abi.PinBytes(%s)\n", local, local, value)
		} else {
			size, align := g.layout(in, t.Elems[0])
			fmt.Fprintf(body, "%sAt, %sSize := abi.LowerList(%s, %d, %d, %s)\n", local, local, value, size, align, g.storer(in, t.Elems[0], ""))
		}
		return []string{local + "At", local + "Size"}
	case wit.Option:
		if t.Elems[0].Name == "string" {
			fmt.Fprintf(body, "%sSome, %sAt, %sSize := abi.PinOption(%s)\n", local, local, local, value)
			return []string{local + "Some", local + "At", local + "Size"}
		}
		if isMilliseconds(t.Elems[0], name) {
			fmt.Fprintf(body, "%sSome, %sValue := uint32(0), uint64(0)\nif %s != nil {\n%sSome, %sValue = 1, abi.Milliseconds(*%s)\n}\n",
				local, local, value, local, local, value)
			return []string{local + "Some", local + "Value"}
		}
	case wit.Named:
		from, def := g.wit.Resolve(in, t.Name)
		switch def.Kind {
		case wit.Enum:
			return []string{"uint32(" + value + ")"}
		case wit.Record:
			var all []string
			for _, f := range def.Fields {
				all = append(all, g.lower(body, from, f.Type, f.Name, value+"."+field(f))...)
			}
			return all
		}
	}
	log.Fatalf("%s: cannot lower %s", in.Name, name)
	return nil
}
