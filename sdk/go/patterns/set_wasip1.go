package patterns

import (
	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
	"github.com/sluicegate/sluicegate/sdk/go/internal/codec"
)

type hostSet int

func compile(expressions []string) (hostSet, error) {
	set, err := hostCompile(expressions)
	return hostSet(set), err
}

func (s hostSet) find(text string) []Match {
	return hostFind(int(s), text)
}

func (s hostSet) prefilter(tail string) error {
	if tail == "" {
		return hostPrefilter(int(s), nil)
	}
	return hostPrefilter(int(s), &tail)
}

func loadMatch(at uint32) Match {
	return Match{Expression: abi.LoadU32(at), Span: codec.LoadSpan(at + 4)}
}
