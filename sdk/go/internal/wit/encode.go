package wit

import "fmt"

// The bytes of the binary format of components; see Binary.md of the component model.
var primitives = map[string]byte{
	"bool": 0x7f, "s8": 0x7e, "u8": 0x7d, "s16": 0x7c, "u16": 0x7b, "s32": 0x7a, "u32": 0x79, "s64": 0x78,
	"u64": 0x77, "f32": 0x76, "f64": 0x75, "char": 0x74, "string": 0x73,
}

// World names the world that a component type describes.
const World = "plugin-in-go"

// ComponentType encodes a world that imports and exports these interfaces, for the custom section `component-type` of
// a core module. What turns the module into a component reads it there.
func (p *Package) ComponentType(imports, exports []string) ([]byte, error) {
	w := &world{pkg: p, instances: map[string]int{}, aliases: map[string]int{}}
	for _, name := range imports {
		if err := w.needs(name); err != nil {
			return nil, err
		}
		if err := w.add(name, 0x03); err != nil {
			return nil, err
		}
	}
	for _, name := range exports {
		if err := w.needs(name); err != nil {
			return nil, err
		}
		if err := w.add(name, 0x04); err != nil {
			return nil, err
		}
	}
	var outer decls
	outer.add(append([]byte{0x01, 0x41}, w.vector()...))
	outer.add(append(append([]byte{0x04}, externName(p.ID(World))...), 0x04, 0x00))

	component := []byte("\x00asm\x0d\x00\x01\x00")
	component = section(component, 0, append(text("wit-component-encoding"), 0x04, 0x00))
	component = section(component, 7, append([]byte{0x01, 0x41}, outer.vector()...))
	component = section(component, 11, append(append([]byte{0x01}, externName(World)...), 0x03, 0x00, 0x00))
	return component, nil
}

// decls are the declarations of a component type or an instance type, in their order.
type decls struct {
	bytes []byte
	count int
	// types is how many of them have made a type.
	types int
}

func (d *decls) add(bytes []byte) {
	d.bytes = append(d.bytes, bytes...)
	d.count++
}

// addType adds a declaration that makes a type, and gives the number of that.
func (d *decls) addType(bytes []byte) int {
	d.add(bytes)
	d.types++
	return d.types - 1
}

func (d *decls) vector() []byte {
	return append(Uleb(uint64(d.count)), d.bytes...)
}

type world struct {
	decls
	pkg *Package
	// instances has the number of the instance for an interface.
	instances map[string]int
	// aliases has the number of the type for an interface's type.
	aliases map[string]int
}

// needs imports the interfaces whose types an interface uses.
func (w *world) needs(name string) error {
	in := w.pkg.Interface(name)
	if in == nil {
		return fmt.Errorf("the contract has no interface %s", name)
	}
	for _, def := range in.Types {
		if _, there := w.instances[def.From]; def.Kind != Use || there {
			continue
		}
		if err := w.needs(def.From); err != nil {
			return err
		}
		if err := w.add(def.From, 0x03); err != nil {
			return err
		}
	}
	return nil
}

// add adds an interface: 0x03 imports and 0x04 exports it.
func (w *world) add(name string, direction byte) error {
	in := w.pkg.Interface(name)
	i := &instance{world: w, in: in, named: map[string]int{}, made: map[string]int{}}
	for _, def := range in.Types {
		if err := i.define(def); err != nil {
			return err
		}
	}
	for _, f := range in.Funcs {
		if err := i.function(f); err != nil {
			return err
		}
	}
	at := w.addType(append([]byte{0x01, 0x42}, i.vector()...))
	w.bind(direction, name, at)
	w.instances[name] = len(w.instances)
	return nil
}

func (w *world) bind(direction byte, name string, at int) {
	bytes := append([]byte{direction}, externName(w.pkg.ID(name))...)
	w.decls.add(append(append(bytes, 0x05), Uleb(uint64(at))...))
}

// alias gives the number of a type of an interface that is imported.
func (w *world) alias(from, name string) int {
	key := from + "." + name
	if at, there := w.aliases[key]; there {
		return at
	}
	bytes := append([]byte{0x02, 0x03, 0x00}, Uleb(uint64(w.instances[from]))...)
	w.aliases[key] = w.addType(append(bytes, text(name)...))
	return w.aliases[key]
}

type instance struct {
	decls
	world *world
	in    *Interface
	// named has the number of the type for a name.
	named map[string]int
	// made has the number for the bytes of a type without a name.
	made map[string]int
}

func (i *instance) define(def *TypeDef) error {
	var at int
	switch def.Kind {
	case Use:
		outer := i.world.alias(def.From, def.Name)
		at = i.addType(append([]byte{0x02, 0x03, 0x02, 0x01}, Uleb(uint64(outer))...))
	default:
		bytes := []byte{0x01, map[Kind]byte{Record: 0x72, Variant: 0x71, Enum: 0x6d}[def.Kind]}
		bytes = append(bytes, Uleb(uint64(len(def.Fields)))...)
		for _, field := range def.Fields {
			bytes = append(bytes, text(field.Name)...)
			if def.Kind == Enum {
				continue
			}
			t, err := i.optional(field.Type, def.Kind == Variant)
			if err != nil {
				return err
			}
			bytes = append(bytes, t...)
			if def.Kind == Variant {
				bytes = append(bytes, 0x00)
			}
		}
		at = i.addType(bytes)
	}
	bytes := append([]byte{0x04}, externName(def.Name)...)
	i.named[def.Name] = i.addType(append(append(bytes, 0x03, 0x00), Uleb(uint64(at))...))
	return nil
}

func (i *instance) function(f *Func) error {
	bytes := append([]byte{0x01, 0x40}, Uleb(uint64(len(f.Params)))...)
	for _, param := range f.Params {
		t, err := i.value(param.Type)
		if err != nil {
			return err
		}
		bytes = append(append(bytes, text(param.Name)...), t...)
	}
	if f.Result == nil {
		bytes = append(bytes, 0x01, 0x00)
	} else {
		t, err := i.value(f.Result)
		if err != nil {
			return err
		}
		bytes = append(append(bytes, 0x00), t...)
	}
	at := i.addType(bytes)
	bytes = append([]byte{0x04}, externName(f.Name)...)
	i.add(append(append(bytes, 0x01), Uleb(uint64(at))...))
	return nil
}

// value gives a type where it is used; types that it consists of are declared before.
func (i *instance) value(t *Type) ([]byte, error) {
	var bytes []byte
	switch t.Kind {
	case Primitive:
		return []byte{primitives[t.Name]}, nil
	case Named:
		at, there := i.named[t.Name]
		if !there {
			return nil, fmt.Errorf("%s has no type %s before it is used", i.in.Name, t.Name)
		}
		return Sleb(int64(at)), nil
	case List:
		bytes = []byte{0x70}
	case Option:
		bytes = []byte{0x6b}
	case Result:
		bytes = []byte{0x6a}
	case Tuple:
		bytes = append([]byte{0x6f}, Uleb(uint64(len(t.Elems)))...)
	default:
		return nil, fmt.Errorf("cannot encode a type of kind %d", t.Kind)
	}
	for _, elem := range t.Elems {
		inner, err := i.optional(elem, t.Kind == Result)
		if err != nil {
			return nil, err
		}
		bytes = append(bytes, inner...)
	}
	at, there := i.made[string(bytes)]
	if !there {
		at = i.addType(append([]byte{0x01}, bytes...))
		i.made[string(bytes)] = at
	}
	return Sleb(int64(at)), nil
}

// optional is value for a type that may be absent, which a byte before it says.
func (i *instance) optional(t *Type, mayBeAbsent bool) ([]byte, error) {
	if !mayBeAbsent {
		return i.value(t)
	}
	if t == nil {
		return []byte{0x00}, nil
	}
	bytes, err := i.value(t)
	return append([]byte{0x01}, bytes...), err
}

func externName(name string) []byte {
	return append([]byte{0x00}, text(name)...)
}

func text(text string) []byte {
	return append(Uleb(uint64(len(text))), text...)
}

func section(to []byte, id byte, content []byte) []byte {
	return append(append(append(to, id), Uleb(uint64(len(content)))...), content...)
}

// Uleb encodes an unsigned number, seven bits in a byte.
func Uleb(n uint64) []byte {
	var out []byte
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(out, byte(n))
}

// Sleb encodes a signed number, seven bits in a byte.
func Sleb(n int64) []byte {
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
