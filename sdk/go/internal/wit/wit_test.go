package wit

import (
	"bytes"
	"testing"
)

func contract(t *testing.T) *Package {
	t.Helper()
	for _, dir := range []string{"../../wit", "../../../../wit"} {
		if pkg, err := Load(dir); err == nil {
			return pkg
		}
	}
	t.Fatal("there is no contract")
	return nil
}

func TestTheContractIsRead(t *testing.T) {
	pkg := contract(t)
	if pkg.ID("log") != "sluicegate:plugin/log@0.1.0" {
		t.Error(pkg.ID("log"))
	}
	in, def := pkg.Resolve(pkg.Interface("router"), "finding")
	if in.Name != "types" || def.Kind != Record || def.Fields[1].Type.Kind != Option {
		t.Errorf("%+v", def)
	}
	prefilter := pkg.Interface("patterns").Funcs[2]
	if r := prefilter.Result; r.Kind != Result || r.Elems[0] != nil || r.Elems[1].Name != "string" {
		t.Errorf("%+v", prefilter.Result)
	}
	if len(prefilter.Docs) != 5 {
		t.Error(prefilter.Docs)
	}
}

func TestMistakesAreTold(t *testing.T) {
	for _, text := range []string{"interface a {", "interface a { f: func( }", "nonsense", "interface a { record b c }"} {
		if err := new(Package).Read(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestATypeIsDeclaredOnce(t *testing.T) {
	pkg := new(Package)
	if err := pkg.Read("package a:b@1.0.0; interface c { f: func(x: list<u8>, y: list<u8>) -> option<list<u8>>; }"); err != nil {
		t.Fatal(err)
	}
	encoded, err := pkg.ComponentType([]string{"c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(encoded, []byte{0x70, 0x7d}); n != 1 {
		t.Errorf("list<u8> is declared %d times", n)
	}
	if _, err := pkg.ComponentType([]string{"d"}, nil); err == nil {
		t.Error("an interface that is not there is imported")
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64][]byte{0: {0}, 63: {63}, 64: {0xc0, 0}, -1: {0x7f}, 128: {0x80, 1}} {
		if got := Sleb(n); !bytes.Equal(got, want) {
			t.Errorf("%d: %x", n, got)
		}
	}
	if got := Uleb(300); !bytes.Equal(got, []byte{0xac, 2}) {
		t.Errorf("%x", got)
	}
}
