// Command sluicegate-build makes a plugin of a main package:
//
//	go tool sluicegate-build [-o NAME.wasm] [DIR]
//
// It has Go build a core module, takes WASI out of it, and puts the component type in: the interfaces of the
// contract that the module imports and exports, and no others. The gateway wraps it as a component when it loads it.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluicegate/sluicegate/sdk/go/internal/wasm"
	"github.com/sluicegate/sluicegate/sdk/go/internal/wit"
)

const sdk = "github.com/sluicegate/sluicegate/sdk/go"

func main() {
	out := flag.String("o", "", "the file to write; by default the name of the package with .wasm, in its directory")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Usage: sluicegate-build [-o FILE] [DIR]")
		flag.PrintDefaults()
	}
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := build(dir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "sluicegate-build:", err)
		os.Exit(1)
	}
}

func build(dir, out string) error {
	contract, err := contract(dir)
	if err != nil {
		return err
	}
	if out == "" {
		path, err := ask(dir, "list", "-f", "{{.ImportPath}}", ".")
		if err != nil {
			return err
		}
		out = filepath.Join(dir, path[strings.LastIndex(path, "/")+1:]+".wasm")
	}
	scratch, err := os.MkdirTemp("", "sluicegate-build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	core := filepath.Join(scratch, "core.wasm")
	// Without paths of this machine in it, the same source makes the same bytes.
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-buildmode=c-shared", "-o", core, ".")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWASM=")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	bytes, err := os.ReadFile(core)
	if err != nil {
		return err
	}
	plugin, err := wasm.Plugin(bytes, contract)
	if err != nil {
		return err
	}
	return os.WriteFile(out, plugin, 0o644)
}

// contract reads the contract that lies in the SDK's folder, or two above it.
func contract(dir string) (*wit.Package, error) {
	root, err := ask(dir, "list", "-m", "-f", "{{.Dir}}", sdk)
	if err != nil {
		return nil, err
	}
	for _, place := range []string{"wit", "../../wit"} {
		place = filepath.Join(root, place)
		if _, err := os.Stat(place); err == nil {
			return wit.Load(place)
		}
	}
	return nil, fmt.Errorf("there is no contract: %s has no folder wit", root)
}

func ask(dir string, args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Dir = dir
	command.Stderr = os.Stderr
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(said)), nil
}
