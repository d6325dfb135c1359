package wasm

import "fmt"

// renumber writes the code section anew, with other numbers for the functions below len(to), and with more bodies before
// all others.
func renumber(content []byte, to []int, bodies [][]byte) []byte {
	r := &reader{bytes: content}
	count := r.number()
	out := uleb(count + len(bodies))
	for _, body := range bodies {
		out = append(out, uleb(len(body))...)
		out = append(out, body...)
	}
	for range count {
		body := renumberBody(r.take(r.number()), to)
		out = append(out, uleb(len(body))...)
		out = append(out, body...)
	}
	return out
}

func renumberBody(body []byte, to []int) []byte {
	r := &reader{bytes: body}
	for range r.number() {
		r.number()
		r.byte()
	}
	var out []byte
	copied := 0
	for r.at < len(body) {
		op := r.byte()
		if op != call {
			skipImmediates(r, op)
			continue
		}
		at := r.at
		function := r.number()
		if function < len(to) && to[function] != function {
			out = append(append(out, body[copied:at]...), uleb(to[function])...)
			copied = r.at
		}
	}
	if out == nil {
		return body
	}
	return append(out, body[copied:]...)
}

const call = 0x10

// skipImmediates passes over what stands behind an instruction. What Go's compiler does not write is not known here.
func skipImmediates(r *reader, op byte) {
	switch {
	case op >= 0x02 && op <= 0x04: // block, loop, if
		r.skipNumber()
	case op == 0x0c || op == 0x0d: // br, br_if
		r.number()
	case op == 0x0e: // br_table
		for range r.number() + 1 {
			r.number()
		}
	case op == 0x11: // call_indirect
		r.number()
		r.number()
	case op >= 0x20 && op <= 0x24: // local and global
		r.number()
	case op >= 0x28 && op <= 0x3e: // load, store
		r.number()
		r.number()
	case op == 0x3f || op == 0x40: // memory.size, memory.grow
		r.byte()
	case op == 0x41 || op == 0x42: // i32.const, i64.const
		r.skipNumber()
	case op == 0x43:
		r.take(4)
	case op == 0x44:
		r.take(8)
	case op == 0x00 || op == 0x01 || op == 0x05 || op == 0x0b || op == 0x0f || op == 0x1a || op == 0x1b ||
		op >= 0x45 && op <= 0xc4:
	case op == 0xfc:
		switch sub := r.number(); {
		case sub <= 7: // saturating conversions
		case sub == 10: // memory.copy
			r.take(2)
		case sub == 11: // memory.fill
			r.take(1)
		default:
			panic(malformed(fmt.Sprintf("the instruction 0xfc %d is not known", sub)))
		}
	default:
		panic(malformed(fmt.Sprintf("the instruction 0x%02x is not known", op)))
	}
}
