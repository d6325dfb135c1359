package lifecycle

import (
	"errors"
	"strings"
	"testing"
)

type plugin struct {
	configured int
	err        error
}

func (p *plugin) Describe() Description { return Description{Name: "p"} }

func (p *plugin) Install(string) error {
	p.configured++
	return p.err
}

func TestAPluginOfTwoKindsIsConfiguredOnce(t *testing.T) {
	defer func() { plugins, after = nil, nil }()
	p, then := &plugin{}, 0
	Register(p, func() error { then++; return nil })
	Register(p, nil)
	if err := configure("{}"); err != nil || p.configured != 1 || then != 1 || describe().Name != "p" {
		t.Errorf("%v %d %d", err, p.configured, then)
	}
	p.err = errors.New("no")
	if err := configure("{}"); err == nil || then != 1 {
		t.Error("it goes on after a mistake")
	}
}

func recovered(f func()) (line string) {
	defer func() { line = words(recover(), place()) }()
	f()
	return ""
}

func TestPanicsAreTold(t *testing.T) {
	var none []int
	line := recovered(func() { _ = none[5] })
	if !strings.HasPrefix(line, "panicked at lifecycle_test.go:") || !strings.HasSuffix(line, ": runtime error: index out of range [5] with length 0") {
		t.Error(line)
	}
	line = recovered(func() { panic(errors.New("the text of an exchange")) })
	if strings.Contains(line, "the text") {
		t.Error(line)
	}
	if len(words(strings.Repeat("é", 9), strings.Repeat("é", lineBytesMax))) > lineBytesMax {
		t.Error("a line is too long")
	}
}
