package wasm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

// Plugin makes a plugin of a core module that Go's linker has written.
func Plugin(core []byte, contract *wit.Package) ([]byte, error) {
	m, err := Parse(core)
	if err != nil {
		return nil, err
	}
	if err := m.TakeOutWASI(); err != nil {
		return nil, fmt.Errorf("taking WASI out: %w", err)
	}
	imports, exports, err := m.interfaces(contract)
	if err != nil {
		return nil, err
	}
	component, err := contract.ComponentType(imports, exports)
	if err != nil {
		return nil, err
	}
	m.DropCustom()
	m.AddCustom("component-type:"+wit.World, component)
	return m.Bytes(), nil
}

// interfaces gives those of the contract that the module imports and exports, in the contract's order.
func (m *Module) interfaces(contract *wit.Package) (imports, exports []string, err error) {
	prefix, suffix := contract.Name+"/", "@"+contract.Version
	imported, exported := map[string]bool{}, map[string]bool{}
	for _, i := range m.Imports {
		name, ok := strings.CutPrefix(i.Module, prefix)
		name, versioned := strings.CutSuffix(name, suffix)
		if !ok || !versioned {
			return nil, nil, fmt.Errorf("it imports %s of %s, which no gateway has", i.Name, i.Module)
		}
		imported[name] = true
	}
	for _, name := range m.Exports {
		if name, ok := strings.CutPrefix(name, prefix); ok {
			name, _, _ := strings.Cut(name, suffix+"#")
			exported[name] = true
		}
	}
	if len(exported) < 2 {
		return nil, nil, errors.New("it serves no kind: call Serve of textguardrail, requestguardrail, answerguardrail, router or cache in init")
	}
	for _, in := range contract.Interfaces {
		if imported[in.Name] {
			imports = append(imports, in.Name)
		}
		if exported[in.Name] {
			exports = append(exports, in.Name)
		}
	}
	if len(imports) < len(imported) || len(exports) < len(exported) {
		known := slices.Concat(imports, exports)
		return nil, nil, fmt.Errorf("the contract has less than it imports and exports: only %s", strings.Join(known, ", "))
	}
	return imports, exports, nil
}
