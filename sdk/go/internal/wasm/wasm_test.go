package wasm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

const contract = "package a:b@1.0.0; interface log { write: func(); } interface lifecycle { f: func(); } interface router { f: func(); }"

func section(id byte, content ...byte) []byte {
	return append(append([]byte{id}, uleb(len(content))...), content...)
}

// module is a core module that calls its first import, of WASI, and its second, of the contract, and exports what calls them.
func module(wasiFunction string) []byte {
	imports := slices.Concat([]byte{2}, text(wasi), text(wasiFunction), []byte{0, 0}, text("a:b/log@1.0.0"), text("write"), []byte{0, 0})
	exports := slices.Concat([]byte{3},
		text("a:b/lifecycle@1.0.0#f"), []byte{0, 2}, text("a:b/router@1.0.0#f"), []byte{0, 2}, text("memory"), []byte{2, 0})
	body := []byte{0, call, 0, call, 1, call, 2, end}
	code := append([]byte{1, byte(len(body))}, body...)
	return slices.Concat([]byte(header),
		section(typeSection, 1, 0x60, 0, 0),
		section(importSection, imports...),
		section(functionSection, 1, 0),
		section(5, 1, 0, 1),
		section(globalSection, 0),
		section(exportSection, exports...),
		section(codeSection, code...),
		section(customSection, text("name")...))
}

func TestWASIIsTakenOut(t *testing.T) {
	m, err := Parse(module("proc_exit"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Bytes(), module("proc_exit")) {
		t.Error("what is read is not what is written")
	}
	if err := m.TakeOutWASI(); err != nil {
		t.Fatal(err)
	}
	if len(m.Imports) != 1 || m.Imports[0].Name != "write" {
		t.Errorf("%+v", m.Imports)
	}
	// The import is number 0 now, the stand-in number 1 and the function itself still 2.
	want := []byte{2, 3, 0, unreachable, end, 8, 0, call, 1, call, 0, call, 2, end}
	if got := m.section(codeSection).Content; !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

func TestAPluginIsMade(t *testing.T) {
	pkg := new(wit.Package)
	if err := pkg.Read(contract); err != nil {
		t.Fatal(err)
	}
	plugin, err := Plugin(module("proc_exit"), pkg)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(plugin)
	if err != nil {
		t.Fatal(err)
	}
	last := m.Sections[len(m.Sections)-1]
	if !strings.Contains(string(last.Content), "component-type:") || bytes.Contains(plugin, []byte("wasi")) {
		t.Errorf("%q", plugin)
	}
	for _, id := range []string{"a:b/log@1.0.0", "a:b/lifecycle@1.0.0", "a:b/router@1.0.0"} {
		if !bytes.Contains(last.Content, []byte(id)) {
			t.Errorf("%s is missing", id)
		}
	}
}

func TestWhatCannotBeAPluginIsTold(t *testing.T) {
	pkg := new(wit.Package)
	if err := pkg.Read(contract); err != nil {
		t.Fatal(err)
	}
	whole := module("proc_exit")
	for name, bytes := range map[string][]byte{
		"text":           []byte("hello"),
		"half":           whole[:len(whole)-8],
		"another import": bytes.Replace(whole, []byte("a:b/log@1"), []byte("a:c/log@1"), 1),
		"no kind":        bytes.Replace(whole, []byte("a:b/router"), []byte("a:c/router"), 1),
		"another type":   module("clock_time_get"),
	} {
		if _, err := Plugin(bytes, pkg); err == nil {
			t.Errorf("%s is made a plugin", name)
		}
	}
}

func TestFixedTextsAreTold(t *testing.T) {
	with := stands{clock: 5, told: 6, log: 3, fixedEnd: 4096}
	body := standIn("fd_write", signature{params: []byte(shapes["fd_write"]), results: []byte{i32}}, with)
	if !bytes.Contains(body, []byte{call, 3}) {
		t.Errorf("%x", body)
	}
	with.log = -1
	body = standIn("fd_write", signature{params: []byte(shapes["fd_write"]), results: []byte{i32}}, with)
	if bytes.Contains(body, []byte{call}) {
		t.Errorf("%x", body)
	}
	m := &Module{Sections: []Section{{ID: dataSection, Content: []byte{2, 0, i32Const, 0xff, 0x00, end, 2, 'a', 'b', 0, i32Const, 8, end, 1, 'c'}}}}
	if got := m.dataEnd(); got != 129 {
		t.Error(got)
	}
}

func TestInstructionsArePassedOver(t *testing.T) {
	body := slices.Concat([]byte{1, 2, i64}, // two locals
		[]byte{block, empty, 0x44, call, 0, call, 0, call, 0, call, 0}, // f64.const with calls in its bytes
		[]byte{0x43, call, 0, call, 0},
		[]byte{i32Const, 0x80, 0x10, i64Const, 0xff, 0x10},
		[]byte{0x0e, 2, call, 0, 0}, []byte{0x11, call, 0}, []byte{localGet, call}, []byte{i32Load, 2, call},
		[]byte{0xfc, 10, 0, 0, 0xfc, 11, 0, 0xfc, 2}, []byte{0x3f, 0, 0x6a, 0xc4},
		[]byte{call, 0, end, end})
	got := renumberBody(body, []int{300})
	want := slices.Concat(body[:len(body)-3], []byte{0xac, 0x02, end, end})
	if !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}
